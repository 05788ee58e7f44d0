//! [`Client`]: a TMS's connection to its carriers. Each method is a thin door to the module that does the work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;
use gladhand_protocol::proof::schedule::{self, ScheduledKey};

use crate::auth::{Authorized, Caller};
use crate::carrier::Carrier;
use crate::clock::{SharedClock, SystemClock, within};
use crate::config::{Config, PemSource};
use crate::core::Core;
use crate::dispatch::{CommandRequest, Requester};
use crate::events::{EventReader, SafetyStream, ensure_following};
use crate::identity::rotation::Rotation;
use crate::identity::{self, Identity, PemUpdate};
use crate::journal::rows::Override;
use crate::journal::{Journal, Owner};
use crate::observe::{Expiry, SecurityLog, SecurityStream, status};
use crate::secret::Secret;
use crate::telemetry::Follow;
use crate::tender::{CreateOptions, Watch, change, release};
use crate::{capacity, dispatch, health, inbox, metrics, reconcile, telemetry, tender};

/// How many entries one step of an export reads.
const EXPORT_PAGE: usize = 500;

/// A client of all configured carriers. Clones are the same client; when the last one is dropped, its background work
/// ends. Needs a Tokio runtime.
#[derive(Clone, Debug)]
pub struct Client(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    core: Arc<Core>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.core.stop.cancel();
        let owner = self.core.owner.id.clone();
        // Lets another process take over at once what this one leaves.
        self.core.journal.post(move |store| {
            let _ = store.unregister(&owner);
        });
    }
}

impl Client {
    /// Opens the journal and the identity, and begins to resolve what an earlier run left behind. No carrier is called
    /// yet.
    ///
    /// Errors: those of [`Config`], of the identity (`certificate_unreadable`, `key_mismatch`, `certificate_expired`)
    /// and of [`Journal::open`].
    pub async fn connect(config: Config) -> Result<Self> {
        Self::connect_with(config, Arc::new(SystemClock::new())).await
    }

    /// [`Client::connect`] on another clock.
    pub async fn connect_with(config: Config, clock: SharedClock) -> Result<Self> {
        let source = identity::source(&config.identity, &clock)?;
        Self::connect_as(config, clock, source).await
    }

    /// [`Client::connect_with`] with an identity from elsewhere than the configuration, such as a hardware key.
    pub async fn connect_as(config: Config, clock: SharedClock, source: Arc<dyn Identity>) -> Result<Self> {
        let material = source.load().await?;
        let security = SecurityLog::new(clock.clone());
        let (mut carriers, mut callers) = (BTreeMap::new(), Vec::new());
        for (name, carrier) in &config.carriers {
            let caller = Authorized::new(carrier, material.clone(), clock.clone(), security.clone())?;
            callers.push(caller.clone());
            let whole = Carrier::new(carrier.clone(), Arc::new(caller.clone()), Some(caller), clock.clone());
            carriers.insert(name.clone(), Arc::new(whole));
        }
        let rotation = Rotation::new(source, material, callers, clock.clone(), security.clone());
        let journal = Self::journal(&config, &clock).await?;
        Self::start(config, clock, security, journal, carriers, Some(rotation)).await
    }

    /// A client over other callers than the network: for simulations. Carriers without a caller are left out.
    pub async fn connect_simulated(
        config: Config,
        clock: SharedClock,
        callers: BTreeMap<String, Arc<dyn Caller>>,
    ) -> Result<Self> {
        let mut carriers = BTreeMap::new();
        for (name, caller) in callers {
            let settings = config.carrier(&name)?.clone();
            carriers.insert(name, Arc::new(Carrier::new(settings, caller, None, clock.clone())));
        }
        let security = SecurityLog::new(clock.clone());
        let journal = Self::journal(&config, &clock).await?;
        Self::start(config, clock, security, journal, carriers, None).await
    }

