//! The lossless document: parsed once, kept byte for byte.
//!
//! A [`Document`] is its bytes and an index of where each value stands in them. Reading a member reads its lexeme;
//! [`Document::patch`] changes only that member's byte range. So a decimal keeps its zeros, a 23-digit integer its
//! digits, and a member that this version does not know survives (contract 3a).
//!
//! Text is scanned by serde_json through `RawValue`, which works alike whether or not a host program turns on
//! `arbitrary_precision`. Never `#[serde(flatten)]`: it pushes numbers through doubles.

mod index;
mod patch;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::error::{Code, Error, Result};
use index::{Child, Index, Shape};

/// Nesting beyond this is refused (contract 3a).
pub const MAX_DEPTH: usize = 32;
/// A document larger than this is refused, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// One JSON text, immutable and cheap to clone.
#[derive(Clone)]
pub struct Document(Arc<Inner>);

struct Inner {
    text: Box<str>,
    index: Index,
}

impl Document {
    /// Parses one JSON text.
    ///
    /// Errors: `malformed_json` for anything but one UTF-8 JSON text without duplicate keys and at most
    /// [`MAX_DEPTH`] levels deep; `too_large` beyond [`MAX_BYTES`].
    pub fn parse(bytes: impl AsRef<[u8]>) -> Result<Self> {
        let bytes = bytes.as_ref();
        if bytes.len() > MAX_BYTES {
            return Err(Error::new(
                Code::TooLarge,
                format!("the document has {} bytes, the limit is {MAX_BYTES}", bytes.len()),
            ));
        }
        let text = std::str::from_utf8(bytes).map_err(|e| {
            Error::new(Code::MalformedJson, format!("the document is not UTF-8 at byte {}", e.valid_up_to()))
        })?;
        let index = Index::build(text)?;
        Ok(Self(Arc::new(Inner { text: text.into(), index })))
    }

    /// The empty object, to build a new document from.
    pub fn object() -> Self {
        Self::parse("{}").unwrap_or_else(|_| unreachable!("an empty object parses"))
    }

    /// Serialises a value. For documents that this program writes itself; never for passing one on.
    pub fn from_serde<T: serde::Serialize + ?Sized>(value: &T) -> Result<Self> {
        let text = serde_json::to_string(value)
            .map_err(|e| Error::new(Code::InternalPanic, "a document could not be serialised").caused_by(&e))?;
        Self::parse(text)
    }

    /// The text, byte for byte as parsed or patched.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The bytes, as parsed or patched.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.text.as_bytes()
    }

    /// The whole value.
    pub fn root(&self) -> Value<'_> {
        Value { inner: &self.0, node: 0 }
    }

    /// The value at a JSON Pointer (RFC 6901); `""` is the whole document.
    pub fn at(&self, pointer: &str) -> Option<Value<'_>> {
        self.root().at(pointer)
    }

    /// The decoded string at a pointer, if a string stands there.
    pub fn text(&self, pointer: &str) -> Option<String> {
        self.at(pointer)?.text().map(Cow::into_owned)
    }

    /// The number's lexeme at a pointer, if a number stands there.
    pub fn number(&self, pointer: &str) -> Option<&str> {
        self.at(pointer)?.number()
    }

    /// The integer at a pointer, if a number without fraction or exponent that fits stands there.
    pub fn integer(&self, pointer: &str) -> Option<i64> {
        self.number(pointer)?.parse().ok()
    }

    /// The boolean at a pointer, if one stands there.
    pub fn boolean(&self, pointer: &str) -> Option<bool> {
        self.at(pointer)?.boolean()
    }

    /// The document that a value inside this one is by itself, byte for byte.
    pub fn extract(&self, pointer: &str) -> Option<Self> {
        Self::parse(self.at(pointer)?.raw()).ok()
    }

    /// A document in which the value at `pointer` is `raw` (JSON text). Every other byte stays. A missing last member is
    /// added at the end of its object, `-` appends to an array; missing parents are added as objects.
    ///
    /// Errors: `malformed_json` if `raw` is no JSON text; `invalid_argument` if the pointer leads through a scalar.
    pub fn patch(&self, pointer: &str, raw: &str) -> Result<Self> {
        patch::set(self, pointer, raw)
    }

    /// A document in which each of these members of the whole value that is missing stands at its end, as `raw` (JSON text).
    ///
    /// Errors: as of [`Document::patch`]; `invalid_argument` where the document is no object.
    pub fn with_defaults(&self, members: &[(&str, String)]) -> Result<Self> {
        patch::defaults(self, members)
    }

    /// [`Document::patch`] with a string value.
    pub fn with_text(&self, pointer: &str, value: &str) -> Result<Self> {
        self.patch(pointer, &quote(value))
    }

    /// [`Document::patch`] with another document as the value.
    pub fn with(&self, pointer: &str, value: &Self) -> Result<Self> {
        self.patch(pointer, value.as_str())
    }

    /// A document without the value at `pointer`; unchanged if nothing stands there.
    pub fn remove(&self, pointer: &str) -> Result<Self> {
        patch::remove(self, pointer)
    }
}

