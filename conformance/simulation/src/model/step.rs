//! Every step out of a state: what the network, the carriers, the clock, the dispatcher and the driver may do next.

use std::fmt;

use gladhand::{Error, Sent};
use gladhand_documents::error::Code;
use gladhand_protocol::tender::answer::{Proof, judge};
use gladhand_protocol::tender::recovery::{Facts, ReadBack, Recovery, decide};
use gladhand_protocol::tender::state::{Step, released, terminal};
use gladhand_protocol::tender::transitions::STATES;
use jiff::{SignedDuration, Timestamp};

use super::search::{Bounds, Flaw};
use super::state::{Ask, Intent, Message, Ours, Place, Say, Theirs, Whole};
use crate::oracle::Oracle;

/// Events by which a carrier moves a tender, in the words of the matrix. The TMS's wishes come as requests.
pub(crate) const EVENTS: [&str; 13] = [
    "tender.received",
    "tender.accepted",
    "tender.rejected",
    "tender.countered",
    "tender.expired",
    "tender.withdrawn",
    "tender.counter_accepted",
    "dispatch.created",
    "dispatch.released",
    "shipment.departed_pickup",
    "shipment.delivered",
    "tender.cancelled",
    "shipment.aborted",
];

fn event(name: &str) -> u8 {
    EVENTS.iter().position(|known| *known == name).unwrap_or(EVENTS.len()) as u8
}

/// What a step is called: who and what, of which tender or message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name(&'static str, Option<u8>, Option<Message>);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.1, self.2) {
            (_, Some(message)) => write!(f, "{}: {message:?}", self.0),
            (Some(number), _) => write!(f, "{} ({number})", self.0),
            _ => f.write_str(self.0),
        }
    }
}

/// A step: what it is called, whether it is one of a fair world without faults and wishes, and where it leads.
pub(crate) type Out = (Name, bool, Whole);

/// What steps are made with.
pub(crate) struct Steps {
    bounds: Bounds,
    flaw: Flaw,
    /// By state and event, where the matrix leads.
    after: Vec<Vec<Option<Place>>>,
    /// By event, what the fold of the protocol takes it for.
    fold: Vec<Step>,
}

impl Steps {
    pub(crate) fn new(bounds: Bounds, flaw: Flaw, oracle: &Oracle) -> Self {
        let row = |from: &str| EVENTS.iter().map(|name| oracle.after(from, name).map(|to| Place::named(&to))).collect();
        Self {
            bounds,
            flaw,
            after: STATES.iter().map(|state| row(state.state.as_str())).collect(),
            fold: EVENTS.iter().map(|name| Step::of(&format!("gladhand.{name}.v1"))).collect(),
        }
    }

    /// Where the matrix leads.
    fn after(&self, from: Place, name: &str) -> Option<Place> {
        self.after[usize::from(from.0)][usize::from(event(name))]
    }

    /// Every step out of a state. An error is a breach of the matrix.
    pub(crate) fn of(&self, whole: &Whole) -> Result<Vec<Out>, String> {
        let mut out = Vec::new();
        self.network(whole, &mut out)?;
        self.carriers(whole, &mut out)?;
        self.tms(whole, &mut out);
        if !whole.late {
            out.push((Name("time passes", None, None), true, Whole { late: true, ..whole.clone() }));
        }
        if whole.deaths < self.bounds.deaths {
            let mut next = Whole { deaths: whole.deaths + 1, ..whole.clone() };
            for tender in 0..2_u8 {
                next.hang_up(tender);
                if let Some(ours) = &mut next.ours[usize::from(tender)] {
                    (ours.awaits, ours.next) = (None, None);
                }
            }
            out.push((Name("the TMS dies and comes back", None, None), false, next));
        }
        Ok(out)
    }

    fn network(&self, whole: &Whole, out: &mut Vec<Out>) -> Result<(), String> {
        for at in 0..whole.network.len() {
            let mut without = whole.clone();
            let message = without.network.remove(at);
            let mut arrived = without.clone();
            self.arrive(&mut arrived, message)?;
            out.push((Name("arrives", None, Some(message)), true, arrived));
            out.push((Name("lost", None, Some(message)), false, without));
            // A copy goes on; its answer is nobody's.
            let copy = match message {
                Message::Request { tender, ask, .. } if ask != Ask::Read => {
                    Message::Request { tender, ask, awaited: false }
                }
                Message::Event { .. } => message,
                _ => continue,
            };
            let mut twice = whole.clone();
            twice.network.remove(at);
            self.arrive(&mut twice, message)?;
            twice.send(copy, self.bounds.messages);
            out.push((Name("arrives and is repeated", None, Some(message)), false, twice));
        }
        Ok(())
    }

