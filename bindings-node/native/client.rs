//! The client's operations, each a promise of documents. Their names and options are the TypeScript half's business; what
//! they mean is the core's.

use gladhand_ffi::{Command, Pem};
use napi::bindgen_prelude::{Function, Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;

use crate::cancel::{CancelToken, token};
use crate::document::Document;
use crate::error::raise;
use crate::events::{Events, SafetyWatch};
use crate::promise::promise;
use crate::stream::DocumentStream;

/// A connection to all configured carriers.
#[napi]
pub struct Client(gladhand_ffi::Client);

/// What a command asks for, and why.
#[napi(object)]
pub struct CommandFields {
    /// Type of the contract.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub principal: String,
    /// In which role.
    pub role: Option<String>,
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

    /// Calls back for each safety event.
    #[napi]
    pub fn on_safety(&self, callback: Function<'_, Document, ()>) -> Result<SafetyWatch> {
        SafetyWatch::start(&self.0, &callback)
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
        mtls: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.webhook_subscribe(carrier, id, url, types, mtls, &token(cancel)), Document)
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
        fields: CommandFields,
        params: Option<&Document>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        let command = Command {
            kind: fields.kind,
            reason: fields.reason,
            principal: fields.principal,
            role: fields.role,
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
        reason: String,
        requested_by: String,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.stop_at_next_safe_location(dispatch_id, reason, requested_by, &token(cancel)), Document)
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
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, self.0.command_revoke(dispatch_id, command_id, &token(cancel)), Document)
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
