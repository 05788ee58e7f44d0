//! Certificates under control: the listener's TLS, the clients' identities, revocation.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use gladhand_documents::error::Code;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Refused, body};
use crate::ca::{DAY_S, Pair, Wanted};
use crate::carrier::Carrier;
use crate::credentials::{CARRIERS_DOMAIN, TRUST_DOMAIN};
use crate::files;
use crate::pki::{Branch, Spoilt};
use crate::problem::Problem;
use crate::tls::{ClientAuth, Version};

/// The routes.
pub fn router() -> Router<Arc<Carrier>> {
    Router::new().route("/tls", post(tls)).route("/identity", post(identity)).route("/crl", post(crl))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Tls {
    certificate: Option<String>,
    lifetime_s: Option<i64>,
    minimum: Option<Version>,
    maximum: Option<Version>,
    client_auth: Option<ClientAuth>,
    resumption: Option<bool>,
    close_after_handshake: Option<bool>,
    #[serde(default)]
    hang_up: bool,
}

async fn tls(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Tls = body(&bytes)?;
    let shown = match &wanted.certificate {
        Some(which) => Some(server_certificate(&carrier, which, wanted.lifetime_s)?),
        None => None,
    };
    carrier
        .door
        .change(|settings| {
            settings.shown = shown.unwrap_or_else(|| settings.shown.clone());
            settings.minimum = wanted.minimum.unwrap_or(settings.minimum);
            settings.maximum = wanted.maximum.unwrap_or(settings.maximum);
            settings.client_auth = wanted.client_auth.unwrap_or(settings.client_auth);
            settings.resumption = wanted.resumption.unwrap_or(settings.resumption);
            settings.close_after_handshake = wanted.close_after_handshake.unwrap_or(settings.close_after_handshake);
        })
        .map_err(Problem::from)?;
    if wanted.hang_up {
        carrier.door.hang_up();
    }
    let shown = carrier.door.settings().shown;
    Ok(Json(json!({ "fingerprint": shown.fingerprint, "notAfter": shown.not_after * 1000 })))
}

/// The certificate that control asks for. `rotate` replaces the good one; all others leave it, and `good` shows it again.
fn server_certificate(carrier: &Carrier, which: &str, lifetime_s: Option<i64>) -> Result<Pair, Refused> {
    let usual = Wanted::carrier(&carrier.name, &carrier.spiffe_id);
    let usual = match lifetime_s {
        Some(seconds) => usual.lasting(seconds),
        None => usual,
    };
    let (id, name) = (&carrier.spiffe_id, &carrier.name);
    let domain = if id.starts_with(CARRIERS_DOMAIN) { CARRIERS_DOMAIN } else { TRUST_DOMAIN };
    let wanted = match which {
        "good" => return Ok(carrier.good.lock().expect("the good certificate").clone()),
        "rotate" | "revoked" | "wrong_ca" => usual,
        "expired" => Wanted { from_s: -30 * DAY_S, to_s: -DAY_S, ..usual },
        "not_yet_valid" => Wanted { from_s: DAY_S, to_s: 30 * DAY_S, ..usual },
        "wrong_host" => Wanted { dns: vec!["elsewhere.invalid".to_owned()], loopback: false, ..usual },
        "client_only" => Wanted { server: false, ..usual },
        "wrong_trust_domain" => Wanted { uris: vec![format!("spiffe://elsewhere.invalid/carrier/{name}")], ..usual },
        "wrong_path" => Wanted { uris: vec![format!("{domain}/carrier/somebody-else")], ..usual },
        "two_uris" => Wanted { uris: vec![id.clone(), format!("{domain}/carrier/somebody-else")], ..usual },
        "dns_only" => Wanted { uris: Vec::new(), ..usual },
        "ca_leaf" => Wanted { authority: true, ..usual },
        "cert_sign_leaf" => Wanted { cert_sign: true, ..usual },
        "two_distribution_points" => {
            let point = |n| format!("http://crl.sandbox.invalid/{n}.crl");
            Wanted { distribution_points: vec![point(1), point(2)], ..usual }
        }
        other => {
            let problem = Problem::new(Code::SchemaInvalid, format!("{other} is no certificate that this server has"));
            return Err(problem.into());
        }
    };
    let issued = match which {
        "wrong_ca" => carrier.pki.issue_untrusted(&wanted),
        _ => carrier.pki.issue(Branch::Servers, &wanted),
    };
    let issued = issued.map_err(Problem::from)?;
    match which {
        "rotate" => *carrier.good.lock().expect("the good certificate") = issued.clone(),
        "revoked" => {
            carrier.pki.revoke(&issued.fingerprint);
            carrier.pki.write_lists().map_err(Problem::from)?;
        }
        _ => {}
    }
    Ok(issued)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Identity {
    issue: String,
    lifetime_s: Option<i64>,
    fault: Option<String>,
    #[serde(rename = "as")]
    file: Option<String>,
}

async fn identity(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Identity = body(&bytes)?;
    let invalid = |message: String| Refused(Problem::new(Code::SchemaInvalid, message));
    let usual = match carrier.roles.iter().find(|role| role.name == wanted.issue) {
        Some(role) => role.wanted(),
        None => match carrier.oauth.client(&wanted.issue) {
            Some(client) => client.name.certificate(&client.id),
            None => return Err(invalid(format!("{} is neither a role nor a client", wanted.issue))),
        },
    };
    let usual = wanted.lifetime_s.map_or(usual.clone(), |seconds| usual.lasting(seconds));
    let (params, files) = match wanted.fault.as_deref() {
        None | Some("wrong_ca") => (usual, true),
        // Half of a rotation: the certificate is new, the key is the old one.
        Some("half") => (usual, false),
        Some("expired") => (Wanted { from_s: -30 * DAY_S, to_s: -DAY_S, ..usual }, true),
        Some("not_yet_valid") => (Wanted { from_s: DAY_S, to_s: 30 * DAY_S, ..usual }, true),
        Some(other) => return Err(invalid(format!("{other} is no fault of a certificate"))),
    };
    let pair = match wanted.fault.as_deref() {
        Some("wrong_ca") => carrier.pki.issue_untrusted(&params),
        _ => carrier.pki.issue(Branch::Clients, &params),
    };
    let pair = pair.map_err(Problem::from)?;
    let name = wanted.file.unwrap_or(wanted.issue);
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err(invalid(format!("{name:?} is no name for files")));
    }
    let (certificate, key) = (format!("{name}.pem"), format!("{name}-key.pem"));
    let write = |file: &str, text: &str| files::replace(&carrier.dir, file, text).map_err(Problem::from);
    if files {
        write(&key, &pair.key_pem)?;
    }
    write(&certificate, &pair.certificate_pem)?;
    Ok(Json(json!({
        "fingerprint": pair.fingerprint,
        "notAfter": pair.not_after * 1000,
        "certificate": carrier.dir.join(certificate),
        "key": carrier.dir.join(key),
    })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Crl {
    revoke: Option<String>,
    #[serde(default)]
    forgive: bool,
    next_update_s: Option<i64>,
    #[serde(default)]
    missing: bool,
    #[serde(default)]
    expired: bool,
    #[serde(default)]
    forged: bool,
}

async fn crl(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Crl = body(&bytes)?;
    let pki = &carrier.pki;
    if wanted.forgive {
        pki.forgive();
    }
    let revoked = match wanted.revoke.as_deref() {
        None => None,
        Some("intermediate") => {
            pki.revoke_branch(Branch::Servers);
            None
        }
        Some("client_intermediate") => {
            pki.revoke_branch(Branch::Clients);
            None
        }
        Some(which) => {
            let fingerprint = match which {
                "server" => carrier.door.settings().shown.fingerprint,
                other => other.replace(':', "").to_ascii_lowercase(),
            };
            if !pki.revoke(&fingerprint) {
                let message = format!("{which} is no certificate that this carrier issued");
                return Err(Problem::new(Code::SchemaInvalid, message).into());
            }
            Some(fingerprint)
        }
    };
    let Crl { next_update_s, missing, expired, forged, .. } = wanted;
    pki.spoil(Spoilt { next_update_s, missing, expired, forged });
    pki.write_lists().map_err(Problem::from)?;
    carrier.door.change(|settings| settings.revocation = true).map_err(Problem::from)?;
    Ok(Json(json!({ "path": carrier.dir.join("crl.pem"), "revoked": revoked })))
}