    fn arrive(&self, whole: &mut Whole, message: Message) -> Result<(), String> {
        match message {
            Message::Request { tender, ask, awaited } => {
                let say = self.serve(whole, tender, ask)?;
                if awaited {
                    whole.send(Message::Answer { tender, ask, say }, self.bounds.messages);
                }
            }
            Message::Answer { tender, ask, say } => self.answered(whole, tender, ask, say),
            Message::Event { tender, sequence, event } => {
                if let Some(ours) = &mut whole.ours[usize::from(tender)]
                    && sequence == ours.sequence + 1
                {
                    // Of a refusal there is an answer, which stands until the events come.
                    let from = if ours.sequence == 0 { Place::named("offer") } else { ours.state };
                    let Some(to) = self.fold[usize::from(event)].from(from.state()) else {
                        return Err(format!(
                            "the fold refuses {} from {}",
                            EVENTS[usize::from(event)],
                            ours.state.name()
                        ));
                    };
                    (ours.state, ours.sequence, ours.proven) = (Place::of(&to), sequence, true);
                }
            }
        }
        Ok(())
    }

    /// The carrier's side of a request.
    fn serve(&self, whole: &mut Whole, tender: u8, ask: Ask) -> Result<Say, String> {
        let at = usize::from(tender);
        let Some(theirs) = whole.theirs[at] else {
            return Ok(match ask {
                Ask::Read => Say::Absent,
                Ask::TakeCounter => Say::TooLate,
                Ask::Withdraw => {
                    let tombstone = Theirs { state: Place::named("withdrawn"), sequence: 0 };
                    whole.theirs[at] = Some(tombstone);
                    Say::Snapshot(tombstone.state, 0)
                }
                Ask::Create => {
                    let lane = whole.ours[at].map(|ours| ours.lane);
                    let rival = (0..2).any(|other| {
                        other != at
                            && whole.ours[other].map(|ours| ours.lane) == lane
                            && whole.theirs[other].is_some_and(|theirs| theirs.state.live())
                    });
                    whole.theirs[at] = Some(Theirs { state: Place::named("offer"), sequence: 0 });
                    self.commit(whole, tender, "tender.received")?;
                    if whole.late || rival {
                        self.commit(whole, tender, "tender.rejected")?;
                        return Ok(Say::Refused { withdrawn: false });
                    }
                    snapshot(whole, at)
                }
            });
        };
        match ask {
            Ask::Create if theirs.sequence == 0 => return Ok(Say::Refused { withdrawn: true }),
            Ask::Withdraw if theirs.state.name() != "withdrawn" => match self.after(theirs.state, "tender.withdrawn") {
                Some(_) => self.commit(whole, tender, "tender.withdrawn")?,
                None => return Ok(Say::TooLate),
            },
            Ask::TakeCounter if theirs.state.name() == "countered" && !whole.late => {
                self.commit(whole, tender, "tender.counter_accepted")?;
                self.commit(whole, tender, "tender.accepted")?;
            }
            Ask::TakeCounter => return Ok(Say::TooLate),
            // Known by its id: the answer to a create is that of the first time, as far as it matters here.
            Ask::Read | Ask::Create | Ask::Withdraw => {}
        }
        Ok(snapshot(whole, at))
    }

    /// The carrier writes an event into its log, if the matrix lets it.
    fn commit(&self, whole: &mut Whole, tender: u8, name: &str) -> Result<(), String> {
        let Some(theirs) = &mut whole.theirs[usize::from(tender)] else { return Ok(()) };
        let Some(to) = self.after(theirs.state, name) else {
            return Err(format!("the matrix has no {name} from {}", theirs.state.name()));
        };
        *theirs = Theirs { state: to, sequence: theirs.sequence + 1 };
        let message = Message::Event { tender, sequence: theirs.sequence, event: event(name) };
        if self.bounds.events {
            whole.send(message, self.bounds.messages);
        }
        Ok(())
    }

