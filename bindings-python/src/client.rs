//! The client's operations, each a [`Call`] on documents. Names and keyword arguments are Python's business
//! (`python/gladhand/aio`); what they mean is the core's.

use std::collections::HashMap;

use gladhand_ffi::{Client, Command, Document, Pem};
use pyo3::prelude::*;

use crate::call::{Call, guarded};
use crate::document::PyDocument;
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

fn taken(document: Given<'_, '_>) -> Document {
    document.get().0.clone()
}

#[pymethods]
impl PyClient {
    #[staticmethod]
    fn connect(path: Option<String>, settings: HashMap<String, String>) -> Call {
        let settings = settings.into_iter().collect();
        Call::new(
            |cancel| Client::connect(path, settings, cancel),
            |client, py| Ok(Py::new(py, Self(client))?.into_any()),
        )
    }

    fn capacity_search(&self, request: Given<'_, '_>) -> Call {
        let client = self.client();
        let request = taken(request);
        Call::document(move |cancel| client.capacity_search(request, cancel))
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

    fn webhook_subscribe(&self, carrier: String, id: String, url: String, types: Vec<String>, mtls: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.webhook_subscribe(carrier, id, url, types, mtls, cancel))
    }

    fn dispatch_get(&self, dispatch_id: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.dispatch_get(dispatch_id, cancel))
    }

    fn stop_at_next_safe_location(&self, dispatch_id: String, reason: String, requested_by: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.stop_at_next_safe_location(dispatch_id, reason, requested_by, cancel))
    }

    #[allow(clippy::too_many_arguments)] // one per member of the command
    fn command(
        &self,
        dispatch_id: String,
        kind: String,
        reason: String,
        principal: String,
        role: Option<String>,
        params: Option<Given<'_, '_>>,
        expires_ms: Option<u64>,
        lease_seconds: Option<u32>,
        command_id: Option<String>,
    ) -> Call {
        let client = self.client();
        let params = params.map(taken);
        let wish = Command { kind, reason, principal, role, params, expires_ms, lease_seconds, command_id };
        Call::document(move |cancel| client.command(dispatch_id, wish, cancel))
    }

    fn command_status(&self, dispatch_id: String, command_id: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.command_status(dispatch_id, command_id, cancel))
    }

    fn command_revoke(&self, dispatch_id: String, command_id: String) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.command_revoke(dispatch_id, command_id, cancel))
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
        guarded(py, || self.0.security_events()).map(|events| PyStream(Documents::Security(events)))
    }

    fn jwks(&self) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.jwks(cancel))
    }

    fn health(&self) -> Call {
        let client = self.client();
        Call::document(move |cancel| client.health(cancel))
    }

    fn close(&self) -> Call {
        let client = self.client();
        Call::nothing(move |cancel| client.close(cancel))
    }
}
