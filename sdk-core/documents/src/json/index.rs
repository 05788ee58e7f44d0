//! Where each value stands in the text: one pass per level over serde_json's raw values.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{MAX_DEPTH, escape};
use crate::error::{Code, Error, Result};

pub(super) struct Index(Vec<Node>);

pub(super) struct Node {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) shape: Shape,
}

pub(super) enum Shape {
    Null,
    Bool(bool),
    Number,
    String,
    Array(Box<[u32]>),
    Object(Box<[(Box<str>, u32)]>),
}

impl Index {
    pub(super) fn build(text: &str) -> Result<Self> {
        let raw: &RawValue = serde_json::from_str(text)
            .map_err(|e| Error::new(Code::MalformedJson, format!("line {} column {}: {e}", e.line(), e.column())))?;
        let mut index = Self(Vec::new());
        index.add(text, raw, 1, "")?;
        Ok(index)
    }

    pub(super) fn node(&self, node: u32) -> &Node {
        &self.0[node as usize]
    }

    fn add(&mut self, text: &str, raw: &RawValue, depth: usize, pointer: &str) -> Result<u32> {
        if depth > MAX_DEPTH {
            return Err(Error::new(
                Code::MalformedJson,
                format!("{pointer} is nested more than {MAX_DEPTH} levels deep"),
            ));
        }
        let lexeme = raw.get();
        let start = lexeme.as_ptr() as usize - text.as_ptr() as usize;
        let place = self.0.len();
        self.0.push(Node { start: start as u32, end: (start + lexeme.len()) as u32, shape: Shape::Null });
        let malformed = |e: serde_json::Error| {
            Error::new(Code::MalformedJson, format!("the value at {pointer:?} is malformed: {e}"))
        };
        let shape = match lexeme.as_bytes()[0] {
            b'{' => {
                let Members(members) = serde_json::from_str(lexeme).map_err(malformed)?;
                let mut seen = HashSet::with_capacity(members.len());
                let mut nodes = Vec::with_capacity(members.len());
                for (key, value) in members {
                    let at = format!("{pointer}/{}", escape(&key));
                    if !seen.insert(key.clone()) {
                        return Err(Error::new(Code::MalformedJson, format!("{at} stands there twice")));
                    }
                    nodes.push((key.into_owned().into_boxed_str(), self.add(text, value, depth + 1, &at)?));
                }
                Shape::Object(nodes.into_boxed_slice())
            }
            b'[' => {
                let Items(items) = serde_json::from_str(lexeme).map_err(malformed)?;
                let mut nodes = Vec::with_capacity(items.len());
                for (position, value) in items.into_iter().enumerate() {
                    nodes.push(self.add(text, value, depth + 1, &format!("{pointer}/{position}"))?);
                }
                Shape::Array(nodes.into_boxed_slice())
            }
            b'"' => {
                // Decoded once here, so that a lone surrogate is refused at parsing and not at reading.
                serde_json::from_str::<Cow<'_, str>>(lexeme).map_err(malformed)?;
                Shape::String
            }
            b't' => Shape::Bool(true),
            b'f' => Shape::Bool(false),
            b'n' => Shape::Null,
            _ => Shape::Number,
        };
        self.0[place].shape = shape;
        Ok(place as u32)
    }
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);
struct Items<'a>(Vec<&'a RawValue>);

/// A key, borrowed where it has no escapes. (`Cow` itself always deserialises owned.)
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(V).map(Members)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Vec<&'de RawValue>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(items)
            }
        }
        deserializer.deserialize_seq(V).map(Items)
    }
}