    /// [`Client::connect_simulated`] without a thread of its own: on a runtime with one thread and paused time, the same
    /// seeds give the same run.
    pub async fn connect_repeatable(config: Config, clock: SharedClock, callers: Vec<Authorized>) -> Result<Self> {
        let mut carriers = BTreeMap::new();
        for caller in callers {
            let settings = caller.carrier().clone();
            let name = settings.name.clone();
            let whole = Carrier::new(settings, Arc::new(caller.clone()), Some(caller), clock.clone());
            carriers.insert(name, Arc::new(whole));
        }
        let security = SecurityLog::new(clock.clone());
        let journal = Journal::open_here(&config.journal.path, &config.environment, &config.tenant, clock.clone())?;
        Self::start(config, clock, security, journal, carriers, None).await
    }

    /// The end of the process of [`Client::connect_repeatable`], as by SIGKILL: nothing of it writes to the journal any
    /// more, and its background work ends.
    pub fn kill(&self) {
        self.core().journal.die();
        self.core().stop.cancel();
    }

    async fn journal(config: &Config, clock: &SharedClock) -> Result<Journal> {
        Journal::open(&config.journal.path, &config.environment, &config.tenant, clock.clone()).await
    }

    async fn start(
        config: Config,
        clock: SharedClock,
        security: SecurityLog,
        journal: Journal,
        carriers: BTreeMap<String, Arc<Carrier>>,
        rotation: Option<Arc<Rotation>>,
    ) -> Result<Self> {
        let owner = Owner::here();
        let own = owner.clone();
        journal.run(move |store| store.register(&own)).await?;
        for carrier in carriers.values() {
            carrier.join(&journal, config.deny_deprecated_days);
        }
        for caller in carriers.values().filter_map(|carrier| carrier.authorized()) {
            caller.share_schedule(&journal);
        }
        let core = Arc::new(Core::new(config, clock, security, journal, owner, carriers, rotation));
        core.tasks.spawn(status::watch(core.clone()));
        if let Some(rotation) = &core.rotation {
            core.tasks.spawn(rotation.clone().run(core.stop.clone()));
        }
        core.tasks.spawn(tender::drive(core.clone()));
        Ok(Self(Arc::new(Handle { core })))
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.core().config
    }

    /// The clock that everything here runs on.
    pub fn clock(&self) -> &SharedClock {
        &self.core().clock
    }

    /// The network's caller of a carrier, for streams. Error: `carrier_unknown`. `None` in a simulation.
    pub fn authorized(&self, carrier: &str) -> Result<Option<Authorized>> {
        Ok(self.core().carrier(carrier)?.authorized().cloned())
    }

    /// Asks every carrier for capacity (document `CapacitySearch`) and answers with a `CapacityResult`: the offers, byte
    /// for byte, and the carriers that failed. A slow carrier costs at most three seconds. Errors: `schema_invalid`.
    pub async fn capacity_search(&self, request: Document) -> Result<Document> {
        capacity::search(self.core(), request).await
    }

    /// One offer, fresh from the carrier (document `CapacityOffer`, byte for byte). Errors: `not_found`, `carrier_unknown`.
    pub async fn capacity_get(&self, carrier: &str, capacity_id: &str) -> Result<Document> {
        capacity::hold::get(self.core(), carrier, capacity_id).await
    }

    /// Holds a slot of an offer before a load is tendered (contract 3b): the offer with its `hold`, which says until when.
    /// `hold_id`: a random one unless given; the same one again is the same hold. Errors: `capacity_committed`,
    /// `hold_expired` for an id that was released or has lapsed; with `maybe_sent` while the journal resolves whether it
    /// arrived.
    pub async fn capacity_hold(&self, carrier: &str, capacity_id: &str, hold_id: Option<&str>) -> Result<Document> {
        let (core, carrier, id) = (self.core().clone(), carrier.to_owned(), capacity_id.to_owned());
        let hold = hold_id.map(str::to_owned);
        let work = async move { capacity::hold::hold(&core, &carrier, &id, hold.as_deref()).await };
        self.core().detached(work).await
    }

