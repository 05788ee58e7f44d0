//! What a carrier's answers say of the contract (contract 5): its version, and which operations end. A deprecation is
//! warned of once per operation and content. Keeps this; negotiates nothing.

use std::collections::BTreeMap;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::time::format_instant;
use gladhand_protocol::versioning::deprecation::{self, Deprecation};
use http::{HeaderMap, HeaderName, header};
use jiff::Timestamp;

/// `Accept-Version`.
pub(super) const ACCEPT_VERSION: HeaderName = HeaderName::from_static("accept-version");
/// Stands for all operations: the version itself ends.
pub(super) const ALL: &str = "*";
/// The longest version that is kept.
const VERSION_CHARS: usize = 32;

/// One carrier's.
#[derive(Debug, Default)]
pub(super) struct Standing {
    version: Option<String>,
    routes: BTreeMap<&'static str, Deprecation>,
}

impl Standing {
    /// The version of the latest answer that named one.
    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The operations that end.
    pub(super) fn routes(&self) -> impl Iterator<Item = (&'static str, &Deprecation)> {
        self.routes.iter().map(|(route, deprecation)| (*route, deprecation))
    }

    /// Takes over what an answer's header says.
    pub(super) fn read(&mut self, carrier: &str, route: &'static str, headers: &HeaderMap) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(version) = text("api-version").map(str::trim).filter(|v| is_version(v))
            && self.version.as_deref() != Some(version)
        {
            self.version = Some(version.to_owned());
        }
        let links = headers.get_all(header::LINK).iter().filter_map(|link| link.to_str().ok());
        self.note(carrier, route, Deprecation::parse(text("deprecation"), text("sunset"), links));
    }

    /// Notes whether an operation ends; `None`: it does not, any more.
    pub(super) fn note(&mut self, carrier: &str, route: &'static str, said: Option<Deprecation>) {
        let Some(said) = said else {
            self.routes.remove(route);
            return;
        };
        if self.routes.get(route) == Some(&said) {
            return;
        }
        let date = |at: Option<Timestamp>| at.map_or_else(|| "an unknown date".to_owned(), format_instant);
        tracing::warn!(
            target: "gladhand::contract",
            carrier,
            route,
            since = date(said.since),
            sunset = date(said.sunset),
            about = said.about.as_deref().or(said.about_sunset.as_deref()).unwrap_or(""),
            successor = said.successor.as_deref().unwrap_or(""),
            "the carrier has deprecated this operation"
        );
        self.routes.insert(route, said);
    }

    /// Refuses an operation that ends within so many days. Error: `version_sunset`.
    pub(super) fn permit(
        &self,
        carrier: &str,
        route: &'static str,
        deny_days: Option<u32>,
        now: Timestamp,
    ) -> Result<()> {
        let Some(days) = deny_days else { return Ok(()) };
        let ends = [route, ALL].into_iter().filter_map(|route| self.routes.get(route)?.sunset);
        match ends.min() {
            Some(sunset) if deprecation::ends_within(Some(sunset), days, now) => Err(Error::new(
                Code::VersionSunset,
                format!(
                    "{route}: carrier {carrier} ends it on {}, and `deny_deprecated_days` is {days}",
                    format_instant(sunset)
                ),
            )),
            _ => Ok(()),
        }
    }
}

fn is_version(text: &str) -> bool {
    (1..=VERSION_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+.".contains(&b))
}
