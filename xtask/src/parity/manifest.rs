//! What one language offers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::customs;
use crate::shell::Result;

/// Classes by name, each with its operations; names are those under which they are compared.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) language: &'static str,
    pub(super) classes: BTreeMap<String, BTreeMap<String, Operation>>,
}

/// One operation.
#[derive(Debug, Default)]
pub(super) struct Operation {
    /// Its parameters, each with its default as the language writes it; nothing where it must be given.
    pub(super) parameters: BTreeMap<String, Option<String>>,
    /// What its docs say.
    pub(super) doc: String,
}

impl Manifest {
    /// Reads what a language printed.
    pub(super) fn parse(language: &'static str, text: &str) -> Result<Self> {
        let wrong = |why: String| format!("the manifest of {language}: {why}");
        let value: Value = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let mut manifest = Self { language, classes: BTreeMap::new() };
        for (class, operations) in value.as_object().ok_or_else(|| wrong("is no object".to_owned()))? {
            for (name, operation) in operations.as_object().ok_or_else(|| wrong(format!("{class} is no object")))? {
                let given = operation["parameters"].as_object().ok_or_else(|| wrong(format!("{class}.{name}")))?;
                let parameters =
                    given.iter().map(|(name, default)| (name.clone(), default.as_str().map(str::to_owned)));
                let doc = operation["doc"].as_str().unwrap_or_default().to_owned();
                manifest.add(class, name, Operation { parameters: parameters.collect(), doc });
            }
        }
        Ok(manifest)
    }

    /// Adds an operation; further ones of its name add what they have beyond.
    pub(super) fn add(&mut self, class: &str, name: &str, operation: Operation) {
        let name = customs::name(self.language, name);
        if !customs::compared(class, &name) {
            return;
        }
        let known = self.classes.entry(class.to_owned()).or_default().entry(name.clone()).or_default();
        for (parameter, default) in operation.parameters {
            let parameter = customs::name(self.language, &parameter);
            if !customs::own(class, &name, &parameter) {
                known.parameters.entry(parameter).or_insert(default);
            }
        }
        if !known.doc.is_empty() {
            known.doc.push('\n');
        }
        known.doc.push_str(operation.doc.trim());
    }

    /// As JSON, in the form in which languages print theirs.
    pub(super) fn to_json(&self) -> String {
        let operations = |of: &BTreeMap<String, Operation>| -> Map<String, Value> {
            of.iter().map(|(name, of)| (name.clone(), json!({ "parameters": of.parameters, "doc": of.doc }))).collect()
        };
        let classes: Map<String, Value> =
            self.classes.iter().map(|(class, of)| (class.clone(), operations(of).into())).collect();
        format!("{:#}\n", Value::Object(classes))
    }
}
