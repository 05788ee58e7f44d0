//! What is pulled: a handle with `next`, that gives `None` once it is closed. Pulling gives back-pressure for nothing; each
//! language makes its own kind of loop of it.

use std::sync::Arc;

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

use crate::runtime::Owner;
use crate::task::{CancelToken, Task, spawn, spawn_or};

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
    /// The last one reached nobody: where it must not be lost, it comes again.
    fn give_back(&mut self, _item: &Self::Item) {}
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
        let pull = |source: Arc<Mutex<Option<S>>>| async move {
            let mut held = source.lock_owned().await;
            let item = match held.as_mut() {
                Some(source) => source.pull().await,
                None => Ok(None),
            };
            (item, held)
        };
        let next = async move {
            owner.check()?;
            tokio::select! {
                biased;
                () = closed.cancelled() => {}
                (item, held) = pull(Arc::clone(&source)) => return Ok((item?, held)),
            }
            let mut held = source.lock_owned().await;
            held.take();
            Ok((None, held))
        };
        // Its caller stopped waiting just when it came.
        let unheard = |item: Option<S::Item>, mut held: OwnedMutexGuard<Option<S>>| {
            if let (Some(item), Some(source)) = (item, held.as_mut()) {
                source.give_back(&item);
            }
        };
        spawn_or(cancel, next, unheard)
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
    /// Security events, as they happen.
    SecurityEvents(SecurityLogReader) -> Document;
    /// Positions of followed loads.
    Follow(gladhand::Follow) -> Document;
}

/// Safety events at once, out of band. One counts as told once the next one is asked for.
pub type Safety = Stream<gladhand::SafetyStream>;

impl Source for gladhand::SafetyStream {
    type Item = Document;
    fn pull(&mut self) -> impl Future<Output = Result<Option<Document>>> + Send {
        self.next()
    }
    fn give_back(&mut self, _item: &Document) {
        Self::give_back(self);
    }
}

/// The durable events of a consumer: a stream, and what acknowledges it.
#[derive(Clone, Debug)]
pub struct Events {
    stream: Stream<gladhand::EventReader>,
    acknowledger: gladhand::Acknowledger,
}

/// What an application says of an event that it was given. Holds nothing open: whoever keeps one does not keep the consumer.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The event, byte for byte.
    pub event: Document,
    token: u64,
    acknowledger: gladhand::Acknowledger,
    owner: Owner,
}

impl Delivered {
    /// Acknowledges the event: its consumer never sees it again. Also while a `next` waits, and after the stream was closed,
    /// until another reader has the consumer.
    pub fn ack(&self, cancel: &CancelToken) -> Task<()> {
        let (acknowledger, owner, token) = (self.acknowledger.clone(), self.owner, self.token);
        spawn(cancel, async move {
            owner.check()?;
            acknowledger.ack(token).await
        })
    }

    /// States that whoever has the event does not deal with it: the stream's next `next` gives it again.
    pub fn give_back(&self) {
        self.acknowledger.give_back(self.token);
    }
}

impl Source for gladhand::EventReader {
    type Item = gladhand::Delivery;
    fn pull(&mut self) -> impl Future<Output = Result<Option<gladhand::Delivery>>> + Send {
        self.next()
    }
    fn give_back(&mut self, item: &gladhand::Delivery) {
        self.acknowledger().give_back(item.token);
    }
}

impl Events {
    pub(crate) fn new(reader: gladhand::EventReader) -> Self {
        Self { acknowledger: reader.acknowledger(), stream: Stream::new(reader) }
    }

    /// The next event; it comes again to the next reader unless it is acknowledged.
    pub fn next(&self, cancel: &CancelToken) -> Task<Option<gladhand::Delivery>> {
        self.stream.next(cancel)
    }

    /// What is said of what [`Events::next`] gave, without holding the stream: a function to be kept while a `next` waits.
    pub fn delivered(&self) -> impl Fn(gladhand::Delivery) -> Delivered + Send + use<> {
        let (acknowledger, owner) = (self.acknowledger.clone(), self.stream.owner);
        move |delivery| Delivered {
            event: delivery.event,
            token: delivery.token,
            acknowledger: acknowledger.clone(),
            owner,
        }
    }

    /// Ends the stream and lets another reader take the consumer: also the one that is opened right after this, while a
    /// `next` that has just given its event still has the source.
    pub fn close(&self) {
        self.stream.close();
        self.acknowledger.release();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    /// Counts up, one number each time it is let go.
    struct Numbers {
        last: u32,
        go: Arc<Semaphore>,
    }

    impl Source for Numbers {
        type Item = u32;
        async fn pull(&mut self) -> Result<Option<u32>> {
            self.go.acquire().await.unwrap().forget();
            self.last += 1;
            Ok(Some(self.last))
        }
        fn give_back(&mut self, item: &u32) {
            self.last = item - 1;
        }
    }

    #[test]
    fn what_comes_just_when_its_caller_stops_waiting_comes_again() {
        let go = Arc::new(Semaphore::new(0));
        let stream = Stream::new(Numbers { last: 0, go: go.clone() });
        let token = CancelToken::new();
        let wait = |task: Task<Option<u32>>| task.wait(|| Ok::<(), ()>(())).unwrap().unwrap();
        go.add_permits(1);
        assert_eq!(wait(stream.next(&token)), Some(1));
        // Nobody waits for it any more, and it comes all the same.
        drop(stream.next(&token));
        go.add_permits(1);
        let again = stream.next(&token);
        go.add_permits(1);
        assert_eq!(wait(again), Some(2));
    }
}
