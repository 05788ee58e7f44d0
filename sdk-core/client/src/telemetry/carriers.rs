//! Which carrier carries which load, by the journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};

use super::connector::Connector;
use super::follow::Follow;
use crate::core::Core;

/// Follows loads at the carriers that their latest tenders went to.
///
/// Errors: `tender_unknown` for a load without a tender, and those of [`Follow::open`].
pub(crate) async fn follow(core: &Core, load_ids: &[String]) -> Result<Follow> {
    core.open()?;
    let mut carriers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if !load_ids.is_empty() {
        // Newest first, so the first of a load is its latest tender.
        let rows = core.journal.run(move |store| store.tenders(None)).await?;
        for load in load_ids {
            let row = rows.iter().find(|row| row.load_id == *load).ok_or_else(|| {
                Error::new(Code::TenderUnknown, format!("the journal has no tender of the load {load}"))
            })?;
            let loads = carriers.entry(row.carrier.clone()).or_default();
            if !loads.contains(load) {
                loads.push(load.clone());
            }
        }
    }
    let mut legs: Vec<(Arc<dyn Connector>, Vec<String>)> = Vec::new();
    for (name, loads) in carriers {
        let authorized = core.carrier(&name)?.authorized().cloned().ok_or_else(|| {
            Error::new(Code::InvalidArgument, format!("carrier {name} is simulated and has no telemetry"))
        })?;
        legs.push((Arc::new(authorized), loads));
    }
    Follow::open(legs, core.clock.clone(), &core.stop).await
}
