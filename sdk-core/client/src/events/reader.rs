//! A durable cursor of the application over all applied events: ordered per tender, delivered again until acknowledged, one
//! active reader per consumer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;

use crate::auth::random::unique;
use crate::core::Core;

/// An event and what to acknowledge it with.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The event, byte for byte as the carrier wrote it.
    pub event: Document,
    /// For [`EventReader::ack`].
    pub token: u64,
}

/// Reads as one consumer; see [`crate::Client::events`]. Dropped, it lets go of the consumer.
#[derive(Debug)]
pub struct EventReader {
    core: Arc<Core>,
    consumer: String,
    reader: String,
    after: u64,
    given_back: Arc<AtomicU64>,
}

/// Nothing was given back.
const NOTHING: u64 = u64::MAX;

impl EventReader {
    pub(crate) async fn open(core: Arc<Core>, consumer: &str) -> Result<Self> {
        let reader = unique()?;
        let (name, owner, own) = (consumer.to_owned(), core.owner.id.clone(), reader.clone());
        core.journal.run(move |store| store.lease_consumer(&name, &owner, &own)).await?;
        Ok(Self {
            core,
            consumer: consumer.to_owned(),
            reader,
            after: 0,
            given_back: Arc::new(AtomicU64::new(NOTHING)),
        })
    }

    /// The next event that this reader has not given out and nobody has acknowledged; waits for one. `None` once the
    /// client is closed. Dropping the future loses nothing. Errors: `consumer_leased` if another process took the consumer
    /// over; those of the journal.
    pub async fn next(&mut self) -> Result<Option<Delivery>> {
        loop {
            if self.core.stop.is_cancelled() {
                return Ok(None);
            }
            let look = self.core.look();
            let back = self.given_back.swap(NOTHING, Ordering::AcqRel);
            self.after = self.after.min(back.saturating_sub(1));
            let (consumer, reader, after) = (self.consumer.clone(), self.reader.clone(), self.after);
            let next = self.core.journal.run(move |store| store.next_delivery(&consumer, &reader, after)).await?;
            if let Some(delivered) = next {
                self.after = delivered.token;
                return Ok(Some(Delivery { event: delivered.event, token: delivered.token }));
            }
            if !self.core.news(look).await {
                return Ok(None);
            }
        }
    }

    /// Acknowledges a delivery; see [`Acknowledger::ack`].
    pub async fn ack(&self, token: u64) -> Result<()> {
        self.acknowledger().ack(token).await
    }

    /// What acknowledges this reader's deliveries while the reader itself waits for the next.
    pub fn acknowledger(&self) -> Acknowledger {
        Acknowledger {
            core: self.core.clone(),
            consumer: self.consumer.clone(),
            reader: self.reader.clone(),
            given_back: self.given_back.clone(),
        }
    }
}

/// Acknowledges the deliveries of one [`EventReader`].
#[derive(Clone, Debug)]
pub struct Acknowledger {
    core: Arc<Core>,
    consumer: String,
    reader: String,
    given_back: Arc<AtomicU64>,
}

impl Acknowledger {
    /// Acknowledges a delivery: it never comes again for this consumer. Also when the reader is gone, until another one has
    /// the consumer: that one is given the event again. Errors: `consumer_leased`, `invalid_argument`, those of the journal.
    pub async fn ack(&self, token: u64) -> Result<()> {
        let (consumer, reader) = (self.consumer.clone(), self.reader.clone());
        self.core.journal.run(move |store| store.acknowledge(&consumer, &reader, token)).await
    }

    /// A delivery is not dealt with, and whoever had it does not deal with it any more: the reader's next `next` gives it
    /// again, and with it what came after it and is not acknowledged.
    pub fn give_back(&self, token: u64) {
        self.given_back.fetch_min(token, Ordering::AcqRel);
    }

    /// Lets go of the consumer, whoever still holds the reader: it is free for the next [`crate::Client::events`], and the
    /// reader's own `next` fails from now on. Waits for nobody.
    pub fn release(&self) {
        let (consumer, reader) = (self.consumer.clone(), self.reader.clone());
        // If the journal is gone, so is this process, and with it the lease.
        self.core.journal.post(move |store| {
            let _ = store.release_consumer(&consumer, &reader);
        });
    }
}

impl Drop for EventReader {
    fn drop(&mut self) {
        self.acknowledger().release();
    }
}