    /// Lets a held slot go. Errors: `hold_expired`, `not_found`; with `maybe_sent` while the journal resolves it.
    pub async fn capacity_release(&self, carrier: &str, capacity_id: &str, hold_id: &str) -> Result<Document> {
        let (core, carrier, id) = (self.core().clone(), carrier.to_owned(), capacity_id.to_owned());
        let hold = hold_id.to_owned();
        self.core().detached(async move { capacity::hold::release(&core, &carrier, &id, &hold).await }).await
    }

    /// Whether a load fits an offer, check by check (document `Eligibility`). Asks nobody: a tare that neither names is what
    /// the carrier publishes from whose search or read the offer came, else 35,000 lb (contract 3d). Errors:
    /// `schema_invalid` for an offer that is none.
    pub fn explain(&self, load: &Document, offer: &Document) -> Result<Document> {
        capacity::judge(self.core(), load, offer)
    }

    /// Tenders a load (document `LoadTender`; the SDK fills in `schemaVersion`, `tenderId`, `revision`, `mode` and
    /// `capacityId`) and answers with a `Tender`: decided, `pending`, `offer` with receipt `unproven`, or the tender that
    /// holds the load already (`joined`). A refusal is a `rejected` tender, never an error. If the caller stops waiting,
    /// the tender goes on.
    ///
    /// To fall back on another carrier, tender the same load there once `loadReleased` is true: after a rejection, an expiry,
    /// or [`Client::tender_withdraw`]. Until then a tender of the load at any carrier joins the one that holds it, so that no
    /// second truck comes.
    ///
    /// Errors, all of them before anything was executed: `schema_invalid` and the codes of broken rules, the codes of
    /// eligibility, `carrier_unknown`, `environment_mismatch`, `epoch_changed`, those of tokens, connection and journal.
    pub async fn tender_create(&self, load: Document, options: CreateOptions) -> Result<Document> {
        let core = self.core().clone();
        self.core().detached(async move { tender::create(&core, load, options, false).await }).await
    }

    /// Tenders a released load again: the next attempt, a new tender. Errors: `load_held`, and those of
    /// [`Client::tender_create`].
    pub async fn tender_again(&self, load: Document, options: CreateOptions) -> Result<Document> {
        let core = self.core().clone();
        self.core().detached(async move { tender::create(&core, load, options, true).await }).await
    }

    /// A tender: asked of the carrier unless it is finished; what the journal knows if the carrier cannot be reached.
    /// Errors: `tender_unknown`, those of the journal.
    pub async fn tender_get(&self, id: &str) -> Result<Document> {
        self.core().open()?;
        tender::get(self.core(), id).await
    }

    /// Every tender in the journal, newest first; with `state`, those in it. Errors: those of the journal.
    pub async fn tender_list(&self, state: Option<&str>) -> Result<Vec<Document>> {
        self.core().open()?;
        tender::list(self.core(), state).await
    }

    /// Follows a tender: what it is now, then every change. Also follows its carrier's feed from now on.
    pub fn tender_watch(&self, id: &str) -> Watch {
        ensure_following(self.core(), None);
        Watch::new(self.core().clone(), id.to_owned())
    }

    /// Takes a tender back that the carrier has not accepted. Errors: `already_accepted`, `illegal_transition`,
    /// `tender_unknown`; with `maybe_sent` while the journal resolves whether it arrived.
    pub async fn tender_withdraw(&self, id: &str, reason: &str) -> Result<Document> {
        let (core, id, reason) = (self.core().clone(), id.to_owned(), reason.to_owned());
        self.core().detached(async move { tender::withdraw(&core, &id, &reason).await }).await
    }

