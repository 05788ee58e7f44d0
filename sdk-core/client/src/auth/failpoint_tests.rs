//! A process that dies by SIGKILL in the middle of a mutation, seen from the carrier.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;

use http::Method;

use super::tests::assertion_pem;
use super::*;
use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;
use crate::identity::Material;
use crate::observe::SecurityLog;
use crate::testing::{Ca, Carrier, Knobs, Nonce};

const CHILD: &str = "GLADHAND_TEST_FAILPOINT_CONFIG";

/// What the child does: one read, one tender.
async fn call(path: &str) {
    let config = Config::builder().file(path).build().unwrap();
    let clock: SharedClock = Arc::new(SystemClock::new());
    let identity = Material::load(&config.identity, &*clock).unwrap();
    let caller =
        Authorized::new(config.carrier("aurora").unwrap(), identity.into(), clock.clone(), SecurityLog::new(clock))
            .unwrap();
    let read = Request::new("capacity.get", Method::GET, "/v1/capacity/a", Profile::CertificateBound, "capacity:read");
    caller.call(read).await.unwrap();
    let tender = Request::new("tenders.create", Method::POST, "/v1/tenders", Profile::Dpop, "tender:write");
    caller.call(tender.body(&b"{}"[..])).await.unwrap();
}

#[tokio::test]
async fn the_carrier_has_the_request_or_not_as_the_failpoint_says() {
    if let Ok(path) = std::env::var(CHILD) {
        return call(&path).await;
    }
    let ca = Ca::new();
    // With a nonce challenge in between, which must not count as the request.
    for (point, tenders, signal) in [
        ("before_send", 0, Some(9)),
        ("after_send", 2, Some(9)),
        ("after_answer@tenders.create", 2, Some(9)),
        ("after_answer@tenders.withdraw", 2, None),
    ] {
        let carrier = Carrier::start(&ca, Knobs { call_nonce: Nonce::Wanted, ..Knobs::default() }).await;
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = ca.client("spiffe://sandbox.gladhand.test/tms/acme");
        for (name, pem) in [("c.pem", certificate), ("k.pem", key), ("ca.pem", ca.pem()), ("a.pem", assertion_pem())] {
            std::fs::write(folder.path().join(name), pem).unwrap();
        }
        let file = folder.path().join("gladhand.toml");
        let text = format!(
            "environment = 'e'\ntenant = 'acme'\njournal.path = 'j'\n\
             identity = {{ certificate = 'c.pem', private_key = 'k.pem', trust = 'ca.pem' }}\n\
             [carriers.aurora]\nbase_url = '{}'\nclient_id = 'tms-acme'\nassertion_key = 'a.pem'\n",
            carrier.origin()
        );
        std::fs::write(&file, text).unwrap();
        let status = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "auth::failpoint_tests::the_carrier_has_the_request_or_not_as_the_failpoint_says"])
            .env(CHILD, &file)
            .env("GLADHAND_FAILPOINT", point)
            .stdout(std::process::Stdio::null())
            .status()
            .await
            .unwrap();
        assert_eq!(status.signal(), signal, "{point}");
        assert_eq!(carrier.server.seen_at("/v1/tenders").len(), tenders, "{point}");
        assert_eq!(carrier.server.seen_at("/v1/capacity/a").len(), 1, "{point}: a read is no mutation");
    }
}
