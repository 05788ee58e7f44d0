//! Tenders: create, revise, read, list, withdraw, counter offers, cancellation.

use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use gladhand_documents::model::tender::{CounterAnswer, LoadTender, TenderCancellation, TenderWithdrawal};
use gladhand_documents::model::{self, Model};
use http::StatusCode;
use http::header::{ETAG, HeaderName, LOCATION, RETRY_AFTER};
use sha2::{Digest as _, Sha256};

use crate::api::call::Call;
use crate::api::headers::if_match;
use crate::object::Object;
use crate::problem::{Answer, Problem, Result};
use crate::state::Store;
use crate::state::create::Submission;
use crate::state::tender::{Key, Tender};
use crate::state::transitions::State;

/// Says that an answer was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const PAGE: usize = 100;
/// Tenders looked at for one page: one of a rare state may come out short, or empty, and has a cursor all the same.
const LOOKED: usize = 1_000;

/// The tender that the path names.
pub fn key(call: &Call) -> Result<Key> {
    Ok(Key { tenant: call.tenant()?.to_owned(), tender_id: call.id(0).to_owned() })
}

/// Checks a document against its entity.
pub fn checked<M: Model>(document: &Document) -> Result<()> {
    Ok(model::validate(M::entity(), document)?)
}

/// Refuses unless the document names what the path names.
pub fn names(document: &Document, pointer: &str, id: &str) -> Result<()> {
    if document.text(pointer).as_deref() == Some(id) {
        return Ok(());
    }
    Err(Problem::violation(Code::SchemaInvalid, pointer, "path", "must be the id in the path"))
}

/// `POST /v1/tenders`: 200 decided, 202 pending; waits for the decision as long as `Prefer: wait` says.
pub async fn create(call: Call) -> Result<Answer> {
    let submission = submission(&call)?;
    let key = submission.key.clone();
    if let Some(after) = call.carrier.profiles.ingest_after() {
        let queued = call.carrier.store().ingest(submission.clone(), call.carrier.clock.now(), after)?;
        call.carrier.notify();
        if let Some(tender) = queued {
            return Ok(snapshot(&call.carrier.store(), &tender, StatusCode::ACCEPTED).with(RETRY_AFTER, "1"));
        }
    }
    let replayed = {
        let now = call.carrier.clock.now();
        let created = call.carrier.store().create(submission, now);
        call.carrier.notify();
        created?
    };
    decided(&call, &key, replayed).await
}

/// `PUT /v1/tenders/{id}/revisions/{n}`: 200 decided, 202 pending, and 202 for an amendment of an accepted tender.
pub async fn revise(call: Call) -> Result<Answer> {
    let submission = submission(&call)?;
    names(&submission.document, "/tenderId", call.id(0))?;
    if submission.document.number("/revision") != Some(call.id(1)) {
        return Err(Problem::violation(Code::SchemaInvalid, "/revision", "path", "must be the revision in the path"));
    }
    let key = submission.key.clone();
    let replayed = {
        let now = call.carrier.clock.now();
        let revised = call.carrier.store().revise(submission, now);
        call.carrier.notify();
        revised?
    };
    let mut answer = decided(&call, &key, replayed).await?;
    if call.carrier.store().find(&key).is_some_and(|t| t.proposed.is_some()) {
        answer.status = StatusCode::ACCEPTED;
        answer = answer.with(RETRY_AFTER, "1");
    }
    Ok(answer)
}

/// `GET /v1/tenders/{id}`.
pub async fn get(call: Call) -> Result<Answer> {
    let store = call.carrier.store();
    Ok(snapshot(&store, store.read().tender(&key(&call)?)?, StatusCode::OK))
}

/// `GET /v1/tenders?state&cursor`.
pub async fn list(call: Call) -> Result<Answer> {
    let tenant = call.tenant()?;
    let state = match call.query("state") {
        None => None,
        Some(text) => Some(
            State::parse(text)
                .ok_or_else(|| Problem::violation(Code::SchemaInvalid, "/state", "enum", "is no state of a tender"))?,
        ),
    };
    let store = call.carrier.store();
    let from = place(&call, &store, "tenders")?;
    let (mut page, mut next) = (Vec::new(), None);
    for (looked, (at, tender)) in store.read().tenders(tenant, from).enumerate() {
        if page.len() == PAGE || looked == LOOKED {
            next = Some(store.cursor("tenders", at));
            break;
        }
        if state.is_none_or(|state| tender.state == state) {
            page.push(tender.snapshot(&store.log_epoch));
        }
    }
    let body = Object::new().text("schemaVersion", "1.0.0").list("tenders", page).text_if("cursor", next.as_deref());
    Ok(Answer::json(StatusCode::OK, body.finish()))
}

/// `POST /v1/tenders/{id}/withdrawals/{withdrawalId}`.
pub async fn withdraw(call: Call) -> Result<Answer> {
    let document = call.document()?;
    checked::<TenderWithdrawal>(&document)?;
    names(&document, "/tenderId", call.id(0))?;
    names(&document, "/withdrawalId", call.id(1))?;
    let load_id = document.text("/loadId").unwrap_or_default();
    let revision = document.integer("/revision");
    change(&call, |store, key| {
        let now = call.carrier.clock.now();
        let open = store.find(key).and_then(|t| t.proposed.as_ref()).map(|open| i64::from(open.revision));
        if open.is_some() && open == revision {
            return store.answer_amendment(key, "withdrawn", now);
        }
        store.withdraw(key, &load_id, call.id(1), now)
    })
}

