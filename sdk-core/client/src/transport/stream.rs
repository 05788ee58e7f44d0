//! One connection: bytes, the facts of its handshake, and its end when the generation is cut.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::cut::Cut;
use super::facts::ConnectionFacts;
use super::failure::Refusal;

/// What a response tells of the connection that it came over.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) facts: Arc<ConnectionFacts>,
    /// When, on the monotonic clock.
    pub(crate) at: Duration,
    /// Whether anything was ever answered on it.
    pub(crate) answered: Arc<AtomicBool>,
}

/// A TLS connection of one generation.
pub(crate) struct Stream {
    inner: TokioIo<TlsStream<TcpStream>>,
    made: Made,
    cut: Cut,
    cutting: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Stream {
    pub(super) fn new(inner: TlsStream<TcpStream>, made: Made, cut: Cut) -> Self {
        let cutting = Box::pin(cut.token().clone().cancelled_owned());
        Self { inner: TokioIo::new(inner), made, cut, cutting }
    }

    pub(super) fn facts(&self) -> &Arc<ConnectionFacts> {
        &self.made.facts
    }

    /// Fails once the generation is cut; else makes sure that the task hears of it.
    fn uncut(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.cut.token().is_cancelled() || self.cutting.as_mut().poll(context).is_ready() {
            let why = self.cut.check().err().map(Refusal);
            let kind = io::ErrorKind::ConnectionAborted;
            return Err(why.map_or_else(|| kind.into(), |why| io::Error::new(kind, why)));
        }
        Ok(())
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.uncut(context)?;
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.uncut(context)?;
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.uncut(context)?;
        Pin::new(&mut self.inner).poll_write_vectored(context, bytes)
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(self.made.clone());
        match self.made.facts.alpn.as_deref() {
            Some("h2") => connected.negotiated_h2(),
            _ => connected,
        }
    }
}