impl fmt::Debug for Document {
    /// Only the size: documents may hold personal data and have no business in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes)", self.0.text.len())
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Document {}

/// A value inside a [`Document`].
#[derive(Clone, Copy)]
pub struct Value<'a> {
    inner: &'a Inner,
    node: u32,
}

impl<'a> Value<'a> {
    fn shape(self) -> Shape {
        self.inner.index.node(self.node).shape
    }

    fn children(self) -> &'a [Child] {
        match self.shape() {
            Shape::Array(children) | Shape::Object(children) => self.inner.index.children(children),
            _ => &[],
        }
    }

    fn child(self, node: u32) -> Self {
        Self { inner: self.inner, node }
    }

    /// The bytes of the value, as they stand in the document.
    pub fn raw(self) -> &'a str {
        let node = self.inner.index.node(self.node);
        &self.inner.text[node.start as usize..node.end as usize]
    }

    /// The decoded string.
    pub fn text(self) -> Option<Cow<'a, str>> {
        if !matches!(self.shape(), Shape::String) {
            return None;
        }
        let raw = self.raw();
        let inside = &raw[1..raw.len() - 1];
        if inside.contains('\\') {
            serde_json::from_str::<String>(raw).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inside))
        }
    }

    /// The number's lexeme.
    pub fn number(self) -> Option<&'a str> {
        matches!(self.shape(), Shape::Number).then(|| self.raw())
    }

    /// The boolean.
    pub fn boolean(self) -> Option<bool> {
        match self.shape() {
            Shape::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(self) -> bool {
        matches!(self.shape(), Shape::Null)
    }

    /// Whether this is an object.
    pub fn is_object(self) -> bool {
        matches!(self.shape(), Shape::Object(_))
    }

    /// Whether this is an array.
    pub fn is_array(self) -> bool {
        matches!(self.shape(), Shape::Array(_))
    }

    /// The elements, if this is an array; none otherwise.
    pub fn items(self) -> impl DoubleEndedIterator<Item = Value<'a>> + ExactSizeIterator {
        let children = if self.is_array() { self.children() } else { &[] };
        children.iter().map(move |child| self.child(child.node))
    }

    /// The members in document order, if this is an object; none otherwise.
    pub fn members(self) -> impl DoubleEndedIterator<Item = (&'a str, Value<'a>)> + ExactSizeIterator {
        let children = if self.is_object() { self.children() } else { &[] };
        children.iter().map(move |child| (child.key(&self.inner.text), self.child(child.node)))
    }

    /// How many elements or members.
    pub fn len(self) -> usize {
        self.children().len()
    }

    /// Whether there are no elements or members.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The member of this name.
    pub fn get(self, name: &str) -> Option<Self> {
        self.members().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The value at a JSON Pointer below this one.
    pub fn at(self, pointer: &str) -> Option<Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        let mut value = self;
        for token in pointer.strip_prefix('/')?.split('/') {
            value = value.step(&unescape(token))?;
        }
        Some(value)
    }

    fn step(self, token: &str) -> Option<Self> {
        match self.shape() {
            Shape::Object(_) => self.get(token),
            Shape::Array(_) => {
                let plain = token == "0" || !token.starts_with('0');
                let position: usize = token.parse().ok().filter(|_| plain && !token.starts_with('+'))?;
                self.children().get(position).map(|child| self.child(child.node))
            }
            _ => None,
        }
    }

    fn span(self) -> (usize, usize) {
        let node = self.inner.index.node(self.node);
        (node.start as usize, node.end as usize)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.raw().len())
    }
}

/// A string as a JSON lexeme.
pub fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// One reference token of a JSON Pointer, escaped (RFC 6901 section 3).
pub fn escape(token: &str) -> Cow<'_, str> {
    if token.contains(['~', '/']) {
        Cow::Owned(token.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(token)
    }
}

fn unescape(token: &str) -> Cow<'_, str> {
    if token.contains('~') { Cow::Owned(token.replace("~1", "/").replace("~0", "~")) } else { Cow::Borrowed(token) }
}

#[cfg(test)]
mod tests;
