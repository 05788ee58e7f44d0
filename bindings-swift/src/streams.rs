//! What arrives over time, as handles to pull from. Swift makes an `AsyncSequence` of each. A handle that is dropped or
//! closed lets go of what feeds it.

use std::sync::Arc;

use gladhand_ffi::{Events, Follow, Safety, SecurityEvents, Watch};

use crate::document::DocumentHandle;
use crate::failure::Failure;
use crate::task::CancelHandle;

/// One event for one consumer.
#[derive(Clone, Debug, uniffi::Record)]
pub struct DeliveryRecord {
    /// The event, byte for byte.
    pub event: Arc<DocumentHandle>,
    /// What to acknowledge it with.
    pub token: u64,
}

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
    pub async fn next(&self, cancel: Arc<CancelHandle>) -> Result<Option<DeliveryRecord>, Failure> {
        let next = self.0.next(&cancel.0).await?;
        Ok(next.map(|delivery| DeliveryRecord { event: DocumentHandle::shared(delivery.event), token: delivery.token }))
    }

    /// States that an event is dealt with.
    pub async fn ack(&self, token: u64, cancel: Arc<CancelHandle>) -> Result<(), Failure> {
        Ok(self.0.ack(token, &cancel.0).await?)
    }
}
