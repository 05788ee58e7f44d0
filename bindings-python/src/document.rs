//! The lossless document as Python sees it: an immutable object over the core's bytes. The generated views of
//! `gladhand.models` read and change documents through nothing but this class.

use gladhand_documents::json::Value;
use gladhand_documents::model;
use gladhand_ffi::{Code, Document, Error, Result};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::call::guarded;

/// One JSON text, kept byte for byte. Reading gives a member's lexeme; changing gives a new document in which only
/// that member's bytes differ.
#[pyclass(name = "Document", module = "gladhand", frozen)]
pub(crate) struct PyDocument(pub(crate) Document);

impl PyDocument {
    /// The Python object of a document.
    pub(crate) fn object(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Py::new(py, self).map(Py::into_any)
    }
}

#[pymethods]
impl PyDocument {
    /// Parses one JSON text, given as bytes or str.
    #[staticmethod]
    fn parse(py: Python<'_>, text: &Bound<'_, PyAny>) -> PyResult<Self> {
        let parsed = if let Ok(bytes) = text.cast::<PyBytes>() {
            guarded(py, || Document::parse(bytes.as_bytes()))
        } else if let Ok(text) = text.cast::<PyString>() {
            let text = text.to_cow()?;
            guarded(py, || Document::parse(text.as_bytes()))
        } else {
            let bytes = text.extract::<Vec<u8>>()?;
            guarded(py, || Document::parse(bytes))
        };
        parsed.map(Self)
    }

    /// The JSON text, exactly as parsed or changed.
    fn json(&self) -> &str {
        self.0.as_str()
    }

    /// Checks it as the entity of this name; raises `schema_invalid` with the violations.
    fn validate(&self, py: Python<'_>, entity: &str) -> PyResult<()> {
        guarded(py, || model::validate(entity_named(entity)?, &self.0))
    }

    /// The decoded string at a JSON Pointer, if a string stands there.
    fn text(&self, pointer: &str) -> Option<String> {
        self.0.text(pointer)
    }

    /// The number's lexeme at a JSON Pointer, if a number stands there.
    fn number(&self, pointer: &str) -> Option<&str> {
        self.0.number(pointer)
    }

    /// The boolean at a JSON Pointer, if one stands there.
    fn boolean(&self, pointer: &str) -> Option<bool> {
        self.0.boolean(pointer)
    }

    /// How many elements or members stand at a JSON Pointer; None if nothing stands there.
    fn count(&self, pointer: &str) -> Option<usize> {
        self.0.at(pointer).map(Value::len)
    }

    /// object, array, string, number, boolean or null; None if nothing stands at the JSON Pointer.
    fn kind(&self, pointer: &str) -> Option<&'static str> {
        let value = self.0.at(pointer)?;
        Some(if value.is_object() {
            "object"
        } else if value.is_array() {
            "array"
        } else if value.is_null() {
            "null"
        } else if value.boolean().is_some() {
            "boolean"
        } else if value.number().is_some() {
            "number"
        } else {
            "string"
        })
    }

    /// The member names of the object at a JSON Pointer, in document order; empty for anything else.
    fn keys(&self, pointer: &str) -> Vec<String> {
        self.0.at(pointer).map(|value| value.members().map(|(key, _)| key.to_owned()).collect()).unwrap_or_default()
    }

    /// The JSON text at a JSON Pointer, byte for byte.
    fn raw(&self, pointer: &str) -> Option<&str> {
        self.0.at(pointer).map(Value::raw)
    }

    /// A document in which the value at the JSON Pointer is `raw` (JSON text); every other byte stays.
    fn patch(&self, py: Python<'_>, pointer: &str, raw: &str) -> PyResult<Self> {
        guarded(py, || self.0.patch(pointer, raw)).map(Self)
    }

    /// What it is once the member of an entity at the JSON Pointer was set, or without a member once the whole entity was
    /// built: money as the contract emits it.
    fn emitted(&self, py: Python<'_>, entity: &str, at: &str, member: Option<&str>) -> PyResult<Self> {
        guarded(py, || model::emitted(entity_named(entity)?, self.0.clone(), at, member)).map(Self)
    }

    /// A document without the value at the JSON Pointer.
    fn remove(&self, py: Python<'_>, pointer: &str) -> PyResult<Self> {
        guarded(py, || self.0.remove(pointer)).map(Self)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.0.as_str().hash(&mut hasher);
        hasher.finish()
    }

    /// Only the size: documents may hold personal data and have no business in a log.
    fn __repr__(&self) -> String {
        format!("<gladhand.Document of {} bytes>", self.0.as_str().len())
    }

    /// Pickled as its text.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().getattr("parse")?, (slf.get().0.as_str().to_owned(),)))
    }
}

fn entity_named(name: &str) -> Result<&'static model::Entity> {
    let unknown = || Error::new(Code::InvalidArgument, format!("the contract has no entity {name:?}"));
    model::entity_named(name).ok_or_else(unknown)
}

/// A string as a JSON lexeme.
#[pyfunction]
pub(crate) fn quote(text: &str) -> String {
    gladhand_ffi::quote(text)
}
