//! Asking for a command, reading how far it got, taking it back. It is journaled before it is sent, numbered by the journal,
//! sent with a proof that binds its content and a nonce of the carrier's, and never sent again after its expiry.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::dispatch::{
    Command, CommandRevocation, CommandState, CommandStatus, CommandType, ControlMode,
};
use gladhand_documents::model::{self, Model as _, SCHEMA_VERSION};
use gladhand_documents::time::{format_instant, parse_instant};
use gladhand_protocol::tender::command::{inverse, taken_in};
use gladhand_protocol::tender::ids;
use http::Method;
use jiff::{SignedDuration, Timestamp};

use super::{CommandRequest, Requester, carrier_of, read};
use crate::auth::random::unique;
use crate::auth::{Profile, Request};
use crate::carrier::{Carrier, command_scope, document_of, segment};
use crate::core::Core;
use crate::journal::rows::{CommandRow, NewIntent};
use crate::tender::{Ending, mutate};

/// How long a command stays open unless told otherwise; the contract permits 15 minutes.
const DEFAULT_EXPIRY: Duration = Duration::from_secs(300);

/// Requests a command: reads the dispatch first, so that the request names the revision that holds now.
pub(crate) async fn request(core: &Arc<Core>, dispatch_id: &str, wish: CommandRequest) -> Result<Document> {
    let (carrier, tender) = carrier_of(core, dispatch_id).await?;
    let command_id = match &wish.command_id {
        Some(id) => {
            if let Some(known) = known(core, &carrier, dispatch_id, id).await? {
                same(&wish, &known)?;
                return again(core, &carrier, dispatch_id, id, known).await;
            }
            id.clone()
        }
        None => format!("c-{}", unique()?),
    };
    let dispatch = read(&carrier, dispatch_id).await?;
    let mode = ControlMode::from(dispatch.text("/controlMode").unwrap_or_default().as_str());
    if !taken_in(&mode, &CommandType::from(wish.kind.as_str())) {
        let why = format!("in control mode {mode} no {} is taken, only a manual_intervention", wish.kind);
        return Err(Error::new(Code::IllegalTransition, why));
    }
    let name = dispatch_id.to_owned();
    let sequence = core.journal.run(move |store| store.next_command(&name)).await?;
    let now = core.clock.now();
    let expires = now
        .saturating_add(SignedDuration::try_from(wish.expires_in.unwrap_or(DEFAULT_EXPIRY)).unwrap_or_default())
        .unwrap_or(Timestamp::MAX);
    let body = command(&wish, &command_id, dispatch_id, &dispatch, sequence, now, expires)?;
    model::validate(Command::entity(), &body)?;
    let known = match tender.or_else(|| dispatch.text("/tenderId")) {
        Some(id) => core.journal.run(move |store| store.tender(&id)).await?.map(|row| row.tender_id),
        None => None,
    };
    ask(core, &carrier, dispatch_id, &command_id, body, known).await
}

/// Journals the command and sends it; one that is open already is continued as it is.
async fn ask(
    core: &Arc<Core>,
    carrier: &Arc<Carrier>,
    dispatch_id: &str,
    command_id: &str,
    body: Document,
    tender_id: Option<String>,
) -> Result<Document> {
    let operation_id = format!("{dispatch_id}/{command_id}");
    let expires = body.text("/expiresAt").and_then(|at| parse_instant(&at).ok());
    let intent = NewIntent {
        operation: "commands.request",
        key: ids::idempotency_key(&core.scope(carrier.name()), "commands.request", &operation_id),
        operation_id,
        tender_id,
        carrier: carrier.name().to_owned(),
        origin: carrier.base(),
        method: "PUT",
        path: path_of(dispatch_id, command_id),
        body: body.clone(),
        prefer: None,
        // Past its expiry a command is never sent again, only read.
        resend_until: expires.unwrap_or(Timestamp::MIN),
        owner: core.owner.id.clone(),
    };
    match mutate(core, carrier, intent).await? {
        Ending::Answered(status) => proven(&status),
        Ending::Refused(error) | Ending::NotExecuted(error) => Err(error),
        Ending::Created(_) | Ending::Resolved => status(core, dispatch_id, command_id).await,
        Ending::Unproven(_) => local(&body, &CommandState::Requested),
    }
}

