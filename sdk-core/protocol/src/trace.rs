//! W3C Trace Context, level 1: what a host says of the trace that a call belongs to, and what the call's requests say of it.
//! What is malformed is no context: a trace is never a reason for a call to fail.

use gladhand_documents::telemetry::{SpanId, TraceId};

/// The only flag of version 00 (W3C §3.2.2.5); others are not passed on.
const SAMPLED: u8 = 1;
/// Bytes of a `traceparent` of version 00.
const LENGTH: usize = 55;
/// Members that a `tracestate` may have (W3C §3.3.1.1).
const MEMBERS: usize = 32;
/// Characters of a `tracestate` that are passed on (W3C §3.3.1.5 asks for at least 512).
const STATE_LENGTH: usize = 8192;

/// The trace that a call belongs to, as its host gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: TraceId,
    parent_id: SpanId,
    sampled: bool,
    state: Option<String>,
}

impl TraceContext {
    /// Reads `traceparent` and `tracestate`. Nothing without a valid `traceparent`; a malformed `tracestate` alone is left out
    /// (W3C §3.3.1.3 and §4.3).
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let bytes = traceparent.as_bytes();
        if bytes.len() < LENGTH || [2, 35, 52].iter().any(|dash| bytes[*dash] != b'-') {
            return None;
        }
        let (version, flags) = (hex_byte(&bytes[..2])?, hex_byte(&bytes[53..55])?);
        // A later version may say more, after another dash; 255 is none (W3C §3.2.2.1, §4.3).
        let ends =
            if version == 0 { bytes.len() == LENGTH } else { bytes.get(LENGTH).is_none_or(|next| *next == b'-') };
        if version == 0xff || !ends || !traceparent.is_ascii() {
            return None;
        }
        Some(Self {
            trace_id: TraceId::parse(&traceparent[3..35])?,
            parent_id: SpanId::parse(&traceparent[36..52])?,
            sampled: flags & SAMPLED != 0,
            state: tracestate.filter(|state| is_state(state)).map(|state| state.trim_matches([' ', '\t']).to_owned()),
        })
    }

    /// The trace.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The span of the host under which the call stands.
    pub fn parent_id(&self) -> SpanId {
        self.parent_id
    }

    /// The `traceparent` of a request: the same trace, a span of its own.
    pub fn traceparent(&self, span: SpanId) -> String {
        format!("00-{}-{span}-{:02x}", self.trace_id, u8::from(self.sampled))
    }

    /// The `tracestate` of every request: the host's, unchanged.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let lower = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    lower.then(|| std::str::from_utf8(digits).ok().and_then(|text| u8::from_str_radix(text, 16).ok()))?
}

/// A list of `key=value` (W3C §3.3.1): no key twice, at most 32. Empty members count for nothing.
fn is_state(text: &str) -> bool {
    let members: Vec<&str> =
        text.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty()).collect();
    let mut keys: Vec<&str> = members.iter().filter_map(|member| member.split_once('=').map(|(key, _)| key)).collect();
    keys.sort_unstable();
    let many = keys.len();
    keys.dedup();
    !members.is_empty()
        && text.len() <= STATE_LENGTH
        && members.len() <= MEMBERS
        && keys.len() == many
        && members
            .iter()
            .all(|member| member.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value)))
}

/// `lcalpha` and 255 more, or `tenant@system` (W3C §3.3.1.3.1).
fn is_key(key: &str) -> bool {
    let rest = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/".contains(b);
    let part = |part: &str, first: fn(&u8) -> bool, most: usize| {
        let bytes = part.as_bytes();
        (1..=most).contains(&bytes.len()) && first(&bytes[0]) && bytes[1..].iter().all(rest)
    };
    match key.split_once('@') {
        Some((tenant, system)) => {
            part(tenant, |b| b.is_ascii_lowercase() || b.is_ascii_digit(), 241)
                && part(system, u8::is_ascii_lowercase, 14)
        }
        None => part(key, u8::is_ascii_lowercase, 256),
    }
}

/// Printable ASCII without `,` and `=`, at most 256, not empty (W3C §3.3.1.3.2); blanks at its end were trimmed.
fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len()) && value.bytes().all(|b| matches!(b, b' '..=b'~') && b != b',' && b != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_request_has_the_trace_and_a_span_of_its_own() {
        let context = TraceContext::parse(PARENT, Some("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")).unwrap();
        let span = SpanId::parse("b7ad6b7169203331").unwrap();
        assert_eq!(context.traceparent(span), "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01");
        assert_eq!(context.tracestate(), Some("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"));
        assert_eq!(context.parent_id().to_string(), "00f067aa0ba902b7");
        let unsampled = TraceContext::parse(&PARENT.replace("-01", "-fe"), None).unwrap();
        assert!(unsampled.traceparent(span).ends_with("-00"), "flags that nobody defined are not passed on");
    }

    #[test]
    fn what_is_malformed_is_no_context() {
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-+1",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473\u{e9}-0f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-\u{e9}",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::parse(wrong, None), None, "{wrong:?}");
        }
        // A later version is read as far as it is known.
        for later in [
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-else",
        ] {
            assert!(TraceContext::parse(later, None).is_some(), "{later}");
        }
    }

    #[test]
    fn a_malformed_state_is_left_out_and_the_trace_goes_on() {
        let state = |text: &str| TraceContext::parse(PARENT, Some(text)).unwrap().tracestate().map(str::to_owned);
        for right in ["a=1", "a=1, b=2", "1tenant@system=x", "a=1,,b=2", "a_-*/=~ !", "fw529a3039@dt=FfAAAAA"] {
            assert_eq!(state(right).as_deref(), Some(right));
        }
        assert_eq!(state(" a=1\t").as_deref(), Some("a=1"));
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
        let long = format!("a={}", "v".repeat(257));
        for wrong in [
            "",
            ",",
            "a",
            "a=",
            "=1",
            "A=1",
            "a=1,a=2",
            "a=1=2",
            "a=\u{e9}",
            "1a=1",
            "a@1b=1",
            "a=b\r\nx: y",
            &many.join(","),
            &long,
        ] {
            assert_eq!(state(wrong), None, "{wrong:?}");
        }
        assert!(state(&many[..32].join(",")).is_some());
    }
}