    /// Sends new content of a tender that is not decided yet: its next revision; every offer of the carrier for an older one
    /// is void (contract 4b, row 8). `load` is a whole `LoadTender`; the SDK fills in `schemaVersion`, `tenderId`, `mode` and
    /// the `revision` that follows on the one in the journal. `wait`: as for [`Client::tender_create`].
    ///
    /// Errors: `already_accepted` where the carrier was faster: then [`Client::tender_amend`] proposes the change, which is
    /// never done by itself; `revision_content_conflict`, `stale_revision`, `revision_gap`, `illegal_transition`, those of
    /// broken rules, `tender_unknown`; with `maybe_sent` while the journal resolves whether it arrived.
    pub async fn tender_revise(&self, id: &str, load: Document, wait: Option<Duration>) -> Result<Document> {
        let (core, id) = (self.core().clone(), id.to_owned());
        let work = async move { change::content(&core, &id, load, change::Content::Revision, wait).await };
        self.core().detached(work).await
    }

    /// Proposes a change of an accepted tender (contract 4b, row 18). The tender stays as it is and its overlay `amendment` is
    /// `received`, until the carrier confirms or declines; legs that are released do not change. `load`: as for
    /// [`Client::tender_revise`]. Errors: `illegal_transition`, `revision_content_conflict` while another proposal is open,
    /// those of broken rules, `tender_unknown`; with `maybe_sent` while the journal resolves whether it arrived.
    pub async fn tender_amend(&self, id: &str, load: Document) -> Result<Document> {
        let (core, id) = (self.core().clone(), id.to_owned());
        let work = async move { change::content(&core, &id, load, change::Content::Amendment, None).await };
        self.core().detached(work).await
    }

    /// Takes the carrier's open counter offer (contract 4b, row 7): the tender is accepted, or rejected with `capacity_gone`
    /// where the capacity was taken meanwhile. `wait`: for how long the carrier may hold its answer back. Errors:
    /// `counter_expired`, `illegal_transition` where there is none, `tender_unknown`; with `maybe_sent` while the journal
    /// resolves whether it arrived.
    pub async fn tender_accept_counter(&self, id: &str, wait: Option<Duration>) -> Result<Document> {
        let (core, id) = (self.core().clone(), id.to_owned());
        self.core().detached(async move { change::accept_counter(&core, &id, wait).await }).await
    }

    /// Declines the carrier's open counter offer: the tender is rejected, and the load free (contract 4b, row 9). Errors: as
    /// for [`Client::tender_accept_counter`].
    pub async fn tender_decline_counter(&self, id: &str, reason: Option<&str>) -> Result<Document> {
        let (core, id, reason) = (self.core().clone(), id.to_owned(), reason.map(str::to_owned));
        self.core().detached(async move { change::decline_counter(&core, &id, reason.as_deref()).await }).await
    }

    /// Asks to cancel an accepted or dispatched tender (contract 4b, row 16). The carrier may decline; until it has
    /// confirmed, the load stays held. The overlay `cancellation` says how far it is. Errors: `illegal_transition`, `not_found`,
    /// `tender_unknown`; with `maybe_sent` while the journal resolves whether it arrived.
    pub async fn tender_request_cancel(&self, id: &str, reason: &str) -> Result<Document> {
        let (core, id, reason) = (self.core().clone(), id.to_owned(), reason.to_owned());
        self.core().detached(async move { change::request_cancel(&core, &id, &reason).await }).await
    }

    /// The operator's override (contract 4b): frees the load of a tender that the carrier can neither confirm nor deny, once
    /// somebody has made sure by other means that no truck will come. `actor`: who decides; `runbook`: by which runbook, such
    /// as `RB-01`. Both, the reason and the state stand in the journal as an OVERRIDE entry. Errors: `illegal_transition` where
    /// the carrier's word is known, or no load is held; `invalid_argument` for an empty name; `tender_unknown`.
    pub async fn tender_release_unproven(
        &self,
        id: &str,
        actor: &str,
        reason: &str,
        runbook: &str,
    ) -> Result<Document> {
        let (core, id) = (self.core().clone(), id.to_owned());
        let by = Override { actor: actor.to_owned(), reason: reason.to_owned(), runbook: runbook.to_owned() };
        self.core().detached(async move { release::release(&core, &id, by).await }).await
    }

