//! Recorded samples: a file with one JSON object a line, read into the samples that the judge met.
//!
//! The lines stand in the order in which the samples reached the judge. It reads one line at a time
//! and holds no more, however long the file is. It refuses, with file and line, whatever cannot be
//! what was meant: a verdict on half-understood data would be worth nothing. A last line that was
//! cut off is refused as well: whoever cut it may have cut more. Empty lines, a byte order mark and
//! carriage returns are passed over, and keys that only a newer version knows. Called by `replay`.

mod error;
mod line;
mod roster;

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use self::error::{RecordingError, Wrong};
use self::line::{KEYS, Line, Pairs};
pub use self::roster::Roster;
use self::roster::Seat;
use crate::clock::{Moment, WallTime};
use crate::config::suggestion;
use crate::sample::{
    CheckId, Fault, Outcome, Phase, Phases, Reading, Reason, Sample, Sending, Unit,
};

/// The longest line: a sample has a few hundred bytes, and one with a long fault a few thousand.
const LONGEST_LINE: usize = 1 << 20;
/// No run of a probe takes longer; what is beyond is a slip of units.
const LONGEST_LATENCY: Duration = Duration::from_secs(24 * 60 * 60);
/// Opens a recording; its name goes with it.
///
/// # Errors
/// When the file cannot be opened.
pub fn open(path: &Path) -> Result<(String, File), RecordingError> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => Ok((name, file)),
        Err(error) => Err(RecordingError {
            file: name.into(),
            line: 0,
            wrong: Wrong::Unreadable(error),
        }),
    }
}

/// A recording that is being read.
#[derive(Debug)]
pub struct Recording<'a, R> {
    file: Arc<str>,
    input: BufReader<R>,
    buffer: Vec<u8>,
    roster: &'a Roster,
    line: u64,
    newest: (Duration, u64),
    /// The last sample that was read; each takes the place of the one before.
    sample: Sample,
    /// When the window began, where the recording says so.
    pub window_start: Option<WallTime>,
    /// How many samples are of checks that are declared and not judged.
    pub unjudged: u64,
    /// The first key that this version does not know, and its line.
    pub strange: Option<(String, u64)>,
}

/// How much is read at once.
const CHUNK: usize = 256 * 1024;

impl<'a, R: Read> Recording<'a, R> {
    /// A recording under the name by which the user knows it.
    pub fn new(file: &str, input: R, roster: &'a Roster) -> Self {
        Self {
            file: Arc::from(file),
            input: BufReader::with_capacity(CHUNK, input),
            buffer: Vec::new(),
            roster,
            line: 0,
            newest: (Duration::ZERO, 0),
            sample: blank(),
            window_start: None,
            unjudged: 0,
            strange: None,
        }
    }

    /// The next sample of a check that is judged, and the place of that check among those that are
    /// judged; `None` at the end of the file.
    ///
    /// # Errors
    /// What is wrong with the recording, and on which line.
    pub fn next_sample(&mut self) -> Result<Option<(usize, &Sample)>, RecordingError> {
        loop {
            if !self.read_line()? {
                return Ok(None);
            }
            let buffer = std::mem::take(&mut self.buffer);
            let place = self.take(&buffer);
            self.buffer = buffer;
            if let Some(place) = place.map_err(|wrong| self.error(wrong))? {
                return Ok(Some((place, &self.sample)));
            }
        }
    }

    /// An error at the line that is being read.
    fn error(&self, wrong: Wrong) -> RecordingError {
        RecordingError {
            file: Arc::clone(&self.file),
            line: self.line,
            wrong,
        }
    }

    /// Reads the next line, its end included; says whether there was one.
    fn read_line(&mut self) -> Result<bool, RecordingError> {
        self.buffer.clear();
        self.line += 1;
        let most = LONGEST_LINE as u64 + 1;
        let read = self
            .input
            .by_ref()
            .take(most)
            .read_until(b'\n', &mut self.buffer);
        match read {
            Ok(0) => Ok(false),
            Ok(_) if self.buffer.len() > LONGEST_LINE => Err(self.error(Wrong::TooLong)),
            Ok(_) => Ok(true),
            Err(error) => Err(self.error(Wrong::Unreadable(error))),
        }
    }

