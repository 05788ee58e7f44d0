//! The vehicle side: records in, what became of them out.

use std::sync::Arc;
use std::time::Duration;

use gladhand::telemetry::{Admission, Published};
use gladhand::{GatewayOptions, Result};
use gladhand_documents::json::Document;
use gladhand_documents::telemetry::{Record, json, lane_name, minute};

use crate::client::configuration;
use crate::runtime::Owner;
use crate::task::{CancelToken, Task, guard, spawn};

/// For how long `flush` and `close` wait for the collector, unless the caller cancels.
const PATIENCE: Duration = Duration::from_secs(30);

/// A vehicle gateway.
#[derive(Clone)]
pub struct Gateway {
    gateway: Arc<gladhand::Gateway>,
    owner: Owner,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gateway")
    }
}

impl Gateway {
    /// A gateway with the configuration at `path` and settings by dotted key, as [`crate::Client::connect`].
    pub fn connect(path: Option<String>, settings: Vec<(String, String)>, cancel: &CancelToken) -> Task<Self> {
        spawn(cancel, async move {
            let config = configuration(path.as_deref(), &settings)?;
            let gateway = gladhand::Gateway::connect(&config, GatewayOptions::default()).await?;
            Ok(Self { gateway: Arc::new(gateway), owner: Owner::current() })
        })
    }

    /// Takes a record, as JSON of the contract or as a line of a recorded trace. Never waits. Answers
    /// `{lane, sequence, eventSequence, accepted}`.
    pub fn publish(&self, record: &Document) -> Result<Document> {
        self.owner.check()?;
        guard(|| {
            let admission = self.gateway.publish(read(record)?)?;
            Document::parse(format!(
                r#"{{"lane":"{}","sequence":{},"eventSequence":"{}","accepted":{}}}"#,
                lane_name(admission.lane),
                admission.sequence,
                admission.event_sequence,
                admission.accepted,
            ))
        })
    }

    /// Takes a record. Never waits.
    pub fn publish_record(&self, record: Record) -> Result<Admission> {
        self.owner.check()?;
        guard(|| self.gateway.publish(record))
    }

    /// Takes many records: all of them or, if one is broken, none. Never waits.
    pub fn publish_batch(&self, records: Vec<Record>) -> Result<Published> {
        self.owner.check()?;
        guard(|| self.gateway.publish_batch(records))
    }

    /// Waits until everything published is acknowledged or declared lost. Answers
    /// `{produced, acknowledged, dropped, pending}`.
    pub fn flush(&self, cancel: &CancelToken) -> Task<Document> {
        let (gateway, owner) = (Arc::clone(&self.gateway), self.owner);
        spawn(cancel, async move {
            owner.check()?;
            counts(gateway.flush(PATIENCE).await?)
        })
    }

    /// What became of the records: `{produced, acknowledged, dropped, pending}`.
    pub fn stats(&self) -> Result<Document> {
        self.owner.check()?;
        counts(self.gateway.status().conservation)
    }

    /// Numbers to watch the gateway by: a Metrics. Asks nobody.
    pub fn metrics(&self) -> Result<Document> {
        self.owner.check()?;
        guard(|| self.gateway.status().metrics())
    }

    /// Sends what waits, and ends. Answers as [`Gateway::flush`].
    pub fn close(&self, cancel: &CancelToken) -> Task<Document> {
        let (gateway, owner) = (Arc::clone(&self.gateway), self.owner);
        spawn(cancel, async move {
            owner.check()?;
            counts(gateway.close(PATIENCE).await?)
        })
    }
}

fn read(record: &Document) -> Result<Record> {
    if record.at("/latE7").is_some() { minute::parse_line(record.as_str()) } else { json::from_document(record) }
}

fn counts(of: gladhand::telemetry::Conservation) -> Result<Document> {
    Document::parse(format!(
        r#"{{"produced":{},"acknowledged":{},"dropped":{},"pending":{}}}"#,
        of.produced, of.acknowledged, of.dropped, of.pending
    ))
}
