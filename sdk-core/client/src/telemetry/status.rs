//! How a gateway is: as values, as Prometheus text, and as the document `Metrics`.

use std::fmt::Write as _;

use gladhand_documents::error::{Error, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::telemetry::frame::Epoch;
use gladhand_documents::telemetry::wire::{Heartbeat, LaneStatus};
use gladhand_documents::telemetry::{DropReason, Lane, lane_name};
use gladhand_protocol::telemetry::{Conservation, LANES, Sender};

use super::gateway::Link;
use super::spool::Condition;

/// How a gateway is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GatewayStatus {
    /// Whether both streams are open: that of the safety lane and that of the others.
    pub connected: bool,
    /// Why one is not, where there was an attempt.
    pub error: Option<Error>,
    /// The epoch that all counts are of; they are carried over restarts.
    pub epoch: Epoch,
    /// produced = acknowledged + dropped + pending, over all lanes.
    pub conservation: Conservation,
    /// Occupancy, age, drops and waits of each lane.
    pub lanes: Heartbeat,
    /// The counts of each lane.
    pub counts: Vec<LaneCounts>,
    /// The spool, if one is configured.
    pub spool: Option<SpoolStatus>,
}

/// What became of one lane's records.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneCounts {
    /// The lane.
    pub lane: Lane,
    /// Its invariant. `produced` counts sequences given out; those of which a crash left unknown whether they were used are
    /// among `dropped`.
    pub conservation: Conservation,
    /// Records dropped, by reason; reasons without any are left out.
    pub dropped: Vec<(DropReason, u64)>,
}

/// How the spool is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SpoolStatus {
    /// Why not everything is kept on disk; records are kept in memory then, within the same budgets.
    pub error: Option<Error>,
    /// It could give out no more numbers. What it holds waits there for the next start.
    pub set_aside: bool,
    /// What its segments take on disk, bytes.
    pub disk_bytes: u64,
    /// Damaged bytes that are kept.
    pub quarantined_bytes: u64,
    /// Epochs whose end is unknown, because every copy of the leases was lost. Anything but 0 is for a person.
    pub abandoned_epochs: u64,
}

pub(super) fn of(sender: &Sender, links: &[Link; 2], condition: Option<&Condition>, now_ms: u64) -> GatewayStatus {
    let counts = LANES.map(|lane| {
        let by_reason = sender.dropped_of(lane).into_iter().enumerate().filter(|(_, count)| *count > 0);
        let reason = |number: usize| DropReason::try_from(number as i32).unwrap_or(DropReason::Unspecified);
        LaneCounts {
            lane,
            conservation: sender.conservation_of(lane),
            dropped: by_reason.map(|(number, count)| (reason(number), count)).collect(),
        }
    });
    let (error, set_aside) = sender.backlog_trouble();
    let spool = condition.map(|condition| SpoolStatus {
        error: error.cloned(),
        set_aside,
        disk_bytes: condition.disk_bytes(),
        quarantined_bytes: condition.quarantined_bytes(),
        abandoned_epochs: condition.abandoned_epochs(),
    });
    GatewayStatus {
        connected: links.iter().all(|link| link.connected),
        error: links.iter().find_map(|link| link.error.clone()),
        epoch: *sender.epoch(),
        conservation: sender.conservation(),
        lanes: sender.heartbeat(now_ms),
        counts: counts.into(),
        spool,
    }
}

