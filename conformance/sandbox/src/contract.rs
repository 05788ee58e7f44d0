//! The versions of the contract that this carrier serves, what of it is deprecated, and how it would look a version
//! earlier or later (contract 5).

use std::collections::BTreeMap;
use std::sync::Mutex;

use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue, LINK};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::call::Operation;
use crate::api::headers::http_date;
use crate::clock::Instant;
use crate::problem::{Answer, Problem, Result};

const VERSION: HeaderName = HeaderName::from_static("api-version");
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// Life of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// For trying out.
    Preview,
    /// In force.
    Active,
    /// To end.
    Deprecated,
    /// Ended.
    Sunset,
}

/// A version that is served, or was.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Served {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
    /// Its life.
    pub status: Status,
    /// Since when it is deprecated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_at: Option<Instant>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sunset_at: Option<Instant>,
}

impl Served {
    /// The version that this carrier was written for.
    const OWN: Self = Self { major: 1, minor: 0, status: Status::Active, deprecated_at: None, sunset_at: None };

    fn ended(&self, now: Timestamp) -> bool {
        self.status == Status::Sunset || self.sunset_at.is_some_and(|at| at.0 <= now)
    }
}

/// What is deprecated about an operation or a type of event.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deprecated {
    /// Since when (RFC 9745).
    pub at: Instant,
    /// When it ends (RFC 8594); not before `at`.
    pub sunset: Instant,
    /// Where to read of it.
    pub link: String,
    /// What takes its place.
    #[serde(default)]
    pub successor: Option<String>,
}

/// A version of the contract that does not exist, to see who can live with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Simulation {
    /// The contract as it is.
    #[default]
    #[serde(rename = "none")]
    None,
    /// A minor version earlier: members that are not required are left out.
    #[serde(rename = "n-1")]
    Earlier,
    /// A minor version later: members, values and types of events that nobody knows.
    #[serde(rename = "n+1")]
    Later,
}

#[derive(Debug)]
struct Inner {
    versions: Vec<Served>,
    deprecated: BTreeMap<String, Deprecated>,
    simulation: Simulation,
}

/// The contract as this carrier serves it.
#[derive(Debug)]
pub struct Contract(Mutex<Inner>);

impl Default for Contract {
    fn default() -> Self {
        let own = Inner { versions: vec![Served::OWN], deprecated: BTreeMap::new(), simulation: Simulation::None };
        Self(Mutex::new(own))
    }
}

impl Contract {
    /// Sets the versions that are served.
    pub fn serve(&self, versions: Vec<Served>) {
        self.0.lock().expect("the contract").versions = versions;
    }

    /// Marks an operation, or `*` for all, as deprecated.
    pub fn deprecate(&self, operation: &str, deprecated: Deprecated) {
        self.0.lock().expect("the contract").deprecated.insert(operation.to_owned(), deprecated);
    }

    /// Looks like another version of the contract.
    pub fn simulate(&self, simulation: Simulation) {
        let mut inner = self.0.lock().expect("the contract");
        inner.simulation = simulation;
        inner.versions.retain(|v| (v.major, v.minor) != (1, 1));
        if simulation == Simulation::Later {
            inner.versions.push(Served { minor: 1, ..Served::OWN });
        }
    }

    /// Serves the contract as it is.
    pub fn reset(&self) {
        *self.0.lock().expect("the contract") = Self::default().0.into_inner().expect("nobody has it yet");
    }

    /// The versions, as discovery lists them.
    pub fn versions(&self) -> Vec<Served> {
        self.0.lock().expect("the contract").versions.clone()
    }

    /// The highest version that `Accept-Version: 1.x; min=1.2` and this carrier have in common; without the field, the
    /// highest that is in force. Errors: `version_sunset` where all that fit have ended, else `unsupported_version`;
    /// both list the choices.
    pub fn negotiate(&self, accepted: Option<&str>, now: Timestamp) -> Result<(u32, u32)> {
        let versions = self.versions();
        let wanted = accepted.unwrap_or("*");
        let fits = |v: &&Served| Range::parse(wanted).is_some_and(|range| range.contains(v.major, v.minor));
        let (ended, alive): (Vec<&Served>, Vec<&Served>) = versions.iter().filter(fits).partition(|v| v.ended(now));
        let alive = alive.into_iter().filter(|v| accepted.is_some() || v.status != Status::Preview);
        if let Some(best) = alive.map(|v| (v.major, v.minor)).max() {
            return Ok(best);
        }
        let code = if ended.is_empty() { Code::UnsupportedVersion } else { Code::VersionSunset };
        let choices = serde_json::to_value(&versions).unwrap_or_default();
        Err(Problem::new(code, format!("{wanted:?} is not served")).with("versions", choices))
    }