/// `POST /v1/tenders/{id}/counters/{counterId}/acceptance`.
pub async fn accept_counter(call: Call) -> Result<Answer> {
    said::<CounterAnswer>(&call, "/counterId")?;
    change(&call, |store, key| store.accept_counter(key, call.id(1), call.carrier.clock.now()))
}

/// `POST /v1/tenders/{id}/counters/{counterId}/refusal`.
pub async fn decline_counter(call: Call) -> Result<Answer> {
    said::<CounterAnswer>(&call, "/counterId")?;
    change(&call, |store, key| store.decline_counter(key, call.id(1), call.carrier.clock.now()))
}

/// `POST /v1/tenders/{id}/cancellations/{cancellationId}`: 202, the carrier answers by event.
pub async fn request_cancel(call: Call) -> Result<Answer> {
    said::<TenderCancellation>(&call, "/cancellationId")?;
    let mut answer = change(&call, |store, key| store.request_cancel(key, call.id(1), call.carrier.clock.now()))?;
    answer.status = StatusCode::ACCEPTED;
    Ok(answer)
}

/// Where a cursor of the query points.
pub fn place(call: &Call, store: &Store, list: &str) -> Result<usize> {
    if call.query("cursor").is_some_and(|text| text.chars().count() > 512) {
        return Err(Problem::violation(Code::SchemaInvalid, "/cursor", "too_long", "must have at most 512 characters"));
    }
    store.place(list, call.query("cursor"))
}

/// Checks what a call says of itself, if it says anything: the path has all that the carrier needs.
fn said<M: Model>(call: &Call, id: &str) -> Result<()> {
    if call.body.is_empty() {
        return Ok(());
    }
    let document = call.document()?;
    checked::<M>(&document)?;
    names(&document, "/tenderId", call.id(0))?;
    names(&document, id, call.id(1))
}

/// A change that has an operation id of its own: done once, however often it is asked for (contract 4c, layer ii).
fn change(call: &Call, step: impl FnOnce(&mut Store, &Key) -> Result<()>) -> Result<Answer> {
    let key = key(call)?;
    let mut store = call.carrier.store();
    let operation = (key.tenant.clone(), call.path.clone());
    let content = Sha256::digest(&call.body).into();
    if store.done(&operation, content).map_err(|p| store.about(p, &key))? {
        return Ok(snapshot(&store, store.tender(&key)?, StatusCode::OK).with(REPLAYED, "true"));
    }
    let done = step(&mut store, &key);
    call.carrier.notify();
    done?;
    store.note_done(operation, content);
    Ok(snapshot(&store, store.tender(&key)?, StatusCode::OK))
}

fn submission(call: &Call) -> Result<Submission> {
    let document = call.document()?;
    // A well-formed tender that breaks a business rule (422) is stored as rejected; anything else is not a tender.
    let broken = match checked::<LoadTender>(&document) {
        Ok(()) => None,
        Err(problem) if problem.code().http_status() == 422 => Some(problem),
        Err(problem) => return Err(problem),
    };
    let foreign = model::not_understood(LoadTender::entity(), &document);
    let broken = broken.or_else(|| {
        let first = foreign.first()?;
        let detail = format!("the carrier does not know {first}, which must be understood");
        Some(Problem::new(Code::NotUnderstood, detail).with("notUnderstood", foreign.clone()))
    });
    Ok(Submission {
        key: Key { tenant: call.tenant()?.to_owned(), tender_id: document.text("/tenderId").unwrap_or_default() },
        content: Sha256::digest(&call.body).into(),
        traceparent: call.traceparent().map(str::to_owned),
        document,
        broken,
        if_match: if_match(&call.headers),
    })
}

/// The answer to a create: the decision if it falls within the wait, else 202.
async fn decided(call: &Call, key: &Key, replayed: bool) -> Result<Answer> {
    let wait = call.wait();
    let answer = call
        .until(wait, |last| {
            let store = call.carrier.store();
            let tender = store.find(key)?;
            let status = match tender.state {
                State::Pending if !last => return None,
                State::Pending => StatusCode::ACCEPTED,
                _ => StatusCode::OK,
            };
            Some(snapshot(&store, tender, status))
        })
        .await;
    let mut answer = answer.ok_or_else(|| Problem::new(Code::InternalServerError, "the tender is gone"))?;
    if answer.status == StatusCode::ACCEPTED {
        answer = answer.with(RETRY_AFTER, "1");
    }
    if !wait.is_zero() {
        answer = answer.with(APPLIED, format!("wait={}", wait.as_secs()));
    }
    Ok(if replayed { answer.with(REPLAYED, "true") } else { answer })
}

fn snapshot(store: &Store, tender: &Tender, status: StatusCode) -> Answer {
    let id = &tender.key.tender_id;
    Answer::json(status, tender.snapshot(&store.log_epoch))
        .with(ETAG, tender.tag())
        .with(LOCATION, format!("/v1/tenders/{id}"))
}
