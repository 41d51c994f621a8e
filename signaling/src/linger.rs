//! A TCP connection that ends without losing its last words.
//!
//! A server that closes a socket with unread input sends a reset, and the reset may overtake the
//! `413` or the close frame that says why. So a connection is closed in two steps: first our side,
//! then, once the client has closed its own or after a short while, the rest.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

/// How long a client may take to notice that it is over.
const LINGER: Duration = Duration::from_secs(2);

/// Input thrown away at most while lingering; a client that sends more is reset after all.
const LINGER_BYTES: usize = 4 * 1024 * 1024;

/// A connection that counts against the limit of connections until it is really gone.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Option<TcpStream>,
    permit: Option<OwnedSemaphorePermit>,
    /// The client has closed its side, so nothing can be unread.
    input_ended: bool,
}

impl Connection {
    pub(crate) const fn new(stream: TcpStream, permit: OwnedSemaphorePermit) -> Self {
        Self { stream: Some(stream), permit: Some(permit), input_ended: false }
    }

    fn stream(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(self.stream.as_mut().expect("the stream is only taken when dropping"))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let (Some(stream), Some(permit)) = (self.stream.take(), self.permit.take()) else {
            return;
        };
        // Without a runtime, the process is ending and takes the connection with it.
        if !self.input_ended
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(linger(stream, permit));
        }
    }
}

async fn linger(mut stream: TcpStream, _permit: OwnedSemaphorePermit) {
    let drain = async {
        stream.shutdown().await?;
        let mut scratch = [0; 4096];
        let mut left = LINGER_BYTES;
        while left > 0 {
            match stream.read(&mut scratch).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        io::Result::Ok(())
    };
    // Whether it ended well or not, the connection is over.
    let _ = tokio::time::timeout(LINGER, drain).await;
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let poll = self.stream().poll_read(cx, buffer);
        if let Poll::Ready(result) = &poll {
            let ended = buffer.filled().len() == filled && buffer.remaining() > 0;
            self.input_ended |= result.is_err() || ended;
        }
        poll
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}
