//! The entity table: every document of the contract, declared once.
//!
//! `entity!` gives each one a Rust view over a [`Document`] and a descriptor ([`Entity`]). Validation walks the
//! descriptors; JSON Schema, the Python, TypeScript and Swift models are generated from them (`cargo xtask contract`).
//! A view keeps the document's bytes: reading reads a lexeme, setting changes one member's byte range.
//!
//! * [`field`]: the kinds of members. * [`capacity`], [`tender`], [`dispatch`], [`event`]: contract section 3.
//! * [`wire`]: what only travels between the two sides. * [`sdk`]: what the SDK answers its own application.
//! * [`rules`]: the rules that span members. * [`emitted`]: money as the contract emits it.

pub mod capacity;
pub mod dispatch;
mod emit;
pub mod event;
pub mod field;
mod macros;
pub mod rules;
pub mod sdk;
pub mod tender;
mod validate;
pub mod wire;

pub use emit::emitted;
pub use field::{Field, Kind};
pub use validate::{not_understood, validate, violations};

use crate::json::{Document, Value};
use macros::{choice, entity};

/// The version of the contract that this crate speaks (contract 5); what an absent `schemaVersion` means.
pub const SCHEMA_VERSION: &str = "1.0.0";

/// Descriptor of one entity.
#[derive(Debug)]
pub struct Entity {
    /// Name in upper camel case, as in the published contract.
    pub name: &'static str,
    /// What it is and its clause.
    pub doc: &'static str,
    /// Its members in the order of the contract.
    pub members: Vec<Member>,
    /// Rules across members.
    pub rules: Vec<Rule>,
}

/// A rule that spans members: takes the value, its JSON Pointer, and where to put violations.
pub type Rule = fn(Value<'_>, &str, &mut Vec<crate::error::Violation>);

/// Descriptor of one member.
#[derive(Debug)]
pub struct Member {
    /// Name on the wire, camelCase.
    pub name: &'static str,
    /// Name in Rust and Python, snake_case.
    pub snake: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// Whether it must be present.
    pub required: bool,
    /// What it means, with its unit.
    pub doc: &'static str,
}

impl Entity {
    /// The member of this wire name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

/// A typed view over a document; implemented by `entity!`.
pub trait Model: Sized {
    /// The descriptor.
    fn entity() -> &'static Entity;
    /// The view of the whole of `document`, without validating it.
    fn view(document: Document) -> Self;
    /// The document that this view reads.
    fn document(&self) -> Document;
}

/// Every entity of the contract, in the order in which it is published.
pub fn all() -> Vec<&'static Entity> {
    let mut out = Vec::new();
    for list in [
        capacity::entities(),
        tender::entities(),
        dispatch::entities(),
        event::entities(),
        wire::entities(),
        sdk::entities(),
    ] {
        out.extend(list);
    }
    out
}

/// The entity of this name.
pub fn entity_named(name: &str) -> Option<&'static Entity> {
    all().into_iter().find(|entity| entity.name == name)
}

#[cfg(test)]
mod tests;
