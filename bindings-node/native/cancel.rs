//! The token behind an `AbortSignal`: the TypeScript half listens to the signal and cancels the token.

use napi_derive::napi;

/// Cancels the calls that were started with it.
#[napi]
pub struct CancelToken(gladhand_ffi::CancelToken);

#[napi]
impl CancelToken {
    /// A token that nobody has cancelled yet.
    #[napi(constructor)]
    #[allow(clippy::new_without_default, reason = "napi needs the constructor, nobody needs the default")]
    pub fn new() -> Self {
        Self(gladhand_ffi::CancelToken::new())
    }

    /// Cancels. A call that already left is resolved by the journal, never withdrawn by this.
    #[napi]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// The core's token of a call; one of its own where the caller gave none.
pub(crate) fn token(given: Option<&CancelToken>) -> gladhand_ffi::CancelToken {
    given.map(|token| token.0.clone()).unwrap_or_default()
}
