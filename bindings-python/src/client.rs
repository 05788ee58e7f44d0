//! The client's operations, each a [`Call`] on documents. Names and keyword arguments are Python's business
//! (`python/gladhand/aio`); what they mean is the core's.

use std::collections::HashMap;

use gladhand_ffi::{Asking, Client, Command, Document, Pem};
use pyo3::prelude::*;

use crate::call::{Call, guarded};
use crate::document::PyDocument;
use crate::logs;
use crate::stream::{Documents, PyEventReader, PyStream};

/// A connection to all configured carriers.
#[pyclass(name = "Client", module = "gladhand._gladhand", frozen, weakref)]
pub(crate) struct PyClient(Client);

impl PyClient {
    fn client(&self) -> Client {
        self.0.clone()
    }
}

type Given<'a, 'py> = &'a Bound<'py, PyDocument>;

/// Why, who asks, and in which role.
#[derive(FromPyObject)]
struct PyAsking(String, String, Option<String>);

impl From<PyAsking> for Asking {
    fn from(PyAsking(reason, principal, role): PyAsking) -> Self {
        Self { reason, principal, role }
    }
}

fn taken(document: Given<'_, '_>) -> Document {
    document.get().0.clone()
}

#[pymethods]
impl PyClient {
    #[staticmethod]
    fn connect(py: Python<'_>, path: Option<String>, settings: HashMap<String, String>) -> PyResult<Call> {
        logs::ensure(py)?;
        let settings = settings.into_iter().collect();
        Ok(Call::new(
            |cancel| Client::connect(path, settings, cancel),
            |client, py| Ok(Py::new(py, Self(client))?.into_any()),
        ))
    }

    fn capacity_search(&self, request: Given<'_, '_>) -> Call {
        let client = self.client();
        let request = taken(request);
        Call::document(move |cancel| client.capacity_search(request, cancel))
    }

