//! The lossless document as a handle: parsed once, read by JSON Pointer, changed by byte range.

use std::sync::Arc;

use gladhand_documents::{json, model};
use gladhand_ffi::{Code, Document, Error};

use crate::failure::Failure;

/// One JSON text, immutable. Pointers are RFC 6901; `""` is the whole document.
#[derive(Debug, uniffi::Object)]
pub struct DocumentHandle(pub(crate) Document);

impl From<Document> for DocumentHandle {
    fn from(document: Document) -> Self {
        Self(document)
    }
}

impl DocumentHandle {
    /// A document of the core, for Swift.
    pub(crate) fn shared(document: Document) -> Arc<Self> {
        Arc::new(Self(document))
    }
}

#[uniffi::export]
impl DocumentHandle {
    /// Parses one JSON text. Errors: `malformed_json`, `too_large`.
    #[uniffi::constructor]
    pub fn parse(bytes: Vec<u8>) -> Result<Arc<Self>, Failure> {
        Ok(Self::shared(Document::parse(bytes)?))
    }

    /// The empty object.
    #[uniffi::constructor]
    pub fn object() -> Result<Arc<Self>, Failure> {
        Ok(Self::shared(Document::object()))
    }

    /// The text, byte for byte as parsed or patched.
    pub fn json(&self) -> Result<String, Failure> {
        Ok(self.0.as_str().to_owned())
    }

    /// The bytes, as parsed or patched.
    pub fn bytes(&self) -> Result<Vec<u8>, Failure> {
        Ok(self.0.as_bytes().to_vec())
    }

    /// The bytes of the value at a pointer, as they stand in the document.
    pub fn raw(&self, pointer: String) -> Result<Option<String>, Failure> {
        Ok(self.0.at(&pointer).map(|value| value.raw().to_owned()))
    }

    /// The decoded string at a pointer, if a string stands there.
    pub fn text(&self, pointer: String) -> Result<Option<String>, Failure> {
        Ok(self.0.text(&pointer))
    }

    /// The number's lexeme at a pointer, if a number stands there.
    pub fn number(&self, pointer: String) -> Result<Option<String>, Failure> {
        Ok(self.0.number(&pointer).map(str::to_owned))
    }

    /// The boolean at a pointer, if one stands there.
    pub fn boolean(&self, pointer: String) -> Result<Option<bool>, Failure> {
        Ok(self.0.boolean(&pointer))
    }

    /// How many elements or members the value at a pointer has; nothing if no array or object stands there.
    pub fn count(&self, pointer: String) -> Result<Option<u64>, Failure> {
        let value = self.0.at(&pointer).filter(|value| value.is_array() || value.is_object());
        Ok(value.map(|value| value.len() as u64))
    }

    /// Whether `null` stands at a pointer; nothing if no value does.
    pub fn is_null(&self, pointer: String) -> Result<Option<bool>, Failure> {
        Ok(self.0.at(&pointer).map(json::Value::is_null))
    }

    /// The names of an object's members, in document order; nothing if no object stands at the pointer.
    pub fn keys(&self, pointer: String) -> Result<Option<Vec<String>>, Failure> {
        let value = self.0.at(&pointer).filter(|value| value.is_object());
        Ok(value.map(|value| value.members().map(|(name, _)| name.to_owned()).collect()))
    }

    /// The document that a value inside this one is by itself, byte for byte.
    pub fn extract(&self, pointer: String) -> Result<Option<Arc<Self>>, Failure> {
        Ok(self.0.extract(&pointer).map(Self::shared))
    }

    /// Checks the rules of an entity of the contract. Errors: `schema_invalid` or the rule's own code, with the
    /// violations; `invalid_argument` for an entity that the contract does not have.
    pub fn validate(&self, entity: String) -> Result<(), Failure> {
        Ok(model::validate(entity_named(&entity)?, &self.0)?)
    }

    /// What it is once the member of an entity at the pointer was set: money as the contract emits it. Errors:
    /// `schema_invalid` for an amount with more digits than its currency has.
    pub fn emitted(&self, entity: String, at: String, member: String) -> Result<Arc<Self>, Failure> {
        Ok(Self::shared(model::emitted(entity_named(&entity)?, self.0.clone(), &at, Some(&member))?))
    }

    /// A document in which the value at `pointer` is `raw`, a JSON text. Every other byte stays.
    /// Errors: `malformed_json`, `invalid_argument`.
    pub fn patch(&self, pointer: String, raw: String) -> Result<Arc<Self>, Failure> {
        Ok(Self::shared(self.0.patch(&pointer, &raw)?))
    }

    /// A document without the value at `pointer`.
    pub fn remove(&self, pointer: String) -> Result<Arc<Self>, Failure> {
        Ok(Self::shared(self.0.remove(&pointer)?))
    }
}

fn entity_named(name: &str) -> Result<&'static model::Entity, Error> {
    let unknown = || Error::new(Code::InvalidArgument, format!("the contract has no entity {name:?}"));
    model::entity_named(name).ok_or_else(unknown)
}

/// A string as a JSON lexeme.
#[uniffi::export]
pub fn json_quote(text: String) -> Result<String, Failure> {
    Ok(json::quote(&text))
}

/// One reference token of a JSON Pointer, escaped (RFC 6901 section 3).
#[uniffi::export]
pub fn pointer_escape(token: String) -> Result<String, Failure> {
    Ok(json::escape(&token).into_owned())
}