    /// Reads all events as one consumer: ordered per tender, delivered again until acknowledged, over restarts. Also
    /// follows every carrier's feed from now on. Errors: `consumer_leased`.
    pub async fn events(&self, consumer: &str) -> Result<EventReader> {
        self.core().open()?;
        let reader = EventReader::open(self.core().clone(), consumer).await?;
        ensure_following(self.core(), None);
        self.core().wake.notify_one();
        Ok(reader)
    }

    /// What matters to safety, at once, also before its turn; first what was stored while nobody was told. At least once: an
    /// event counts as told once the next one is asked for. Every listener of the journal is told everything from now on.
    /// Also follows every carrier's feed.
    pub async fn safety(&self) -> Result<SafetyStream> {
        self.core().open()?;
        let stream = SafetyStream::open(self.core().clone()).await?;
        ensure_following(self.core(), None);
        Ok(stream)
    }

    /// Takes a webhook: the header fields and the raw body, at most 256 KiB, as they came. Answers with an `InboxReceipt`,
    /// whose status is the one to answer with. Errors, whose HTTP status is theirs to answer with:
    /// `webhook_signature_missing`, `webhook_signature_invalid`, `webhook_source_foreign`, `clock_skew` (it names the measured
    /// offset, and the feed is followed instead), `too_large`, `unsupported_media`, `schema_invalid`.
    pub async fn receive(&self, headers: &[(String, String)], body: &[u8]) -> Result<Document> {
        inbox::receive(self.core(), headers, body).await
    }

    /// Asks a carrier to send webhooks to `url`, https. `types`: which event types, empty for all. `mtls`: `required` or
    /// `signature_only`. Answers with the `WebhookSubscription`. Errors: `carrier_unknown`, `schema_invalid`.
    pub async fn webhook_subscribe(
        &self,
        carrier: &str,
        id: &str,
        url: &str,
        types: &[String],
        mtls: &str,
    ) -> Result<Document> {
        let subscription = inbox::Subscription {
            carrier: carrier.to_owned(),
            id: id.to_owned(),
            url: url.to_owned(),
            types: types.to_vec(),
            mtls: mtls.to_owned(),
        };
        let core = self.core().clone();
        self.core().detached(async move { inbox::subscribe(&core, subscription).await }).await
    }

    /// A webhook subscription as the carrier has it. Errors: `carrier_unknown`, `not_found`.
    pub async fn webhook_get(&self, carrier: &str, id: &str) -> Result<Document> {
        inbox::subscription(self.core(), carrier, id).await
    }

    /// Ends a webhook subscription and answers with what it was. Errors: `carrier_unknown`, `not_found`.
    pub async fn webhook_delete(&self, carrier: &str, id: &str) -> Result<Document> {
        let (core, carrier, id) = (self.core().clone(), carrier.to_owned(), id.to_owned());
        self.core().detached(async move { inbox::unsubscribe(&core, &carrier, &id).await }).await
    }

    /// What to answer to the OPTIONS request with which a carrier asks whether it may send webhooks here (CloudEvents webhook
    /// 1.0, section 4): an `InboxHandshake`, with status and header fields. `headers` as they came. Errors, whose HTTP status
    /// is theirs to answer with: `schema_invalid` for a request that is no handshake, `webhook_source_foreign` for an origin
    /// of no configured carrier.
    pub fn inbox_handshake(&self, headers: &[(String, String)]) -> Result<Document> {
        inbox::handshake(self.core(), headers)
    }

    /// A dispatch, fresh from the carrier. Errors: `not_found`.
    pub async fn dispatch_get(&self, id: &str) -> Result<Document> {
        dispatch::get(self.core(), id).await
    }

    /// Requests a command of the carrier's operations centre. Answers with a `CommandStatus`; receipt `unproven` while
    /// the journal resolves whether it arrived. Errors: `stale_dispatch`, `command_out_of_order`, `illegal_transition`,
    /// `scope_missing`, `not_found`, `schema_invalid`.
    pub async fn command_request(&self, dispatch_id: &str, request: CommandRequest) -> Result<Document> {
        let (core, id) = (self.core().clone(), dispatch_id.to_owned());
        self.core().detached(async move { dispatch::request(&core, &id, request).await }).await
    }