/// The command of this id that the journal has. One that was never executed is none: it may be asked for anew.
async fn known(core: &Core, carrier: &Carrier, dispatch_id: &str, command_id: &str) -> Result<Option<CommandRow>> {
    let (dispatch, command) = (dispatch_id.to_owned(), command_id.to_owned());
    let rows = core.journal.run(move |store| store.commands(&dispatch, Some(&command))).await?;
    let latest = rows.into_iter().rfind(|row| row.carrier == carrier.name());
    Ok(latest.filter(|row| row.result.as_deref() != Some("not_executed")))
}

/// One id is one command (contract 4f).
fn same(wish: &CommandRequest, known: &CommandRow) -> Result<()> {
    let text = |pointer: &str| known.command.text(pointer).unwrap_or_default();
    let params = known.command.extract("/params");
    let other = match (text("/type") == wish.kind, text("/reason") == wish.reason, params == wish.params) {
        (true, true, true) => return Ok(()),
        (false, ..) => "type",
        (_, false, _) => "reason",
        _ => "params",
    };
    let why = format!("the command {} was asked for with another {other}; take another id", text("/commandId"));
    Err(Error::new(Code::RevisionContentConflict, why))
}

/// What became of a command that was asked for before.
async fn again(
    core: &Arc<Core>,
    carrier: &Arc<Carrier>,
    dispatch_id: &str,
    command_id: &str,
    known: CommandRow,
) -> Result<Document> {
    match known.result.as_deref() {
        None => ask(core, carrier, dispatch_id, command_id, known.command, known.tender_id).await,
        // It never arrived, and its time is over.
        Some("lapsed") => local(&known.command, &CommandState::Expired),
        Some(_) => status(core, dispatch_id, command_id).await,
    }
}

