//! Prints each step as `STEP ok <title> — <detail>`, which `cargo xtask demo` shows as a timeline.

use std::time::Duration;

use gladhand::{Code, Document, Error, Result};

/// An environment variable that the demo sets.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// One step and whether it went as it should.
pub(crate) fn expect(title: &str, good: bool, detail: impl AsRef<str>) {
    println!("STEP {} {title} — {}", if good { "ok" } else { "FAIL" }, detail.as_ref());
}

/// A string or number of a document, as text; empty if it is not there.
pub(crate) fn text(document: &Document, pointer: &str) -> String {
    document.text(pointer).or_else(|| document.number(pointer).map(str::to_owned)).unwrap_or_default()
}

/// Something that the morning cannot go on without.
pub(crate) fn missing(what: &str) -> Error {
    Error::new(Code::UnexpectedAnswer, format!("the sandbox gave no sign of {what}"))
}

/// Asks again, for at most ten seconds, until there is an answer.
pub(crate) async fn eventually<T, F, Fut>(mut ask: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>>>,
{
    for _ in 0..200 {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(missing("the change that was asked for"))
}
