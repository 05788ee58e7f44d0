//! The context of a call: the token behind an `AbortSignal` (the TypeScript half listens to the signal and cancels the token),
//! and the host's trace.

use napi_derive::napi;

use crate::environment;

/// Cancels the calls that were started with it.
#[napi]
pub struct CancelToken(gladhand_ffi::CancelToken);

#[napi]
impl CancelToken {
    /// A token that nobody has cancelled yet, of a call of this trace. A worker that ends cancels it.
    #[napi(constructor)]
    pub fn new(traceparent: Option<String>, tracestate: Option<String>) -> Self {
        Self(environment::token().in_trace(traceparent.as_deref(), tracestate.as_deref()))
    }

    /// Cancels. A call that already left is resolved by the journal, never withdrawn by this.
    #[napi]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// The core's token of a call; one of its own where the caller gave none: an object of JavaScript costs more than a short call.
pub(crate) fn token(given: Option<&CancelToken>) -> gladhand_ffi::CancelToken {
    given.map_or_else(environment::token, |token| token.0.clone())
}
