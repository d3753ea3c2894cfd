//! The stream under a dialogue: plain or TLS, with a cap on what is read and an eye on the final dot.
//!
//! The mail library reads a line until it ends, however long, and does not say how far a failed message came. Both are
//! answered here.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

/// The most that a server may say between two of our commands.
pub(super) const REPLY_MAX: usize = 64 * 1024;
/// What ends a message.
const FINAL_DOT: &[u8] = b"\r\n.\r\n";

/// Whether the final dot of the present message was written, or may have been.
#[derive(Debug, Clone, Default)]
pub(super) struct FinalDot(Arc<AtomicBool>);

impl FinalDot {
    pub(super) fn is_written(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    pub(super) fn reset(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// What carries the bytes.
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A stream that the mail library drives.
pub(super) struct Wire {
    transport: Transport,
    /// What the library is to read first: the greeting that was read before TLS.
    first: &'static [u8],
    unread: usize,
    final_dot: FinalDot,
}

impl Wire {
    pub(super) fn new(transport: Transport, first: &'static [u8], final_dot: FinalDot) -> Self {
        Self { transport, first, unread: REPLY_MAX, final_dot }
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let (now, later) = self.first.split_at(self.first.len().min(buf.remaining()));
            buf.put_slice(now);
            self.first = later;
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        let read = buf.filled().len() - before;
        match self.unread.checked_sub(read) {
            Some(left) => self.unread = left,
            None => return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "an endless reply"))),
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.unread = REPLY_MAX;
        // Set before the write: part of it may go out even if it fails.
        if buf.ends_with(FINAL_DOT) {
            self.final_dot.0.store(true, Ordering::SeqCst);
        }
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.transport {
            Transport::Plain(stream) => stream.peer_addr(),
            Transport::Tls(stream) => stream.get_ref().0.peer_addr(),
        }
    }
}