fn command(
    wish: &CommandRequest,
    command_id: &str,
    dispatch_id: &str,
    dispatch: &Document,
    sequence: u64,
    now: Timestamp,
    expires: Timestamp,
) -> Result<Document> {
    let revision = dispatch.integer("/dispatchRevision").unwrap_or(1);
    let mut text = format!(
        r#"{{"schemaVersion":{},"commandId":{},"type":{},"dispatchId":{},"expectedDispatchRevision":{revision},"commandSequence":{sequence},"reason":{},"requestedBy":{{"principal":{},"role":{}}},"issuedAt":{},"expiresAt":{}"#,
        quote(SCHEMA_VERSION),
        quote(command_id),
        quote(&wish.kind),
        quote(dispatch_id),
        quote(&wish.reason),
        quote(&wish.requested_by.principal),
        quote(&wish.requested_by.role),
        quote(&format_instant(now)),
        quote(&format_instant(expires)),
    );
    if let Some(seconds) = wish.lease_seconds {
        text.extend([r#","leaseS":"#, &seconds.to_string()]);
    }
    if let Some(params) = &wish.params {
        text.extend([r#","params":"#, params.as_str()]);
    }
    text.push('}');
    Document::parse(text)
}

fn path_of(dispatch_id: &str, command_id: &str) -> String {
    format!("/v1/dispatches/{}/commands/{}", segment(dispatch_id), segment(command_id))
}

fn proven(status: &Document) -> Result<Document> {
    status.with_text("/receipt", "proven")
}

/// What is known of a command without an answer: requested, which is not granted. The journal resolves it.
fn local(command: &Document, state: &CommandState) -> Result<Document> {
    let text = |pointer: &str| quote(&command.text(pointer).unwrap_or_default());
    let undone = inverse(&CommandType::from(command.text("/type").unwrap_or_default().as_str()));
    let undone = match undone {
        Some(kind) => format!(r#""inverse":{},"irreversible":false"#, quote(kind.as_str())),
        None => r#""irreversible":true"#.to_owned(),
    };
    Document::parse(format!(
        r#"{{"schemaVersion":{},"commandId":{},"dispatchId":{},"type":{},"state":{},"commandSequence":{},"expiresAt":{},{undone},"receipt":"unproven"}}"#,
        quote(SCHEMA_VERSION),
        text("/commandId"),
        text("/dispatchId"),
        text("/type"),
        quote(state.as_str()),
        command.number("/commandSequence").unwrap_or("0"),
        text("/expiresAt"),
    ))
}

/// How far a command got, fresh from the carrier. The scope is that of its type, which the journal knows; a command that
/// it does not know is taken for a stop.
pub(crate) async fn status(core: &Core, dispatch_id: &str, command_id: &str) -> Result<Document> {
    core.open()?;
    let (carrier, _) = carrier_of(core, dispatch_id).await?;
    let scope = command_scope(&kind_of(core, dispatch_id, command_id).await?);
    let request = Request::new("commands.get", Method::GET, path_of(dispatch_id, command_id), Profile::Dpop, scope);
    proven(&document_of::<CommandStatus>("commands.get", &carrier.call(request).await?)?)
}

async fn kind_of(core: &Core, dispatch_id: &str, command_id: &str) -> Result<String> {
    let operation_id = format!("{dispatch_id}/{command_id}");
    let body = core.journal.run(move |store| store.content("commands.request", &operation_id)).await?;
    Ok(body.and_then(|body| body.text("/type")).unwrap_or_else(|| "conditional_stop".to_owned()))
}

/// Takes a command back, which is possible until it is executed.
pub(crate) async fn revoke(
    core: &Arc<Core>,
    dispatch_id: &str,
    command_id: &str,
    reason: &str,
    by: &Requester,
) -> Result<Document> {
    let (carrier, tender_id) = carrier_of(core, dispatch_id).await?;
    let kind = kind_of(core, dispatch_id, command_id).await?;
    let operation_id = format!("{dispatch_id}/{command_id}/revocation");
    let wanted = revocation(command_id, &kind, reason, by)?;
    model::validate(CommandRevocation::entity(), &wanted)?;
    let (dispatch, command) = (dispatch_id.to_owned(), command_id.to_owned());
    // One command is taken back once, under one key: what the carrier may know of it already is what is said again.
    let said = core.journal.run(move |store| store.revocation(&dispatch, &command)).await?;
    let intent = NewIntent {
        operation: "commands.revoke",
        key: ids::idempotency_key(&core.scope(carrier.name()), "commands.revoke", &operation_id),
        operation_id,
        tender_id,
        carrier: carrier.name().to_owned(),
        origin: carrier.base(),
        method: "POST",
        path: format!("{}/revocation", path_of(dispatch_id, command_id)),
        body: said.unwrap_or(wanted),
        prefer: None,
        resend_until: core.clock.now().saturating_add(SignedDuration::from_mins(15)).unwrap_or(Timestamp::MAX),
        owner: core.owner.id.clone(),
    };
    match mutate(core, &carrier, intent).await? {
        Ending::Answered(status) => proven(&status),
        Ending::Refused(error) | Ending::NotExecuted(error) | Ending::Unproven(error) => Err(error),
        Ending::Created(_) | Ending::Resolved => status(core, dispatch_id, command_id).await,
    }
}

fn revocation(command_id: &str, kind: &str, reason: &str, by: &Requester) -> Result<Document> {
    Document::parse(format!(
        r#"{{"schemaVersion":{},"commandId":{},"type":{},"reason":{},"requestedBy":{{"principal":{},"role":{}}}}}"#,
        quote(SCHEMA_VERSION),
        quote(command_id),
        quote(kind),
        quote(reason),
        quote(&by.principal),
        quote(&by.role),
    ))
}