    fn capacity_get(&self, carrier: String, capacity_id: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.capacity_get(carrier, capacity_id, cancel))
    }

    fn capacity_hold(&self, carrier: String, capacity_id: String, hold_id: Option<String>) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.capacity_hold(carrier, capacity_id, hold_id, cancel))
    }

    fn capacity_release(&self, carrier: String, capacity_id: String, hold_id: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.capacity_release(carrier, capacity_id, hold_id, cancel))
    }

    fn explain(&self, py: Python<'_>, load: Given<'_, '_>, offer: Given<'_, '_>) -> PyResult<PyDocument> {
        guarded(py, || self.0.explain(&load.get().0, &offer.get().0)).map(PyDocument)
    }

    fn tender_create(
        &self,
        load: Given<'_, '_>,
        carrier: String,
        capacity: Option<Given<'_, '_>>,
        wait_ms: Option<u64>,
    ) -> Call {
        let client = self.client();
        let load = taken(load);
        let capacity = capacity.map(taken);
        Call::document(move |cancel| client.tender_create(load, carrier, capacity, wait_ms, cancel))
    }

    fn tender_again(
        &self,
        load: Given<'_, '_>,
        carrier: String,
        capacity: Option<Given<'_, '_>>,
        wait_ms: Option<u64>,
    ) -> Call {
        let client = self.client();
        let load = taken(load);
        let capacity = capacity.map(taken);
        Call::document(move |cancel| client.tender_again(load, carrier, capacity, wait_ms, cancel))
    }

    fn tender_get(&self, tender_id: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.tender_get(tender_id, cancel))
    }

    fn tender_list(&self, state: Option<String>) -> Call {
        let client = self.client();
        Call::documents(move |cancel| client.tender_list(state, cancel))
    }

    fn tender_withdraw(&self, tender_id: String, reason: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.tender_withdraw(tender_id, reason, cancel))
    }

    fn tender_revise(&self, tender_id: String, load: Given<'_, '_>, wait_ms: Option<u64>) -> Call {
        let (client, load) = (self.client(), taken(load));
        Call::document(move |cancel| client.tender_revise(tender_id, load, wait_ms, cancel))
    }

    fn tender_amend(&self, tender_id: String, load: Given<'_, '_>) -> Call {
        let (client, load) = (self.client(), taken(load));
        Call::document(move |cancel| client.tender_amend(tender_id, load, cancel))
    }

    fn tender_accept_counter(&self, tender_id: String, wait_ms: Option<u64>) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.tender_accept_counter(tender_id, wait_ms, cancel))
    }

    fn tender_decline_counter(&self, tender_id: String, reason: Option<String>) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.tender_decline_counter(tender_id, reason, cancel))
    }

    fn tender_request_cancel(&self, tender_id: String, reason: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.tender_request_cancel(tender_id, reason, cancel))
    }

    fn tender_release_unproven(&self, tender_id: String, actor: String, reason: String, runbook: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.tender_release_unproven(tender_id, actor, reason, runbook, cancel))
    }

    fn tender_watch(&self, tender_id: String) -> Call {
        let client = self.client();
        PyStream::call(move |cancel| client.tender_watch(tender_id, cancel), Documents::Watch)
    }

    fn events(&self, consumer: String) -> Call {
        let client = self.client();
        PyEventReader::call(move |cancel| client.events(consumer, cancel))
    }

    fn safety(&self) -> Call {
        let client = self.client();
        PyStream::call(move |cancel| client.safety(cancel), Documents::Safety)
    }

    fn receive(&self, headers: Vec<(String, String)>, body: Vec<u8>) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.receive(headers, body, cancel))
    }

    fn handshake(&self, py: Python<'_>, headers: Vec<(String, String)>) -> PyResult<PyDocument> {
        guarded(py, || self.0.handshake(&headers)).map(PyDocument)
    }

    fn webhook(&self, method: String, headers: Vec<(String, String)>, body: Vec<u8>) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.webhook(method, headers, body, cancel))
    }

    fn webhook_subscribe(
        &self,
        carrier: String,
        id: String,
        url: String,
        types: Vec<String>,
        mtls: Option<String>,
    ) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.webhook_subscribe(carrier, id, url, types, mtls, cancel))
    }

    fn webhook_get(&self, carrier: String, id: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.webhook_get(carrier, id, cancel))
    }

    fn webhook_delete(&self, carrier: String, id: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.webhook_delete(carrier, id, cancel))
    }

    fn dispatch_get(&self, dispatch_id: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.dispatch_get(dispatch_id, cancel))
    }

    fn stop_at_next_safe_location(&self, dispatch_id: String, asking: PyAsking) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.stop_at_next_safe_location(dispatch_id, asking.into(), cancel))
    }

    fn dispatch_resume(&self, dispatch_id: String, command_ref: String, asking: PyAsking) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.dispatch_resume(dispatch_id, command_ref, asking.into(), cancel))
    }

    fn dispatch_hold(&self, dispatch_id: String, asking: PyAsking, lease_seconds: u32) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.dispatch_hold(dispatch_id, asking.into(), lease_seconds, cancel))
    }

    fn dispatch_renew_hold(
        &self,
        dispatch_id: String,
        command_ref: String,
        asking: PyAsking,
        lease_seconds: u32,
    ) -> Call {
        let client = self.client();
        Call::document(move |cancel| {
            client.dispatch_renew_hold(dispatch_id, command_ref, asking.into(), lease_seconds, cancel)
        })
    }

    fn dispatch_release(&self, dispatch_id: String, command_ref: String, asking: PyAsking) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.dispatch_release(dispatch_id, command_ref, asking.into(), cancel))
    }

    fn dispatch_request_intervention(&self, dispatch_id: String, kind: String, asking: PyAsking) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.dispatch_request_intervention(dispatch_id, kind, asking.into(), cancel))
    }

    fn dispatch_change_route(&self, dispatch_id: String, detour_id: String, asking: PyAsking) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.dispatch_change_route(dispatch_id, detour_id, asking.into(), cancel))
    }

    fn command_records(&self, dispatch_id: String) -> Call {
        let client = self.client();
        Call::documents(move |cancel| client.command_records(dispatch_id, cancel))
    }

    #[allow(clippy::too_many_arguments)] // one per member of the command
    fn command(
        &self,
        dispatch_id: String,
        kind: String,
        asking: PyAsking,
        params: Option<Given<'_, '_>>,
        expires_ms: Option<u64>,
        lease_seconds: Option<u32>,
        command_id: Option<String>,
    ) -> Call {
        let client = self.client();
        let params = params.map(taken);
        let wish = Command { kind, asking: asking.into(), params, expires_ms, lease_seconds, command_id };
        Call::document(move |cancel| client.command(dispatch_id, wish, cancel))
    }

    fn command_status(&self, dispatch_id: String, command_id: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.command_status(dispatch_id, command_id, cancel))
    }

    fn command_revoke(&self, dispatch_id: String, command_id: String, asking: PyAsking) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.command_revoke(dispatch_id, command_id, asking.into(), cancel))
    }

    fn documents_list(&self, tender_id: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.documents_list(tender_id, cancel))
    }

    fn documents_get(&self, tender_id: String, document_id: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.documents_get(tender_id, document_id, cancel))
    }

    fn telemetry_follow(&self, loads: Vec<String>) -> Call {
        let client = self.client();
        PyStream::call(move |cancel| client.telemetry_follow(loads, cancel), Documents::Follow)
    }

    fn reconcile(&self) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.reconcile(cancel))
    }

    fn journal_verify(&self) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.journal_verify(cancel))
    }

    fn journal_export(&self) -> Call {
        let client = self.client();
        Call::documents(move |cancel| client.journal_export(cancel))
    }

    fn identity_status(&self, py: Python<'_>) -> PyResult<PyDocument> {
        guarded(py, || self.0.identity_status()).map(PyDocument)
    }

    fn connection_facts(&self, carrier: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.connection_facts(carrier, cancel))
    }

    fn identity_replace(
        &self,
        certificate: Option<String>,
        private_key: Option<String>,
        trust: Option<String>,
        crl: Option<String>,
    ) -> Call {
        let client = self.client();
        let pem = Pem { certificate, private_key, trust, crl };
        Call::nothing(move |cancel| client.identity_replace(pem, cancel))
    }

    fn identity_rotate(&self) -> Call {
        let client = self.client();
        Call::nothing(move |cancel| client.identity_rotate(cancel))
    }

    fn identity_revoke_now(&self, py: Python<'_>) -> PyResult<()> {
        guarded(py, || self.0.identity_revoke_now())
    }

    fn security_events(&self, py: Python<'_>) -> PyResult<PyStream> {
        guarded(py, || self.0.security_events()).map(|events| PyStream::new(Documents::Security(events)))
    }

    fn jwks(&self) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.jwks(cancel))
    }

    fn health(&self) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.health(cancel))
    }

    fn metrics(&self) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.metrics(cancel))
    }

    fn close(&self) -> Call {
        let client = self.client();
        Call::nothing(move |cancel| client.close(cancel))
    }
}
