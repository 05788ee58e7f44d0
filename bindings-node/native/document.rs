//! The lossless document: bytes and an index. The generated models of the TypeScript half are views over it.

use gladhand_documents::model;
use gladhand_ffi::task::guard;
use gladhand_ffi::{Code, Error};
use napi::bindgen_prelude::{Either, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;

use crate::error::raise;

/// One JSON text, immutable.
#[napi]
pub struct Document(pub(crate) gladhand_ffi::Document);

#[napi]
impl Document {
    /// Parses one JSON text. Throws `malformed_json` or `too_large`.
    #[napi(factory)]
    pub fn parse(env: Env, text: Either<String, Uint8Array>) -> Result<Self> {
        let parsed = guard(|| match &text {
            Either::A(text) => gladhand_ffi::Document::parse(text),
            Either::B(bytes) => gladhand_ffi::Document::parse(&**bytes),
        });
        document(env, parsed)
    }

    /// The text, byte for byte as parsed or patched.
    #[napi]
    pub fn json(&self) -> String {
        self.0.as_str().to_owned()
    }

    /// The decoded string at a JSON Pointer.
    #[napi]
    pub fn text(&self, pointer: String) -> Option<String> {
        self.0.text(&pointer)
    }

    /// The number's lexeme at a JSON Pointer.
    #[napi]
    pub fn number(&self, pointer: String) -> Option<String> {
        self.0.number(&pointer).map(str::to_owned)
    }

    /// The boolean at a JSON Pointer.
    #[napi]
    pub fn boolean(&self, pointer: String) -> Option<bool> {
        self.0.boolean(&pointer)
    }

    /// How many elements or members the array or object at a JSON Pointer has; 0 for anything else.
    #[napi]
    pub fn count(&self, pointer: String) -> u32 {
        self.0.at(&pointer).map_or(0, |value| value.len() as u32)
    }

    /// What stands at a JSON Pointer: `object`, `array`, `string`, `number`, `boolean`, `null`; nothing if nothing does.
    #[napi]
    pub fn kind(&self, pointer: String) -> Option<&'static str> {
        let value = self.0.at(&pointer)?;
        Some(if value.is_object() {
            "object"
        } else if value.is_array() {
            "array"
        } else if value.number().is_some() {
            "number"
        } else if value.boolean().is_some() {
            "boolean"
        } else if value.is_null() {
            "null"
        } else {
            "string"
        })
    }

    /// The names of the members at a JSON Pointer, in document order.
    #[napi]
    pub fn keys(&self, pointer: String) -> Vec<String> {
        self.0.at(&pointer).map_or_else(Vec::new, |value| value.members().map(|(name, _)| name.to_owned()).collect())
    }

    /// The bytes at a JSON Pointer as they stand in the document.
    #[napi]
    pub fn raw(&self, pointer: String) -> Option<String> {
        self.0.at(&pointer).map(|value| value.raw().to_owned())
    }

    /// A document in which the value at the pointer is `raw` (JSON text); every other byte stays. Throws `malformed_json`
    /// or `invalid_argument`.
    #[napi]
    pub fn patch(&self, env: Env, pointer: String, raw: String) -> Result<Document> {
        document(env, guard(|| self.0.patch(&pointer, &raw)))
    }

    /// Checks it against an entity of the contract. Throws `schema_invalid` or another code of validation.
    #[napi]
    pub fn validate(&self, env: Env, entity: String) -> Result<()> {
        guard(|| model::validate(entity_named(&entity)?, &self.0)).map_err(|error| raise(env, &error))
    }

    /// What it is once the member of an entity at the pointer was set, or without a member once the whole entity was built:
    /// money as the contract emits it.
    #[napi]
    pub fn emitted(&self, env: Env, entity: String, at: String, member: Option<String>) -> Result<Document> {
        let emitted = guard(|| model::emitted(entity_named(&entity)?, self.0.clone(), &at, member.as_deref()));
        document(env, emitted)
    }

    /// A document without the value at the pointer.
    #[napi]
    pub fn remove(&self, env: Env, pointer: String) -> Result<Document> {
        document(env, guard(|| self.0.remove(&pointer)))
    }
}

fn entity_named(name: &str) -> gladhand_ffi::Result<&'static model::Entity> {
    let unknown = || Error::new(Code::InvalidArgument, format!("the contract has no entity {name:?}"));
    model::entity_named(name).ok_or_else(unknown)
}

/// A string as a JSON lexeme.
#[napi]
pub fn quote(text: String) -> String {
    gladhand_ffi::quote(&text)
}

fn document(env: Env, outcome: gladhand_ffi::Result<gladhand_ffi::Document>) -> Result<Document> {
    outcome.map(Document).map_err(|error| raise(env, &error))
}
