//! The log: what parts of this program and of others say for whoever looks for a cause, as text or as one
//! JSON object a line. It goes wherever `cli` says, never to stdout, and secrets are masked in it.
//!
//! What happens at the daemon is told to people as text; where the log is JSON, it is told here, so that
//! every line can be read by a program. A line about a run or a window has its `trace_id`: under that name
//! its spans are found.

use std::fmt;
use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::otlp::trace_of_window;
use crate::plan::telemetry::LogFormat;
use crate::sample::CheckId;
use crate::secret::Mask;
use crate::store::history::{Happening, Seen};

/// What is said where nobody asks for more or less: warnings of everybody, and what we do ourselves; of
/// requests those that act or are refused.
pub const USUAL: &str = "warn,smokejumper=info";

/// A log that cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The wish of what to see cannot be understood.
    #[error("`{wish}` does not say what to log: {why}; write `info`, or `warn,smokejumper=debug`")]
    Wish {
        /// As it was given.
        wish: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is one already.
    #[error("the log has begun already")]
    Begun,
}

/// Begins the log of this process. `wish` says what to see, by level and by part, in the form of
/// `RUST_LOG`; `out` gets whole lines.
///
/// # Errors
/// When the wish makes no sense, or there is a log already.
pub fn begin<W>(format: LogFormat, wish: &str, mask: Mask, out: W) -> Result<(), LogError>
where
    W: Fn(&[u8]) + Clone + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(wish).map_err(|error| LogError::Wish {
        wish: wish.to_owned(),
        why: error.to_string(),
    })?;
    let writer = Masked { mask, out };
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(writer);
    let begun = match format {
        LogFormat::Text => registry.with(layer).try_init(),
        LogFormat::Json => registry
            .with(layer.json().flatten_event(true).with_current_span(false))
            .try_init(),
    };
    begun.map_err(|_| LogError::Begun)
}

/// What is told to people, as a part of the log: its name in a wish of what to see.
const TOLD: &str = "smokejumper::told";
/// Runs that did not pass, one line each: a wish of `smokejumper::runs=debug` shows them.
const RUNS: &str = "smokejumper::runs";

/// Says something that people are told.
pub fn say(text: &str) {
    tracing::info!(target: TOLD, "{}", text.trim_end());
}

/// Says what happened.
pub fn happened(happening: &Happening) {
    let service = happening.service.as_deref();
    let window = happening.window.as_deref();
    let check = happening.check.as_ref().map(CheckId::as_str);
    let trace_id = window.and_then(trace_of_window);
    let (kind, text) = (happening.kind, &happening.text);
    match happening.facts["severity"].as_str() {
        Some("critical") => {
            tracing::error!(target: TOLD, kind, service, window, check, trace_id, "{text}");
        }
        Some("warning") => {
            tracing::warn!(target: TOLD, kind, service, window, check, trace_id, "{text}");
        }
        _ => tracing::info!(target: TOLD, kind, service, window, check, trace_id, "{text}"),
    }
}

/// Says of a run that it did not pass, to those who wish to see each.
pub fn ran(seen: &Seen) {
    let Some(fault) = &seen.sample.fault else {
        return;
    };
    tracing::debug!(
        target: RUNS,
        service = &*seen.service,
        check = seen.sample.check.as_str(),
        window = seen.window.as_deref(),
        reason = fault.reason.code(),
        trace_id = seen.sample.trace.map(|trace| trace.text()),
        "{}",
        fault.detail
    );
}

/// Writes lines without what must not be seen in them.
#[derive(Clone)]
struct Masked<W> {
    mask: Mask,
    out: W,
}

impl<W> fmt::Debug for Masked<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masked")
    }
}

impl<'a, W: Fn(&[u8]) + Clone + 'a> MakeWriter<'a> for Masked<W> {
    type Writer = Line<'a, W>;

    fn make_writer(&'a self) -> Self::Writer {
        Line {
            of: self,
            bytes: Vec::new(),
        }
    }
}

/// One line on its way: masked when it is whole, since a secret may come in two pieces.
struct Line<'a, W: Fn(&[u8])> {
    of: &'a Masked<W>,
    bytes: Vec<u8>,
}

impl<W: Fn(&[u8])> Write for Line<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Fn(&[u8])> Drop for Line<'_, W> {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            let text = String::from_utf8_lossy(&self.bytes);
            (self.of.out)(self.of.mask.apply(&text).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_line_is_masked_whole() {
        let mask = Mask::default();
        mask.hide("canary-secret");
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&seen);
        let out = move |bytes: &[u8]| {
            let line = String::from_utf8_lossy(bytes).into_owned();
            kept.lock().unwrap().push(line);
        };
        let masked = Masked { mask, out };
        let mut line = masked.make_writer();
        line.write_all(b"the token is canary-").unwrap();
        line.write_all(b"secret\n").unwrap();
        drop(line);
        assert_eq!(*seen.lock().unwrap(), ["the token is ***\n"]);
    }

    #[test]
    fn a_wish_that_makes_no_sense_is_an_error_with_a_hint() {
        let error = begin(LogFormat::Text, "smokejumper=loud", Mask::default(), |_| {});
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with("`smokejumper=loud` does not say"),
            "{error}"
        );
        assert!(error.ends_with("`warn,smokejumper=debug`"), "{error}");
    }
}
