//! What can be wrong with a recording, in words that name the file and the line.

use std::fmt;
use std::io;
use std::sync::Arc;

/// Why a recording cannot be read, and where.
#[derive(Debug, thiserror::Error)]
#[error("{file}{}: {wrong}", Place(*line))]
pub struct RecordingError {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The line, counted from 1; 0 when it is about the whole file.
    pub line: u64,
    /// What is wrong.
    #[source]
    pub wrong: Wrong,
}

/// What can be wrong with a recording.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The line is too long to be a sample.
    #[error("the line is longer than 1 MiB, and a sample is not")]
    TooLong,
    /// The line is no text.
    #[error("the line is not UTF-8")]
    NotText,
    /// The file ends within a line.
    #[error("the file ends in the middle of this line; remove the line to judge what is before it")]
    CutOff,
    /// The line is no sample.
    #[error("not a sample: {0}")]
    NotASample(String),
    /// Something that every sample has.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A time or a span that cannot be one.
    #[error("`{key}` is {value}, and must be {must}")]
    BadNumber {
        /// The key.
        key: &'static str,
        /// What is written.
        value: f64,
        /// What it must be.
        must: &'static str,
    },
    /// A check that the configuration does not declare.
    #[error("the configuration declares no check `{name}`{}", hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    UnknownCheck {
        /// Its name.
        name: String,
        /// What may have been meant.
        hint: Option<String>,
    },
    /// Samples in another order than that of their arrival.
    #[error(
        "this sample is {seconds:.1} s older than the one of line {line}; samples stand in the order in which they were taken: sort the file by `t`"
    )]
    OutOfOrder {
        /// By how much.
        seconds: f64,
        /// Where the newest one stands.
        line: u64,
    },
    /// A sample that passed and says why it did not.
    #[error("`ok` is true, and there is a `reason`; one of the two is wrong")]
    Contradiction,
    /// Not a time.
    #[error("`window_start` is no time as 2026-11-21T08:50:00Z")]
    NotATime,
}

/// `:17`, or nothing for the whole file.
struct Place(u64);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            line => write!(f, ":{line}"),
        }
    }
}
