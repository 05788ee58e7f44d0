//! What the program says: how the gateway is, as one line of JSON.

use std::fmt::Write as _;

use gladhand::Conservation;
use gladhand::telemetry::{GatewayStatus, LaneCounts};
use gladhand_documents::json::quote;

/// What this process did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    /// Records published.
    pub(crate) published: u64,
    /// Of these, what was dropped at once.
    pub(crate) refused: u64,
}

/// The line.
pub(crate) fn line(status: &GatewayStatus, count: Count, last: bool) -> String {
    let epoch = status.epoch.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let lanes: Vec<String> = status
        .counts
        .iter()
        .zip(&status.lanes.lanes)
        .map(|(counts, lane)| {
            format!(
                r#""{}":{{{},"heldBytes":{},"occupancyPermille":{},"nextSequence":{},"gaps":{{{}}}}}"#,
                name(counts.lane.as_str_name(), "LANE_"),
                numbers(counts.conservation),
                lane.held_bytes,
                lane.occupancy_permille,
                counts.conservation.produced + 1,
                gaps(counts),
            )
        })
        .collect();
    let spool = status.spool.as_ref().map_or_else(
        || "null".to_owned(),
        |spool| {
            format!(
                r#"{{"error":{},"diskBytes":{},"quarantinedBytes":{},"abandonedEpochs":{},"setAside":{}}}"#,
                text(spool.error.as_ref().map(ToString::to_string)),
                spool.disk_bytes,
                spool.quarantined_bytes,
                spool.abandoned_epochs,
                spool.set_aside,
            )
        },
    );
    format!(
        r#"{{"final":{last},"connected":{},"error":{},"epoch":"{epoch}","published":{},"refusedAtOnce":{},{},"difference":{},"lanes":{{{}}},"spool":{spool}}}"#,
        status.connected,
        text(status.error.as_ref().map(ToString::to_string)),
        count.published,
        count.refused,
        numbers(status.conservation),
        status.conservation.difference(),
        lanes.join(","),
    )
}

fn numbers(of: Conservation) -> String {
    let Conservation { produced, acknowledged, dropped, pending } = of;
    format!(r#""produced":{produced},"acknowledged":{acknowledged},"dropped":{dropped},"pending":{pending}"#)
}

fn gaps(counts: &LaneCounts) -> String {
    let gap = |(reason, count): &(gladhand::telemetry::DropReason, u64)| {
        format!(r#""{}":{count}"#, name(reason.as_str_name(), "DROP_REASON_"))
    };
    counts.dropped.iter().map(gap).collect::<Vec<_>>().join(",")
}

fn name(of: &str, prefix: &str) -> String {
    of.trim_start_matches(prefix).to_ascii_lowercase()
}

fn text(of: Option<String>) -> String {
    of.map_or_else(|| "null".to_owned(), |text| quote(&text))
}
