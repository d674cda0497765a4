//! What a program writes: read to its end, so that the program is never held up, and kept only as far
//! as the check allows; of the rest just the last words.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::clock::{Clock, Moment};
use crate::sample::{Fault, Reason};

/// One output of a program.
#[derive(Debug)]
pub(super) struct Output {
    /// The beginning, at most `largest` bytes.
    kept: Vec<u8>,
    /// The end of what did not fit.
    last: Vec<u8>,
    /// How much was written in all.
    pub(super) written: u64,
    /// When the first byte came.
    pub(super) first: Option<Moment>,
    largest: usize,
}

impl Output {
    pub(super) const fn new(largest: usize) -> Self {
        Self {
            kept: Vec::new(),
            last: Vec::new(),
            written: 0,
            first: None,
            largest,
        }
    }

    /// Reads until the other side closes.
    pub(super) async fn fill(
        &mut self,
        stream: Option<impl AsyncRead + Unpin>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<()> {
        let Some(mut stream) = stream else {
            return Ok(());
        };
        let mut buffer = vec![0; AT_ONCE];
        loop {
            let count = stream.read(&mut buffer).await?;
            if count == 0 {
                return Ok(());
            }
            self.first.get_or_insert_with(|| clock.now());
            self.take(&buffer[..count]);
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.written = self.written.saturating_add(bytes.len() as u64);
        let room = self.largest - self.kept.len();
        let (fits, rest) = bytes.split_at(room.min(bytes.len()));
        self.kept.extend_from_slice(fits);
        let rest = &rest[rest.len().saturating_sub(LAST)..];
        let surplus = (self.last.len() + rest.len()).saturating_sub(LAST);
        self.last.drain(..surplus);
        self.last.extend_from_slice(rest);
    }

    /// What was kept, as a text; what is no UTF-8 becomes `�`.
    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.kept)
    }

    /// That all of it was kept.
    pub(super) fn must_fit(&self, name: &str) -> Result<(), Fault> {
        if self.written > self.kept.len() as u64 {
            let (largest, written) = (self.largest, self.written);
            let detail = format!(
                "its {name} is {written} bytes, more than the {largest} that are read: raise `max_output`"
            );
            return Err(Fault::new(Reason::TooLarge, detail));
        }
        Ok(())
    }

    /// The last line that says something.
    pub(super) fn last_line(&self) -> Option<String> {
        let end = match self.last.is_empty() {
            true => &self.kept[self.kept.len().saturating_sub(LAST)..],
            false => &self.last,
        };
        let text = String::from_utf8_lossy(end);
        let mut lines = text.lines().rev().map(str::trim);
        lines.find(|line| !line.is_empty()).map(str::to_owned)
    }
}

/// What a pipe of Linux holds.
const AT_ONCE: usize = 65_536;
/// Enough for the last line of a complaint.
const LAST: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_kept_and_the_last_line_known_however_much_comes() {
        let mut output = Output::new(10);
        output.take(b"0123456");
        assert!(output.must_fit("output").is_ok());
        assert_eq!(output.last_line().unwrap(), "0123456");
        for _ in 0..1_000 {
            output.take(b"789 and much more\n");
        }
        output.take(b"the end\n\n");
        assert_eq!(output.text(), "0123456789");
        assert_eq!(output.last_line().unwrap(), "the end");
        assert_eq!(output.written, 7 + 18 * 1_000 + 9);
        let fault = output.must_fit("output").unwrap_err();
        assert_eq!(fault.reason, Reason::TooLarge);
        assert!(output.last.len() <= LAST);
    }

    #[test]
    fn what_is_no_utf_8_stays_readable() {
        let mut output = Output::new(100);
        output.take(b"caf\xe9 \xff\n");
        assert_eq!(output.text().trim_end(), "caf\u{fffd} \u{fffd}");
    }
}
