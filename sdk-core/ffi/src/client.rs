//! The operations of the SDK as tasks on documents: what every binding calls, one method for each.

use std::sync::Arc;
use std::time::Duration;

use gladhand::config::Config;
use gladhand::{CommandRequest, Requester};
use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;
use tokio_util::sync::CancellationToken;

use crate::runtime::Owner;
use crate::stream::{Events, Follow, Safety, Watch};
use crate::task::{CancelToken, Task, guard, spawn};

/// The role under which a call that names none is made.
const DISPATCHER: &str = "dispatcher";

/// What is asked of a carrier's operations centre (contract 4f).
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// `conditional_stop`, `resume`, `manual_intervention`, `route_change`, `hold_at_terminal`, `release` or
    /// `reschedule_stop`.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub principal: String,
    /// In which role; `dispatcher` unless set.
    pub role: Option<String>,
    /// Members that belong to the type.
    pub params: Option<Document>,
    /// Milliseconds for which it stays open; 5 minutes unless set, at most 15.
    pub expires_ms: Option<u64>,
    /// Seconds for which a hold lasts without renewal.
    pub lease_seconds: Option<u32>,
    /// The command's id; a random one unless set. Asking twice under one id asks once.
    pub command_id: Option<String>,
}

impl Command {
    fn request(self) -> CommandRequest {
        let by = Requester::new(self.principal, self.role.unwrap_or_else(|| DISPATCHER.to_owned()));
        CommandRequest {
            params: self.params,
            expires_in: self.expires_ms.map(Duration::from_millis),
            lease_seconds: self.lease_seconds,
            command_id: self.command_id,
            ..CommandRequest::new(self.kind, self.reason, by)
        }
    }
}

/// A connected client. Cheap to clone; refuses to work after [`Client::close`] and in a forked child.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: gladhand::Client,
    owner: Owner,
    /// Cancelled by [`Client::close`].
    closed: CancellationToken,
}

/// Reads the configuration: the file at `path`, or the default one; `GLADHAND_*`; then `settings` as dotted keys.
pub(crate) fn configuration(path: Option<&str>, settings: &[(String, String)]) -> Result<Config> {
    let builder = Config::builder();
    let builder = match path {
        Some(path) => builder.file(path),
        None => builder.default_file(),
    };
    settings.iter().fold(builder.environment_variables(), |builder, (key, value)| builder.set(key, value)).build()
}

impl Client {
    /// Connects with the configuration at `path` (default: `GLADHAND_CONFIG`, then `gladhand.toml`) and settings by dotted key.
    pub fn connect(path: Option<String>, settings: Vec<(String, String)>, cancel: &CancelToken) -> Task<Self> {
        spawn(cancel, async move {
            let client = gladhand::Client::connect(configuration(path.as_deref(), &settings)?).await?;
            Ok(Self(Arc::new(Inner { client, owner: Owner::current(), closed: CancellationToken::new() })))
        })
    }

    pub(crate) fn core(&self) -> Result<gladhand::Client> {
        self.0.owner.check()?;
        if self.0.closed.is_cancelled() {
            return Err(Error::new(Code::ClientClosed, "this client was closed"));
        }
        Ok(self.0.client.clone())
    }

    /// Is cancelled when this client is closed.
    pub(crate) fn closed(&self) -> CancellationToken {
        self.0.closed.clone()
    }

