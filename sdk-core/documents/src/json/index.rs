//! Where each value stands in the text, found by serde_json through its raw values, level by level. One list of nodes and one of
//! children serve the whole document: a document has hundreds of values, and is parsed at every turn.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use super::{MAX_DEPTH, escape};
use crate::error::{Code, Error, Result};

/// Objects with more members than this are searched for the same key twice by sorting.
const FEW: usize = 16;

pub(super) struct Index {
    nodes: Vec<Node>,
    children: Vec<Child>,
}

pub(super) struct Node {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) shape: Shape,
}

#[derive(Clone, Copy)]
pub(super) enum Shape {
    Null,
    Bool(bool),
    Number,
    String,
    Array(Children),
    Object(Children),
}

/// A range of [`Index::children`].
#[derive(Clone, Copy)]
pub(super) struct Children {
    first: u32,
    count: u32,
}

/// An element of an array, or a member of an object.
pub(super) struct Child {
    key: Key,
    pub(super) node: u32,
}

enum Key {
    /// Of an element.
    None,
    /// From here to there in the text.
    Plain(u32, u32),
    /// Decoded, since it has escapes.
    Escaped(Box<str>),
}

impl Child {
    /// The member's name; empty for an element.
    pub(super) fn key<'a>(&'a self, text: &'a str) -> &'a str {
        match &self.key {
            Key::None => "",
            Key::Plain(start, end) => &text[*start as usize..*end as usize],
            Key::Escaped(key) => key,
        }
    }
}

impl Index {
    pub(super) fn build(text: &str) -> Result<Self> {
        let raw: &RawValue = serde_json::from_str(text)
            .map_err(|e| Error::new(Code::MalformedJson, format!("line {} column {}: {e}", e.line(), e.column())))?;
        let mut builder = Builder {
            text,
            index: Self { nodes: Vec::new(), children: Vec::new() },
            open: Vec::new(),
            path: Vec::new(),
            failed: None,
        };
        builder.add(raw)?;
        Ok(builder.index)
    }

    pub(super) fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    pub(super) fn children(&self, range: Children) -> &[Child] {
        &self.children[range.first as usize..][..range.count as usize]
    }
}

/// One token on the way to a value.
enum Step<'a> {
    Member(Cow<'a, str>),
    Element(usize),
}

struct Builder<'a> {
    text: &'a str,
    index: Index,
    /// The children so far of the containers that are not at their end yet, the inner ones last.
    open: Vec<Child>,
    path: Vec<Step<'a>>,
    /// What a visitor cannot say in an error of serde's.
    failed: Option<Error>,
}

impl<'a> Builder<'a> {
    fn add(&mut self, raw: &'a RawValue) -> Result<u32> {
        if self.path.len() >= MAX_DEPTH {
            return Err(self.malformed(|at| format!("{at} is nested more than {MAX_DEPTH} levels deep")));
        }
        let lexeme = raw.get();
        let start = self.offset(lexeme);
        let place = self.index.nodes.len();
        self.index.nodes.push(Node { start, end: start + lexeme.len() as u32, shape: Shape::Null });
        let shape = match lexeme.as_bytes()[0] {
            b'{' => Shape::Object(self.container(lexeme)?),
            b'[' => Shape::Array(self.container(lexeme)?),
            b'"' => {
                // Decoded once here, so that a lone surrogate is refused at parsing and not at reading.
                if lexeme.contains("\\u")
                    && let Err(e) = serde_json::from_str::<Cow<'_, str>>(lexeme)
                {
                    return Err(self.unreadable(&e));
                }
                Shape::String
            }
            b't' => Shape::Bool(true),
            b'f' => Shape::Bool(false),
            b'n' => Shape::Null,
            _ => Shape::Number,
        };
        self.index.nodes[place].shape = shape;
        Ok(place as u32)
    }

    /// The children of an object or an array, behind each other.
    fn container(&mut self, lexeme: &'a str) -> Result<Children> {
        let mine = self.open.len();
        let mut text = serde_json::Deserializer::from_str(lexeme);
        let read = if lexeme.starts_with('{') {
            text.deserialize_map(Inside(self))
        } else {
            text.deserialize_seq(Inside(self))
        };
        if let Err(e) = read {
            return Err(self.failed.take().unwrap_or_else(|| self.unreadable(&e)));
        }
        if let Some(twice) = repeated(self.text, &self.open[mine..]) {
            return Err(self.malformed(|at| format!("{at}/{} stands there twice", escape(twice))));
        }
        let (first, count) = (self.index.children.len() as u32, (self.open.len() - mine) as u32);
        self.index.children.extend(self.open.drain(mine..));
        Ok(Children { first, count })
    }

    /// Adds the child at this step of the container that is being read.
    fn child<E: de::Error>(&mut self, step: Step<'a>, key: Key, value: &'a RawValue) -> Result<(), E> {
        self.path.push(step);
        let node = self.add(value).map_err(|error| {
            self.failed = Some(error);
            E::custom("a value inside is malformed")
        })?;
        self.path.pop();
        self.open.push(Child { key, node });
        Ok(())
    }

    /// Where a part of the text stands in it.
    fn offset(&self, part: &str) -> u32 {
        (part.as_ptr() as usize - self.text.as_ptr() as usize) as u32
    }

    fn unreadable(&self, e: &serde_json::Error) -> Error {
        self.malformed(|at| format!("the value at {at:?} is malformed: {e}"))
    }

    /// `why` is told the JSON Pointer of the value that is being read.
    fn malformed(&self, why: impl FnOnce(&str) -> String) -> Error {
        let mut pointer = String::new();
        for step in &self.path {
            pointer.push('/');
            match step {
                Step::Member(key) => pointer.push_str(&escape(key)),
                Step::Element(position) => pointer.push_str(&position.to_string()),
            }
        }
        Error::new(Code::MalformedJson, why(&pointer))
    }
}

/// A key that two of these members have.
fn repeated<'a>(text: &'a str, members: &'a [Child]) -> Option<&'a str> {
    let named = |child: &'a Child| (!matches!(child.key, Key::None)).then(|| child.key(text));
    if members.len() <= FEW {
        let mut left = members;
        while let Some((last, before)) = left.split_last() {
            let key = named(last)?;
            if before.iter().any(|other| other.key(text) == key) {
                return Some(key);
            }
            left = before;
        }
        return None;
    }
    let mut keys: Vec<&str> = members.iter().filter_map(named).collect();
    keys.sort_unstable();
    keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Reads what is inside a container into the builder.
struct Inside<'b, 'a>(&'b mut Builder<'a>);

/// A key, borrowed where it has no escapes. (`Cow` itself always deserialises owned.)
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Visitor<'a> for Inside<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let key = match &name {
                Cow::Borrowed(name) => {
                    let start = self.0.offset(name);
                    Key::Plain(start, start + name.len() as u32)
                }
                Cow::Owned(name) => Key::Escaped(name.as_str().into()),
            };
            self.0.child(Step::Member(name), key, map.next_value()?)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut position = 0;
        while let Some(value) = seq.next_element()? {
            self.0.child(Step::Element(position), Key::None, value)?;
            position += 1;
        }
        Ok(())
    }
}