    /// Asks for a stop at the next place that the carrier finds safe. See [`Client::command_request`].
    pub async fn stop_at_next_safe_location(
        &self,
        dispatch_id: &str,
        reason: &str,
        requested_by: Requester,
    ) -> Result<Document> {
        self.command_request(dispatch_id, CommandRequest::stop_at_next_safe_location(reason, requested_by)?).await
    }

    /// Asks to go on after the stop that was asked for under `command_ref`. See [`Client::command_request`].
    pub async fn dispatch_resume(
        &self,
        dispatch_id: &str,
        command_ref: &str,
        reason: &str,
        requested_by: Requester,
    ) -> Result<Document> {
        self.command_request(dispatch_id, CommandRequest::resume(command_ref, reason, requested_by)?).await
    }

    /// Asks to hold the vehicle at its terminal for `lease_seconds`. See [`CommandRequest::hold`],
    /// [`Client::command_request`].
    pub async fn dispatch_hold(
        &self,
        dispatch_id: &str,
        reason: &str,
        requested_by: Requester,
        lease_seconds: u32,
    ) -> Result<Document> {
        self.command_request(dispatch_id, CommandRequest::hold(reason, requested_by, lease_seconds)).await
    }

    /// Asks for another lease, from now, for the hold that was asked for under `command_ref`. See
    /// [`Client::command_request`].
    pub async fn dispatch_renew_hold(
        &self,
        dispatch_id: &str,
        command_ref: &str,
        reason: &str,
        requested_by: Requester,
        lease_seconds: u32,
    ) -> Result<Document> {
        let request = CommandRequest::renew_hold(command_ref, reason, requested_by, lease_seconds)?;
        self.command_request(dispatch_id, request).await
    }

    /// Asks to end the hold that was asked for under `command_ref`. See [`Client::command_request`].
    pub async fn dispatch_release(
        &self,
        dispatch_id: &str,
        command_ref: &str,
        reason: &str,
        requested_by: Requester,
    ) -> Result<Document> {
        self.command_request(dispatch_id, CommandRequest::release(command_ref, reason, requested_by)?).await
    }

    /// Asks for a person: `human_takeover`, `transfer_hub` or `roadside_service`. The one command that is taken in the control
    /// modes `manual_override`, `minimal_risk` and `out_of_service`. See [`Client::command_request`].
    pub async fn dispatch_request_intervention(
        &self,
        dispatch_id: &str,
        kind: &str,
        reason: &str,
        requested_by: Requester,
    ) -> Result<Document> {
        self.command_request(dispatch_id, CommandRequest::intervention(kind, reason, requested_by)?).await
    }

    /// Asks for a detour of the capacity's route. See [`Client::command_request`]; also errors: `detour_not_permitted`.
    pub async fn dispatch_change_route(
        &self,
        dispatch_id: &str,
        detour_id: &str,
        reason: &str,
        requested_by: Requester,
    ) -> Result<Document> {
        self.command_request(dispatch_id, CommandRequest::detour(detour_id, reason, requested_by)?).await
    }

    /// Every command that was asked of a dispatch, the oldest first (documents `CommandRecord`): who asked for what and why,
    /// and what became of it. From the journal alone; asks nobody.
    pub async fn command_records(&self, dispatch_id: &str) -> Result<Vec<Document>> {
        dispatch::records(self.core(), dispatch_id).await
    }

    /// How far a command got, fresh from the carrier. Errors: `not_found`.
    pub async fn command_status(&self, dispatch_id: &str, command_id: &str) -> Result<Document> {
        dispatch::status(self.core(), dispatch_id, command_id).await
    }

    /// Takes a command back, which is possible until it is executed (contract 4f). Whoever says it first is on record: said
    /// again, it is the same revocation. Errors: `illegal_transition`, `not_found`; `schema_invalid`, before anything is sent,
    /// for a reason or requester longer than the contract allows.
    pub async fn command_revoke(
        &self,
        dispatch_id: &str,
        command_id: &str,
        reason: &str,
        requested_by: Requester,
    ) -> Result<Document> {
        let (core, dispatch, command) = (self.core().clone(), dispatch_id.to_owned(), command_id.to_owned());
        let reason = reason.to_owned();
        self.core()
            .detached(async move { dispatch::revoke(&core, &dispatch, &command, &reason, &requested_by).await })
            .await
    }

