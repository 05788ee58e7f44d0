//! The carrier is restored from a backup: its log goes back to an earlier point, and a new log epoch says so (contract 4e).

use jiff::Timestamp;

use crate::random;
use crate::state::Store;
use crate::state::tender::Tender;
use crate::state::transitions::State;

impl Store {
    /// A new log epoch: cursors of the old one are void.
    pub fn new_epoch(&mut self) {
        self.log_epoch = random::id("epoch-");
    }

    /// Loses the last commits, as far back as they are remembered; answers with how many. Answers by idempotency key are
    /// gone with them, and what was pending is decided again.
    pub fn restore(&mut self, commits: usize, now: Timestamp) -> usize {
        let mut lost = 0;
        while lost < commits
            && let Some(undone) = self.commits.undo()
        {
            if let Some(before) = undone.before {
                self.tenders.put(before);
            } else {
                self.tenders.remove(&undone.key);
            }
            if undone.event {
                self.feed.pop();
            }
            lost += 1;
        }
        self.new_epoch();
        self.keys.forget();
        self.forget_done();
        let guaranteed = |t: &&Tender| t.counter.as_ref().is_some_and(|counter| counter.firm);
        let taken = self.tenders.all().filter(|t| t.state.holds_capacity() || guaranteed(t));
        self.stock.recount(taken.filter_map(|t| t.capacity_id.as_deref()));
        self.subscriptions.truncate(self.feed.len());
        let open: Vec<_> = self.tenders().filter(|t| t.state == State::Pending).map(|t| t.key.clone()).collect();
        for key in open {
            self.plan_decision(&key, now);
        }
        lost
    }
}
