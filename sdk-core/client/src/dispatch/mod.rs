//! Dispatches and commands (contract 4f). A command is a request to the carrier's operations centre: the carrier decides,
//! nothing is actuated, and no answer in time is a no.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::dispatch::{Command, CommandStatus, Dispatch};
use gladhand_documents::model::{self, Model as _, SCHEMA_VERSION};
use gladhand_documents::time::format_instant;
use gladhand_protocol::tender::ids;
use gladhand_protocol::tender::state::terminal;
use http::Method;
use jiff::{SignedDuration, Timestamp};

use crate::auth::random::unique;
use crate::auth::{Profile, Request};
use crate::carrier::{Carrier, command_scope, document_of, segment};
use crate::core::Core;
use crate::journal::rows::NewIntent;
use crate::tender::{Ending, mutate};

/// How long a command stays open unless told otherwise; the contract permits 15 minutes.
const DEFAULT_EXPIRY: Duration = Duration::from_secs(300);

/// Who asks for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The person or program.
    pub principal: String,
    /// Its role, such as `dispatcher`.
    pub role: String,
}

impl Requester {
    /// A principal in a role.
    pub fn new(principal: impl Into<String>, role: impl Into<String>) -> Self {
        Self { principal: principal.into(), role: role.into() }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct CommandRequest {
    /// `conditional_stop`, `resume`, `manual_intervention`, `route_change`, `hold_at_terminal`, `release` or
    /// `reschedule_stop`.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub requested_by: Requester,
    /// Members that belong to the type.
    pub params: Option<Document>,
    /// How long it stays open; 5 minutes unless set, at most 15.
    pub expires_in: Option<Duration>,
    /// Seconds for which a hold lasts without renewal.
    pub lease_seconds: Option<u32>,
    /// The command's id; a random one unless set. Asking twice under one id asks once.
    pub command_id: Option<String>,
}

impl CommandRequest {
    /// A request without parameters.
    pub fn new(kind: impl Into<String>, reason: impl Into<String>, requested_by: Requester) -> Self {
        Self {
            kind: kind.into(),
            reason: reason.into(),
            requested_by,
            params: None,
            expires_in: None,
            lease_seconds: None,
            command_id: None,
        }
    }

    /// A stop at the next place that the carrier finds safe.
    pub fn stop_at_next_safe_location(reason: impl Into<String>, requested_by: Requester) -> Result<Self> {
        let params = Document::parse(r#"{"condition":"next_safe_location"}"#)?;
        Ok(Self { params: Some(params), ..Self::new("conditional_stop", reason, requested_by) })
    }
}

/// The carrier that a dispatch belongs to: the journal knows, or there is only one. Each carrier names its dispatches by
/// itself: where two have one of this id under way, nothing says which is meant, and a guess could stop the wrong truck.
async fn carrier_of(core: &Core, dispatch: &str) -> Result<(Arc<Carrier>, Option<String>)> {
    let id = dispatch.to_owned();
    let mut rows = core.journal.run(move |store| store.tenders_of_dispatch(&id)).await?;
    if rows.iter().any(|row| !terminal(&row.state())) {
        rows.retain(|row| !terminal(&row.state()));
    }
    if let Some(row) = rows.first() {
        if let Some(other) = rows.iter().find(|other| other.carrier != row.carrier) {
            let why = format!("the carriers {} and {} both have a dispatch {dispatch}", row.carrier, other.carrier);
            return Err(Error::new(Code::InvalidArgument, why));
        }
        return Ok((core.carrier(&row.carrier)?.clone(), Some(row.tender_id.clone())));
    }
    let mut carriers = core.carriers.values();
    match (carriers.next(), carriers.next()) {
        (Some(only), None) => Ok((only.clone(), None)),
        _ => Err(Error::new(Code::InvalidArgument, format!("no tender in the journal has the dispatch {dispatch}"))),
    }
}

/// The dispatch, fresh from the carrier.
pub(crate) async fn get(core: &Core, id: &str) -> Result<Document> {
    core.open()?;
    let (carrier, _) = carrier_of(core, id).await?;
    read(&carrier, id).await
}

async fn read(carrier: &Carrier, id: &str) -> Result<Document> {
    let path = format!("/v1/dispatches/{}", segment(id));
    carrier.read::<Dispatch>("dispatches.get", path, "dispatch:read", None).await
}

/// Requests a command: reads the dispatch first, so that the request names the revision that holds now.
pub(crate) async fn request(core: &Arc<Core>, dispatch_id: &str, wish: CommandRequest) -> Result<Document> {
    let (carrier, tender) = carrier_of(core, dispatch_id).await?;
    let command_id = match &wish.command_id {
        Some(id) => id.clone(),
        None => format!("c-{}", unique()?),
    };
    let dispatch = read(&carrier, dispatch_id).await?;
    let tender = tender.or_else(|| dispatch.text("/tenderId"));
    let name = dispatch_id.to_owned();
    let sequence = core.journal.run(move |store| store.next_command(&name)).await?;
    let now = core.clock.now();
    let expires = now
        .saturating_add(SignedDuration::try_from(wish.expires_in.unwrap_or(DEFAULT_EXPIRY)).unwrap_or_default())
        .unwrap_or(Timestamp::MAX);
    let body = command(&wish, &command_id, dispatch_id, &dispatch, sequence, now, expires)?;
    model::validate(Command::entity(), &body)?;
    let known = match &tender {
        Some(id) => {
            let id = id.clone();
            core.journal.run(move |store| store.tender(&id)).await?.map(|row| row.tender_id)
        }
        None => None,
    };
    let operation_id = format!("{dispatch_id}/{command_id}");
    let intent = NewIntent {
        operation: "commands.request",
        key: ids::idempotency_key(&core.scope(carrier.name()), "commands.request", &operation_id),
        operation_id,
        tender_id: known,
        carrier: carrier.name().to_owned(),
        origin: carrier.base(),
        method: "PUT",
        path: path_of(dispatch_id, &command_id),
        body: body.clone(),
        prefer: None,
        // Past its expiry a command is never sent again, only read.
        resend_until: expires,
        owner: core.owner.id.clone(),
    };
    match mutate(core, &carrier, intent).await? {
        Ending::Answered(status) => proven(&status),
        Ending::Refused(error) | Ending::NotExecuted(error) => Err(error),
        Ending::Resolved => status(core, dispatch_id, &command_id).await,
        Ending::Unproven(_) => unproven(&body),
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

/// What is known of a command whose answer never came: requested, not granted. The journal resolves it.
fn unproven(command: &Document) -> Result<Document> {
    let text = |pointer: &str| quote(&command.text(pointer).unwrap_or_default());
    Document::parse(format!(
        r#"{{"schemaVersion":{},"commandId":{},"dispatchId":{},"type":{},"state":"requested","commandSequence":{},"expiresAt":{},"receipt":"unproven"}}"#,
        quote(SCHEMA_VERSION),
        text("/commandId"),
        text("/dispatchId"),
        text("/type"),
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
pub(crate) async fn revoke(core: &Arc<Core>, dispatch_id: &str, command_id: &str) -> Result<Document> {
    let (carrier, _) = carrier_of(core, dispatch_id).await?;
    let kind = kind_of(core, dispatch_id, command_id).await?;
    let operation_id = format!("{dispatch_id}/{command_id}/revocation");
    let intent = NewIntent {
        operation: "commands.revoke",
        key: ids::idempotency_key(&core.scope(carrier.name()), "commands.revoke", &operation_id),
        operation_id,
        tender_id: None,
        carrier: carrier.name().to_owned(),
        origin: carrier.base(),
        method: "POST",
        path: format!("{}/revocation", path_of(dispatch_id, command_id)),
        body: Document::parse(format!(
            r#"{{"schemaVersion":{},"commandId":{},"type":{}}}"#,
            quote(SCHEMA_VERSION),
            quote(command_id),
            quote(&kind)
        ))?,
        prefer: None,
        resend_until: core.clock.now().saturating_add(SignedDuration::from_mins(15)).unwrap_or(Timestamp::MAX),
        owner: core.owner.id.clone(),
    };
    match mutate(core, &carrier, intent).await? {
        Ending::Answered(status) => proven(&status),
        Ending::Refused(error) | Ending::NotExecuted(error) | Ending::Unproven(error) => Err(error),
        Ending::Resolved => status(core, dispatch_id, command_id).await,
    }
}