    pub(crate) fn run<T, F, Fut>(&self, cancel: &CancelToken, operation: F) -> Task<T>
    where
        T: Send + 'static,
        F: FnOnce(gladhand::Client) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        let core = self.core();
        spawn(cancel, async move { operation(core?).await })
    }

    /// Capacity of all carriers; `request` is a CapacitySearch. Answers a CapacityResult.
    pub fn capacity_search(&self, request: Document, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.capacity_search(request).await })
    }

    /// Whether a load fits an offer, check by check: an Eligibility. No IO.
    pub fn explain(&self, load: &Document, offer: &Document) -> Result<Document> {
        let core = self.core()?;
        guard(|| core.explain(load, offer))
    }

    /// Tenders a load. Answers a Tender for every business answer (contract 4d).
    pub fn tender_create(
        &self,
        load: Document,
        carrier: String,
        capacity: Option<Document>,
        wait_ms: Option<u64>,
        cancel: &CancelToken,
    ) -> Task<Document> {
        let options = create_options(carrier, capacity, wait_ms);
        self.run(cancel, |core| async move { core.tender_create(load, options).await })
    }

    /// Tenders a released load again, as the next attempt.
    pub fn tender_again(
        &self,
        load: Document,
        carrier: String,
        capacity: Option<Document>,
        wait_ms: Option<u64>,
        cancel: &CancelToken,
    ) -> Task<Document> {
        let options = create_options(carrier, capacity, wait_ms);
        self.run(cancel, |core| async move { core.tender_again(load, options).await })
    }

    /// A Tender by id.
    pub fn tender_get(&self, id: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.tender_get(&id).await })
    }

    /// The tenders of the journal, of one state or all.
    pub fn tender_list(&self, state: Option<String>, cancel: &CancelToken) -> Task<Vec<Document>> {
        self.run(cancel, |core| async move { core.tender_list(state.as_deref()).await })
    }

    /// Withdraws a tender (contract 4b, transition 11).
    pub fn tender_withdraw(&self, id: String, reason: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.tender_withdraw(&id, &reason).await })
    }

    /// A tender now and after each change.
    pub fn tender_watch(&self, id: String, cancel: &CancelToken) -> Task<Watch> {
        self.run(cancel, |core| async move { Ok(Watch::new(core.tender_watch(&id))) })
    }

    /// The durable events of a consumer.
    pub fn events(&self, consumer: String, cancel: &CancelToken) -> Task<Events> {
        self.run(cancel, |core| async move { core.events(&consumer).await.map(Events::new) })
    }

    /// Takes in a webhook: verifies and stores. Answers an InboxReceipt.
    pub fn receive(&self, headers: Vec<(String, String)>, body: Vec<u8>, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.receive(&headers, &body).await })
    }

    /// Safety events at once, out of band.
    pub fn safety(&self, cancel: &CancelToken) -> Task<Safety> {
        self.run(cancel, |core| async move { core.safety().await.map(Safety::new) })
    }

    /// Subscribes a webhook at a carrier. Answers the WebhookSubscription.
    pub fn webhook_subscribe(
        &self,
        carrier: String,
        id: String,
        url: String,
        types: Vec<String>,
        mtls: String,
        cancel: &CancelToken,
    ) -> Task<Document> {
        self.run(cancel, |core| async move { core.webhook_subscribe(&carrier, &id, &url, &types, &mtls).await })
    }

    /// A Dispatch by id.
    pub fn dispatch_get(&self, id: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.dispatch_get(&id).await })
    }

    /// Requests a command (contract 4f). Answers its CommandStatus.
    pub fn command(&self, dispatch_id: String, wish: Command, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.command_request(&dispatch_id, wish.request()).await })
    }

    /// Requests a stop at the next safe location, as [`Command::role`] `dispatcher`.
    pub fn stop_at_next_safe_location(
        &self,
        dispatch_id: String,
        reason: String,
        requested_by: String,
        cancel: &CancelToken,
    ) -> Task<Document> {
        let by = Requester::new(requested_by, DISPATCHER);
        self.run(cancel, |core| async move { core.stop_at_next_safe_location(&dispatch_id, &reason, by).await })
    }

    /// How far a command got: its CommandStatus.
    pub fn command_status(&self, dispatch_id: String, command_id: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.command_status(&dispatch_id, &command_id).await })
    }

    /// Revokes a command that is not executing yet. Answers its CommandStatus.
    pub fn command_revoke(&self, dispatch_id: String, command_id: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.command_revoke(&dispatch_id, &command_id).await })
    }

    /// The papers of a tender, as one document.
    pub fn documents_list(&self, tender_id: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.documents_list(&tender_id).await })
    }

    /// One paper of a tender.
    pub fn documents_get(&self, tender_id: String, document_id: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.documents_get(&tender_id, &document_id).await })
    }

    /// Positions of loads as they come: Position documents.
    pub fn telemetry_follow(&self, loads: Vec<String>, cancel: &CancelToken) -> Task<Follow> {
        self.run(cancel, |core| async move { core.telemetry_follow(&loads).await.map(Follow::new) })
    }

    /// Compares every history with the carriers'. Answers a ReconciliationReport.
    pub fn reconcile(&self, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.reconcile().await })
    }

    /// Checks every row of the journal. Answers a JournalReport.
    pub fn journal_verify(&self, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.journal_verify().await })
    }

    /// The journal's rows: JournalEntry documents.
    pub fn journal_export(&self, cancel: &CancelToken) -> Task<Vec<Document>> {
        self.run(cancel, |core| async move { core.journal_export().await })
    }

    /// How client and carriers are: a Health.
    pub fn health(&self, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.health().await })
    }

    /// Ends background work. Every later call is `client_closed`; closing twice is fine.
    pub fn close(&self, cancel: &CancelToken) -> Task<()> {
        let inner = Arc::clone(&self.0);
        spawn(cancel, async move {
            inner.owner.check()?;
            if !inner.closed.is_cancelled() {
                inner.closed.cancel();
                inner.client.close().await;
            }
            Ok(())
        })
    }
}

fn create_options(carrier: String, capacity: Option<Document>, wait_ms: Option<u64>) -> gladhand::CreateOptions {
    let mut options = gladhand::CreateOptions::new(carrier);
    if let Some(capacity) = capacity {
        options = options.capacity(capacity);
    }
    if let Some(ms) = wait_ms {
        options = options.wait(Duration::from_millis(ms));
    }
    options
}
