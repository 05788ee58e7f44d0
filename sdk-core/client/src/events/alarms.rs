//! What does not mend itself and needs a person (contract 4b, 4e, 4g): a gap that stays open, a history that differs, a load
//! that two carriers may come for. Each is told once, as long as it lasts: `tracing`, target `gladhand::alarm`. What stands open
//! now, [`Store::attention`](crate::journal::Store::attention) counts.

use std::collections::BTreeSet;
use std::time::Duration;

use gladhand_documents::error::Result;

use crate::core::Core;
use crate::journal::rows::Attention;

/// How long a gap may stay open although it is pulled (contract 4e).
pub(crate) const GAP_ALARM: Duration = Duration::from_secs(60);

/// What was told already.
#[derive(Debug, Default)]
pub(crate) struct Alarms(BTreeSet<(&'static str, String)>);

impl Alarms {
    /// Looks, and tells what is new.
    pub(crate) async fn look(&mut self, core: &Core) -> Result<()> {
        let before = core.clock.now().as_millisecond() - i64::try_from(GAP_ALARM.as_millis()).unwrap_or(0);
        let attention = core.journal.run(move |store| store.attention(before)).await?;
        for (alarm, tender) in self.fresh(&attention) {
            let runbook = match alarm {
                "gap_open" => "the carrier's events do not come, neither pushed nor pulled",
                "duplicate_tender" => "it may be live again while another tender holds its load: two carriers may come",
                _ => "the histories differ: frozen, and its load stays held",
            };
            tracing::error!(target: "gladhand::alarm", alarm, tender, "{runbook}");
        }
        Ok(())
    }

    /// What was not there at the last look. What has gone is forgotten, and told again if it comes back.
    fn fresh(&mut self, attention: &Attention) -> Vec<(&'static str, String)> {
        let kinds = [
            ("gap_open", &attention.stale_gaps),
            ("history_diverged", &attention.diverged),
            ("duplicate_tender", &attention.duplicates),
        ];
        let now: BTreeSet<_> =
            kinds.into_iter().flat_map(|(alarm, ids)| ids.iter().map(move |id| (alarm, id.clone()))).collect();
        let fresh = now.difference(&self.0).cloned().collect();
        self.0 = now;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_while_it_lasts() {
        let mut alarms = Alarms::default();
        let gap = Attention { stale_gaps: vec!["t-1".to_owned()], ..Attention::default() };
        let frozen = Attention { diverged: vec!["t-1".to_owned()], duplicates: vec!["t-1".to_owned()], ..gap.clone() };
        assert_eq!(alarms.fresh(&gap), [("gap_open", "t-1".to_owned())]);
        assert!(alarms.fresh(&gap).is_empty());
        assert_eq!(alarms.fresh(&frozen).len(), 2, "a duplicate is told beside the divergence");
        assert!(alarms.fresh(&Attention::default()).is_empty());
        assert_eq!(alarms.fresh(&gap).len(), 1, "another gap is told again");
    }
}
