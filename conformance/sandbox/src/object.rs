//! Writes one JSON object, member by member, in order. Values that came from a peer go in as the bytes they came as, so
//! `1250.00` stays `1250.00`.

use gladhand_documents::json::{Document, quote};

/// A JSON object in the making.
#[derive(Clone, Debug)]
pub struct Object(String);

impl Default for Object {
    fn default() -> Self {
        Self::new()
    }
}

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds JSON text.
    pub fn raw(mut self, name: &str, json: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&quote(name));
        self.0.push(':');
        self.0.push_str(json);
        self
    }

    /// Adds a string.
    pub fn text(self, name: &str, value: &str) -> Self {
        self.raw(name, &quote(value))
    }

    /// Adds a string, if there is one.
    pub fn text_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// Adds a whole number.
    pub fn number(self, name: &str, value: u64) -> Self {
        self.raw(name, &value.to_string())
    }

    /// Adds a whole number, if there is one.
    pub fn number_if(self, name: &str, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.number(name, value),
            None => self,
        }
    }

    /// Adds a document, if there is one.
    pub fn document_if(self, name: &str, value: Option<&Document>) -> Self {
        match value {
            Some(value) => self.raw(name, value.as_str()),
            None => self,
        }
    }

    /// Adds an array of JSON texts.
    pub fn list<S: AsRef<str>>(self, name: &str, items: impl IntoIterator<Item = S>) -> Self {
        let mut array = "[".to_owned();
        for item in items {
            if array.len() > 1 {
                array.push(',');
            }
            array.push_str(item.as_ref());
        }
        array.push(']');
        self.raw(name, &array)
    }

    /// The text.
    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// The object as a document.
    pub fn document(self) -> Document {
        Document::parse(self.finish()).expect("an object of quoted names and JSON values is JSON")
    }
}
