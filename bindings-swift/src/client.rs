//! The client as a handle: each operation of the SDK, on documents.

use std::collections::HashMap;
use std::sync::Arc;

use gladhand_ffi::{Asking, Client, Command, Document, Pem, Result as CoreResult};

use crate::document::DocumentHandle;
use crate::failure::Failure;
use crate::streams::{EventsHandle, FollowHandle, SafetyHandle, SecurityHandle, WatchHandle};
use crate::task::CancelHandle;

/// A connection to the carriers of one configuration.
#[derive(Debug, uniffi::Object)]
pub struct ClientHandle(Client);

/// One header of a request.
#[derive(Clone, Debug, uniffi::Record)]
pub struct HeaderRecord {
    /// Its name, in any case.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Why something is asked of a carrier's operations centre, and by whom.
#[derive(Clone, Debug, uniffi::Record)]
pub struct AskingRecord {
    /// Why.
    pub reason: String,
    /// Who asks.
    pub principal: String,
    /// In which role.
    pub role: Option<String>,
}

impl From<AskingRecord> for Asking {
    fn from(AskingRecord { reason, principal, role }: AskingRecord) -> Self {
        Self { reason, principal, role }
    }
}

/// What is asked of a carrier's operations centre.
#[derive(Clone, Debug, uniffi::Record)]
pub struct WishRecord {
    /// `conditional_stop`, `resume` and so on.
    pub kind: String,
    /// Why, and who asks.
    pub asking: AskingRecord,
    /// Members that belong to the type.
    pub params: Option<Arc<DocumentHandle>>,
    /// Milliseconds for which it stays open.
    pub expires_ms: Option<u64>,
    /// Seconds for which a hold lasts without renewal.
    pub lease_seconds: Option<u32>,
    /// The command's id.
    pub command_id: Option<String>,
}

impl From<WishRecord> for Command {
    fn from(record: WishRecord) -> Self {
        Self {
            kind: record.kind,
            asking: record.asking.into(),
            params: record.params.map(|params| params.0.clone()),
            expires_ms: record.expires_ms,
            lease_seconds: record.lease_seconds,
            command_id: record.command_id,
        }
    }
}

type Answer = Result<Arc<DocumentHandle>, Failure>;
type Answers = Result<Vec<Arc<DocumentHandle>>, Failure>;

fn one(answer: CoreResult<Document>) -> Answer {
    Ok(DocumentHandle::shared(answer?))
}

fn all(answers: CoreResult<Vec<Document>>) -> Answers {
    Ok(answers?.into_iter().map(DocumentHandle::shared).collect())
}

fn pairs(headers: Vec<HeaderRecord>) -> Vec<(String, String)> {
    headers.into_iter().map(|header| (header.name, header.value)).collect()
}

/// Connects with a configuration file, or the usual one, and settings that go before it.
#[uniffi::export]
pub async fn connect_client(
    path: Option<String>,
    settings: HashMap<String, String>,
    cancel: Arc<CancelHandle>,
) -> Result<Arc<ClientHandle>, Failure> {
    Ok(Arc::new(ClientHandle(Client::connect(path, ordered(settings), &cancel.0).await?)))
}

/// Settings in a fixed order, so that the same ones always give the same first error.
pub(crate) fn ordered(settings: HashMap<String, String>) -> Vec<(String, String)> {
    let mut settings: Vec<(String, String)> = settings.into_iter().collect();
    settings.sort_unstable();
    settings
}

#[uniffi::export]
impl ClientHandle {
    /// `CapacityResult` for a `CapacitySearch`.
    pub async fn capacity_search(&self, request: Arc<DocumentHandle>, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.capacity_search(request.0.clone(), &cancel.0).await)
    }

