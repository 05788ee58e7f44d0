//! What the carrier saw: the certificate, the DPoP key and the token's binding of each request, and the identity of every
//! stream that is open; against when each identity was published.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::time::sleep;

use super::Stand;
use crate::Outcome;
use crate::checks::Checks;
use crate::oidc_provider::text;

/// Every request that starts this long after a publication has the new identity (identity §6).
const SOON_MS: i64 = 1000;

/// Publications, and the carrier's record of requests.
pub(super) struct Record {
    what: &'static str,
    published: Vec<Publication>,
    requests: Vec<Value>,
    next: u64,
    lost: u64,
    resumptions: u64,
    slowest_stream: Duration,
    streams_late: usize,
}

struct Publication {
    at_ms: i64,
    role: &'static str,
    fingerprint: String,
}

impl Record {
    pub(super) fn new(what: &'static str) -> Self {
        Self {
            what,
            published: Vec::new(),
            requests: Vec::new(),
            next: 0,
            lost: 0,
            resumptions: 0,
            slowest_stream: Duration::ZERO,
            streams_late: 0,
        }
    }

    /// An identity was published just now.
    pub(super) fn published(&mut self, role: &'static str, fingerprint: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let fingerprint = fingerprint.to_owned();
        self.published.push(Publication { at_ms: now.as_millis() as i64, role, fingerprint });
    }

    pub(super) fn publications(&self, role: &str) -> u64 {
        self.published.iter().filter(|publication| publication.role == role).count() as u64
    }

    /// How many DPoP keys the carrier saw.
    pub(super) fn dpop_keys(&self) -> usize {
        self.requests.iter().filter_map(|request| request["jkt"].as_str()).collect::<BTreeSet<_>>().len()
    }

    /// Waits so long, reads the record, and looks when the open streams have the latest identities: by its end,
    /// and it lasts no longer than the five seconds that they are allowed.
    pub(super) async fn watch(&mut self, stand: &Stand, lasting: Duration) -> Outcome {
        let begun = Instant::now();
        let mut reopened = None;
        while begun.elapsed() < lasting {
            let streams = self.read(stand).await?;
            let current = |stream: &Value| {
                let seen = text(&stream["fingerprint"]);
                self.published.iter().rev().take(2).any(|publication| publication.fingerprint == seen)
            };
            if reopened.is_none() && streams.iter().all(current) {
                reopened = Some(begun.elapsed());
            }
            sleep(Duration::from_millis(100)).await;
        }
        match reopened {
            Some(after) => self.slowest_stream = self.slowest_stream.max(after),
            None => self.streams_late += 1,
        }
        Ok(())
    }

    /// Reads what is new in the carrier's record; gives the streams that are open.
    pub(super) async fn read(&mut self, stand: &Stand) -> Outcome<Vec<Value>> {
        loop {
            let answer = stand.control(&format!("/fingerprints?after={}", self.next), "").await?;
            self.next = answer["next"].as_u64().unwrap_or(self.next);
            self.lost += answer["lost"].as_u64().unwrap_or(0);
            self.resumptions = answer["resumptions"].as_u64().unwrap_or(u64::MAX);
            let requests = answer["requests"].as_array().cloned().unwrap_or_default();
            let done = requests.is_empty();
            self.requests.extend(requests);
            if done {
                return Ok(answer["streams"].as_array().cloned().unwrap_or_default());
            }
        }
    }

    pub(super) fn judge(&self, checks: &mut Checks) {
        let what = self.what;
        checks.equal(&format!("{what}: the carrier's record is whole"), self.lost, 0);
        let (mut stale, mut slowest, mut foreign_tokens) = (Vec::new(), 0, 0);
        for request in &self.requests {
            let seen = text(&request["fingerprint"]);
            foreign_tokens += usize::from(request["boundTo"].as_str().is_some_and(|bound| bound != seen));
            let at = request["at"].as_i64().unwrap_or(0);
            let Some(role) = self.role(&seen) else { continue };
            let latest =
                self.published.iter().rev().find(|publication| publication.role == role && publication.at_ms <= at);
            let Some(latest) = latest.filter(|latest| latest.fingerprint != seen) else { continue };
            // A certificate that is newer than the latest publication before it is none of the past.
            if self.published.iter().any(|other| other.fingerprint == seen && other.at_ms > at) {
                continue;
            }
            slowest = slowest.max(at - latest.at_ms);
            if at - latest.at_ms >= SOON_MS {
                stale.push(format!("{} {} {} ms", request["method"], request["path"], at - latest.at_ms));
            }
        }
        let count = self.requests.len();
        checks.holds(
            &format!("{what}: of {count} requests none came with an old identity {SOON_MS} ms after a publication"),
            stale.is_empty(),
            format!("{} did: {}", stale.len(), stale.iter().take(12).cloned().collect::<Vec<_>>().join(", ")),
        );
        checks.ok(
            &format!("{what}: the last request with an old identity"),
            format!("{slowest} ms after the publication"),
        );
        checks.equal(&format!("{what}: no token was used on a connection of another certificate"), foreign_tokens, 0);
        checks.equal(&format!("{what}: no TLS session was resumed"), self.resumptions, 0);
        if self.requests.iter().any(|request| request["stream"] == true) {
            checks.equal(&format!("{what}: streams were always open anew in time"), self.streams_late, 0);
            checks.ok(
                &format!("{what}: the slowest stream was open anew"),
                format!("{} ms after the publication", self.slowest_stream.as_millis()),
            );
        }
        for role in ["client", "gateway"] {
            let published = self.published.iter().filter(|publication| publication.role == role);
            let unseen = published.filter(|publication| {
                !self.requests.iter().any(|request| request["fingerprint"] == *publication.fingerprint)
            });
            checks.equal(&format!("{what}: each identity of the {role} was seen"), unseen.count(), 0);
        }
    }

    /// Whose certificate it is: only of those that were published here.
    fn role(&self, fingerprint: &str) -> Option<&'static str> {
        self.published
            .iter()
            .find(|publication| publication.fingerprint == fingerprint)
            .map(|publication| publication.role)
    }
}
