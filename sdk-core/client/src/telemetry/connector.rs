//! Where a stream's connection and token come from.

use std::fmt;
use std::sync::Arc;

use gladhand_documents::error::Result;
use http::HeaderValue;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::auth::Authorized;
use crate::trace;
use crate::transport::BoxFuture;

/// A connection and the token for one stream on it. Both belong to one generation of credentials.
pub struct Connection {
    /// The connection.
    pub channel: Channel,
    /// The value of `authorization`.
    pub authorization: HeaderValue,
    /// Fires when another generation has taken this one's place: open the stream again.
    pub retired: CancellationToken,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Makes connections to one carrier's telemetry service.
pub trait Connector: fmt::Debug + Send + Sync + 'static {
    /// What to call the other side in a message.
    fn peer(&self) -> String;

    /// A connection and a token of this scope. Called for every new stream.
    fn connect(&self, scope: &'static str) -> BoxFuture<'_, Result<Connection>>;

    /// The token of this scope was refused or has expired: the next connection needs another one.
    fn forget(&self, scope: &'static str) -> BoxFuture<'_, ()>;
}

impl Connector for Authorized {
    fn peer(&self) -> String {
        self.carrier().telemetry_url.origin().ascii_serialization()
    }

    fn connect(&self, scope: &'static str) -> BoxFuture<'_, Result<Connection>> {
        Box::pin(async move {
            let generation = self.generation();
            generation.usable(&**self.clock())?;
            let authorization = self.authorization(&generation, scope).await?;
            let channel = generation.grpc_channel(&self.carrier().telemetry_url)?;
            Ok(Connection { channel, authorization, retired: generation.retired().clone() })
        })
    }

    fn forget(&self, scope: &'static str) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let generation = self.generation();
            self.forget_authorization(&generation, scope).await;
        })
    }
}

/// A connector that is handed around.
pub(super) type SharedConnector = Arc<dyn Connector>;

/// A request that carries the connection's token, and the trace of whoever opened the stream.
pub(super) fn request<T>(message: T, authorization: HeaderValue) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    if let Ok(mut value) = tonic::metadata::AsciiMetadataValue::try_from(authorization.as_bytes()) {
        value.set_sensitive(true);
        request.metadata_mut().insert("authorization", value);
    }
    trace::mark(request.metadata_mut().as_mut());
    request
}
