//! A stream that lets only so many bytes in, for clients whose own reading knows no limit.
//!
//! Wrap the connection before it is handed to such a client: a target that sends without end then
//! costs bandwidth until the limit and no memory beyond it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream of which at most a number of bytes can be read.
#[derive(Debug)]
pub struct Bounded<S> {
    inner: S,
    left: u64,
}

/// More bytes came than allowed. Found inside the [`io::Error`] that the read ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is larger than allowed")]
pub struct Overflow;

impl<S> Bounded<S> {
    /// Lets `limit` bytes of `inner` in.
    #[must_use]
    pub const fn new(inner: S, limit: u64) -> Self {
        Self { inner, left: limit }
    }

    /// Allows `limit` more bytes from here on: the next answer on a kept connection.
    pub const fn renew(&mut self, limit: u64) {
        self.left = limit;
    }

    /// The stream inside.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }
}

/// Whether an error, or a cause of it, is that the answer was larger than allowed.
#[must_use]
pub fn is_overflow(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inside = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .is_some_and(|inner| inner.is::<Overflow>());
        if inside || error.is::<Overflow>() {
            return true;
        }
        cause = error.source();
    }
    false
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        if matches!(read, Poll::Ready(Ok(()))) {
            let came = (buffer.filled().len() - before) as u64;
            match self.left.checked_sub(came) {
                Some(left) => self.left = left,
                None => {
                    // A read that fails has read nothing.
                    buffer.set_filled(before);
                    return Poll::Ready(Err(io::Error::other(Overflow)));
                }
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn exactly_the_limit_is_let_in_and_one_byte_more_is_not() {
        let mut all = Vec::new();
        Bounded::new(&b"12345"[..], 5)
            .read_to_end(&mut all)
            .await
            .unwrap();
        assert_eq!(all, b"12345");
        let error = Bounded::new(&b"123456"[..], 5)
            .read_to_end(&mut Vec::new())
            .await
            .unwrap_err();
        assert!(is_overflow(&error));
        assert!(!is_overflow(&io::Error::other("something else")));
    }
}
