//! A stream that counts what goes through it, and stamps when: the client above tells neither when
//! the request has left nor when the first byte of the answer came. It also ends the reading of an
//! answer that never becomes one: informational answers, frames or chunk headers without end.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::bounded::Overflow;
use crate::clock::{Clock, Moment};

/// What went through a stream, and when, seen from outside it.
#[derive(Debug)]
pub struct Counts(Mutex<Seen>);

/// When the bytes of one exchange went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// When the last byte of the request had left.
    pub sent: Option<Moment>,
    /// When something was read for the first time.
    pub first_read: Option<Moment>,
    /// When something, or the end, was read for the last time.
    pub last_read: Option<Moment>,
}

#[derive(Debug)]
struct Seen {
    clock: Arc<dyn Clock>,
    read: u64,
    written: u64,
    /// Beyond this count, reading fails.
    most: u64,
    /// Before this count of bytes written the request has not left.
    whole: u64,
    /// Whether what is written after that may be something else.
    other: bool,
    /// Whether something was written and not yet flushed.
    unflushed: bool,
    stamps: Stamps,
}

impl Counts {
    /// Bytes read so far.
    pub fn read(&self) -> u64 {
        self.seen().read
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.seen().written
    }

    /// Begins an exchange, stamped by `clock`: `most` bytes may come in from here on. The request
    /// has at least `size` bytes. Where `other` things may be written after it, it has left with so
    /// many of them; else with the last one before the answer.
    pub fn begin(&self, clock: Arc<dyn Clock>, most: u64, size: u64, other: bool) {
        let mut seen = self.seen();
        seen.clock = clock;
        seen.most = seen.read.saturating_add(most);
        seen.whole = seen.written.saturating_add(size);
        seen.other = other;
        seen.stamps = Stamps::default();
    }

    /// When the bytes of this exchange went through, as far as they did.
    pub fn stamps(&self) -> Stamps {
        self.seen().stamps
    }

    /// Whether more came than was allowed.
    pub fn exceeded(&self) -> bool {
        self.seen().exceeded()
    }

    /// Whole even where a panic held it: every change is one of plain numbers.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    const fn exceeded(&self) -> bool {
        self.read > self.most
    }

    fn came(&mut self, bytes: u64) {
        let now = self.clock.now();
        self.read += bytes;
        self.stamps.first_read.get_or_insert(now);
        self.stamps.last_read = Some(now);
    }

    const fn went(&mut self, bytes: u64) {
        self.unflushed = true;
        self.written += bytes;
    }

    /// What was written has left.
    fn flushed(&mut self) {
        let went = std::mem::take(&mut self.unflushed);
        let settled = self.other && self.stamps.sent.is_some();
        if went && !settled && self.written >= self.whole {
            self.stamps.sent = Some(self.clock.now());
        }
    }
}

/// A stream with its counts.
#[derive(Debug)]
pub struct Counted<S> {
    inner: S,
    counts: Arc<Counts>,
}

impl<S> Counted<S> {
    /// Counts what goes through `inner`, and stamps it by `clock`.
    pub fn new(inner: S, clock: Arc<dyn Clock>) -> (Self, Arc<Counts>) {
        let counts = Arc::new(Counts(Mutex::new(Seen {
            clock,
            read: 0,
            written: 0,
            most: u64::MAX,
            whole: 0,
            other: true,
            unflushed: false,
            stamps: Stamps::default(),
        })));
        let counted = Self {
            inner,
            counts: Arc::clone(&counts),
        };
        (counted, counts)
    }

    fn count_written(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.counts.seen().went(*bytes as u64);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        if read.is_pending() {
            return read;
        }
        let mut seen = self.counts.seen();
        seen.came((buffer.filled().len() - before) as u64);
        if seen.exceeded() {
            // A read that fails has read nothing.
            buffer.set_filled(before);
            return Poll::Ready(Err(io::Error::other(Overflow)));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.count_written(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.counts.seen().flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.count_written(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::WallTime;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Every look at it is a second later.
    #[derive(Debug, Default)]
    struct Steps(AtomicU64);

    impl Clock for Steps {
        fn now(&self) -> Moment {
            at(self.0.fetch_add(1, Ordering::Relaxed))
        }
        fn wall(&self) -> WallTime {
            WallTime::default()
        }
    }

    fn at(second: u64) -> Moment {
        Moment::at(Duration::from_secs(second))
    }

    #[tokio::test]
    async fn the_last_byte_of_the_request_and_the_first_and_last_of_the_answer_are_stamped() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let (mut stream, counts) = Counted::new(ours, Arc::new(Steps::default()));
        counts.begin(Arc::new(Steps::default()), 100, 5, false);
        // The first half is no request yet; what follows the second may belong to it.
        for sent in [None, Some(at(0)), Some(at(1))] {
            stream.write_all(b"half").await.unwrap();
            stream.flush().await.unwrap();
            stream.flush().await.unwrap();
            assert_eq!(counts.stamps().sent, sent);
        }
        theirs.write_all(b"abc").await.unwrap();
        for _ in 0..3 {
            stream.read_u8().await.unwrap();
        }
        let stamps = counts.stamps();
        assert_eq!(stamps.first_read, Some(at(2)));
        assert_eq!(stamps.last_read, Some(at(4)));
        assert_eq!((counts.written(), counts.read()), (12, 3));
    }

    #[tokio::test]
    async fn what_follows_a_whole_request_is_no_part_of_it() {
        let (ours, _theirs) = tokio::io::duplex(64);
        let (mut stream, counts) = Counted::new(ours, Arc::new(Steps::default()));
        stream.write_all(b"before").await.unwrap();
        counts.begin(Arc::new(Steps::default()), 100, 6, true);
        for sent in [None, Some(at(0)), Some(at(0))] {
            stream.write_all(b"1234").await.unwrap();
            stream.flush().await.unwrap();
            assert_eq!(counts.stamps().sent, sent);
        }
    }

    #[tokio::test]
    async fn more_than_was_allowed_is_not_let_in() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let (mut stream, counts) = Counted::new(ours, Arc::new(Steps::default()));
        counts.begin(Arc::new(Steps::default()), 2, 1, false);
        theirs.write_all(b"abc").await.unwrap();
        assert!(stream.read(&mut [0; 9]).await.is_err());
        assert!(counts.exceeded());
    }
}
