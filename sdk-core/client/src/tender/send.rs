//! One mutation from its intent to its outcome: attempts in the foreground, and what each answer proves (contract 4c).

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Retry, Sent};
use gladhand_documents::json::Document;
use gladhand_documents::model::capacity::CapacityOffer;
use gladhand_documents::model::dispatch::CommandStatus;
use gladhand_documents::model::wire::{TenderSnapshot, TenderState, WebhookSubscription};
use gladhand_protocol::tender::answer::{Proof, judge, says_existing};
use gladhand_protocol::tender::retry::{Backoff, Budget};
use gladhand_protocol::tender::state::terminal;
use jiff::SignedDuration;

use super::import::covering;
use super::read::unknown;
use super::resolve::{Resolution, resolve};
use crate::auth::Response;
use crate::carrier::{Carrier, document_of, request_of};
use crate::core::{Core, jitter};
use crate::failpoint;
use crate::journal::rows::{Effect, Intent, NewIntent, OpenedIntent, Outcome, TenderRow};

/// How many glances at the journal a call waits for another one of the same operation.
const PATIENCE: u32 = 20;

/// How a mutation ended, as far as the foreground saw.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The carrier answered 2xx.
    Answered(Document),
    /// It has a tender now, which holds its load: the tender as the journal has it, perhaps not on disk yet.
    Created(Box<TenderRow>),
    /// The carrier refused, and stored that.
    Refused(Error),
    /// Nothing was executed.
    NotExecuted(Error),
    /// Read-back resolved it; the journal says how.
    Resolved,
    /// Nobody knows; the driver goes on.
    Unproven(Error),
}

/// One attempt.
enum Attempt {
    Ended(Ending),
    /// Repeat the same request, after the wait that the carrier asked for.
    Repeat(Error),
    /// Read back first.
    Unclear(Error),
}

/// Journals another mutation than a create and performs it. An open one of the same operation id is continued with the
/// bytes that it has.
pub(crate) async fn mutate(core: &Arc<Core>, carrier: &Arc<Carrier>, mut intent: NewIntent) -> Result<Ending> {
    let published = carrier.of_environment(&core.config.environment).await?;
    intent.resend_until = published.recognised(intent.resend_until, core.clock.now());
    let wanted = intent.body.clone();
    match core.journal.run(move |store| store.open_intent(&intent)).await? {
        OpenedIntent::New(intent) => perform(core, carrier, *intent).await,
        // Two dispatchers, one revision: the second content must not pass for the first.
        OpenedIntent::Existing(intent)
            if matches!(intent.operation.as_str(), "tenders.revise" | "tenders.amend") && intent.body != wanted =>
        {
            let what = format!("another content of {} is on its way", intent.operation_id);
            Err(Error::new(Code::RevisionContentConflict, what))
        }
        OpenedIntent::Existing(intent) => {
            // Somebody may be at it: this call waits a little for what comes of it. Another process's is that process's to
            // send while its lease is good; once it lapses, the driver takes it over.
            let (id, fence) = (intent.id, intent.fence);
            if intent.owner == core.owner.id {
                core.hand_over(*intent);
            }
            for _ in 0..PATIENCE {
                let look = core.look();
                if !core.journal.run(move |store| store.holds(id, fence)).await? || !core.news(look).await {
                    break;
                }
            }
            Ok(Ending::Resolved)
        }
    }
}

/// Sends a journaled intent, at most three times, each time after what the attempt before proved. Whatever is left open
/// goes to the driver.
pub(crate) async fn perform(core: &Arc<Core>, carrier: &Arc<Carrier>, intent: Intent) -> Result<Ending> {
    let Some(_working) = core.work_on(intent.id) else { return Ok(Ending::Resolved) };
    let handover = Handover { core: core.clone(), intent: Some(intent.clone()) };
    // A journal that fails from here on cannot say what became of the request.
    let ending = attempts(core, carrier, intent).await.map_err(|error| error.sent(Sent::MaybeSent))?;
    handover.done(!matches!(ending, Ending::Unproven(_)));
    core.changed();
    Ok(ending)
}

