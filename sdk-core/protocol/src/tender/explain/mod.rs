//! Whether a load fits an offer, check by check, each with its remedy (contract 3d). Anything but `eligible` is a no: an
//! unknown weight or an enum value that this version does not know fails closed.
//!
//! * [`freight`]: weight, hazardous materials, equipment, forbidden cargo.
//! * [`timing`]: the offer's validity, its window, hours of operation, lead time, inspection.
//! * [`driving`]: how much autonomy the load needs.

mod driving;
mod freight;
mod timing;

use gladhand_documents::error::{Code, Error, Result, Violation};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::{self, Model as _, capacity::CapacityOffer, sdk::Verdict};
use gladhand_documents::time::format_instant;
use jiff::Timestamp;

/// Pounds that an empty vehicle of unknown tare is taken to weigh unless the carrier publishes another value.
pub const ASSUMED_TARE_LBS: i64 = 35_000;

/// One check.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    code: &'static str,
    constraint: &'static str,
    load: &'static str,
    result: Verdict,
    actual: Option<String>,
    limit: Option<String>,
    remedy: Option<String>,
}

impl Check {
    /// A check that compares what stands at `load` with what stands at `constraint`.
    fn new(code: &'static str, constraint: &'static str, load: &'static str) -> Self {
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

    /// `no` unless it holds.
    fn require(self, holds: bool, remedy: &str) -> Self {
        if holds { self } else { self.no(remedy) }
    }

    fn to_json(&self) -> String {
        let mut out = format!(
            r#"{{"code":{},"constraint":{},"load":{},"result":{}"#,
            quote(self.code),
            quote(self.constraint),
            quote(self.load),
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

impl Case<'_> {
    fn instant(document: &Document, pointer: &str) -> Option<Timestamp> {
        gladhand_documents::time::parse_instant(&document.text(pointer)?).ok()
    }
}

/// Explains whether `load` (a LoadTender, which may still lack what the SDK fills in) fits `offer` at `now`.
///
/// The answer is an Eligibility document. Errors: the codes of [`model::validate`] for an offer that is no CapacityOffer.
pub fn explain(load: &Document, offer: &Document, now: Timestamp, assumed_tare_lbs: i64) -> Result<Document> {
    model::validate(CapacityOffer::entity(), offer)?;
    let case = Case { load, offer, now, assumed_tare_lbs };
    let mut checks = Vec::new();
    timing::checks(&case, &mut checks);
    freight::checks(&case, &mut checks);
    driving::checks(&case, &mut checks);
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
            let text = |name: &str| {
                check.get(name).and_then(gladhand_documents::json::Value::text).unwrap_or_default().into_owned()
            };
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
