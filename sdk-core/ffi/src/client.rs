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
use crate::webhook;

/// The role under which a call that names none is made.
const DISPATCHER: &str = "dispatcher";

/// What a webhook must come with unless the subscription says otherwise: the carrier's certificate.
const MTLS: &str = "required";

/// Why something is asked of a carrier's operations centre, and by whom (contract 4f).
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// Why.
    pub reason: String,
    /// Who asks.
    pub principal: String,
    /// In which role; `dispatcher` unless set.
    pub role: Option<String>,
}

impl Asking {
    fn parts(self) -> (String, Requester) {
        (self.reason, Requester::new(self.principal, self.role.unwrap_or_else(|| DISPATCHER.to_owned())))
    }
}

/// What is asked of a carrier's operations centre (contract 4f).
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// `conditional_stop`, `resume`, `manual_intervention`, `route_change`, `hold_at_terminal`, `release` or
    /// `reschedule_stop`.
    pub kind: String,
    /// Why, and who asks.
    pub asking: Asking,
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
        let (reason, by) = self.asking.parts();
        CommandRequest {
            params: self.params,
            expires_in: self.expires_ms.map(Duration::from_millis),
            lease_seconds: self.lease_seconds,
            command_id: self.command_id,
            ..CommandRequest::new(self.kind, reason, by)
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

    /// One offer, fresh from the carrier: a CapacityOffer.
    pub fn capacity_get(&self, carrier: String, capacity_id: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.capacity_get(&carrier, &capacity_id).await })
    }

    /// Holds a slot of an offer; `hold_id` is a random one unless given. Answers the CapacityOffer with its hold.
    pub fn capacity_hold(
        &self,
        carrier: String,
        capacity_id: String,
        hold_id: Option<String>,
        cancel: &CancelToken,
    ) -> Task<Document> {
        self.run(cancel, |core| async move { core.capacity_hold(&carrier, &capacity_id, hold_id.as_deref()).await })
    }

    /// Lets a held slot go. Answers the CapacityOffer.
    pub fn capacity_release(
        &self,
        carrier: String,
        capacity_id: String,
        hold_id: String,
        cancel: &CancelToken,
    ) -> Task<Document> {
        self.run(cancel, |core| async move { core.capacity_release(&carrier, &capacity_id, &hold_id).await })
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

    /// Sends the next revision of a tender that is not decided. Answers the Tender.
    pub fn tender_revise(
        &self,
        id: String,
        load: Document,
        wait_ms: Option<u64>,
        cancel: &CancelToken,
    ) -> Task<Document> {
        let wait = wait_ms.map(Duration::from_millis);
        self.run(cancel, move |core| async move { core.tender_revise(&id, load, wait).await })
    }

    /// Proposes a change of an accepted tender. Answers the Tender.
    pub fn tender_amend(&self, id: String, load: Document, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.tender_amend(&id, load).await })
    }

    /// Takes the carrier's counter offer. Answers the Tender.
    pub fn tender_accept_counter(&self, id: String, wait_ms: Option<u64>, cancel: &CancelToken) -> Task<Document> {
        let wait = wait_ms.map(Duration::from_millis);
        self.run(cancel, move |core| async move { core.tender_accept_counter(&id, wait).await })
    }

    /// Declines the carrier's counter offer. Answers the Tender.
    pub fn tender_decline_counter(&self, id: String, reason: Option<String>, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.tender_decline_counter(&id, reason.as_deref()).await })
    }

    /// Asks to cancel an accepted tender. Answers the Tender.
    pub fn tender_request_cancel(&self, id: String, reason: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.tender_request_cancel(&id, &reason).await })
    }

    /// The operator's audited override: frees a load that the carrier can neither confirm nor deny. Answers the Tender.
    pub fn tender_release_unproven(
        &self,
        id: String,
        actor: String,
        reason: String,
        runbook: String,
        cancel: &CancelToken,
    ) -> Task<Document> {
        self.run(cancel, |core| async move { core.tender_release_unproven(&id, &actor, &reason, &runbook).await })
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

    /// What to answer to a carrier that asks whether it may send webhooks here: an InboxHandshake.
    pub fn handshake(&self, headers: &[(String, String)]) -> Result<Document> {
        let core = self.core()?;
        guard(|| core.inbox_handshake(headers))
    }

    /// Answers a request to a webhook's address, whatever it is: the handshake of an OPTIONS, a webhook by POST, and their
    /// refusals. An InboxAnswer. What is not the sender's doing, such as a journal that cannot be written, is an error: the
    /// host's 500 for it makes the carrier come again.
    pub fn webhook(
        &self,
        method: String,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        cancel: &CancelToken,
    ) -> Task<Document> {
        self.run(cancel, |core| async move { webhook::answer(&core, &method, &headers, &body).await })
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
        mtls: Option<String>,
        cancel: &CancelToken,
    ) -> Task<Document> {
        self.run(cancel, |core| async move {
            core.webhook_subscribe(&carrier, &id, &url, &types, mtls.as_deref().unwrap_or(MTLS)).await
        })
    }

    /// A WebhookSubscription as the carrier has it.
    pub fn webhook_get(&self, carrier: String, id: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.webhook_get(&carrier, &id).await })
    }

    /// Ends a webhook subscription. Answers the WebhookSubscription that it was.
    pub fn webhook_delete(&self, carrier: String, id: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.webhook_delete(&carrier, &id).await })
    }

    /// A Dispatch by id.
    pub fn dispatch_get(&self, id: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.dispatch_get(&id).await })
    }

    /// Requests a command (contract 4f). Answers its CommandStatus.
    pub fn command(&self, dispatch_id: String, wish: Command, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.command_request(&dispatch_id, wish.request()).await })
    }

    /// Requests a stop at the next safe location. Answers its CommandStatus.
    pub fn stop_at_next_safe_location(
        &self,
        dispatch_id: String,
        asking: Asking,
        cancel: &CancelToken,
    ) -> Task<Document> {
        let (reason, by) = asking.parts();
        self.run(cancel, |core| async move { core.stop_at_next_safe_location(&dispatch_id, &reason, by).await })
    }

    /// Requests to go on after the stop `command_ref`. Answers its CommandStatus.
    pub fn dispatch_resume(
        &self,
        dispatch_id: String,
        command_ref: String,
        asking: Asking,
        cancel: &CancelToken,
    ) -> Task<Document> {
        let (reason, by) = asking.parts();
        self.run(cancel, |core| async move { core.dispatch_resume(&dispatch_id, &command_ref, &reason, by).await })
    }

    /// Requests a hold at the terminal for `lease_seconds`. Answers its CommandStatus.
    pub fn dispatch_hold(
        &self,
        dispatch_id: String,
        asking: Asking,
        lease_seconds: u32,
        cancel: &CancelToken,
    ) -> Task<Document> {
        let (reason, by) = asking.parts();
        self.run(cancel, move |core| async move { core.dispatch_hold(&dispatch_id, &reason, by, lease_seconds).await })
    }

    /// Requests another lease, from now, for the hold `command_ref`. Answers its CommandStatus.
    pub fn dispatch_renew_hold(
        &self,
        dispatch_id: String,
        command_ref: String,
        asking: Asking,
        lease_seconds: u32,
        cancel: &CancelToken,
    ) -> Task<Document> {
        let (reason, by) = asking.parts();
        self.run(cancel, move |core| async move {
            core.dispatch_renew_hold(&dispatch_id, &command_ref, &reason, by, lease_seconds).await
        })
    }

    /// Requests the end of the hold `command_ref`. Answers its CommandStatus.
    pub fn dispatch_release(
        &self,
        dispatch_id: String,
        command_ref: String,
        asking: Asking,
        cancel: &CancelToken,
    ) -> Task<Document> {
        let (reason, by) = asking.parts();
        self.run(cancel, |core| async move { core.dispatch_release(&dispatch_id, &command_ref, &reason, by).await })
    }

    /// Requests a person at the vehicle, of an InterventionKind. Answers its CommandStatus.
    pub fn dispatch_request_intervention(
        &self,
        dispatch_id: String,
        kind: String,
        asking: Asking,
        cancel: &CancelToken,
    ) -> Task<Document> {
        let (reason, by) = asking.parts();
        self.run(
            cancel,
            |core| async move { core.dispatch_request_intervention(&dispatch_id, &kind, &reason, by).await },
        )
    }

    /// Requests a detour of the capacity's route. Answers its CommandStatus.
    pub fn dispatch_change_route(
        &self,
        dispatch_id: String,
        detour_id: String,
        asking: Asking,
        cancel: &CancelToken,
    ) -> Task<Document> {
        let (reason, by) = asking.parts();
        self.run(cancel, |core| async move { core.dispatch_change_route(&dispatch_id, &detour_id, &reason, by).await })
    }

    /// Every command that was asked of a dispatch, from the journal: CommandRecord documents.
    pub fn command_records(&self, dispatch_id: String, cancel: &CancelToken) -> Task<Vec<Document>> {
        self.run(cancel, |core| async move { core.command_records(&dispatch_id).await })
    }

    /// How far a command got: its CommandStatus.
    pub fn command_status(&self, dispatch_id: String, command_id: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.command_status(&dispatch_id, &command_id).await })
    }

    /// Revokes a command that is not executing yet. Answers its CommandStatus.
    pub fn command_revoke(
        &self,
        dispatch_id: String,
        command_id: String,
        asking: Asking,
        cancel: &CancelToken,
    ) -> Task<Document> {
        let (reason, by) = asking.parts();
        self.run(cancel, |core| async move { core.command_revoke(&dispatch_id, &command_id, &reason, by).await })
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

    /// Numbers to watch the client by: a Metrics. Asks no carrier.
    pub fn metrics(&self, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.metrics().await })
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
