//! `--report samples`: records a window while it runs. Lines are written through as the samples come,
//! so that a long window needs no memory for them; a file takes its place when it is whole.
//!
//! A recording from which samples are missing would replay to another verdict, so it is no file at
//! all, and an error.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use tokio::task::JoinHandle;

use super::terminal::{Replacement, Terminal, named};
use crate::engine::tape::{Tape, Taping};
use crate::report::samples::Lines;
use crate::secret::Mask;

/// A recording that is being made.
#[derive(Debug)]
pub struct Recorder(JoinHandle<io::Result<()>>);

/// Begins to record to a file, or to stdout without one.
#[must_use]
pub fn record(file: Option<&Path>, mask: &Mask) -> (Tape, Recorder) {
    let (tape, taping) = Tape::queue();
    let (file, lines) = (file.map(Path::to_owned), Lines::new(mask.clone()));
    // Writing blocks, and must not block a thread on which probes run.
    let writing = tokio::task::spawn_blocking(move || match file {
        Some(file) => to_file(&file, taping, lines).map_err(|error| named(&file, &error)),
        None => to_stdout(taping, lines),
    });
    (tape, Recorder(writing))
}

impl Recorder {
    /// Waits until everything is written. Everyone who records must be gone.
    ///
    /// # Errors
    /// When it could not be, or samples were lost.
    pub async fn finish(self) -> io::Result<()> {
        match self.0.await {
            Ok(written) => written,
            Err(panic) => Err(io::Error::other(panic)),
        }
    }
}

fn to_file(file: &Path, mut taping: Taping, mut lines: Lines) -> io::Result<()> {
    let mut out = BufWriter::new(Replacement::begin(file)?);
    while let Some(taped) = taping.wait() {
        out.write_all(lines.line(&taped)?.as_bytes())?;
    }
    is_whole(&taping)?;
    let out = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    out.put()
}

fn to_stdout(mut taping: Taping, mut lines: Lines) -> io::Result<()> {
    while let Some(taped) = taping.wait() {
        Terminal::masked_data(&lines.line(&taped)?)?;
    }
    is_whole(&taping)
}

fn is_whole(taping: &Taping) -> io::Result<()> {
    match taping.lost() {
        0 => Ok(()),
        lost => Err(io::Error::other(format!(
            "{lost} samples came faster than they could be written, so that the recording is not whole"
        ))),
    }
}
