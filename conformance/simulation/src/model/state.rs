//! A state of the whole system: small, comparable, complete.

use gladhand_documents::model::wire::TenderState;
use gladhand_protocol::tender::transitions::STATES;

/// A state of a tender, by its place in the table of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place(pub u8);

impl Place {
    pub(crate) fn of(state: &TenderState) -> Self {
        let at = STATES.iter().position(|row| row.state == *state);
        Self(at.unwrap_or(usize::from(u8::MAX)) as u8)
    }

    pub(crate) fn named(name: &str) -> Self {
        let at = STATES.iter().position(|row| row.state.as_str() == name);
        Self(at.unwrap_or(usize::from(u8::MAX)) as u8)
    }

    pub(crate) fn state(self) -> &'static TenderState {
        &STATES[usize::from(self.0)].state
    }

    pub(crate) fn name(self) -> &'static str {
        self.state().as_str()
    }

    /// In pending…enroute.
    pub(crate) fn live(self) -> bool {
        matches!(self.name(), "pending" | "countered" | "accepted" | "dispatched" | "enroute")
    }
}

/// A mutation in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Intent {
    None,
    Open,
    Closed,
}

impl Intent {
    pub(crate) fn open(self) -> bool {
        self == Self::Open
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Ask {
    Create,
    Read,
    Withdraw,
    TakeCounter,
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Say {
    /// A snapshot.
    Snapshot(Place, u8),
    /// A stored refusal of a create: the tender is there, rejected; or a tombstone is.
    Refused { withdrawn: bool },
    /// `already_accepted` or `illegal_transition`, stored.
    TooLate,
    /// `not_found` with id and epoch.
    Absent,
}

/// What travels. A tender is named by its place among the attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Message {
    /// `awaited`: its sender still waits for the answer.
    Request {
        tender: u8,
        ask: Ask,
        awaited: bool,
    },
    Answer {
        tender: u8,
        ask: Ask,
        say: Say,
    },
    /// An event of the carrier's log, by its place in the list of events.
    Event {
        tender: u8,
        sequence: u8,
        event: u8,
    },
}

/// A tender as the journal has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ours {
    pub lane: u8,
    pub state: Place,
    pub sequence: u8,
    pub proven: bool,
    pub create: Intent,
    pub withdrawal: Intent,
    /// What the process waits for; it does not survive it.
    pub awaits: Option<Ask>,
    /// Whether a read-back came to "resend" or "tombstone", still to be done; it does not survive either.
    pub next: Option<Ask>,
}

/// A tender as the carrier has it. A tombstone has no log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Theirs {
    pub state: Place,
    pub sequence: u8,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Whole {
    /// Whether `respondBy`, and with it `resendUntil`, has passed.
    pub late: bool,
    pub deaths: u8,
    pub ours: [Option<Ours>; 2],
    pub theirs: [Option<Theirs>; 2],
    /// Sorted: the network has no order.
    pub network: Vec<Message>,
}

impl Whole {
    pub(crate) fn start() -> Self {
        Self { late: false, deaths: 0, ours: [None; 2], theirs: [None; 2], network: Vec::new() }
    }

    /// Puts a message on its way; where there is no room it is lost.
    pub(crate) fn send(&mut self, message: Message, room: usize) {
        if self.network.len() < room
            && let Err(at) = self.network.binary_search(&message)
        {
            self.network.insert(at, message);
        }
    }

    /// Nobody waits for this tender's answers any more.
    pub(crate) fn hang_up(&mut self, of: u8) {
        self.network.retain(|message| !matches!(message, Message::Answer { tender, .. } if *tender == of));
        for message in &mut self.network {
            if let Message::Request { tender, awaited, .. } = message
                && *tender == of
            {
                *awaited = false;
            }
        }
        self.network.sort_unstable();
        self.network.dedup();
    }
}