async fn attempts(core: &Arc<Core>, carrier: &Arc<Carrier>, mut intent: Intent) -> Result<Ending> {
    let plan = Backoff::FOREGROUND;
    let (mut number, mut paid) = (1, 0);
    let mut last: Option<Error> = None;
    loop {
        // After a read-back that proved nothing there is nothing to send, and the error is still the same.
        let error = match last.take() {
            Some(error) => error,
            None => match attempt(core, carrier, &mut intent).await? {
                Attempt::Ended(ending) => {
                    if matches!(ending, Ending::Answered(_) | Ending::Created(_) | Ending::Refused(_)) {
                        carrier.budget().succeed(paid);
                    }
                    return Ok(ending);
                }
                Attempt::Repeat(error) | Attempt::Unclear(error) => error,
            },
        };
        number += 1;
        let throttled = error.retry() == Retry::After;
        let wait = plan.delay(number, jitter(&*core.clock)).map(|wait| wait.max(asked(&error)));
        let wait = wait.filter(|wait| *wait <= plan.cap);
        // What may have been executed is read back whatever the error says of repeating.
        let hopeless = error.retry() == Retry::Never && !intent.tainted;
        // Past its time it is not sent again. A read-back looks at the clock itself.
        let late = |wait: Duration| {
            let at = SignedDuration::try_from(wait).ok().and_then(|wait| core.clock.now().checked_add(wait).ok());
            !intent.tainted && at.is_none_or(|at| at >= intent.resend_until)
        };
        let Some(wait) = wait.filter(|wait| !hopeless && !late(*wait) && carrier.budget().pay(throttled)) else {
            return give_up(core, &intent, error).await;
        };
        paid = if throttled { Budget::THROTTLE } else { Budget::COST };
        core.pause(wait).await;
        if intent.tainted {
            match resolve(core, carrier, &intent).await? {
                Resolution::Closed => return Ok(Ending::Resolved),
                Resolution::Resend => {}
                Resolution::Wait(_) => last = Some(error),
            }
        }
    }
}

/// The wait that the carrier asked for; none if it did not.
pub(super) fn asked(error: &Error) -> Duration {
    Duration::from_millis(error.retry_after_ms().unwrap_or(0))
}

/// The foreground's last word. An untainted intent was never executed: it is closed, and the load is free.
async fn give_up(core: &Arc<Core>, intent: &Intent, error: Error) -> Result<Ending> {
    if intent.tainted {
        return Ok(Ending::Unproven(error));
    }
    let outcome = Outcome { status: error.http_status(), ..Outcome::of("not_executed") };
    let outcome = Outcome {
        code: Some(error.code().as_str().to_owned()),
        request_id: error.request_id().map(str::to_owned),
        ..outcome
    };
    let effect = if intent.operation == "tenders.create" { Effect::Never } else { Effect::None };
    // Taken over meanwhile by another process, which may be sending it: only its journal knows then.
    let ours = close(core, intent, outcome, effect).await?;
    Ok(if ours { Ending::NotExecuted(error) } else { Ending::Resolved })
}

/// Sends once, and writes down what the answer proves.
async fn attempt(core: &Arc<Core>, carrier: &Carrier, intent: &mut Intent) -> Result<Attempt> {
    let request = request_of(intent)?;
    let answered = match carrier.call(request).await {
        Ok(answer) => checked(intent, &answer).map(|document| (answer, document)),
        Err(error) => Err(error),
    };
    let error = match answered {
        Ok((answer, document)) => {
            let outcome = Outcome {
                status: Some(answer.status.as_u16()),
                version: carrier.version(),
                request_id: answer.request_id().map(str::to_owned),
                answer: document.clone(),
                ..Outcome::of("answered")
            };
            let effect = match (&document, intent.operation.as_str()) {
                (Some(snapshot), operation) if operation.starts_with("tenders.") => Effect::Snapshot(snapshot.clone()),
                _ => Effect::None,
            };
            let document = document.unwrap_or_else(Document::object);
            if intent.operation == "tenders.create" && !terminal(&state_of(&document)) {
                // The load stays held either way. Should a power cut take this outcome, it is read back.
                let row = close_early(core, intent, outcome, effect).await?;
                return Ok(Attempt::Ended(Ending::Created(Box::new(row))));
            }
            close(core, intent, outcome, effect).await?;
            return Ok(Attempt::Ended(Ending::Answered(document)));
        }
        Err(error) => error,
    };
    match judge(&error) {
        // Refused because the carrier has this tender, with other content: it may hold the load, or have accepted it.
        Proof::Refused if intent.operation == "tenders.create" && says_existing(&error) => {
            taint(core, intent).await?;
            Ok(Attempt::Unclear(error))
        }
        Proof::Refused => {
            let effect = match covered(core, carrier, intent, &error).await {
                Ok(effect) => effect,
                // Somebody has the load, and nobody can say who: it stays held until the driver has found out.
                Err(unknown) => {
                    taint(core, intent).await?;
                    return Ok(Attempt::Unclear(error.caused_by(&unknown)));
                }
            };
            let outcome = Outcome {
                status: error.http_status(),
                version: carrier.version(),
                code: Some(error.code().as_str().to_owned()),
                request_id: error.request_id().map(str::to_owned),
                answer: error.problem().and_then(|problem| Document::parse(problem).ok()),
                ..Outcome::of("refused")
            };
            close(core, intent, outcome, effect).await?;
            Ok(Attempt::Ended(Ending::Refused(error)))
        }
        Proof::InFlight => {
            taint(core, intent).await?;
            Ok(Attempt::Repeat(error))
        }
        Proof::NotExecuted => Ok(Attempt::Repeat(error)),
        Proof::Ambiguous => {
            taint(core, intent).await?;
            Ok(Attempt::Unclear(error))
        }
    }
}

