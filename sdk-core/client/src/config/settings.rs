//! Reads the sources and layers them: file, then environment, then program. The result is a flat map from dotted key to
//! value, in which every key is one of the table. Knows nothing of what the keys mean.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use gladhand_documents::error::{Code, Error, Result};

use super::keys::Key;

/// Variables that are ours but no settings, although their names begin or sound like one.
const RESERVED: &[&str] = &["CONFIG", "GATEWAY_CONFIG"];

/// Where a value came from: for messages, and for what a relative path is relative to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A TOML file, or a TOML text with the folder it is relative to.
    File { name: String, base: PathBuf },
    /// An environment variable.
    Variable(String),
    /// The program.
    Program,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, .. } | Self::Variable(name) => f.write_str(name),
            Self::Program => f.write_str("set by the program"),
        }
    }
}

/// A value as it was written.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Flag(bool),
    /// A list of texts.
    List(Vec<String>),
}

/// One setting with its origin. No `Debug`: an inline key may be in it.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// All settings by dotted key.
#[derive(Clone)]
pub(crate) struct Settings {
    keys: &'static [Key],
    map: BTreeMap<String, Setting>,
}

impl Settings {
    /// No settings yet, of this table.
    pub(crate) fn new(keys: &'static [Key]) -> Self {
        Self { keys, map: BTreeMap::new() }
    }

    /// Layers a TOML text over what is there.
    pub(crate) fn toml(&mut self, text: &str, name: &str, base: &Path) -> Result<()> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            Error::new(Code::ConfigInvalid, format!("{name}, line {line}: {}", error.message()))
        })?;
        let origin = Origin::File { name: name.to_owned(), base: base.to_owned() };
        self.table(&table, "", &origin)
    }

    fn table(&mut self, table: &toml::Table, prefix: &str, origin: &Origin) -> Result<()> {
        for (name, value) in table {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let value = match value {
                toml::Value::Table(inner) if self.is_section(&key) => {
                    self.table(inner, &key, origin)?;
                    continue;
                }
                toml::Value::String(text) => Value::Text(text.clone()),
                toml::Value::Integer(number) => Value::Integer(*number),
                toml::Value::Boolean(flag) => Value::Flag(*flag),
                toml::Value::Array(items) if items.iter().all(|item| item.as_str().is_some()) => {
                    Value::List(items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
                }
                other => {
                    self.known(&key, origin)?;
                    return Err(Error::new(
                        Code::ConfigInvalid,
                        format!("`{key}` ({origin}) is a {}; it must be a text or a whole number", other.type_str()),
                    ));
                }
            };
            self.set(&key, value, origin.clone())?;
        }
        Ok(())
    }

    /// Layers the `GLADHAND_*` variables over what is there.
    pub(crate) fn environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) -> Result<()> {
        // Sorted, so that the same environment always gives the same first error.
        let ours: BTreeMap<String, String> = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("GLADHAND_")?.to_owned(), value)))
            .filter(|(name, _)| !RESERVED.contains(&name.as_str()))
            .collect();
        for (name, value) in ours {
            let origin = Origin::Variable(format!("GLADHAND_{name}"));
            match self.key_of_variable(&name) {
                Some(key) => self.set(&key, Value::Text(value), origin)?,
                // Other programs of the family have variables of their own (`GLADHAND_SANDBOX`): only what can be meant
                // for a setting is wrong.
                None if self.sounds_like_a_setting(&name) => self.known(&name.to_ascii_lowercase(), &origin)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Whether a variable begins like a section or is nearly the name of a setting.
    fn sounds_like_a_setting(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.keys.iter().any(|key| match key.path.split_once('.') {
            Some((section, _)) => name.split('_').next().is_some_and(|first| distance(first, section) <= 1),
            None => distance(&name, key.path) <= key.path.len() / 3,
        })
    }

    /// Sets one key.
    pub(crate) fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<()> {
        self.known(key, &origin)?;
        self.map.insert(key.to_owned(), Setting { value, origin });
        Ok(())
    }

    /// One setting.
    pub(crate) fn get(&self, key: &str) -> Option<&Setting> {
        self.map.get(key)
    }

    /// The names that stand where a key of the table has `*` after this section, such as `carriers`.
    pub(crate) fn names_in(&self, section: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .map
            .keys()
            .filter_map(|key| key.strip_prefix(section)?.strip_prefix('.')?.split('.').next().map(str::to_owned))
            .collect();
        names.dedup();
        names
    }

    fn key_of_variable(&self, name: &str) -> Option<String> {
        for key in self.keys {
            let Some((section, leaf)) = key.path.split_once(".*.") else {
                if key.path.replace('.', "_").to_ascii_uppercase() == name {
                    return Some(key.path.to_owned());
                }
                continue;
            };
            let (before, after) =
                (format!("{}_", section.to_ascii_uppercase()), format!("_{}", leaf.to_ascii_uppercase()));
            let Some(middle) = name.strip_prefix(&before).and_then(|rest| rest.strip_suffix(&after)) else { continue };
            if middle.is_empty() {
                continue;
            }
            // A variable cannot spell `-`: an existing name that matches wins over the plain lower case.
            let existing = self
                .names_in(section)
                .into_iter()
                .find(|existing| existing.replace(['-', '.'], "_").to_ascii_uppercase() == middle);
            return Some(format!("{section}.{}.{leaf}", existing.unwrap_or_else(|| middle.to_ascii_lowercase())));
        }
        None
    }

    fn is_section(&self, key: &str) -> bool {
        self.keys.iter().any(|known| {
            let mut parts = known.path.split('.');
            let matches = key.split('.').all(|part| parts.next().is_some_and(|known| known == part || known == "*"));
            matches && parts.next().is_some()
        })
    }

    fn known(&self, key: &str, origin: &Origin) -> Result<()> {
        let general = self.generalised(key);
        if self.keys.iter().any(|known| known.path == general) {
            return Ok(());
        }
        let nearest = self
            .keys
            .iter()
            .map(|known| (distance(&general, known.path), known.path))
            .min()
            .filter(|(distance, path)| *distance <= path.len() / 3)
            .map(|(_, path)| match key.split('.').nth(1) {
                Some(name) => path.replace('*', name),
                None => path.to_owned(),
            });
        let hint = nearest.map_or_else(String::new, |path| format!("; did you mean `{path}`?"));
        Err(Error::new(Code::ConfigInvalid, format!("`{key}` ({origin}) is not a setting of Gladhand{hint}")))
    }

    /// `carriers.aurora.scac` becomes `carriers.*.scac`.
    fn generalised(&self, key: &str) -> String {
        let wild = self.keys.iter().find_map(|known| known.path.split_once(".*.").map(|(section, _)| section));
        match (wild, key.split('.').collect::<Vec<_>>().as_slice()) {
            (Some(section), [first, _, leaf]) if distance(section, first) <= 2 => format!("{first}.*.{leaf}"),
            _ => key.to_owned(),
        }
    }
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