    /// What the carriers do of their own accord.
    fn carriers(&self, whole: &Whole, out: &mut Vec<Out>) -> Result<(), String> {
        for tender in 0..2_u8 {
            let Some(theirs) = whole.theirs[usize::from(tender)] else { continue };
            if theirs.sequence == 0 || theirs.sequence >= self.bounds.log {
                continue;
            }
            for name in EVENTS {
                let own = match name {
                    "tender.received" | "tender.withdrawn" | "tender.counter_accepted" => false,
                    "tender.accepted" => theirs.state.name() == "pending" && !whole.late,
                    "tender.countered" => !whole.late,
                    "tender.expired" => whole.late,
                    _ => true,
                };
                if own && self.after(theirs.state, name).is_some() {
                    let mut next = whole.clone();
                    self.commit(&mut next, tender, name)?;
                    out.push((Name(name, Some(tender), None), name == "tender.expired", next));
                }
            }
        }
        Ok(())
    }

    fn tms(&self, whole: &Whole, out: &mut Vec<Out>) {
        self.begin(whole, out);
        for tender in 0..2_u8 {
            let Some(ours) = whole.ours[usize::from(tender)] else { continue };
            let mut with = |what: &'static str, fair: bool, change: &dyn Fn(&mut Ours), ask: Option<Ask>| {
                let mut next = whole.clone();
                if let Some(ours) = &mut next.ours[usize::from(tender)] {
                    change(ours);
                    if let Some(ask) = ask {
                        ours.awaits = Some(ask);
                        next.send(Message::Request { tender, ask, awaited: true }, self.bounds.messages);
                    }
                }
                out.push((Name(what, Some(tender), None), fair, next));
            };
            if let Some(ask) = ours.awaits {
                // Nobody answered in time: what that proves is the protocol's to say.
                let error = Error::new(Code::DeadlineExceeded, "nobody answered").sent(Sent::MaybeSent);
                let proof = judge(&error);
                let mut next = whole.clone();
                next.hang_up(tender);
                if let Some(ours) = &mut next.ours[usize::from(tender)] {
                    ours.awaits = None;
                    self.failed(ours, ask, proof);
                }
                out.push((Name("the TMS gives up waiting", Some(tender), None), true, next));
                continue;
            }
            match ours.next {
                Some(ask @ Ask::Create) => with("the TMS sends the same again", true, &|o| o.next = None, Some(ask)),
                Some(ask) => {
                    let open = |o: &mut Ours| {
                        o.next = None;
                        if !o.withdrawal.open() {
                            o.withdrawal = Intent::Open;
                        }
                    };
                    with("the TMS makes sure of it", true, &open, Some(ask));
                }
                None => {}
            }
            if ours.next.is_none() && ours.create.open() {
                with("the TMS reads back", true, &|_| {}, Some(Ask::Read));
            }
            if ours.withdrawal.open() && ours.next.is_none() {
                with("the TMS withdraws again", true, &|_| {}, Some(Ask::Withdraw));
            }
            let decided = terminal(ours.state.state());
            if ours.proven && !ours.create.open() && (!decided || ours.sequence == 0) {
                with("the TMS reads", true, &|_| {}, Some(Ask::Read));
                if ours.state.name() == "countered" {
                    with("the TMS takes the counter", false, &|_| {}, Some(Ask::TakeCounter));
                }
            }
            let undecided = matches!(ours.state.name(), "offer" | "pending" | "countered");
            if undecided && !ours.withdrawal.open() && ours.withdrawal == Intent::None {
                // A dispatcher may; past its time, the driver does.
                let open = |o: &mut Ours| o.withdrawal = Intent::Open;
                with("the TMS withdraws", whole.late, &open, Some(Ask::Withdraw));
            }
        }
    }

    /// A dispatcher gives the load to a carrier, if it is free.
    fn begin(&self, whole: &Whole, out: &mut Vec<Out>) {
        let Some(free) = whole.ours.iter().position(Option::is_none) else { return };
        if free >= self.bounds.tenders {
            return;
        }
        if whole.ours.iter().flatten().any(|ours| !released(ours.state.state(), true)) || whole.late {
            return;
        }
        // The first goes to the first carrier: the two are alike.
        for lane in 0..=free as u8 {
            let mut next = whole.clone();
            next.ours[free] = Some(Ours {
                lane,
                state: Place::named("offer"),
                sequence: 0,
                proven: false,
                create: Intent::Open,
                withdrawal: Intent::None,
                awaits: Some(Ask::Create),
                next: None,
            });
            let request = Message::Request { tender: free as u8, ask: Ask::Create, awaited: true };
            next.send(request, self.bounds.messages);
            out.push((Name("the TMS tenders to carrier", Some(lane), None), false, next));
        }
    }

    /// An attempt without a stored answer.
    fn failed(&self, ours: &mut Ours, ask: Ask, proof: Proof) {
        let intent = match ask {
            Ask::Create => &mut ours.create,
            Ask::Withdraw => &mut ours.withdrawal,
            Ask::Read | Ask::TakeCounter => return,
        };
        if !intent.open() {
            return;
        }
        // Only what was never executed frees the load; what is unproven stays open, and is read back.
        let free = proof == Proof::NotExecuted || self.flaw == Flaw::TakesSilenceForNo;
        if free && ask == Ask::Create {
            *intent = Intent::Closed;
            ours.state = Place::named("withdrawn");
        }
    }

    fn answered(&self, whole: &mut Whole, tender: u8, ask: Ask, say: Say) {
        let late = whole.late;
        let Some(ours) = &mut whole.ours[usize::from(tender)] else { return };
        if ours.awaits != Some(ask) {
            return;
        }
        ours.awaits = None;
        match (ask, say) {
            (Ask::Read, Say::Snapshot(..) | Say::Absent) if ours.create.open() => {
                let found = if say == Say::Absent { ReadBack::Absent } else { ReadBack::Found };
                self.recover(ours, found, say, late);
            }
            (_, Say::Snapshot(state, sequence)) => {
                take(ours, state, sequence);
                match ask {
                    Ask::Create => ours.create = Intent::Closed,
                    Ask::Withdraw => withdrawn(ours, state),
                    _ => {}
                }
            }
            (Ask::Create, Say::Refused { withdrawn }) => {
                ours.create = Intent::Closed;
                ours.proven = true;
                // What the carrier's own events say goes before.
                if ours.sequence == 0 {
                    ours.state = Place::named(if withdrawn { "withdrawn" } else { "rejected" });
                }
            }
            (Ask::Withdraw, Say::TooLate) => ours.withdrawal = Intent::Closed,
            _ => {}
        }
    }

    /// The rule of the protocol on an intent without outcome.
    fn recover(&self, ours: &mut Ours, found: ReadBack, say: Say, late: bool) {
        let first = Timestamp::UNIX_EPOCH;
        let hour = first.saturating_add(SignedDuration::from_hours(1)).unwrap_or(first);
        let now = if late { hour } else { first };
        let until = first.saturating_add(SignedDuration::from_mins(10)).unwrap_or(first);
        let acknowledged = ours.proven.then_some(now);
        let facts = Facts { resend_until: until, acknowledged, same_epoch: true, tombstone: true };
        match (decide(found, facts, now), say) {
            (Recovery::Adopt, Say::Snapshot(state, sequence)) => {
                take(ours, state, sequence);
                ours.create = Intent::Closed;
            }
            (Recovery::Resend, _) => ours.next = Some(Ask::Create),
            (Recovery::Tombstone, _) if self.flaw == Flaw::LeavesNoTombstone => {
                ours.create = Intent::Closed;
                ours.state = Place::named("withdrawn");
            }
            (Recovery::Tombstone, _) => ours.next = Some(Ask::Withdraw),
            _ => {}
        }
    }
}

fn snapshot(whole: &Whole, at: usize) -> Say {
    whole.theirs[at].map_or(Say::Absent, |theirs| Say::Snapshot(theirs.state, theirs.sequence))
}

/// A snapshot: an older one is no news.
fn take(ours: &mut Ours, state: Place, sequence: u8) {
    ours.proven = true;
    if sequence >= ours.sequence {
        (ours.state, ours.sequence) = (state, sequence);
    }
}

/// A confirmed withdrawal closes the create as well: whatever of it is still on its way is refused.
fn withdrawn(ours: &mut Ours, state: Place) {
    ours.withdrawal = Intent::Closed;
    if state.name() == "withdrawn" && ours.create.open() {
        ours.create = Intent::Closed;
    }
}