    /// The papers of a tender: proof of delivery, invoice. Errors: `tender_unknown`, `not_found`.
    pub async fn documents_list(&self, tender: &str) -> Result<Document> {
        tender::papers(self.core(), tender, None).await
    }

    /// One paper of a tender. Errors: `tender_unknown`, `not_found`.
    pub async fn documents_get(&self, tender: &str, document: &str) -> Result<Document> {
        tender::papers(self.core(), tender, Some(document)).await
    }

    /// Follows the trucks of these loads: the newest positions (document `Position`), each with its freshness. Each load is
    /// followed at the carrier that its latest tender went to. Errors: `tender_unknown` for a load without a tender;
    /// `tenant_forbidden` for one that is not under way; `scope_missing`, `data_sharing_denied`; `invalid_argument` without
    /// a load. An outage is no error: it is outwaited.
    pub async fn telemetry_follow(&self, load_ids: &[String]) -> Result<Follow> {
        telemetry::follow(self.core(), load_ids).await
    }

    /// Compares the journal with every carrier's log and repairs what can be repaired (document
    /// `ReconciliationReport`). A carrier that fails is named in it.
    pub async fn reconcile(&self) -> Result<Document> {
        let core = self.core().clone();
        self.core().detached(async move { reconcile::run(&core).await }).await
    }

    /// Checks every row of the journal against its digest, and the chain against its mirrored head (document
    /// `JournalReport`).
    pub async fn journal_verify(&self) -> Result<Document> {
        let report = self.core().journal.run(|store| store.verify()).await?;
        report.to_document(self.core().journal.path())
    }

    /// Every entry of the journal, oldest first (documents `JournalEntry`). Errors: `journal_corrupt`.
    pub async fn journal_export(&self) -> Result<Vec<Document>> {
        let mut out = Vec::new();
        loop {
            let after = out.len() as u64;
            let page = self.core().journal.run(move |store| store.entries(after, EXPORT_PAGE)).await?;
            if page.is_empty() {
                return Ok(out);
            }
            for entry in page {
                out.push(entry.to_document()?);
            }
        }
    }

    /// Every authentication, rotation, refusal and warning from now on, as OCSF 1.6 documents (identity §5). Bounded: a
    /// reader that is too slow is told how many it missed.
    pub fn security_events(&self) -> SecurityStream {
        self.core().security.stream()
    }

    /// Takes another certificate chain and its key (PEM) where the identity is in memory, and returns when they are in
    /// use: every request that starts afterwards carries the new identity, on new connections with new tokens, while
    /// requests in flight finish on the old one.
    ///
    /// Errors: `invalid_argument` where the identity is not in memory; `certificate_unreadable`, `key_mismatch`,
    /// `certificate_expired`: then the old ones stay; `token_unavailable` if an issuer keeps it waiting, while the
    /// publication goes on.
    pub async fn rotate_identity(&self, certificate: &str, private_key: &str) -> Result<()> {
        let inline = |text: &str| PemSource::Inline(Secret::new(text));
        let pair = Some((inline(certificate), inline(private_key)));
        self.update_identity(PemUpdate { pair, ..PemUpdate::default() }).await
    }

    /// [`Client::rotate_identity`] for any part of the identity: pair, trust roots, revocation lists.
    pub async fn update_identity(&self, pem: PemUpdate) -> Result<()> {
        self.rotation()?.update(pem).await
    }

    /// Begins a new generation of the present identity: new connections, new tokens, a new DPoP key. Returns when it is in
    /// use.
    ///
    /// Errors: `identity_revoked` after [`Client::revoke_now`]; `token_unavailable` if an issuer keeps it waiting, while
    /// the publication goes on.
    pub async fn rotate(&self) -> Result<()> {
        self.rotation()?.rotate().await
    }

