//! Papers of a tender: the proof of delivery (contract 3f), content-addressed.

use axum::body::Bytes;
use gladhand_documents::json::Value;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::clock::rfc3339;
use crate::object::Object;
use crate::random;
use crate::state::tender::Tender;

/// A paper on file.
#[derive(Clone, Debug)]
pub struct Filed {
    /// Its id.
    pub id: String,
    /// Its kind, such as `POD`.
    pub kind: &'static str,
    /// The document.
    pub document: Bytes,
    /// The paper itself, as the document's `uri` serves it.
    pub content: Bytes,
    at: Timestamp,
}

/// The media type of [`Filed::content`].
pub const CONTENT_TYPE: &str = "text/plain; charset=utf-8";

impl Filed {
    /// Its entry in the list of documents.
    pub fn entry(&self) -> String {
        Object::new()
            .text("docId", &self.id)
            .text("type", self.kind)
            .text("mime", "application/json")
            .text("sha256", &hex::encode(Sha256::digest(&self.document)))
            .number("bytes", self.document.len() as u64)
            .text("filedAt", &rfc3339(self.at))
            .finish()
    }
}

/// The proof of delivery of a tender that was delivered now.
pub fn proof_of_delivery(tender: &Tender, origin: &str, now: Timestamp) -> Filed {
    let id = random::id("pod-");
    let document = tender.document.as_ref();
    let list = |name: &str| document.and_then(|d| d.at(name)).into_iter().flat_map(Value::items);
    let pieces: u64 = list("/commodities").filter_map(|l| l.get("quantity")?.number()?.parse::<u64>().ok()).sum();
    let stop = list("/stops").next_back().and_then(|s| Some(s.get("stopId")?.text()?.into_owned()));
    let stop = stop.unwrap_or_else(|| "stop-1".to_owned());
    let delivered_at = rfc3339(now);
    let content = format!(
        "PROOF OF DELIVERY {id}\nLoad {}\nStop {stop}\nDelivered {delivered_at}\nPieces received {pieces} of {pieces}\n",
        tender.load_id
    );
    let paper = Object::new()
        .text("type", "POD")
        .text("uri", &format!("{origin}/v1/tenders/{}/documents/{id}/content", tender.key.tender_id))
        .text("sha256", &hex::encode(Sha256::digest(&content)))
        .text("mime", CONTENT_TYPE)
        .number("bytes", content.len() as u64)
        .finish();
    let counts = Object::new().number("ordered", pieces).number("received", pieces);
    let counts = counts.number("damaged", 0).number("short", 0).number("over", 0).finish();
    let document = Object::new()
        .text("schemaVersion", "1.0.0")
        .text("podId", &id)
        .text("tenderId", &tender.key.tender_id)
        .text("stopId", &stop)
        .text("deliveredAt", &delivered_at)
        .list("documents", [paper])
        .raw("pieces", &counts)
        .raw("sealIntact", "true")
        .finish();
    Filed { id, kind: "POD", document: document.into(), content: content.into(), at: now }
}
