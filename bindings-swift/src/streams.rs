//! What arrives over time, as handles to pull from. Swift makes an `AsyncSequence` of each. A handle that is dropped or
//! closed lets go of what feeds it.

use std::sync::Arc;

use gladhand_ffi::stream::Delivered;
use gladhand_ffi::{Events, Follow, Safety, SecurityEvents, Watch};

use crate::document::DocumentHandle;
use crate::failure::Failure;
use crate::task::CancelHandle;

macro_rules! documents {
    ($(#[doc = $doc:literal] $handle:ident over $stream:ident;)+) => { $(
        #[doc = $doc]
        #[derive(Debug, uniffi::Object)]
        pub struct $handle($stream);

        impl $handle {
            pub(crate) fn shared(stream: $stream) -> Arc<Self> {
                Arc::new(Self(stream))
            }
        }

        impl Drop for $handle {
            fn drop(&mut self) {
                self.0.close();
            }
        }

        #[uniffi::export]
        impl $handle {
            /// The next document; nothing when there will be no more.
            pub async fn next(&self, cancel: Arc<CancelHandle>) -> Result<Option<Arc<DocumentHandle>>, Failure> {
                Ok(self.0.next(&cancel.0).await?.map(DocumentHandle::shared))
            }
        }
    )+ };
}

documents! {
    /// A tender after each change.
    WatchHandle over Watch;
    /// Positions of loads.
    FollowHandle over Follow;
    /// Safety events.
    SafetyHandle over Safety;
    /// Security events.
    SecurityHandle over SecurityEvents;
}

/// The events of one consumer.
#[derive(Debug, uniffi::Object)]
pub struct EventsHandle(Events);

impl EventsHandle {
    pub(crate) fn shared(events: Events) -> Arc<Self> {
        Arc::new(Self(events))
    }
}

impl Drop for EventsHandle {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[uniffi::export]
impl EventsHandle {
    /// The next event; nothing when there will be no more.
    pub async fn next(&self, cancel: Arc<CancelHandle>) -> Result<Option<Arc<DeliveryHandle>>, Failure> {
        let next = self.0.next(&cancel.0).await?;
        Ok(next.map(self.0.delivered()).map(|delivered| Arc::new(DeliveryHandle(delivered))))
    }
}

/// One event for one consumer.
#[derive(Debug, uniffi::Object)]
pub struct DeliveryHandle(Delivered);

#[uniffi::export]
impl DeliveryHandle {
    /// The event, byte for byte.
    pub fn event(&self) -> Result<Arc<DocumentHandle>, Failure> {
        Ok(DocumentHandle::shared(self.0.event.clone()))
    }

    /// States that it is dealt with.
    pub async fn ack(&self, cancel: Arc<CancelHandle>) -> Result<(), Failure> {
        Ok(self.0.ack(&cancel.0).await?)
    }

    /// States that it is not dealt with here.
    pub fn give_back(&self) -> Result<(), Failure> {
        self.0.give_back();
        Ok(())
    }
}