    /// Takes the identity away at once: what runs on it is cut, and calls fail with `identity_revoked` until there is a
    /// new one. For a key that somebody else may have.
    pub fn revoke_now(&self) -> Result<()> {
        let why = Error::new(Code::IdentityRevoked, "the identity was taken away by revoke_now()");
        self.rotation()?.take_away(&why);
        Ok(())
    }

    /// What was negotiated with a carrier (document `ConnectionFacts`): on the newest connection, or, where there is none
    /// yet, on one that is made to learn it. Errors: `carrier_unknown`, those of a connection.
    pub async fn connection_facts(&self, carrier: &str) -> Result<Document> {
        self.core().open()?;
        let simulated = || Error::new(Code::InvalidArgument, format!("carrier {carrier} is simulated: no connection"));
        let authorized = self.authorized(carrier)?.ok_or_else(simulated)?;
        let generation = authorized.generation();
        generation.usable(&**self.clock())?;
        let probe = generation.connection_facts(&authorized.carrier().base_url);
        let limit = authorized.carrier().deadline;
        let late = || Error::new(Code::DeadlineExceeded, format!("{carrier} does not answer"));
        within(&**self.clock(), limit, probe).await.ok_or_else(late)??.document()
    }

    /// What of the identity ends, and when: the certificate, the trust anchors, the revocation lists.
    pub fn identity_expiries(&self) -> Vec<Expiry> {
        self.core().rotation.as_ref().map(|rotation| rotation.expiries()).unwrap_or_default()
    }

    fn rotation(&self) -> Result<&Arc<Rotation>> {
        self.core().open()?;
        let simulated = || Error::new(Code::InvalidArgument, "a simulated client has no identity");
        self.core().rotation.as_ref().ok_or_else(simulated)
    }

    /// What we are known by at each carrier, when what of it ends, and how often which security event happened (document
    /// `IdentityStatus`).
    pub fn identity_status(&self) -> Result<Document> {
        status::status(self.core())
    }

    /// The public keys that our assertions are signed with (document `JwkSet`, RFC 7517 §5), for the host to serve at the
    /// address that is registered at the carriers: as `application/jwk-set+json`, with a `Cache-Control: max-age` of at
    /// most `assertion_key_lead_s`. Ask anew for every request: a key that was appended to a key file is in it at once and
    /// signs once it has been in it for `assertion_key_lead_s`; a replaced one stays five minutes. Never a private member.
    pub async fn jwks(&self) -> Result<Document> {
        self.core().open()?;
        let mut keys: BTreeMap<String, ScheduledKey> = BTreeMap::new();
        for caller in self.core().carriers.values().filter_map(|carrier| carrier.authorized()) {
            let published = caller.assertion_keys().await.into_iter().filter(|key| key.removed_ms.is_none());
            // One key may serve several carriers.
            keys.extend(published.map(|key| (key.kid.clone(), key)));
        }
        Document::parse(schedule::jwks(keys.values()))
    }

    /// How the client is (document `Health`).
    pub async fn health(&self) -> Result<Document> {
        health::health(self.core()).await
    }

    /// Numbers to watch the client by (document `Metrics`, operations 6e): gauges of which every series is there from the
    /// start, with a 0, but for dates, which are there once there is one. Labels name partners and routes, never a load. Asks
    /// no carrier. Errors: those of the journal.
    pub async fn metrics(&self) -> Result<Document> {
        metrics::metrics(self.core()).await
    }

    /// Ends all background work and waits for it. What was sent without an answer is in the journal; the next start
    /// resolves it. Every later call fails with `client_closed`.
    pub async fn close(&self) {
        let core = self.core();
        core.stop.cancel();
        core.tasks.close();
        core.tasks.wait().await;
        let owner = core.owner.id.clone();
        // If the journal cannot be written, the lease ends by itself.
        let _ = core.journal.run(move |store| store.unregister(&owner)).await;
        core.journal.settled().await;
    }
}
