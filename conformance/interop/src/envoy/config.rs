//! Envoy's bootstrap: three listeners that answer every request with what Envoy knows of its peer.
//!
//! * `webpki`: the default validator with a CRL and a URI prefix. * `spiffe`: the SPIFFE validator.
//! * `sds`: as `webpki`, its own certificate from a file that it watches.

use serde_json::{Value, json};

/// What the listeners judge by; their own certificates are files in the folder.
pub(super) struct Envoy {
    pub(super) trust: String,
    pub(super) crl: String,
    /// What a client's URI must begin with.
    pub(super) prefix: String,
}

const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";
const HTTP: &str = "type.googleapis.com/envoy.extensions.filters";

impl Envoy {
    /// The bootstrap. `folder` has `server.pem`, `server.key` and `sds.json`.
    pub(super) fn bootstrap(&self, folder: &str) -> Value {
        let own = json!([{
            "certificate_chain": { "filename": format!("{folder}/server.pem") },
            "private_key": { "filename": format!("{folder}/server.key") },
        }]);
        let by_file = json!([{
            "name": "server",
            "sds_config": {
                "resource_api_version": "V3",
                "path_config_source": { "path": format!("{folder}/sds.json") },
            },
        }]);
        let default_validator = json!({
            "trusted_ca": { "inline_string": self.trust },
            "crl": { "inline_string": self.crl },
            "match_typed_subject_alt_names": [{ "san_type": "URI", "matcher": { "prefix": self.prefix } }],
        });
        let domain = self.prefix.trim_start_matches("spiffe://").split('/').next().unwrap_or_default();
        let spiffe_validator = json!({ "custom_validator_config": {
            "name": "envoy.tls.cert_validator.spiffe",
            "typed_config": {
                "@type": format!("{TLS}.SPIFFECertValidatorConfig"),
                "trust_domains": [{ "name": domain, "trust_bundle": { "inline_string": self.trust } }],
            },
        }});
        let certificates = |key: &str, value: &Value| json!({ key: value });
        json!({
            "node": { "id": "interop", "cluster": "interop" },
            "admin": { "address": address() },
            "static_resources": { "listeners": [
                listener("webpki", certificates("tls_certificates", &own), &default_validator),
                listener("spiffe", certificates("tls_certificates", &own), &spiffe_validator),
                listener("sds", certificates("tls_certificate_sds_secret_configs", &by_file), &default_validator),
            ]},
        })
    }
}

/// The SDS file for this certificate.
pub(super) fn sds(certificate: &str, key: &str) -> Value {
    json!({ "resources": [{
        "@type": format!("{TLS}.Secret"),
        "name": "server",
        "tls_certificate": {
            "certificate_chain": { "inline_string": certificate },
            "private_key": { "inline_string": key },
        },
    }]})
}

/// A free port of the loopback interface.
fn address() -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": 0 } })
}

fn listener(name: &str, mut tls: Value, validator: &Value) -> Value {
    tls["validation_context"] = validator.clone();
    tls["alpn_protocols"] = json!(["h2", "http/1.1"]);
    json!({
        "name": name,
        "stat_prefix": name,
        "address": address(),
        "filter_chains": [{
            "transport_socket": {
                "name": "tls",
                "typed_config": {
                    "@type": format!("{TLS}.DownstreamTlsContext"),
                    "require_client_certificate": true,
                    "common_tls_context": tls,
                },
            },
            "filters": [{
                "name": "http",
                "typed_config": {
                    "@type": format!("{HTTP}.network.http_connection_manager.v3.HttpConnectionManager"),
                    "stat_prefix": name,
                    "codec_type": "AUTO",
                    "route_config": { "virtual_hosts": [{
                        "name": "all",
                        "domains": ["*"],
                        "routes": [{ "match": { "prefix": "/" }, "direct_response": { "status": 200 } }],
                    }]},
                    "http_filters": [{
                        "name": "router",
                        "typed_config": { "@type": format!("{HTTP}.http.router.v3.Router") },
                    }],
                    "local_reply_config": { "body_format": { "json_format": {
                        "fingerprint": "%DOWNSTREAM_PEER_FINGERPRINT_256%",
                        "uri": "%DOWNSTREAM_PEER_URI_SAN%",
                        "version": "%DOWNSTREAM_TLS_VERSION%",
                        "cipher": "%DOWNSTREAM_TLS_CIPHER%",
                        "protocol": "%PROTOCOL%",
                        "connection": "%CONNECTION_ID%",
                    }}},
                },
            }],
        }],
    })
}