    /// `CapacityOffer`.
    pub async fn capacity_get(&self, carrier: String, capacity_id: String, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.capacity_get(carrier, capacity_id, &cancel.0).await)
    }

    /// `CapacityOffer` with a hold.
    pub async fn capacity_hold(
        &self,
        carrier: String,
        capacity_id: String,
        hold_id: Option<String>,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.capacity_hold(carrier, capacity_id, hold_id, &cancel.0).await)
    }

    /// `CapacityOffer` without it.
    pub async fn capacity_release(
        &self,
        carrier: String,
        capacity_id: String,
        hold_id: String,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.capacity_release(carrier, capacity_id, hold_id, &cancel.0).await)
    }

    /// `Eligibility` of a load for an offer.
    pub fn explain(&self, load: Arc<DocumentHandle>, offer: Arc<DocumentHandle>) -> Answer {
        one(self.0.explain(&load.0, &offer.0))
    }

    /// `Tender`.
    pub async fn tender_create(
        &self,
        load: Arc<DocumentHandle>,
        carrier: String,
        capacity: Option<Arc<DocumentHandle>>,
        wait_ms: Option<u64>,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        let capacity = capacity.map(|capacity| capacity.0.clone());
        one(self.0.tender_create(load.0.clone(), carrier, capacity, wait_ms, &cancel.0).await)
    }

    /// `Tender`, as a new attempt.
    pub async fn tender_again(
        &self,
        load: Arc<DocumentHandle>,
        carrier: String,
        capacity: Option<Arc<DocumentHandle>>,
        wait_ms: Option<u64>,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        let capacity = capacity.map(|capacity| capacity.0.clone());
        one(self.0.tender_again(load.0.clone(), carrier, capacity, wait_ms, &cancel.0).await)
    }

    /// `Tender`.
    pub async fn tender_get(&self, tender_id: String, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.tender_get(tender_id, &cancel.0).await)
    }

    /// Each a `Tender`.
    pub async fn tender_list(&self, state: Option<String>, cancel: Arc<CancelHandle>) -> Answers {
        all(self.0.tender_list(state, &cancel.0).await)
    }

    /// `Tender`.
    pub async fn tender_withdraw(&self, tender_id: String, reason: String, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.tender_withdraw(tender_id, reason, &cancel.0).await)
    }

    /// `Tender`, after its next revision.
    pub async fn tender_revise(
        &self,
        tender_id: String,
        load: Arc<DocumentHandle>,
        wait_ms: Option<u64>,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.tender_revise(tender_id, load.0.clone(), wait_ms, &cancel.0).await)
    }

    /// `Tender`, with an amendment proposed.
    pub async fn tender_amend(
        &self,
        tender_id: String,
        load: Arc<DocumentHandle>,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.tender_amend(tender_id, load.0.clone(), &cancel.0).await)
    }

    /// `Tender`, after the counter offer was taken.
    pub async fn tender_accept_counter(
        &self,
        tender_id: String,
        wait_ms: Option<u64>,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.tender_accept_counter(tender_id, wait_ms, &cancel.0).await)
    }

    /// `Tender`, after the counter offer was declined.
    pub async fn tender_decline_counter(
        &self,
        tender_id: String,
        reason: Option<String>,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.tender_decline_counter(tender_id, reason, &cancel.0).await)
    }

    /// `Tender`, with a cancellation requested.
    pub async fn tender_request_cancel(&self, tender_id: String, reason: String, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.tender_request_cancel(tender_id, reason, &cancel.0).await)
    }

    /// `Tender`, its load freed by the operator's override.
    pub async fn tender_release_unproven(
        &self,
        tender_id: String,
        actor: String,
        reason: String,
        runbook: String,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.tender_release_unproven(tender_id, actor, reason, runbook, &cancel.0).await)
    }

    /// Follows a tender.
    pub async fn tender_watch(
        &self,
        tender_id: String,
        cancel: Arc<CancelHandle>,
    ) -> Result<Arc<WatchHandle>, Failure> {
        Ok(WatchHandle::shared(self.0.tender_watch(tender_id, &cancel.0).await?))
    }

    /// Reads events as a named consumer.
    pub async fn events(&self, consumer: String, cancel: Arc<CancelHandle>) -> Result<Arc<EventsHandle>, Failure> {
        Ok(EventsHandle::shared(self.0.events(consumer, &cancel.0).await?))
    }

    /// Safety events at once.
    pub async fn safety(&self, cancel: Arc<CancelHandle>) -> Result<Arc<SafetyHandle>, Failure> {
        Ok(SafetyHandle::shared(self.0.safety(&cancel.0).await?))
    }

    /// `InboxReceipt` of a webhook.
    pub async fn receive(&self, headers: Vec<HeaderRecord>, body: Vec<u8>, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.receive(pairs(headers), body, &cancel.0).await)
    }

    /// `InboxHandshake`.
    pub fn handshake(&self, headers: Vec<HeaderRecord>) -> Answer {
        one(self.0.handshake(&pairs(headers)))
    }

    /// `InboxAnswer` to a request to a webhook's address.
    pub async fn webhook(
        &self,
        method: String,
        headers: Vec<HeaderRecord>,
        body: Vec<u8>,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.webhook(method, pairs(headers), body, &cancel.0).await)
    }

    /// `WebhookSubscription`.
    pub async fn webhook_subscribe(
        &self,
        carrier: String,
        subscription_id: String,
        url: String,
        types: Vec<String>,
        mtls: Option<String>,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.webhook_subscribe(carrier, subscription_id, url, types, mtls, &cancel.0).await)
    }

    /// `WebhookSubscription` as the carrier has it.
    pub async fn webhook_get(&self, carrier: String, subscription_id: String, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.webhook_get(carrier, subscription_id, &cancel.0).await)
    }

    /// `WebhookSubscription` that was.
    pub async fn webhook_delete(&self, carrier: String, subscription_id: String, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.webhook_delete(carrier, subscription_id, &cancel.0).await)
    }

    /// `Dispatch`.
    pub async fn dispatch_get(&self, dispatch_id: String, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.dispatch_get(dispatch_id, &cancel.0).await)
    }

    /// `CommandStatus` of a command.
    pub async fn command(&self, dispatch_id: String, command: WishRecord, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.command(dispatch_id, command.into(), &cancel.0).await)
    }

    /// `CommandStatus` of a stop.
    pub async fn stop_at_next_safe_location(
        &self,
        dispatch_id: String,
        asking: AskingRecord,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.stop_at_next_safe_location(dispatch_id, asking.into(), &cancel.0).await)
    }

    /// `CommandStatus` of going on after a stop.
    pub async fn dispatch_resume(
        &self,
        dispatch_id: String,
        command_ref: String,
        asking: AskingRecord,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.dispatch_resume(dispatch_id, command_ref, asking.into(), &cancel.0).await)
    }

    /// `CommandStatus` of a hold.
    pub async fn dispatch_hold(
        &self,
        dispatch_id: String,
        asking: AskingRecord,
        lease_seconds: u32,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.dispatch_hold(dispatch_id, asking.into(), lease_seconds, &cancel.0).await)
    }

    /// `CommandStatus` of another lease.
    pub async fn dispatch_renew_hold(
        &self,
        dispatch_id: String,
        command_ref: String,
        asking: AskingRecord,
        lease_seconds: u32,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.dispatch_renew_hold(dispatch_id, command_ref, asking.into(), lease_seconds, &cancel.0).await)
    }

    /// `CommandStatus` of the end of a hold.
    pub async fn dispatch_release(
        &self,
        dispatch_id: String,
        command_ref: String,
        asking: AskingRecord,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.dispatch_release(dispatch_id, command_ref, asking.into(), &cancel.0).await)
    }

    /// `CommandStatus` of an intervention.
    pub async fn dispatch_request_intervention(
        &self,
        dispatch_id: String,
        kind: String,
        asking: AskingRecord,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.dispatch_request_intervention(dispatch_id, kind, asking.into(), &cancel.0).await)
    }

    /// `CommandStatus` of a detour.
    pub async fn dispatch_change_route(
        &self,
        dispatch_id: String,
        detour_id: String,
        asking: AskingRecord,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.dispatch_change_route(dispatch_id, detour_id, asking.into(), &cancel.0).await)
    }

    /// Each a `CommandRecord`.
    pub async fn command_records(&self, dispatch_id: String, cancel: Arc<CancelHandle>) -> Answers {
        all(self.0.command_records(dispatch_id, &cancel.0).await)
    }

    /// `CommandStatus`.
    pub async fn command_status(&self, dispatch_id: String, command_id: String, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.command_status(dispatch_id, command_id, &cancel.0).await)
    }

    /// `CommandStatus`.
    pub async fn command_revoke(
        &self,
        dispatch_id: String,
        command_id: String,
        asking: AskingRecord,
        cancel: Arc<CancelHandle>,
    ) -> Answer {
        one(self.0.command_revoke(dispatch_id, command_id, asking.into(), &cancel.0).await)
    }

    /// The papers of a tender.
    pub async fn documents_list(&self, tender_id: String, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.documents_list(tender_id, &cancel.0).await)
    }

    /// One paper of a tender.
    pub async fn documents_get(&self, tender_id: String, document_id: String, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.documents_get(tender_id, document_id, &cancel.0).await)
    }

    /// Positions of loads.
    pub async fn telemetry_follow(
        &self,
        loads: Vec<String>,
        cancel: Arc<CancelHandle>,
    ) -> Result<Arc<FollowHandle>, Failure> {
        Ok(FollowHandle::shared(self.0.telemetry_follow(loads, &cancel.0).await?))
    }

    /// `ReconciliationReport`.
    pub async fn reconcile(&self, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.reconcile(&cancel.0).await)
    }

    /// `JournalReport`.
    pub async fn journal_verify(&self, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.journal_verify(&cancel.0).await)
    }

    /// Each a `JournalEntry`.
    pub async fn journal_export(&self, cancel: Arc<CancelHandle>) -> Answers {
        all(self.0.journal_export(&cancel.0).await)
    }

    /// `IdentityStatus`.
    pub fn identity_status(&self) -> Answer {
        one(self.0.identity_status())
    }

    /// `ConnectionFacts`.
    pub async fn connection_facts(&self, carrier: String, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.connection_facts(carrier, &cancel.0).await)
    }

    /// Takes other PEM in memory.
    pub async fn identity_replace(
        &self,
        certificate: Option<String>,
        private_key: Option<String>,
        trust: Option<String>,
        crl: Option<String>,
        cancel: Arc<CancelHandle>,
    ) -> Result<(), Failure> {
        let pem = Pem { certificate, private_key, trust, crl };
        Ok(self.0.identity_replace(pem, &cancel.0).await?)
    }

    /// A new generation of the present identity.
    pub async fn identity_rotate(&self, cancel: Arc<CancelHandle>) -> Result<(), Failure> {
        Ok(self.0.identity_rotate(&cancel.0).await?)
    }

    /// Takes the identity away.
    pub fn identity_revoke_now(&self) -> Result<(), Failure> {
        Ok(self.0.identity_revoke_now()?)
    }

    /// Security events from now on.
    pub fn security_events(&self) -> Result<Arc<SecurityHandle>, Failure> {
        Ok(SecurityHandle::shared(self.0.security_events()?))
    }

    /// `JwkSet`.
    pub async fn jwks(&self, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.jwks(&cancel.0).await)
    }

    /// `Health`.
    pub async fn health(&self, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.health(&cancel.0).await)
    }

    /// `Metrics`.
    pub async fn metrics(&self, cancel: Arc<CancelHandle>) -> Answer {
        one(self.0.metrics(&cancel.0).await)
    }

    /// Closes the client.
    pub async fn close(&self, cancel: Arc<CancelHandle>) -> Result<(), Failure> {
        Ok(self.0.close(&cancel.0).await?)
    }
}