    /// Takes in the sample of a line and says the place of its check; nothing for an empty line and
    /// for a check that is not judged.
    fn take(&mut self, whole: &[u8]) -> Result<Option<usize>, Wrong> {
        let bytes = match self.line {
            1 => whole.strip_prefix(BYTE_ORDER_MARK).unwrap_or(whole),
            _ => whole,
        };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let line = Line::read(bytes).map_err(|error| refused(bytes, &error))?;
        if let (Some(key), None) = (&line.strange, &self.strange) {
            self.strange = Some((key.to_string(), self.line));
        }
        let after = time(&line)?;
        if let (Some(text), None) = (&line.window_start, self.window_start) {
            self.window_start = Some(wall(text).ok_or(Wrong::NotATime)?);
        }
        let name = line.check.as_deref().ok_or(Wrong::Missing("check"))?;
        match self.roster.seats.get(name) {
            Some(Some(seat)) => {
                self.in_order(after)?;
                fill(&mut self.sample, &line, seat, after)?;
                Ok(Some(seat.place))
            }
            Some(None) => {
                self.unjudged += 1;
                Ok(None)
            }
            None if self.roster.is_of_another_time => {
                self.unjudged += 1;
                Ok(None)
            }
            None => Err(self.unknown_check(name)),
        }
    }

    /// Checks the order of what is judged; how long others may take is not known.
    fn in_order(&mut self, after: Duration) -> Result<(), Wrong> {
        let (newest, at) = self.newest;
        if after >= newest {
            self.newest = (after, self.line);
        } else if newest - after > self.roster.late_at_most {
            let seconds = (newest - after).as_secs_f64();
            return Err(Wrong::OutOfOrder { seconds, line: at });
        }
        Ok(())
    }

    fn unknown_check(&self, name: &str) -> Wrong {
        let mut known: Vec<&str> = self.roster.seats.keys().map(AsRef::as_ref).collect();
        known.sort_unstable();
        Wrong::UnknownCheck {
            name: name.to_owned(),
            hint: suggestion::did_you_mean(name, known),
        }
    }

    /// What the reader of the report should know of how the recording was read.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let strange = self.strange.as_ref().map(|(key, line)| {
            let hint = suggestion::nearest(key, KEYS);
            let hint = hint.map(|hint| format!("; did you mean `{hint}`?"));
            format!(
                "line {line}: the key `{key}` is not known here and was passed over{}",
                hint.unwrap_or_default()
            )
        });
        let unjudged = (self.unjudged > 0).then(|| {
            format!(
                "samples of checks that are not selected were left out: {}",
                self.unjudged
            )
        });
        strange.into_iter().chain(unjudged).collect()
    }
}

fn time(line: &Line<'_>) -> Result<Duration, Wrong> {
    let seconds = line.t.ok_or(Wrong::Missing("t"))?;
    Duration::try_from_secs_f64(seconds).map_err(|_| Wrong::BadNumber {
        key: "t",
        value: seconds,
        must: "the seconds since the start of the window",
    })
}

/// What is said of a sample that did not pass and does not say why.
const NO_REASON: &str = "the recording gives no reason";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a line could not be read as JSON. serde's place is within the line, so only its column says
/// something.
fn refused(bytes: &[u8], error: &serde_json::Error) -> Wrong {
    if std::str::from_utf8(bytes).is_err() {
        return Wrong::NotText;
    }
    if error.is_eof() && !bytes.ends_with(b"\n") {
        return Wrong::CutOff;
    }
    let (told, column) = (error.to_string(), error.column());
    let place = format!(" at line {} column {column}", error.line());
    match told.strip_suffix(&place) {
        Some(told) => Wrong::NotASample(format!("{told} (column {column})")),
        None => Wrong::NotASample(told),
    }
}

fn fill(sample: &mut Sample, line: &Line<'_>, seat: &Seat, after: Duration) -> Result<(), Wrong> {
    (sample.outcome, sample.fault) = ending(line)?;
    sample.latency = match line.latency_ms {
        Some(millis) => span("latency_ms", millis)?,
        // What never answered took no time that anybody measured; what passed did.
        None if sample.outcome != Outcome::Pass => Duration::ZERO,
        None => return Err(Wrong::Missing("latency_ms")),
    };
    sample.check.clone_from(&seat.check);
    sample.started = Moment::ORIGIN + after;
    sample.phases = phases(line.phases_ms.as_ref())?;
    sample.readings.clear();
    sample
        .readings
        .extend(readings(line.readings.as_ref(), seat));
    sample.retries = line.retries.unwrap_or_default();
    sample.closer_look = line.closer_look.unwrap_or_default();
    sample.sending = sending(line)?;
    Ok(())
}

