//! Breadth first through every state, so that the first breach has the shortest way to it; then backwards from where all is
//! resolved, so that no state is left from which a fair world does not lead there.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::rc::Rc;

use gladhand_protocol::tender::state::{released, terminal};
use gladhand_protocol::tender::transitions::STATES;

use super::state::{Message, Whole};
use super::step::Steps;
use crate::oracle::Oracle;

/// How far the search goes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Tenders of the load, one after the other.
    pub tenders: usize,
    /// Messages on their way at one time.
    pub messages: usize,
    /// Whether the carriers push their events; without, the TMS reads.
    pub events: bool,
    /// Deaths of the TMS.
    pub deaths: u8,
    /// Events of one log, after which a carrier does nothing more of its own accord.
    pub log: u8,
}

/// Something that is wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// No answer counts as a refusal: the load is free.
    TakesSilenceForNo,
    /// What is not there past its time is given up without a tombstone.
    LeavesNoTombstone,
}

/// What a search came to.
#[derive(Debug)]
pub struct Report {
    /// States.
    pub states: usize,
    /// Steps between them.
    pub steps: usize,
    /// What was wrong, and the way to it.
    pub breach: Option<String>,
}

/// Looks at every state within the bounds.
pub fn explore(bounds: Bounds, flaw: Flaw) -> Report {
    let oracle = Oracle::default();
    let steps = Steps::new(bounds, flaw, &oracle);
    let ends: Vec<bool> = STATES.iter().map(|row| oracle.terminal(row.state.as_str())).collect();
    let mut known: HashMap<Rc<Whole>, u32> = HashMap::new();
    // For each state: itself, where it was first reached from, and by which of the steps out of there.
    let mut all: Vec<(Rc<Whole>, u32)> = Vec::new();
    let mut back: Vec<(u32, u32)> = Vec::new();
    let mut count = 0;
    let start = Rc::new(Whole::start());
    known.insert(start.clone(), 0);
    all.push((start, 0));
    let mut at = 0;
    while at < all.len() {
        let whole = all[at].0.clone();
        let out = match steps.of(&whole) {
            Ok(out) => out,
            Err(why) => return Report { states: all.len(), steps: count, breach: Some(way(&steps, &all, at, &why)) },
        };
        for (_, fair, next) in out {
            count += 1;
            let why = wrong(&ends, &whole, &next);
            let number = known.get(&next).copied().unwrap_or_else(|| {
                let (next, number) = (Rc::new(next), all.len() as u32);
                all.push((next.clone(), at as u32));
                known.insert(next, number);
                number
            });
            if let Some(why) = why {
                let breach = Some(way(&steps, &all, number as usize, &why));
                return Report { states: all.len(), steps: count, breach };
            }
            if fair && number != at as u32 {
                back.push((number, at as u32));
            }
        }
        at += 1;
    }
    drop(known);
    let breach = trapped(&all, &mut back).map(|at| way(&steps, &all, at, "no fair world leads on from here"));
    Report { states: all.len(), steps: count, breach }
}

/// What must hold of every state and of every step.
fn wrong(ends: &[bool], from: &Whole, whole: &Whole) -> Option<String> {
    if whole.theirs.iter().flatten().filter(|theirs| theirs.state.live()).count() > 1 {
        return Some("P1: the load is held twice".to_owned());
    }
    for (before, after) in from.theirs.iter().zip(&whole.theirs) {
        match (before, after) {
            (Some(before), Some(after)) if before.state != after.state && ends[usize::from(before.state.0)] => {
                return Some(format!("{} is no end", before.state.name()));
            }
            (Some(_), None) => return Some("a tender is lost".to_owned()),
            _ => {}
        }
    }
    for (ours, theirs) in whole.ours.iter().zip(&whole.theirs) {
        let Some(ours) = ours else { continue };
        if released(ours.state.state(), true) && theirs.is_some_and(|theirs| theirs.state.live()) {
            return Some(format!("the TMS takes the load for free ({}), the carrier has it", ours.state.name()));
        }
    }
    None
}

/// Nothing is open, and both sides see the same.
fn resolved(whole: &Whole) -> bool {
    let quiet = !whole.network.iter().any(|m| matches!(m, Message::Request { .. }));
    quiet
        && whole.ours.iter().zip(&whole.theirs).all(|(ours, theirs)| {
            let Some(ours) = ours else { return theirs.is_none() };
            let same = theirs.map_or(!ours.proven && terminal(ours.state.state()), |theirs| {
                theirs.state == ours.state && (theirs.sequence == ours.sequence || theirs.sequence == 0)
            });
            let decided = !matches!(ours.state.name(), "offer" | "pending" | "countered");
            same && decided && !ours.create.open() && !ours.withdrawal.open() && ours.awaits.is_none()
        })
}

/// A state from which fair steps never lead to a resolved one.
fn trapped(all: &[(Rc<Whole>, u32)], back: &mut [(u32, u32)]) -> Option<usize> {
    back.sort_unstable();
    let mut good: Vec<bool> = all.iter().map(|(whole, _)| resolved(whole)).collect();
    let mut todo: Vec<u32> = (0..all.len() as u32).filter(|at| good[*at as usize]).collect();
    while let Some(at) = todo.pop() {
        let begin = back.partition_point(|(to, _)| *to < at);
        for (_, from) in back[begin..].iter().take_while(|(to, _)| *to == at) {
            if !std::mem::replace(&mut good[*from as usize], true) {
                todo.push(*from);
            }
        }
    }
    good.iter().position(|good| !good)
}

/// How a state is reached.
fn way(steps: &Steps, all: &[(Rc<Whole>, u32)], mut at: usize, why: &str) -> String {
    let mut names = Vec::new();
    while at != 0 {
        let from = all[at].1 as usize;
        let out = steps.of(&all[from].0).unwrap_or_default();
        names.push(
            out.into_iter()
                .find(|(_, _, next)| *next == *all[at].0)
                .map_or_else(String::new, |(name, ..)| name.to_string()),
        );
        at = from;
    }
    let mut text = why.to_owned();
    for name in names.iter().rev() {
        let _ = write!(text, "\n  {name}");
    }
    text
}
