//! gRPC over the generation's connector. tonic is built without its own TLS, which has no place for a client certificate
//! that changes.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use tonic::transport::{Channel, Endpoint};
use url::Url;

use super::connector::{Connector, Origin};

const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// A channel to the origin of `url` that connects when it is first used. One HTTP/2 connection; its failures come out of
/// the first call as `tonic::Status` with the TLS error in its chain of causes.
pub(crate) fn grpc_channel(origin: &Arc<Origin>, url: &Url) -> Result<Channel> {
    let endpoint = Endpoint::from_shared(url.origin().ascii_serialization())
        .map_err(|error| Error::new(Code::ConfigInvalid, "the telemetry address is not usable").caused_by(&error))?
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .user_agent(concat!("gladhand/", env!("CARGO_PKG_VERSION")))
        .map_err(|error| Error::new(Code::InternalPanic, "the user agent is not usable").caused_by(&error))?;
    Ok(endpoint.connect_with_connector_lazy(Connector::grpc(origin.clone())))
}
