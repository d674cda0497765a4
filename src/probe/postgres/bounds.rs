//! Lets in only as much of PostgreSQL's messages as a check may read.
//!
//! A message begins with its length, and the client library makes room for all of it before any of
//! it is here: five bytes of a stranger would cost two gigabytes. Here the announcement itself is
//! too much when it is beyond what is still allowed, and so is a stream of small messages without
//! end. What a step of the talk may bring is allowed step by step, on a kept connection anew in
//! each run.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// How much may still come, seen from outside the stream.
#[derive(Debug, Default)]
pub struct Allowance {
    left: AtomicU64,
    limit: AtomicU64,
}

impl Allowance {
    /// Lets so many bytes in from here on.
    pub fn renew(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Relaxed);
        self.left.store(bytes, Ordering::Relaxed);
    }

    fn exceeded(&self) -> io::Error {
        io::Error::other(TooMuch {
            allowed: self.limit.load(Ordering::Relaxed),
        })
    }
}

/// More came, or was announced, than allowed. Found inside the [`io::Error`] of the read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {allowed} bytes")]
pub struct TooMuch {
    /// How many bytes are allowed.
    pub allowed: u64,
}

impl TooMuch {
    /// The one in an error or in a cause of it.
    pub fn inside(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            let io = error.downcast_ref::<io::Error>();
            let found = io
                .and_then(io::Error::get_ref)
                .and_then(|inner| inner.downcast_ref::<Self>());
            if let Some(found) = found {
                return Some(*found);
            }
            cause = error.source();
        }
        None
    }
}

/// A stream of the server's messages that is bounded.
#[derive(Debug)]
pub struct Messages<S> {
    inner: S,
    allowance: Arc<Allowance>,
    at: At,
    /// What a login binds itself to, where the stream is that of a TLS session.
    binding: Option<Vec<u8>>,
}

/// Where in the stream of messages the next byte stands.
#[derive(Clone, Copy, Debug)]
enum At {
    /// In the head of a message: its kind, and its length in four bytes, of which so many are here.
    Head([u8; HEAD], usize),
    /// Before so many bytes of its body.
    Body(u64),
    /// After a length that is none: the library refuses it, and what follows has no meaning.
    Lost,
}

/// One byte of kind and four of length; the length counts itself and what follows.
const HEAD: usize = 5;
/// How many bytes the length itself takes.
const LENGTH: u32 = 4;

impl At {
    const START: Self = Self::Head([0; HEAD], 0);

    /// Follows the stream over these bytes; says the largest body that is announced in them and
    /// not here yet.
    fn advance(&mut self, mut bytes: &[u8]) -> u64 {
        let mut outstanding = 0;
        while !bytes.is_empty() {
            match self {
                Self::Head(head, known) => {
                    let taken = bytes.len().min(HEAD - *known);
                    head[*known..*known + taken].copy_from_slice(&bytes[..taken]);
                    *known += taken;
                    bytes = &bytes[taken..];
                    if *known == HEAD {
                        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
                        *self = length
                            .checked_sub(LENGTH)
                            .map_or(Self::Lost, |body| Self::of_body(u64::from(body)));
                    }
                }
                Self::Lost => return outstanding,
                Self::Body(left) => {
                    let here = u64::try_from(bytes.len()).unwrap_or(u64::MAX).min(*left);
                    bytes = &bytes[usize::try_from(here).unwrap_or(bytes.len())..];
                    *self = Self::of_body(*left - here);
                }
            }
            if let Self::Body(left) = self {
                let here = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                outstanding = outstanding.max(left.saturating_sub(here));
            }
        }
        outstanding
    }

    const fn of_body(left: u64) -> Self {
        match left {
            0 => Self::START,
            left => Self::Body(left),
        }
    }
}

impl<S> Messages<S> {
    /// Bounds the messages in `inner`; nothing is allowed yet.
    pub fn new(inner: S, binding: Option<Vec<u8>>) -> (Self, Arc<Allowance>) {
        let allowance = Arc::new(Allowance::default());
        let messages = Self {
            inner,
            allowance: Arc::clone(&allowance),
            at: At::START,
            binding,
        };
        (messages, allowance)
    }

    fn admit(&mut self, bytes: &[u8]) -> io::Result<()> {
        let here = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let outstanding = self.at.advance(bytes);
        let left = self.allowance.left.load(Ordering::Relaxed);
        match left.checked_sub(here) {
            Some(left) if outstanding <= left => {
                self.allowance.left.store(left, Ordering::Relaxed);
                Ok(())
            }
            _ => Err(self.allowance.exceeded()),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Messages<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        if matches!(read, Poll::Ready(Ok(())))
            && let Err(error) = self.admit(&buffer.filled()[before..])
        {
            // A read that fails has read nothing.
            buffer.set_filled(before);
            return Poll::Ready(Err(error));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Messages<S> {
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
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Messages<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let binding = self.binding.clone();
        binding.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// What becomes of bytes that come in pieces of this size.
    async fn read(bytes: &[u8], allowed: u64, piece: usize) -> Result<Vec<u8>, io::Error> {
        let (mut near, far) = tokio::io::duplex(piece);
        let (mut messages, allowance) = Messages::new(far, None);
        allowance.renew(allowed);
        let writing = async {
            // A reader that gives up breaks the pipe: that is the outcome under test.
            near.write_all(bytes).await.ok();
            drop(near);
        };
        let mut all = Vec::new();
        let (_, read) = tokio::join!(writing, async {
            let read = messages.read_to_end(&mut all).await;
            drop(messages);
            read
        });
        read.map(|_| all)
    }

    #[tokio::test]
    async fn messages_pass_up_to_the_limit_however_they_are_cut() {
        let two = b"Z\0\0\0\x05IC\0\0\0\x0aBEGIN\0";
        for piece in [1, 3, 5, 64] {
            assert_eq!(read(two, 17, piece).await.unwrap(), two);
            let error = read(two, 16, piece).await.unwrap_err();
            assert_eq!(TooMuch::inside(&error), Some(TooMuch { allowed: 16 }));
        }
    }

    #[tokio::test]
    async fn an_announcement_is_refused_before_anything_of_it_is_here() {
        for announced in [&b"D\x40\0\0\0"[..], b"R\xff\xff\xff\xff", b"D\0\0\0\x09"] {
            let error = read(announced, 9, 64).await.unwrap_err();
            assert!(TooMuch::inside(&error).is_some(), "{announced:?}");
        }
        assert!(read(b"D\0\0\0\x08", 9, 64).await.is_ok());
    }

    #[tokio::test]
    async fn a_length_that_is_none_is_left_to_the_library() {
        assert!(
            read(b"D\0\0\0\x02garbage that means nothing", 64, 64)
                .await
                .is_ok()
        );
    }
}
