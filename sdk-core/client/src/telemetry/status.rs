//! How a gateway is, as values and as Prometheus text.

use std::fmt::Write as _;

use gladhand_documents::error::Error;
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

impl GatewayStatus {
    /// Prometheus text (exposition format 0.0.4).
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: Vec<(String, String)>| {
            let _ = writeln!(text, "# HELP gladhand_{name} {help}\n# TYPE gladhand_{name} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(text, "gladhand_{name}{labels} {value}");
            }
        };
        let one = |value: String| vec![(String::new(), value)];
        let counts = |of: fn(&Conservation) -> u64| -> Vec<(String, String)> {
            let sample = |lane: &LaneCounts| (label(lane.lane), of(&lane.conservation).to_string());
            self.counts.iter().map(sample).collect()
        };
        let lanes = |of: fn(&LaneStatus) -> String| -> Vec<(String, String)> {
            self.lanes.lanes.iter().map(|lane| (label(lane.lane()), of(lane))).collect()
        };
        let dropped = self.counts.iter().flat_map(|counts| {
            counts.dropped.iter().map(|(reason, count)| {
                let labels = format!(r#"{{lane="{}",reason="{}"}}"#, lane_name(counts.lane), reason_name(*reason));
                (labels, count.to_string())
            })
        });
        family(
            "telemetry_connected",
            "gauge",
            "Whether both streams are open.",
            one(u8::from(self.connected).to_string()),
        );
        family(
            "telemetry_records_produced_total",
            "counter",
            "Records given a sequence in this epoch.",
            counts(|c| c.produced),
        );
        family(
            "telemetry_records_acked_total",
            "counter",
            "Records the collector acknowledged.",
            counts(|c| c.acknowledged),
        );
        family("telemetry_records_dropped_total", "counter", "Records declared lost.", dropped.collect());
        family("telemetry_records_pending", "gauge", "Records that wait.", counts(|c| c.pending));
        family(
            "telemetry_conservation_difference",
            "gauge",
            "Produced less acknowledged, dropped and pending: anything but 0 is a silent loss.",
            one(self.conservation.difference().to_string()),
        );
        family(
            "telemetry_credit_blocked_seconds_total",
            "counter",
            "Time without credit.",
            lanes(|lane| seconds(lane.credit_blocked_ms_total)),
        );
        family(
            "spool_occupancy_ratio",
            "gauge",
            "Share of the lane's budget in use.",
            lanes(|lane| format!("{:.3}", f64::from(lane.occupancy_permille) / 1000.0)),
        );
        family(
            "spool_oldest_record_age_seconds",
            "gauge",
            "Age of the oldest record that waits.",
            lanes(|lane| seconds(lane.oldest_age_ms)),
        );
        if let Some(spool) = &self.spool {
            family(
                "spool_disk_bytes",
                "gauge",
                "What the spool's segments take on disk.",
                one(spool.disk_bytes.to_string()),
            );
            family(
                "spool_quarantined_bytes",
                "gauge",
                "Damaged bytes that are kept.",
                one(spool.quarantined_bytes.to_string()),
            );
            family(
                "spool_abandoned_epochs_total",
                "counter",
                "Epochs whose end is unknown.",
                one(spool.abandoned_epochs.to_string()),
            );
            family(
                "spool_failing",
                "gauge",
                "Whether not everything is kept on disk.",
                one(u8::from(spool.error.is_some()).to_string()),
            );
        }
        text
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn label(lane: Lane) -> String {
    format!(r#"{{lane="{}"}}"#, lane_name(lane))
}

/// A reason's name in metrics.
fn reason_name(reason: DropReason) -> String {
    reason.as_str_name().trim_start_matches("DROP_REASON_").to_ascii_lowercase()
}
