//! What never stops arriving, pulled one item at a time.

use gladhand_ffi::stream::Delivered;
use gladhand_ffi::{CancelToken, Delivery, Document, Events, Follow, Safety, SecurityEvents, Task, Watch};
use pyo3::prelude::*;

use crate::call::Call;
use crate::document::PyDocument;
use crate::pull::Kept;

/// A stream of documents of any kind.
#[derive(Clone)]
pub(crate) enum Documents {
    Watch(Watch),
    Safety(Safety),
    Follow(Follow),
    Security(SecurityEvents),
    #[cfg(feature = "testing")]
    Storm(gladhand_ffi::stream::Stream<gladhand_ffi::testing::Storm>),
}

impl Documents {
    fn next(&self, cancel: &CancelToken) -> Task<Option<Document>> {
        match self {
            Self::Watch(stream) => stream.next(cancel),
            Self::Safety(stream) => stream.next(cancel),
            Self::Follow(stream) => stream.next(cancel),
            Self::Security(stream) => stream.next(cancel),
            #[cfg(feature = "testing")]
            Self::Storm(stream) => stream.next(cancel),
        }
    }

    fn close(&self) {
        match self {
            Self::Watch(stream) => stream.close(),
            Self::Safety(stream) => stream.close(),
            Self::Follow(stream) => stream.close(),
            Self::Security(stream) => stream.close(),
            #[cfg(feature = "testing")]
            Self::Storm(stream) => stream.close(),
        }
    }
}

/// A stream of documents.
#[pyclass(name = "Stream", module = "gladhand._gladhand", frozen)]
pub(crate) struct PyStream {
    documents: Documents,
    kept: Kept<Document>,
}

impl PyStream {
    pub(crate) fn new(documents: Documents) -> Self {
        Self { documents, kept: Kept::new() }
    }

    /// A call that answers a stream.
    pub(crate) fn call<S: Send + 'static>(
        opening: impl FnOnce(&CancelToken) -> Task<S> + Send + 'static,
        kind: impl FnOnce(S) -> Documents + Send + 'static,
    ) -> Call {
        Call::new(opening, |stream, py| Ok(Py::new(py, Self::new(kind(stream)))?.into_any()))
    }
}

#[pymethods]
impl PyStream {
    /// The next document; None at the end.
    fn next(&self) -> Call {
        let stream = self.documents.clone();
        self.kept.call(
            move |cancel| stream.next(cancel),
            |document, py| document.map_or_else(|| Ok(py.None()), |document| PyDocument(document).object(py)),
        )
    }

    /// Ends it, also a pull that waits.
    fn close(&self) {
        self.documents.close();
        self.kept.clear();
    }
}

/// Events for one consumer.
#[pyclass(name = "EventReader", module = "gladhand._gladhand", frozen)]
pub(crate) struct PyEventReader {
    events: Events,
    kept: Kept<Delivery>,
}

impl PyEventReader {
    /// A call that answers a reader.
    pub(crate) fn call(opening: impl FnOnce(&CancelToken) -> Task<Events> + Send + 'static) -> Call {
        Call::new(opening, |events, py| Ok(Py::new(py, Self { events, kept: Kept::new() })?.into_any()))
    }
}

#[pymethods]
impl PyEventReader {
    /// The next event, and what is said of it; None at the end.
    fn next(&self) -> Call {
        let (events, delivered) = (self.events.clone(), self.events.delivered());
        self.kept.call(
            move |cancel| events.next(cancel),
            move |delivery, py| match delivery.map(delivered) {
                Some(found) => Ok(Py::new(py, PyDelivery(found))?.into_any()),
                None => Ok(py.None()),
            },
        )
    }

    /// Ends it, also a pull that waits.
    fn close(&self) {
        self.events.close();
        self.kept.clear();
    }
}

impl Drop for PyEventReader {
    fn drop(&mut self) {
        self.events.close();
    }
}

/// One event for one consumer.
#[pyclass(name = "Delivery", module = "gladhand._gladhand", frozen)]
pub(crate) struct PyDelivery(Delivered);

#[pymethods]
impl PyDelivery {
    /// The event.
    #[getter]
    fn event(&self) -> PyDocument {
        PyDocument(self.0.event.clone())
    }

    /// Acknowledges it.
    fn ack(&self) -> Call {
        let delivered = self.0.clone();
        Call::nothing(move |cancel| delivered.ack(cancel))
    }

    /// Gives it back.
    fn give_back(&self) {
        self.0.give_back();
    }
}