/// A sample of nothing, to be filled.
fn blank() -> Sample {
    Sample {
        check: CheckId::new(""),
        started: Moment::ORIGIN,
        latency: Duration::ZERO,
        phases: Phases::default(),
        outcome: Outcome::Unknown,
        fault: None,
        readings: Vec::new(),
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
        sending: None,
        session: None,
        trace: None,
    }
}

/// How the run ended, and why. Whoever could not look has learnt nothing, whichever of the two
/// fields says so.
fn ending(line: &Line<'_>) -> Result<(Outcome, Option<Fault>), Wrong> {
    let ok = line.ok.ok_or(Wrong::Missing("ok"))?;
    let unknown = line.unknown.unwrap_or_default();
    let code = line.reason.as_deref().filter(|code| !code.is_empty());
    if ok && !unknown {
        return match code {
            None => Ok((Outcome::Pass, None)),
            Some(_) => Err(Wrong::Contradiction),
        };
    }
    let detail = line.detail.as_deref().unwrap_or_default();
    let words = || match detail {
        "" => Cow::Borrowed(NO_REASON),
        words => Cow::Borrowed(words),
    };
    let (reason, detail) = match (code, code.and_then(Reason::of_code)) {
        (_, Some(reason)) => (reason, Cow::Borrowed(detail)),
        (None, None) if unknown => (Reason::Abandoned, words()),
        (None, None) => (Reason::Expectation, words()),
        // Words of another recorder: kept for people, and by themselves no excuse.
        (Some(code), None) => {
            let words = [code, detail].map(str::trim).into_iter();
            let words: Vec<&str> = words.filter(|words| !words.is_empty()).collect();
            let reason = if unknown {
                Reason::Abandoned
            } else {
                Reason::Expectation
            };
            (reason, Cow::Owned(words.join(": ")))
        }
    };
    let outcome = if unknown {
        Outcome::Unknown
    } else {
        reason.outcome()
    };
    Ok((outcome, Some(Fault::new(reason, detail))))
}

/// What an open loop wrote; nothing where none of its keys is there.
fn sending(line: &Line<'_>) -> Result<Option<Sending>, Wrong> {
    let is_sent = line.unsent.is_some() || line.in_flight.is_some() || line.waited_ms.is_some();
    let waited = line.waited_ms.unwrap_or_default();
    let waited = span("waited_ms", waited)?;
    Ok(is_sent.then(|| Sending {
        waited,
        unsent: line.unsent.unwrap_or_default(),
        in_flight: line.in_flight.unwrap_or_default(),
    }))
}

fn span(key: &'static str, millis: f64) -> Result<Duration, Wrong> {
    // Milliseconds with six decimals are whole nanoseconds.
    let span = Duration::try_from_secs_f64(millis / 1e3).ok();
    span.filter(|span| *span <= LONGEST_LATENCY)
        .ok_or(Wrong::BadNumber {
            key,
            value: millis,
            must: "milliseconds between 0 and a day",
        })
}

fn phases(pairs: Option<&Pairs<'_>>) -> Result<Phases, Wrong> {
    let mut phases = Phases::default();
    for (name, millis) in pairs.iter().flat_map(|pairs| &pairs.0) {
        let phase = Phase::ALL.into_iter().find(|phase| phase.name() == name);
        if let Some(phase) = phase {
            phases.add(phase, span("phases_ms", *millis)?);
        }
    }
    Ok(phases)
}

fn readings(pairs: Option<&Pairs<'_>>, seat: &Seat) -> impl Iterator<Item = Reading> {
    let unit = |name: &str| {
        let known = seat.units.iter().find(|(known, ..)| *known == name);
        known.map_or(Unit::Number, |(_, unit, _)| *unit)
    };
    let pairs = pairs.into_iter().flat_map(|pairs| &pairs.0);
    pairs.map(move |(name, value)| Reading::new(name, *value, unit(name)))
}

fn wall(text: &str) -> Option<WallTime> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    let since = Duration::try_from(timestamp.duration_since(jiff::Timestamp::UNIX_EPOCH)).ok()?;
    Some(WallTime::since_unix_epoch(since))
}

#[cfg(test)]
mod tests;
