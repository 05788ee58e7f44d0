//! Knows whether a request may have left: HTTP libraries ask a body for its end or its first bytes only once there is a
//! connection to write the request to, and always before they write it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};

/// Set once the request may have left.
#[derive(Clone, Debug, Default)]
pub(super) struct Left(Arc<AtomicBool>);

impl Left {
    /// Whether the request may have left.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A whole body that sets [`Left`].
pub(super) struct TrackedBody {
    content: Full<Bytes>,
    left: Left,
    /// What leaves before the process dies, where a crash test wants that.
    #[cfg(feature = "failpoints")]
    half: Half,
}

#[cfg(feature = "failpoints")]
enum Half {
    Never,
    First(Bytes),
    Gone,
}

impl TrackedBody {
    pub(super) fn new(content: Bytes, left: Left) -> Self {
        Self {
            #[cfg(feature = "failpoints")]
            half: crate::failpoint::half(&content).map_or(Half::Never, Half::First),
            content: Full::new(content),
            left,
        }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.left.set();
        #[cfg(feature = "failpoints")]
        match std::mem::replace(&mut self.half, Half::Gone) {
            Half::Never => self.half = Half::Never,
            Half::First(half) => return Poll::Ready(Some(Ok(Frame::data(half)))),
            Half::Gone => {
                crate::failpoint::die_soon();
                return Poll::Pending;
            }
        }
        Pin::new(&mut self.content).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.left.set();
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}