    /// Says which version served a call, unless the answer does so already.
    pub fn mark(&self, headers: &mut HeaderMap) {
        if !headers.contains_key(VERSION) {
            let mut own = self.versions();
            own.retain(|v| matches!(v.status, Status::Active | Status::Deprecated));
            let own = own.iter().map(|v| (v.major, v.minor)).max().unwrap_or((1, 0));
            headers.extend(HeaderValue::from_str(&text(own)).map(|value| (VERSION, value)));
        }
    }

    /// What an answer of an operation says of versions, and how it looks in the simulated one.
    pub fn dress(&self, operation: &Operation, version: Option<(u32, u32)>, answer: Answer) -> Answer {
        let inner = self.0.lock().expect("the contract");
        let mut answer = match version {
            Some(version) => answer.with(VERSION, text(version)),
            None => answer,
        };
        if let Some(deprecated) = inner.deprecated.get(operation.name).or_else(|| inner.deprecated.get("*")) {
            let link = &deprecated.link;
            let mut links = format!(r#"<{link}>; rel="deprecation", <{link}>; rel="sunset""#);
            if let Some(successor) = &deprecated.successor {
                links = format!(r#"{links}, <{successor}>; rel="successor-version""#);
            }
            answer = answer
                .with(DEPRECATION, format!("@{}", deprecated.at.0.as_second()))
                .with(SUNSET, http_date(deprecated.sunset.0))
                .with(LINK, links);
        }
        // The papers of a tender are bound by their digests, and no version changes them.
        if inner.simulation != Simulation::None
            && operation.name != "documents.get"
            && let Ok(document) = Document::parse(&answer.body)
            && document.root().is_object()
        {
            answer.body = evolved(document, inner.simulation).as_str().to_owned().into();
        }
        answer
    }
}

/// The document as another version would have it.
fn evolved(document: Document, simulation: Simulation) -> Document {
    let changed = match simulation {
        Simulation::None => return document,
        Simulation::Earlier => ["/amendment", "/controlMode", "/updatedAt", "/tzdb", "/assumedTareLbs"]
            .into_iter()
            .filter(|pointer| document.at(pointer).is_some())
            .try_fold(document.clone(), |document, pointer| document.remove(pointer)),
        Simulation::Later => {
            let member = document.patch("/futureMember", r#"{"since":"1.1","amount":0.10}"#);
            member.and_then(|d| match d.text("/controlMode").as_deref() {
                Some("autonomous") => d.with_text("/controlMode", "platooning"),
                _ => Ok(d),
            })
        }
    };
    changed.unwrap_or(document)
}

fn text((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}.0")
}

/// `1.x; min=1.2`.
struct Range {
    major: Option<u32>,
    minor: Option<u32>,
    minimum: (u32, u32),
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let mut numbers = parts.next()?.split('.');
        let number = |text: Option<&str>| match text {
            None | Some("x" | "*") => Some(None),
            Some(text) => text.parse::<u32>().ok().map(Some),
        };
        let (major, minor) = (number(numbers.next())?, number(numbers.next())?);
        number(numbers.next())?;
        let minimum = match parts.find_map(|part| part.strip_prefix("min=")) {
            None => (0, 0),
            Some(text) => {
                let mut numbers = text.split('.').map(|n| n.parse::<u32>().ok());
                (numbers.next()??, numbers.next().unwrap_or(Some(0))?)
            }
        };
        Some(Self { major, minor, minimum })
    }

    fn contains(&self, major: u32, minor: u32) -> bool {
        self.major.is_none_or(|m| m == major) && self.minor.is_none_or(|m| m == minor) && (major, minor) >= self.minimum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_common_version_is_chosen_or_the_choices_are_listed() {
        let now: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
        let contract = Contract::default();
        contract.serve(vec![
            Served { major: 0, minor: 9, status: Status::Sunset, ..Served::OWN },
            Served { minor: 2, ..Served::OWN },
            Served { minor: 4, status: Status::Deprecated, ..Served::OWN },
            Served { major: 2, status: Status::Preview, ..Served::OWN },
        ]);
        let chosen = |wanted: Option<&str>| contract.negotiate(wanted, now).map_err(|p| p.code());
        assert_eq!(chosen(None), Ok((1, 4)));
        assert_eq!(chosen(Some("1.x; min=1.2")), Ok((1, 4)));
        assert_eq!(chosen(Some("1.2")), Ok((1, 2)));
        assert_eq!(chosen(Some("2.x")), Ok((2, 0)));
        assert_eq!(chosen(Some("0.x")), Err(Code::VersionSunset));
        for wanted in ["1.x; min=1.5", "3.x", "1.3", "one", "1.x; min=x", ""] {
            assert_eq!(chosen(Some(wanted)), Err(Code::UnsupportedVersion), "{wanted}");
        }
    }
}
