//! A gateway whose collector is away, on a real folder.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::model::sdk::Metrics;
use gladhand_documents::model::{self, Model as _};
use gladhand_documents::telemetry::{Context, DropReason, Lane, Record};

use super::connector::{Connection, Connector};
use super::spool::{Folder, SpoolStorage};
use super::{Gateway, Policies};
use crate::clock::{SharedClock, SystemClock};
use crate::transport::BoxFuture;

#[derive(Debug)]
struct Away;

impl Connector for Away {
    fn peer(&self) -> String {
        "https://away".into()
    }

    fn connect(&self, _scope: &'static str) -> BoxFuture<'_, Result<Connection>> {
        Box::pin(async { Err(Error::new(Code::Connect, "nobody is there")) })
    }

    fn forget(&self, _scope: &'static str) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Refuses the first token, and takes its time with the next one.
#[derive(Debug, Default)]
struct Stale(std::sync::atomic::AtomicBool);

impl Connector for Stale {
    fn peer(&self) -> String {
        "https://stale".into()
    }

    fn connect(&self, _scope: &'static str) -> BoxFuture<'_, Result<Connection>> {
        Box::pin(async {
            if self.0.swap(true, std::sync::atomic::Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            Err(Error::new(Code::TokenInvalid, "another one, please"))
        })
    }

    fn forget(&self, _scope: &'static str) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

fn record() -> Record {
    let context = Context { vehicle_id: "trk-1".into(), load_id: "load-1".into(), ..Context::default() };
    Record { context: Arc::new(context), observed_unix_nanos: 1, ..Record::default() }
}

fn gateway(folder: &Path) -> Result<Gateway> {
    let clock: SharedClock = Arc::new(SystemClock::new());
    let storage: Arc<dyn SpoolStorage> = Arc::new(Folder::open(folder).unwrap());
    Gateway::with_storage(Arc::new(Away), clock, "edge", Policies::default(), storage)
}

#[tokio::test]
async fn a_backlog_outlives_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let first = gateway(folder.path()).unwrap();
    for _ in 0..30 {
        assert!(first.publish_in(Lane::Safety, record()).unwrap().durable);
        assert!(!first.publish(record()).unwrap().durable);
    }
    assert_eq!(gateway(folder.path()).unwrap_err().code(), Code::JournalBusy);
    let error = first.close(Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    drop(first);

    let second = gateway(folder.path()).unwrap();
    let counts = second.status().conservation;
    assert_eq!((counts.produced, counts.pending, counts.dropped), (60, 60, 0), "closed, so nothing is unknown");
    assert_eq!(second.publish_in(Lane::Safety, record()).unwrap().sequence, 31);
    // As if it had been killed.
    drop(second);
    let third = until_free(folder.path()).await;
    let status = third.status();
    assert_eq!(status.conservation.pending, 61);
    assert_eq!(status.conservation.difference(), 0);
    let safety = &status.counts[0];
    assert_eq!(safety.dropped, [(DropReason::TailUnknown, 4095)]);
    assert!(status.spool.unwrap().error.is_none());
}

/// The folder's gateway, as soon as the one before has let it go.
async fn until_free(folder: &Path) -> Gateway {
    let free = async {
        loop {
            match gateway(folder) {
                Ok(gateway) => return gateway,
                Err(error) => assert_eq!(error.code(), Code::JournalBusy),
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), free).await.expect("the folder is let go")
}

#[tokio::test]
async fn a_token_that_is_being_replaced_is_no_reason_to_give_up() {
    let clock: SharedClock = Arc::new(SystemClock::new());
    let gateway = Gateway::with_connector(Arc::new(Stale::default()), clock, "edge", Policies::default()).unwrap();
    gateway.publish(record()).unwrap();
    let error = gateway.flush(Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
}

#[tokio::test]
async fn what_waits_for_company_is_on_disk_without_a_collector_too() {
    let folder = tempfile::tempdir().unwrap();
    let first = gateway(folder.path()).unwrap();
    first.publish_in(Lane::Operational, record()).unwrap();
    let sealed = async {
        while !first.shared.condition.as_ref().is_some_and(|c| c.disk_bytes() > 0 && !c.is_unsynced()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), sealed).await.expect("the keeper makes a frame of it");
    drop(first);
    let second = until_free(folder.path()).await;
    assert_eq!(second.status().conservation.pending, 1);
}

#[tokio::test]
async fn metrics_name_lanes_and_reasons_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = gateway(folder.path()).unwrap();
    gateway.publish_in(Lane::Safety, record()).unwrap();
    let text = gateway.metrics();
    for line in [
        r#"gladhand_telemetry_records_produced_total{lane="safety"} 1"#,
        r#"gladhand_telemetry_records_pending{lane="safety"} 1"#,
        "gladhand_telemetry_conservation_difference 0",
        "gladhand_spool_abandoned_epochs_total 0",
        "gladhand_spool_failing 0",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("trk-1") && !text.contains("load-1"));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (sample, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok() && sample.starts_with("gladhand_"), "{line}");
    }
    let document = gateway.status().metrics().unwrap();
    model::validate(Metrics::entity(), &document).unwrap();
    let samples = document.at("/samples").unwrap().len();
    assert_eq!(samples, text.lines().filter(|line| !line.starts_with('#')).count());
    let first = r#"{"name":"gladhand_telemetry_records_produced_total","labels":{"lane":"safety"},"value":1}"#;
    assert!(document.as_str().contains(first), "{}", document.as_str());
}

#[tokio::test]
async fn a_spool_that_cannot_be_made_is_told_and_records_are_kept_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("file");
    std::fs::write(&taken, "not a folder").unwrap();
    let storage = Folder::open(&taken).map(|folder| Arc::new(folder) as Arc<dyn SpoolStorage>);
    let (sender, condition) =
        super::gateway::sender("edge", Policies::default(), storage, super::spool::Now::default()).unwrap();
    let (trouble, set_aside) = sender.backlog_trouble();
    assert_eq!(trouble.unwrap().code(), Code::JournalUnwritable);
    assert!(set_aside && condition.is_some());
}
