//! gRPC over the generation's TLS configuration. tonic is built without its own TLS, which has no place for a client
//! certificate that changes; the connector here makes the connection.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use tonic::transport::{Channel, Endpoint};
use url::Url;

const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// A channel to the origin of `url` that connects when it is first used. One HTTP/2 connection; its failures come out of
/// the first call as `tonic::Status` with the TLS error in its chain of causes.
pub fn grpc_channel(tls: &Arc<rustls::ClientConfig>, url: &Url) -> Result<Channel> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEP_ALIVE));
    let mut tls = (**tls).clone();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let mut connector = HttpsConnector::from((tcp, tls));
    connector.enforce_https();
    let endpoint = Endpoint::from_shared(url.origin().ascii_serialization())
        .map_err(|error| Error::new(Code::ConfigInvalid, "the telemetry address is not usable").caused_by(&error))?
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .user_agent(concat!("gladhand/", env!("CARGO_PKG_VERSION")))
        .map_err(|error| Error::new(Code::InternalPanic, "the user agent is not usable").caused_by(&error))?;
    Ok(endpoint.connect_with_connector_lazy(connector))
}