/// The answer's document, checked. One that is not of the contract proves nothing: it reads as no answer.
fn checked(intent: &Intent, answer: &Response) -> Result<Option<Document>> {
    let document = match intent.operation.as_str() {
        operation if operation.starts_with("tenders.") => document_of::<TenderSnapshot>(operation, answer),
        "capacity.hold" | "capacity.release" => document_of::<CapacityOffer>(&intent.operation, answer),
        "commands.request" | "commands.revoke" => document_of::<CommandStatus>(&intent.operation, answer),
        "webhooks.put" | "webhooks.delete" => document_of::<WebhookSubscription>(&intent.operation, answer),
        _ => return Ok(None),
    };
    let document = document.map_err(|error| error.sent(Sent::MaybeSent))?;
    let same = match &intent.tender_id {
        Some(id) if intent.operation.starts_with("tenders.") => document.text("/tenderId").as_deref() == Some(id),
        _ => true,
    };
    if same {
        return Ok(Some(document));
    }
    Err(Error::new(Code::UnexpectedAnswer, format!("{}: the answer is of another tender", intent.operation))
        .sent(Sent::MaybeSent))
}

/// What a stored refusal does to the tender: a refused create is a rejected tender (contract 4b, row 3), unless it was
/// withdrawn before it arrived. Other refused mutations leave it as it was.
fn refusal(intent: &Intent, error: &Error) -> Effect {
    if intent.operation != "tenders.create" {
        return Effect::None;
    }
    let state = if error.code() == Code::TenderWithdrawn { TenderState::Withdrawn } else { TenderState::Rejected };
    Effect::State { state, code: error.code().as_str().to_owned(), text: error.message().to_owned() }
}

/// What a stored refusal does, where another tender of the carrier's may have the load.
async fn covered(core: &Core, carrier: &Carrier, intent: &Intent, error: &Error) -> Result<Effect> {
    let own = refusal(intent, error);
    if intent.operation != "tenders.create" || error.code() != Code::TenderConflict {
        return Ok(own);
    }
    let named = error.problem().and_then(|problem| Document::parse(problem).ok()?.text("/existing/tenderId"));
    cover(core, carrier, intent, own, named).await
}

/// Adds the carrier's tender that has the load of a refused create to the refusal's effect.
pub(super) async fn cover(
    core: &Core,
    carrier: &Carrier,
    intent: &Intent,
    own: Effect,
    named: Option<String>,
) -> Result<Effect> {
    let load = intent.body.text("/loadId").unwrap_or_default();
    let id = intent.tender_id.clone().unwrap_or_default();
    let found = covering(core, carrier, &load, &id, named).await?;
    Ok(found.map_or(own.clone(), |found| Effect::Covered(Box::new(own), Box::new(found))))
}

/// Writes the outcome, unless somebody else already did.
pub(super) async fn close(core: &Core, intent: &Intent, outcome: Outcome, effect: Effect) -> Result<bool> {
    failpoint::hit("before_outcome", failpoint::Call { operation: &intent.operation, mutates: true });
    let (id, fence) = (intent.id, intent.fence);
    core.journal.run(move |store| store.close_intent(id, fence, &outcome, &effect)).await
}

/// [`close`] of a create, with the tender that it left.
async fn close_early(core: &Core, intent: &Intent, outcome: Outcome, effect: Effect) -> Result<TenderRow> {
    failpoint::hit("before_outcome", failpoint::Call { operation: &intent.operation, mutates: true });
    let (id, fence, tender) = (intent.id, intent.fence, intent.tender_id.clone().unwrap_or_default());
    let closed = core.journal.run_early(move |store| {
        store.close_intent(id, fence, &outcome, &effect)?;
        store.tender(&tender)?.ok_or_else(|| unknown(&tender))
    });
    closed.await
}

fn state_of(snapshot: &Document) -> TenderState {
    TenderState::from(snapshot.text("/state").unwrap_or_default().as_str())
}

async fn taint(core: &Core, intent: &mut Intent) -> Result<()> {
    intent.tainted = true;
    let (id, fence) = (intent.id, intent.fence);
    core.journal.run(move |store| store.taint(id, fence)).await
}

/// Sends once more, for the driver.
pub(super) async fn once_more(core: &Arc<Core>, carrier: &Carrier, intent: &mut Intent) -> Result<Resolution> {
    Ok(match attempt(core, carrier, intent).await? {
        Attempt::Ended(_) => Resolution::Closed,
        // Tainted long ago: only a stored answer or a read-back clears it.
        Attempt::Repeat(error) | Attempt::Unclear(error) => Resolution::Wait(asked(&error)),
    })
}

/// Hands an intent to the driver unless it is done; also when the task around it is dropped.
struct Handover {
    core: Arc<Core>,
    intent: Option<Intent>,
}

impl Handover {
    fn done(mut self, closed: bool) {
        if closed {
            self.intent = None;
        }
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        if let Some(mut intent) = self.intent.take() {
            intent.tainted = true;
            self.core.hand_over(intent);
        }
    }
}
