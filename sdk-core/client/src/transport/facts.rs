//! What was negotiated on one connection (identity §1).

use gladhand_documents::error::Result;
use gladhand_documents::json::{Document, quote};
use gladhand_documents::time::format_instant;
use rustls::ClientConnection;

use crate::identity::{CertificateFacts, suite_name};

/// The facts of a connection. Nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionFacts {
    /// The TLS version, such as `TLSv1_3`.
    pub version: String,
    /// The cipher suite, as IANA spells it.
    pub cipher_suite: String,
    /// The key exchange group, such as `X25519MLKEM768`.
    pub key_exchange: String,
    /// The application protocol: `h2` or `http/1.1`, where one was negotiated.
    pub alpn: Option<String>,
    /// SHA-256 of the peer's certificate, hexadecimal.
    pub peer_fingerprint: String,
    /// The peer certificate's URI names.
    pub peer_uris: Vec<String>,
    /// SHA-256 of the client certificate, hexadecimal.
    pub our_fingerprint: String,
    /// Whether the peer asked for the client certificate.
    pub client_auth_requested: bool,
    /// Whether an earlier session was resumed: never, by our policy.
    pub resumed: bool,
    /// The generation of credentials.
    pub generation: u64,
    /// When it was made.
    pub connected_at: jiff::Timestamp,
}

impl ConnectionFacts {
    /// Reads them of a connection whose handshake is done.
    pub(super) fn read(
        session: &ClientConnection,
        ours: &CertificateFacts,
        asked: bool,
        generation: u64,
        now: jiff::Timestamp,
    ) -> Self {
        let peer = session.peer_certificates().and_then(<[_]>::first);
        let peer = peer.and_then(|leaf| CertificateFacts::read(leaf).ok());
        let shown = |name: Option<String>| name.unwrap_or_else(|| "none".to_owned());
        Self {
            version: shown(session.protocol_version().map(|version| format!("{version:?}"))),
            cipher_suite: shown(session.negotiated_cipher_suite().map(suite_name)),
            key_exchange: shown(session.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name()))),
            alpn: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            peer_fingerprint: peer.as_ref().map(|facts| facts.fingerprint().to_owned()).unwrap_or_default(),
            peer_uris: peer.map(|facts| facts.uris().to_vec()).unwrap_or_default(),
            our_fingerprint: ours.fingerprint().to_owned(),
            client_auth_requested: asked,
            resumed: session.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
            generation,
            connected_at: now,
        }
    }

    /// The document `ConnectionFacts`.
    pub fn document(&self) -> Result<Document> {
        let uris: Vec<String> = self.peer_uris.iter().map(|uri| quote(uri)).collect();
        let alpn = self.alpn.as_ref().map_or_else(String::new, |alpn| format!(r#""alpn":{},"#, quote(alpn)));
        Document::parse(format!(
            r#"{{"version":{},"cipherSuite":{},"keyExchange":{},{alpn}"peerFingerprint":{},"peerUris":[{}],"ourFingerprint":{},"generation":{},"connectedAt":{}}}"#,
            quote(&self.version),
            quote(&self.cipher_suite),
            quote(&self.key_exchange),
            quote(&self.peer_fingerprint),
            uris.join(","),
            quote(&self.our_fingerprint),
            self.generation,
            quote(&format_instant(self.connected_at)),
        ))
    }
}
