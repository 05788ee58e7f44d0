//! Pulls whose caller may be gone when they are answered: a task that was cancelled, a wait that Ctrl-C ended. What such a
//! pull brought is kept, and the next one brings it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gladhand_ffi::{CancelToken, Task, spawn};
use pyo3::prelude::*;
use tokio::sync::Mutex as Turn;

use crate::call::Call;

/// What abandoned pulls of one stream brought.
#[derive(Clone)]
pub(crate) struct Kept<T> {
    items: Arc<Mutex<VecDeque<T>>>,
    /// Pulls take turns: what an abandoned one still brings is kept before the next one looks for it.
    turn: Arc<Turn<()>>,
}

/// How far one pull is.
enum Pull<T> {
    UnderWay,
    Came(T),
    Abandoned,
}

impl<T: Clone + Send + 'static> Kept<T> {
    pub(crate) fn new() -> Self {
        Self { items: Arc::default(), turn: Arc::default() }
    }

    /// A call that answers with what is kept, or else with what `pull` brings. It may be abandoned.
    pub(crate) fn call(
        &self,
        pull: impl FnOnce(&CancelToken) -> Task<Option<T>> + Send + 'static,
        answer: impl FnOnce(Option<T>, Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Call {
        let state = Arc::new(Mutex::new(Pull::UnderWay));
        let (kept, came) = (self.clone(), state.clone());
        let operation = move |cancel: &CancelToken| {
            let cancel = cancel.clone();
            // Not to be cancelled: what the core has given is noted before anybody can miss it.
            spawn(&CancelToken::new(), async move {
                let _turn = kept.turn.lock().await;
                let first = locked(&kept.items).pop_front();
                let item = if first.is_some() { first } else { pull(&cancel).await? };
                if let Some(item) = item.clone() {
                    kept.note(&came, item);
                }
                Ok(item)
            })
        };
        let kept = self.clone();
        Call::new(operation, answer).abandoned_by(move || kept.abandon(&state))
    }

    fn note(&self, pull: &Mutex<Pull<T>>, item: T) {
        let mut pull = locked(pull);
        match *pull {
            Pull::Abandoned => locked(&self.items).push_back(item),
            Pull::UnderWay | Pull::Came(_) => *pull = Pull::Came(item),
        }
    }

    fn abandon(&self, pull: &Mutex<Pull<T>>) {
        if let Pull::Came(item) = std::mem::replace(&mut *locked(pull), Pull::Abandoned) {
            locked(&self.items).push_back(item);
        }
    }

    /// Forgets what is kept, at the end of the stream.
    pub(crate) fn clear(&self) {
        locked(&self.items).clear();
    }
}

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