/// A sample's labels and its value, in JSON as in Prometheus text.
type Samples = Vec<(Vec<(&'static str, String)>, String)>;

/// One series of samples.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: Samples,
}

impl GatewayStatus {
    /// Prometheus text (exposition format 0.0.4).
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        for Family { name, kind, help, samples } in self.families() {
            let _ = writeln!(text, "# HELP gladhand_{name} {help}\n# TYPE gladhand_{name} {kind}");
            for (labels, value) in samples {
                let labels: Vec<String> = labels.iter().map(|(label, of)| format!(r#"{label}="{of}""#)).collect();
                let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
                let _ = writeln!(text, "gladhand_{name}{labels} {value}");
            }
        }
        text
    }

    /// The same numbers as the document `Metrics`.
    pub fn metrics(&self) -> Result<Document> {
        let samples = self.families().into_iter().flat_map(|Family { name, samples, .. }| {
            samples.into_iter().map(move |(labels, value)| {
                let labels: Vec<String> =
                    labels.iter().map(|(label, of)| format!(r#""{label}":{}"#, quote(of))).collect();
                format!(r#"{{"name":"gladhand_{name}","labels":{{{}}},"value":{value}}}"#, labels.join(","))
            })
        });
        Document::parse(format!(r#"{{"samples":[{}]}}"#, samples.collect::<Vec<_>>().join(",")))
    }

    fn families(&self) -> Vec<Family> {
        let one = |value: String| -> Samples { vec![(Vec::new(), value)] };
        let counts = |of: fn(&Conservation) -> u64| -> Samples {
            let sample = |lane: &LaneCounts| (label(lane.lane), of(&lane.conservation).to_string());
            self.counts.iter().map(sample).collect()
        };
        let lanes = |of: fn(&LaneStatus) -> String| -> Samples {
            self.lanes.lanes.iter().map(|lane| (label(lane.lane()), of(lane))).collect()
        };
        let dropped = self.counts.iter().flat_map(|counts| {
            counts.dropped.iter().map(|(reason, count)| {
                let labels = vec![("lane", lane_name(counts.lane).to_owned()), ("reason", reason_name(*reason))];
                (labels, count.to_string())
            })
        });
        let family = |name, kind, help, samples| Family { name, kind, help, samples };
        let mut all = vec![
            family(
                "telemetry_connected",
                "gauge",
                "Whether both streams are open.",
                one(u8::from(self.connected).to_string()),
            ),
            family(
                "telemetry_records_produced_total",
                "counter",
                "Records given a sequence in this epoch.",
                counts(|c| c.produced),
            ),
            family(
                "telemetry_records_acked_total",
                "counter",
                "Records the collector acknowledged.",
                counts(|c| c.acknowledged),
            ),
            family("telemetry_records_dropped_total", "counter", "Records declared lost.", dropped.collect()),
            family("telemetry_records_pending", "gauge", "Records that wait.", counts(|c| c.pending)),
            family(
                "telemetry_conservation_difference",
                "gauge",
                "Produced less acknowledged, dropped and pending: anything but 0 is a silent loss.",
                one(self.conservation.difference().to_string()),
            ),
            family(
                "telemetry_credit_blocked_seconds_total",
                "counter",
                "Time without credit.",
                lanes(|lane| seconds(lane.credit_blocked_ms_total)),
            ),
            family(
                "spool_occupancy_ratio",
                "gauge",
                "Share of the lane's budget in use.",
                lanes(|lane| format!("{:.3}", f64::from(lane.occupancy_permille) / 1000.0)),
            ),
            family(
                "spool_oldest_record_age_seconds",
                "gauge",
                "Age of the oldest record that waits.",
                lanes(|lane| seconds(lane.oldest_age_ms)),
            ),
        ];
        if let Some(spool) = &self.spool {
            all.extend([
                family(
                    "spool_disk_bytes",
                    "gauge",
                    "What the spool's segments take on disk.",
                    one(spool.disk_bytes.to_string()),
                ),
                family(
                    "spool_quarantined_bytes",
                    "gauge",
                    "Damaged bytes that are kept.",
                    one(spool.quarantined_bytes.to_string()),
                ),
                family(
                    "spool_abandoned_epochs_total",
                    "counter",
                    "Epochs whose end is unknown.",
                    one(spool.abandoned_epochs.to_string()),
                ),
                family(
                    "spool_failing",
                    "gauge",
                    "Whether not everything is kept on disk.",
                    one(u8::from(spool.error.is_some()).to_string()),
                ),
            ]);
        }
        all
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn label(lane: Lane) -> Vec<(&'static str, String)> {
    vec![("lane", lane_name(lane).to_owned())]
}

/// A reason's name in metrics.
fn reason_name(reason: DropReason) -> String {
    reason.as_str_name().trim_start_matches("DROP_REASON_").to_ascii_lowercase()
}
