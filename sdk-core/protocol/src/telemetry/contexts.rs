//! The numbers of contexts on a stream. A number means the same content for the whole epoch, since frames that refer to it
//! are made once and may be sent again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gladhand_documents::error::Result;
use gladhand_documents::telemetry::Context;
use gladhand_documents::telemetry::wire::StreamContext;

/// How many contexts are kept before those that no frame refers to are forgotten.
const KEPT: usize = 1024;

#[derive(Clone, Debug, Default)]
pub(super) struct Contexts {
    last_id: u32,
    ids: HashMap<Arc<Context>, u32>,
    by_id: HashMap<u32, Arc<Context>>,
    /// The last one asked for: records of one vehicle come in a row.
    recent: Option<(Arc<Context>, u32)>,
}

impl Contexts {
    /// The number of a context.
    ///
    /// Errors: `schema_invalid` as [`Context::validate`].
    pub(super) fn id(&mut self, context: &Arc<Context>) -> Result<u32> {
        if let Some((recent, id)) = &self.recent
            && Arc::ptr_eq(recent, context)
        {
            return Ok(*id);
        }
        let id = if let Some(&id) = self.ids.get(context) {
            id
        } else {
            context.validate()?;
            self.last_id += 1;
            self.ids.insert(context.clone(), self.last_id);
            self.by_id.insert(self.last_id, context.clone());
            self.last_id
        };
        self.recent = Some((context.clone(), id));
        Ok(id)
    }

    /// Whether there are so many that unused ones should be forgotten.
    pub(super) fn crowded(&self) -> bool {
        self.by_id.len() > KEPT
    }

    /// Forgets all but the used ones.
    pub(super) fn keep(&mut self, used: &HashSet<u32>) {
        self.by_id.retain(|id, _| used.contains(id));
        self.ids.retain(|_, id| used.contains(id));
        self.recent = None;
    }

    /// Contexts that an earlier process numbered; new ones are numbered from `next_id` on.
    pub(super) fn restore(&mut self, known: Vec<(u32, Arc<Context>)>, next_id: u32) {
        self.last_id = next_id.max(1) - 1;
        for (id, context) in known {
            self.ids.insert(context.clone(), id);
            self.by_id.insert(id, context);
        }
    }

    /// The number that the next new context gets.
    pub(super) fn next_id(&self) -> u32 {
        self.last_id + 1
    }

    /// The announcement of a context.
    pub(super) fn message(&self, id: u32) -> Option<StreamContext> {
        self.by_id.get(&id).map(|context| context.to_wire(id))
    }

    /// The loads of these contexts.
    pub(super) fn loads(&self, ids: &[u32]) -> impl Iterator<Item = String> {
        ids.iter().filter_map(|id| self.by_id.get(id)).map(|context| context.load_id.clone())
    }
}
