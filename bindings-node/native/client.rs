//! The client's operations, each a promise of documents. Their names and options are the TypeScript half's business; what
//! they mean is the core's.

use gladhand_ffi::{Asking, Command, Pem};
use napi::bindgen_prelude::{Function, Object, Uint8Array, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

use crate::callback::Callback;
use crate::cancel::{CancelToken, token};
use crate::document::Document;
use crate::error::raise;
use crate::events::Events;
use crate::promise::promise;
use crate::stream::DocumentStream;

/// A connection to all configured carriers.
#[napi]
pub struct Client(gladhand_ffi::Client);

/// Why something is asked for, and by whom.
#[napi(object)]
pub struct AskingFields {
    /// Why.
    pub reason: String,
    /// Who asks.
    pub principal: String,
    /// In which role.
    pub role: Option<String>,
}

impl From<AskingFields> for Asking {
    fn from(AskingFields { reason, principal, role }: AskingFields) -> Self {
        Self { reason, principal, role }
    }
}

/// What a command asks for.
#[napi(object)]
pub struct CommandFields {
    /// Type of the contract.
    pub kind: String,
    /// Milliseconds for which it stays open.
    pub expires_ms: Option<f64>,
    /// Seconds for which a hold lasts without renewal.
    pub lease_seconds: Option<u32>,
    /// The command's id.
    pub command_id: Option<String>,
}

/// PEM that takes the place of present one; what is absent stays.
#[napi(object)]
pub struct PemFields {
    /// The certificate chain, leaf first.
    pub certificate: Option<String>,
    /// The certificate's key.
    pub private_key: Option<String>,
    /// The trust roots.
    pub trust: Option<String>,
    /// The revocation lists.
    pub crl: Option<String>,
}

/// A setting: its dotted key and its value.
type Setting = (String, String);

#[napi]
impl Client {
    /// Connects.
    #[napi]
    pub fn connect<'env>(
        env: &'env Env,
        path: Option<String>,
        settings: Vec<Setting>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, gladhand_ffi::Client::connect(path, settings, &token(cancel)), Self)
    }

    /// Capacity of all carriers.
    #[napi]
    pub fn capacity_search<'env>(
        &self,
        env: &'env Env,
        request: &Document,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.capacity_search(request.0.clone(), &token(cancel)), Document)
    }

    /// One offer, fresh from the carrier.
    #[napi]
    pub fn capacity_get<'env>(
        &self,
        env: &'env Env,
        carrier: String,
        capacity_id: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.capacity_get(carrier, capacity_id, &token(cancel)), Document)
    }

    /// Holds a slot of an offer.
    #[napi]
    pub fn capacity_hold<'env>(
        &self,
        env: &'env Env,
        carrier: String,
        capacity_id: String,
        hold_id: Option<String>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.capacity_hold(carrier, capacity_id, hold_id, &token(cancel)), Document)
    }

    /// Lets a held slot go.
    #[napi]
    pub fn capacity_release<'env>(
        &self,
        env: &'env Env,
        carrier: String,
        capacity_id: String,
        hold_id: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.capacity_release(carrier, capacity_id, hold_id, &token(cancel)), Document)
    }

    /// Whether a load fits an offer.
    #[napi]
    pub fn explain(&self, env: Env, load: &Document, offer: &Document) -> Result<Document> {
        self.0.explain(&load.0, &offer.0).map(Document).map_err(|error| raise(env, &error))
    }

    /// Tenders a load.
    #[napi]
    pub fn tender_create<'env>(
        &self,
        env: &'env Env,
        load: &Document,
        carrier: String,
        capacity: Option<&Document>,
        wait_ms: Option<f64>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        let (load, capacity) = (load.0.clone(), capacity.map(|offer| offer.0.clone()));
        promise(env, self.0.tender_create(load, carrier, capacity, milliseconds(wait_ms), &token(cancel)), Document)
    }

    /// Tenders a released load again.
    #[napi]
    pub fn tender_again<'env>(
        &self,
        env: &'env Env,
        load: &Document,
        carrier: String,
        capacity: Option<&Document>,
        wait_ms: Option<f64>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        let (load, capacity) = (load.0.clone(), capacity.map(|offer| offer.0.clone()));
        promise(env, self.0.tender_again(load, carrier, capacity, milliseconds(wait_ms), &token(cancel)), Document)
    }

    /// A tender.
    #[napi]
    pub fn tender_get<'env>(&self, env: &'env Env, id: String, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.tender_get(id, &token(cancel)), Document)
    }

    /// The tenders of one state, or all.
    #[napi]
    pub fn tender_list<'env>(
        &self,
        env: &'env Env,
        state: Option<String>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.tender_list(state, &token(cancel)), documents)
    }

    /// Sends the next revision of a tender.
    #[napi]
    pub fn tender_revise<'env>(
        &self,
        env: &'env Env,
        id: String,
        load: &Document,
        wait_ms: Option<f64>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.tender_revise(id, load.0.clone(), milliseconds(wait_ms), &token(cancel)), Document)
    }

    /// Proposes a change of an accepted tender.
    #[napi]
    pub fn tender_amend<'env>(
        &self,
        env: &'env Env,
        id: String,
        load: &Document,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.tender_amend(id, load.0.clone(), &token(cancel)), Document)
    }

    /// Takes the carrier's counter offer.
    #[napi]
    pub fn tender_accept_counter<'env>(
        &self,
        env: &'env Env,
        id: String,
        wait_ms: Option<f64>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.tender_accept_counter(id, milliseconds(wait_ms), &token(cancel)), Document)
    }

    /// Declines the carrier's counter offer.
    #[napi]
    pub fn tender_decline_counter<'env>(
        &self,
        env: &'env Env,
        id: String,
        reason: Option<String>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.tender_decline_counter(id, reason, &token(cancel)), Document)
    }

    /// Asks to cancel an accepted tender.
    #[napi]
    pub fn tender_request_cancel<'env>(
        &self,
        env: &'env Env,
        id: String,
        reason: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.tender_request_cancel(id, reason, &token(cancel)), Document)
    }

    /// The operator's audited override.
    #[napi]
    pub fn tender_release_unproven<'env>(
        &self,
        env: &'env Env,
        id: String,
        actor: String,
        reason: String,
        runbook: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.tender_release_unproven(id, actor, reason, runbook, &token(cancel)), Document)
    }

    /// A tender now and after each change.
    #[napi]
    pub fn tender_watch<'env>(&self, env: &'env Env, id: String, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.tender_watch(id, &token(cancel)), DocumentStream::new)
    }

    /// Withdraws a tender.
    #[napi]
    pub fn tender_withdraw<'env>(
        &self,
        env: &'env Env,
        id: String,
        reason: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.tender_withdraw(id, reason, &token(cancel)), Document)
    }

    /// The durable events of a consumer.
    #[napi]
    pub fn events<'env>(&self, env: &'env Env, consumer: String, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.events(consumer, &token(cancel)), Events::new)
    }

    /// Calls back for each safety event, and once if an error ends them.
    #[napi]
    pub fn on_safety(
        &self,
        callback: Function<'_, Document, Unknown<'static>>,
        failed: Function<'_, Unknown<'static>, Unknown<'static>>,
    ) -> Result<Callback> {
        Callback::start(|token| self.0.safety(token), &callback, &failed)
    }

    /// Takes in a webhook.
    #[napi]
    pub fn receive<'env>(
        &self,
        env: &'env Env,
        headers: Vec<Setting>,
        body: Uint8Array,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.receive(headers, body.to_vec(), &token(cancel)), Document)
    }

    /// What to answer to a carrier that asks whether it may send webhooks here.
    #[napi]
    pub fn handshake(&self, env: Env, headers: Vec<Setting>) -> Result<Document> {
        self.0.handshake(&headers).map(Document).map_err(|error| raise(env, &error))
    }

    /// Answers a request to a webhook's address.
    #[napi]
    pub fn webhook<'env>(
        &self,
        env: &'env Env,
        method: String,
        headers: Vec<Setting>,
        body: Uint8Array,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.webhook(method, headers, body.to_vec(), &token(cancel)), Document)
    }

    /// Subscribes a webhook.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "one for each member of the subscription")]
    pub fn webhook_subscribe<'env>(
        &self,
        env: &'env Env,
        carrier: String,
        id: String,
        url: String,
        types: Vec<String>,
        mtls: Option<String>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.webhook_subscribe(carrier, id, url, types, mtls, &token(cancel)), Document)
    }

    /// A webhook subscription.
    #[napi]
    pub fn webhook_get<'env>(
        &self,
        env: &'env Env,
        carrier: String,
        id: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.webhook_get(carrier, id, &token(cancel)), Document)
    }

    /// Ends a webhook subscription.
    #[napi]
    pub fn webhook_delete<'env>(
        &self,
        env: &'env Env,
        carrier: String,
        id: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.webhook_delete(carrier, id, &token(cancel)), Document)
    }

    /// A dispatch.
    #[napi]
    pub fn dispatch_get<'env>(&self, env: &'env Env, id: String, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.dispatch_get(id, &token(cancel)), Document)
    }

    /// Requests a command.
    #[napi]
    pub fn command<'env>(
        &self,
        env: &'env Env,
        dispatch_id: String,
        asking: AskingFields,
        fields: CommandFields,
        params: Option<&Document>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        let command = Command {
            kind: fields.kind,
            asking: asking.into(),
            params: params.map(|params| params.0.clone()),
            expires_ms: milliseconds(fields.expires_ms),
            lease_seconds: fields.lease_seconds,
            command_id: fields.command_id,
        };
        promise(env, self.0.command(dispatch_id, command, &token(cancel)), Document)
    }

    /// Requests a stop at the next safe location.
    #[napi]
    pub fn stop_at_next_safe_location<'env>(
        &self,
        env: &'env Env,
        dispatch_id: String,
        asking: AskingFields,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.stop_at_next_safe_location(dispatch_id, asking.into(), &token(cancel)), Document)
    }

    /// Requests to go on after a stop.
    #[napi]
    pub fn dispatch_resume<'env>(
        &self,
        env: &'env Env,
        dispatch_id: String,
        command_ref: String,
        asking: AskingFields,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.dispatch_resume(dispatch_id, command_ref, asking.into(), &token(cancel)), Document)
    }

    /// Requests a hold at the terminal.
    #[napi]
    pub fn dispatch_hold<'env>(
        &self,
        env: &'env Env,
        dispatch_id: String,
        asking: AskingFields,
        lease_seconds: u32,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.dispatch_hold(dispatch_id, asking.into(), lease_seconds, &token(cancel)), Document)
    }

    /// Requests another lease for a hold.
    #[napi]
    pub fn dispatch_renew_hold<'env>(
        &self,
        env: &'env Env,
        dispatch_id: String,
        command_ref: String,
        asking: AskingFields,
        lease_seconds: u32,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(
            env,
            self.0.dispatch_renew_hold(dispatch_id, command_ref, asking.into(), lease_seconds, &token(cancel)),
            Document,
        )
    }

    /// Requests the end of a hold.
    #[napi]
    pub fn dispatch_release<'env>(
        &self,
        env: &'env Env,
        dispatch_id: String,
        command_ref: String,
        asking: AskingFields,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.dispatch_release(dispatch_id, command_ref, asking.into(), &token(cancel)), Document)
    }

    /// Requests a person at the vehicle.
    #[napi]
    pub fn dispatch_request_intervention<'env>(
        &self,
        env: &'env Env,
        dispatch_id: String,
        kind: String,
        asking: AskingFields,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.dispatch_request_intervention(dispatch_id, kind, asking.into(), &token(cancel)), Document)
    }

    /// Requests a detour.
    #[napi]
    pub fn dispatch_change_route<'env>(
        &self,
        env: &'env Env,
        dispatch_id: String,
        detour_id: String,
        asking: AskingFields,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.dispatch_change_route(dispatch_id, detour_id, asking.into(), &token(cancel)), Document)
    }

    /// Every command of a dispatch, from the journal.
    #[napi]
    pub fn command_records<'env>(
        &self,
        env: &'env Env,
        dispatch_id: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.command_records(dispatch_id, &token(cancel)), documents)
    }

    /// How far a command got.
    #[napi]
    pub fn command_status<'env>(
        &self,
        env: &'env Env,
        dispatch_id: String,
        command_id: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.command_status(dispatch_id, command_id, &token(cancel)), Document)
    }

    /// Revokes a command.
    #[napi]
    pub fn command_revoke<'env>(
        &self,
        env: &'env Env,
        dispatch_id: String,
        command_id: String,
        asking: AskingFields,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.command_revoke(dispatch_id, command_id, asking.into(), &token(cancel)), Document)
    }

    /// The papers of a tender.
    #[napi]
    pub fn documents_list<'env>(
        &self,
        env: &'env Env,
        tender_id: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.documents_list(tender_id, &token(cancel)), Document)
    }

    /// One paper.
    #[napi]
    pub fn documents_get<'env>(
        &self,
        env: &'env Env,
        tender_id: String,
        document_id: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.documents_get(tender_id, document_id, &token(cancel)), Document)
    }

    /// Positions of loads as they come.
    #[napi]
    pub fn telemetry_follow<'env>(
        &self,
        env: &'env Env,
        loads: Vec<String>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.telemetry_follow(loads, &token(cancel)), DocumentStream::new)
    }

    /// Compares every history with the carriers'.
    #[napi]
    pub fn reconcile<'env>(&self, env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.reconcile(&token(cancel)), Document)
    }

    /// Checks the journal.
    #[napi]
    pub fn journal_verify<'env>(&self, env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.journal_verify(&token(cancel)), Document)
    }

    /// The journal's entries.
    #[napi]
    pub fn journal_export<'env>(&self, env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.journal_export(&token(cancel)), documents)
    }

    /// The state of our credentials.
    #[napi]
    pub fn identity_status(&self, env: Env) -> Result<Document> {
        self.0.identity_status().map(Document).map_err(|error| raise(env, &error))
    }

    /// What was negotiated with a carrier.
    #[napi]
    pub fn connection_facts<'env>(
        &self,
        env: &'env Env,
        carrier: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.connection_facts(carrier, &token(cancel)), Document)
    }

    /// Takes other PEM in memory.
    #[napi]
    pub fn identity_replace<'env>(
        &self,
        env: &'env Env,
        fields: PemFields,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        let PemFields { certificate, private_key, trust, crl } = fields;
        let pem = Pem { certificate, private_key, trust, crl };
        promise(env, self.0.identity_replace(pem, &token(cancel)), |()| ())
    }

    /// A new generation of the present identity.
    #[napi]
    pub fn identity_rotate<'env>(&self, env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.identity_rotate(&token(cancel)), |()| ())
    }

    /// Takes the identity away.
    #[napi]
    pub fn identity_revoke_now(&self, env: Env) -> Result<()> {
        self.0.identity_revoke_now().map_err(|error| raise(env, &error))
    }

    /// Security events from now on.
    #[napi]
    pub fn security_events(&self, env: Env) -> Result<DocumentStream> {
        self.0.security_events().map(DocumentStream::new).map_err(|error| raise(env, &error))
    }

    /// The public keys of our assertions.
    #[napi]
    pub fn jwks<'env>(&self, env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.jwks(&token(cancel)), Document)
    }

    /// How client and carriers are.
    #[napi]
    pub fn health<'env>(&self, env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.health(&token(cancel)), Document)
    }

    /// Numbers to watch the client by.
    #[napi]
    pub fn metrics<'env>(&self, env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.metrics(&token(cancel)), Document)
    }

    /// Ends background work.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        promise(env, self.0.close(&token(None)), |()| ())
    }
}

/// Whole milliseconds of a number; what is none (negative, NaN) is 0.
fn milliseconds(number: Option<f64>) -> Option<u64> {
    number.map(|ms| ms as u64)
}

fn documents(found: Vec<gladhand_ffi::Document>) -> Vec<Document> {
    found.into_iter().map(Document).collect()
}
