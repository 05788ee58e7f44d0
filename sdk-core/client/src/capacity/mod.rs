//! Capacity: one search over all carriers at once (contract 4.0). A carrier that fails or is slow is named in the answer
//! and costs the others nothing.
//!
//! * [`mod@hold`]: one offer, and holding a slot of it.

pub(crate) mod hold;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{join, join_all};
use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::capacity::CapacityOffer;
use gladhand_documents::model::wire::CapacitySearch;
use gladhand_documents::model::{self, Model as _};
use gladhand_protocol::tender::explain::{ASSUMED_TARE_LBS, explain};
use http::Method;

use crate::auth::{Profile, Request};
use crate::carrier::Carrier;
use crate::clock::within;
use crate::core::Core;

/// How long a slow carrier may keep the others waiting.
const DEADLINE: Duration = Duration::from_secs(3);
/// Pages read of one carrier.
const PAGES: usize = 20;

/// Whether a load fits an offer. An unknown tare is what the carrier that made the offer publishes; if several made offers
/// of this id, the heaviest.
pub(crate) fn judge(core: &Core, load: &Document, offer: &Document) -> Result<Document> {
    let id = offer.text("/capacityId").unwrap_or_default();
    let makers = core.carriers.values().filter(|carrier| carrier.has_offered(&id));
    let tare = makers.map(|carrier| carrier.assumed_tare_lbs()).max().unwrap_or(ASSUMED_TARE_LBS);
    explain(load, offer, core.clock.now(), tare)
}

/// Asks every carrier.
pub(crate) async fn search(core: &Arc<Core>, request: Document) -> Result<Document> {
    core.open()?;
    model::validate(CapacitySearch::entity(), &request)?;
    let asked = core.carriers.values().map(|carrier| ask(core, carrier, &request));
    let (mut offers, mut failures) = (Vec::new(), Vec::new());
    for (carrier, found, failure) in join_all(asked).await {
        offers.extend(
            found.iter().map(|offer| format!(r#"{{"carrier":{},"offer":{}}}"#, quote(&carrier), offer.as_str())),
        );
        failures.extend(failure.map(|error| {
            let message: String = error.message().chars().take(2000).collect();
            format!(
                r#"{{"carrier":{},"code":{},"message":{}}}"#,
                quote(&carrier),
                quote(error.code().as_str()),
                quote(&message)
            )
        }));
    }
    Document::parse(format!(r#"{{"offers":[{}],"failures":[{}]}}"#, offers.join(","), failures.join(",")))
}

async fn ask(core: &Core, carrier: &Carrier, request: &Document) -> (String, Vec<Document>, Option<Error>) {
    let mut offers = Vec::new();
    // What the carrier assumes of its offers is published; without it they are judged by the default.
    let asked = within(&*core.clock, DEADLINE, pages(carrier, request, &mut offers));
    let (asked, _) = join(asked, within(&*core.clock, DEADLINE, carrier.published())).await;
    let failure = match asked {
        Some(Ok(())) => None,
        Some(Err(error)) => Some(error),
        None => Some(Error::new(Code::DeadlineExceeded, format!("no answer within {} s", DEADLINE.as_secs()))),
    };
    carrier.offered(&offers);
    (carrier.name().to_owned(), offers, failure)
}

async fn pages(carrier: &Carrier, request: &Document, offers: &mut Vec<Document>) -> Result<()> {
    let mut search = request.clone();
    for _ in 0..PAGES {
        let call = Request::new(
            "capacity.search",
            Method::POST,
            "/v1/capacity/search",
            Profile::CertificateBound,
            "capacity:read",
        )
        .body(Bytes::copy_from_slice(search.as_bytes()))
        .deadline(DEADLINE);
        let answer = carrier.call(call).await?;
        let page = Document::parse(&answer.body)?;
        let list = page
            .at("/offers")
            .filter(|list| list.is_array())
            .ok_or_else(|| Error::new(Code::UnexpectedAnswer, "capacity.search: the answer has no offers"))?;
        for offer in list.items() {
            let offer = Document::parse(offer.raw())?;
            // One bad offer is the carrier's failure; the good ones before it stay.
            model::validate(CapacityOffer::entity(), &offer)?;
            offers.push(offer);
        }
        match page.text("/cursor") {
            Some(cursor) => search = search.with_text("/cursor", &cursor)?,
            None => return Ok(()),
        }
    }
    Ok(())
}
