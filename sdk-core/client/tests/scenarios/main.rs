//! Runs `conformance/vectors/scenarios`: conversations through the public API with a sandbox carrier. The vocabulary is in
//! `conformance/vectors/README.md`; Python, Node and Swift run the same files.
//!
//! * [`step`]: one step. * [`check`]: what must hold for its answer.

mod check;
mod step;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

use gladhand::Document;
use gladhand_documents::json::Value;

/// The folder `conformance/vectors`.
fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors")
}

fn run(name: &str) {
    let text = std::fs::read(vectors().join(format!("scenarios/{name}.json"))).expect("the scenario's file");
    let scenario = Document::parse(text).expect("a scenario is JSON");
    assert_eq!(scenario.text("/id").as_deref(), Some(name));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut stage = step::Stage::new(support::Bench::start());
    runtime.block_on(async {
        for (place, step) in scenario.at("/steps").into_iter().flat_map(Value::items).enumerate() {
            if let Err(why) = stage.run(step.raw()).await {
                panic!(
                    "{name}, step {} ({}): {why}",
                    place + 1,
                    step.get("op").and_then(Value::text).unwrap_or_default()
                );
            }
        }
        stage.close().await;
    });
}

macro_rules! scenarios {
    ($($name:ident)+) => {
        $(#[test] fn $name() { run(&stringify!($name).replace('_', "-")); })+

        #[test]
        fn every_file_is_run() {
            let mut found: Vec<String> = std::fs::read_dir(vectors().join("scenarios"))
                .expect("the folder")
                .map(|entry| entry.expect("an entry").file_name().to_string_lossy().replace(".json", ""))
                .collect();
            found.sort();
            let mut known: Vec<String> = [$(stringify!($name)),+].iter().map(|name| name.replace('_', "-")).collect();
            known.sort();
            assert_eq!(found, known);
        }
    };
}

scenarios! {
    answer_lost
    cancellation
    capacity_held
    carrier_saturated
    conditional_stop
    counter_accepted
    counter_declined
    decided_by_a_human
    delivered_and_reconciled
    express_accepted
    gateway_says_not_found
    held_load_joins
    malformed_documents
    missing_configuration
    next_minor_version
    rejected_with_reason
    released_unproven
    request_lost
    resumed_after_stop
    revised_before_acceptance
    round_trip
    server_certificate_expired
    server_of_another_authority
    stop_in_manual_override
    stop_refused
    tender_conflict
    token_downgraded
    token_of_another_audience
    webhooks
    withdrawn
}
