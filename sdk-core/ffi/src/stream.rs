//! What is pulled: a handle with `next`, that gives `None` once it is closed. Pulling gives back-pressure for nothing; each
//! language makes its own kind of loop of it.

use std::sync::Arc;

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::runtime::Owner;
use crate::task::{CancelToken, Task, spawn};

/// Reads the security log of a client until the client is closed.
#[derive(Debug)]
pub struct SecurityLogReader {
    log: gladhand::observe::SecurityStream,
    closed: CancellationToken,
}

impl SecurityLogReader {
    pub(crate) fn new(log: gladhand::observe::SecurityStream, closed: CancellationToken) -> Self {
        Self { log, closed }
    }

    /// What was told before the end is still read.
    async fn next(&mut self) -> Result<Option<Document>> {
        tokio::select! {
            biased;
            event = self.log.next() => Ok(event),
            () = self.closed.cancelled() => Ok(None),
        }
    }
}

/// A source of values, one at a time.
pub trait Source: Send + 'static {
    /// What it gives.
    type Item: Send + 'static;
    /// The next one; `None` at the end. Dropping the future loses nothing.
    fn pull(&mut self) -> impl Future<Output = Result<Option<Self::Item>>> + Send;
}

/// A stream that bindings hold. One `next` at a time; a second one waits for the first.
#[derive(Debug)]
pub struct Stream<S> {
    source: Arc<Mutex<Option<S>>>,
    closed: CancellationToken,
    owner: Owner,
}

impl<S> Clone for Stream<S> {
    fn clone(&self) -> Self {
        Self { source: Arc::clone(&self.source), closed: self.closed.clone(), owner: self.owner }
    }
}

impl<S: Source> Stream<S> {
    pub(crate) fn new(source: S) -> Self {
        Self { source: Arc::new(Mutex::new(Some(source))), closed: CancellationToken::new(), owner: Owner::current() }
    }

    /// The next value; `None` once the stream has ended or was closed.
    pub fn next(&self, cancel: &CancelToken) -> Task<Option<S::Item>> {
        let (source, closed, owner) = (Arc::clone(&self.source), self.closed.clone(), self.owner);
        spawn(cancel, async move {
            owner.check()?;
            let item = async {
                match source.lock().await.as_mut() {
                    Some(source) => source.pull().await,
                    None => Ok(None),
                }
            };
            tokio::select! {
                biased;
                () = closed.cancelled() => {}
                item = item => return item,
            }
            source.lock().await.take();
            Ok(None)
        })
    }

    /// Ends the stream and lets go of what feeds it; a `next` under way gives `None`.
    pub fn close(&self) {
        self.closed.cancel();
        // Held by a `next` under way, which lets go by itself.
        if let Ok(mut source) = self.source.try_lock() {
            source.take();
        }
    }
}

macro_rules! source {
    ($($(#[doc = $doc:literal])+ $name:ident($core:ty) -> $item:ty;)+) => {$(
        $(#[doc = $doc])+
        pub type $name = Stream<$core>;

        impl Source for $core {
            type Item = $item;
            fn pull(&mut self) -> impl Future<Output = Result<Option<$item>>> + Send {
                self.next()
            }
        }
    )+};
}

source! {
    /// A Tender now and after each change.
    Watch(gladhand::Watch) -> Document;
    /// Safety events at once, out of band.
    Safety(gladhand::SafetyStream) -> Document;
    /// Security events, as they happen.
    SecurityEvents(SecurityLogReader) -> Document;
    /// Positions of followed loads.
    Follow(gladhand::Follow) -> Document;
}

/// The durable events of a consumer: a stream, and what acknowledges it.
#[derive(Clone, Debug)]
pub struct Events {
    stream: Stream<gladhand::EventReader>,
    acknowledger: gladhand::Acknowledger,
}

impl Source for gladhand::EventReader {
    type Item = gladhand::Delivery;
    fn pull(&mut self) -> impl Future<Output = Result<Option<gladhand::Delivery>>> + Send {
        self.next()
    }
}

impl Events {
    pub(crate) fn new(reader: gladhand::EventReader) -> Self {
        Self { acknowledger: reader.acknowledger(), stream: Stream::new(reader) }
    }

    /// The next event; it comes again at the next start unless its token is acknowledged.
    pub fn next(&self, cancel: &CancelToken) -> Task<Option<gladhand::Delivery>> {
        self.stream.next(cancel)
    }

    /// Acknowledges an event: this consumer never sees it again. Also while a `next` waits.
    pub fn ack(&self, token: u64, cancel: &CancelToken) -> Task<()> {
        let (acknowledger, owner) = (self.acknowledger.clone(), self.stream.owner);
        spawn(cancel, async move {
            owner.check()?;
            acknowledger.ack(token).await
        })
    }

    /// Ends the stream and lets another reader take the consumer.
    pub fn close(&self) {
        self.stream.close();
    }
}
