//! Whether a load fits an offer, check by check, each with its remedy (contract 3b to 3d). Anything but `eligible` is a no:
//! what cannot be known fails closed.
//!
//! Every constraint of the offer is checked, always in this order, and says where it stands and what it was held against:
//!
//! * [`offer`]: status, `mustUnderstand`, validity, price, cutoff. * [`timing`]: lead time, window, hours, maintenance, time to
//!   drive, inspection; [`calendar`] does its arithmetic.
//! * [`freight`]: weight, hazardous materials, equipment. * [`cargo`]: temperatures, forbidden cargo, value.
//! * [`driving`]: how much autonomy the load needs, manual legs, access. * [`route`]: corridors and detours.

mod calendar;
mod cargo;
mod driving;
mod freight;
mod offer;
mod route;
mod timing;

use std::borrow::Cow;

use gladhand_documents::error::{Code, Error, Result, Violation};
use gladhand_documents::json::{Document, Value, quote};
use gladhand_documents::model::{self, Model as _, capacity::CapacityOffer, sdk::Verdict};
use gladhand_documents::time::{format_instant, parse_instant};
use jiff::Timestamp;
use rust_decimal::Decimal;

/// Pounds that an empty vehicle of unknown tare is taken to weigh unless the carrier publishes another value.
pub const ASSUMED_TARE_LBS: i64 = 35_000;

/// One check.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    code: &'static str,
    constraint: String,
    load: String,
    result: Verdict,
    actual: Option<String>,
    limit: Option<String>,
    remedy: Option<String>,
}

impl Check {
    /// A check that compares what stands at `load` with what stands at `constraint`.
    fn new(code: &'static str, constraint: impl Into<String>, load: impl Into<String>) -> Self {
        let (constraint, load) = (constraint.into(), load.into());
        Self { code, constraint, load, result: Verdict::Eligible, actual: None, limit: None, remedy: None }
    }

    fn actual(mut self, text: impl Into<String>) -> Self {
        self.actual = Some(text.into());
        self
    }

    fn limit(mut self, text: impl Into<String>) -> Self {
        self.limit = Some(text.into());
        self
    }

    fn no(mut self, remedy: impl Into<String>) -> Self {
        self.result = Verdict::Ineligible;
        self.remedy = Some(remedy.into());
        self
    }

    fn unknown(mut self, remedy: impl Into<String>) -> Self {
        self.result = Verdict::Undetermined;
        self.remedy = Some(remedy.into());
        self
    }

    /// A remark that stops nothing.
    fn advice(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// `no` unless it holds.
    fn require(self, holds: bool, remedy: &str) -> Self {
        if holds { self } else { self.no(remedy) }
    }

    fn to_json(&self) -> String {
        let mut out = format!(
            r#"{{"code":{},"constraint":{},"load":{},"result":{}"#,
            quote(self.code),
            quote(&self.constraint),
            quote(&self.load),
            quote(self.result.as_str())
        );
        for (name, value, max) in
            [("actual", &self.actual, 200), ("limit", &self.limit, 200), ("remedy", &self.remedy, 500)]
        {
            if let Some(text) = value {
                let short: String = text.chars().take(max).collect();
                out.extend([",\"", name, "\":", &quote(&short)]);
            }
        }
        out.push('}');
        out
    }
}

/// What the checks read.
struct Case<'a> {
    load: &'a Document,
    offer: &'a Document,
    now: Timestamp,
    assumed_tare_lbs: i64,
}

impl<'a> Case<'a> {
    /// The elements of an array of the load.
    fn of_load(&self, pointer: &str) -> Vec<Value<'a>> {
        self.load.at(pointer).map(|list| list.items().collect()).unwrap_or_default()
    }

    /// The elements of an array of the offer.
    fn of_offer(&self, pointer: &str) -> Vec<Value<'a>> {
        self.offer.at(pointer).map(|list| list.items().collect()).unwrap_or_default()
    }
}

fn instant(document: &Document, pointer: &str) -> Option<Timestamp> {
    parse_instant(&document.text(pointer)?).ok()
}

fn text<'a>(value: Value<'a>, name: &str) -> Option<Cow<'a, str>> {
    value.get(name)?.text()
}

fn decimal(value: Value<'_>) -> Option<Decimal> {
    let lexeme = value.number().map(Cow::Borrowed).or_else(|| value.text())?;
    Decimal::from_str_exact(&lexeme).ok()
}

fn minutes(value: Value<'_>, name: &str) -> Option<i64> {
    value.get(name)?.number()?.parse().ok()
}

/// Explains whether `load` (a LoadTender, which may still lack what the SDK fills in) fits `offer` at `now`.
/// `assumed_tare_lbs` counts where the offer names no tare: what the carrier publishes, or [`ASSUMED_TARE_LBS`]; 0 assumes
/// nothing.
///
/// The answer is an Eligibility document. Errors: the codes of [`model::validate`] for an offer that is no CapacityOffer.
pub fn explain(load: &Document, offer: &Document, now: Timestamp, assumed_tare_lbs: i64) -> Result<Document> {
    model::validate(CapacityOffer::entity(), offer)?;
    let case = Case { load, offer, now, assumed_tare_lbs };
    let mut checks = Vec::new();
    for part in [offer::checks, timing::checks, freight::checks, cargo::checks, driving::checks, route::checks] {
        part(&case, &mut checks);
    }
    let any = |verdict: Verdict| checks.iter().any(|check| check.result == verdict);
    let verdict = if any(Verdict::Ineligible) {
        Verdict::Ineligible
    } else if any(Verdict::Undetermined) {
        Verdict::Undetermined
    } else {
        Verdict::Eligible
    };
    let list: Vec<String> = checks.iter().map(Check::to_json).collect();
    Document::parse(format!(
        r#"{{"verdict":{},"checks":[{}],"capacityRevision":{},"evaluatedAt":{}}}"#,
        quote(verdict.as_str()),
        list.join(","),
        offer.integer("/capacityRevision").unwrap_or(0),
        quote(&format_instant(now)),
    ))
}

/// The error that keeps an ineligible load from being sent: the code of the first failed check, all of them as
/// violations. `None` if the verdict is eligible.
pub fn refusal(eligibility: &Document) -> Option<Error> {
    if eligibility.text("/verdict").as_deref() == Some("eligible") {
        return None;
    }
    let failed: Vec<Violation> = eligibility
        .at("/checks")?
        .items()
        .filter_map(|check| {
            let text = |name: &str| text(check, name).unwrap_or_default().into_owned();
            (text("result") != "eligible").then(|| Violation {
                path: text("load"),
                code: text("code"),
                message: text("remedy"),
            })
        })
        .collect();
    let code = failed.iter().find_map(|v| Code::parse(&v.code)).unwrap_or(Code::WindowOutsideOffer);
    Some(Error::invalid(code, "the load does not fit the offer: it", failed))
}

#[cfg(test)]
mod tests;
