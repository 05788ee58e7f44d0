//! The operator's override (contract 4b, runbook RB-01): somebody has made sure by telephone that a carrier will not drive a
//! load, although the carrier's system cannot prove it. Audited in the journal; the only way to free a load without the
//! carrier's confirmation.

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;
use gladhand_documents::model::sdk::Sync;

use super::{read, withdraw};
use crate::core::Core;
use crate::journal::rows::Override;
use crate::trace;

/// The longest actor, reason or runbook, in characters.
const MAX_TEXT: usize = 500;

/// Releases. Errors: see [`crate::Client::tender_release_unproven`].
pub(crate) async fn release(core: &Arc<Core>, id: &str, by: Override) -> Result<Document> {
    for (name, text) in [("actor", &by.actor), ("reason", &by.reason), ("runbook", &by.runbook)] {
        if text.trim().is_empty() || text.chars().count() > MAX_TEXT {
            let what = format!("`{name}` must be 1 to {MAX_TEXT} characters: an override is audited");
            return Err(Error::new(Code::InvalidArgument, what).with_tender_id(id));
        }
    }
    // The carrier may be able to say by now.
    read::get(core, id).await?;
    let row = read::row(core, id).await?;
    let refused = |why: String| Err(Error::new(Code::IllegalTransition, why).with_tender_id(id));
    if !row.held() {
        return refused(format!("tender {id} is {} and holds no load", row.state()));
    }
    if row.proven && row.sync != Sync::Diverged {
        let state = row.state();
        return refused(format!(
            "the carrier has tender {id} as {state}: withdraw it, or request that it be cancelled"
        ));
    }
    let (name, carrier) = (id.to_owned(), row.carrier.clone());
    core.journal.run(move |store| store.release(&name, &by)).await?;
    core.changed();
    tracing::warn!(target: "gladhand::tender", tender = id, %carrier, "released by an operator without the carrier's word");
    if !row.proven {
        bury(core, id);
    }
    read::local(core, id).await
}

/// Leaves a tombstone at the carrier, so that a copy that is still on its way is refused. The override does not wait for it.
fn bury(core: &Arc<Core>, id: &str) {
    let (core, id) = (core.clone(), id.to_owned());
    core.tasks.clone().spawn(trace::resume(trace::current(), async move {
        let stop = core.stop.clone();
        let buried = async {
            let row = read::row(&core, &id).await?;
            withdraw::tombstone(&core, &core.carrier(&row.carrier)?.clone(), &id).await
        };
        tokio::select! {
            () = stop.cancelled() => {}
            buried = buried => match buried {
                Ok(true) => {}
                Ok(false) => tracing::warn!(target: "gladhand::tender", tender = %id, "the tombstone is not confirmed yet"),
                Err(error) => tracing::warn!(target: "gladhand::tender", tender = %id, %error, "no tombstone could be left"),
            },
        }
    }));
}
