//! What one look at one endpoint saw, kept apart from the attempt until it is known which
//! endpoint's sight counts. Pure; filled by the chain kinds.

use std::time::Duration;

use super::head::Head;
use super::progress::{Advance, Progress};
use crate::clock::WallTime;
use crate::probe::Attempt;
use crate::sample::{Reading, Unit};

/// The readings and notes of one look.
#[derive(Debug, Default)]
pub struct Sighting {
    readings: Vec<Reading>,
    notes: Vec<String>,
    advance: Option<Advance>,
    /// Whether the endpoint limited our rate where that was no fault of the look.
    pub limited: bool,
}

/// The readings that every chain kind gives, with their meaning.
pub const HEAD_READINGS: [(&str, Unit, &str); 8] = [
    (
        "head",
        Unit::Number,
        "The height of the node's newest block.",
    ),
    (
        "head_age",
        Unit::Seconds,
        "How old that block is by this machine's clock.",
    ),
    (
        "head_advance",
        Unit::Number,
        "By how many blocks it is above the highest one that earlier samples saw.",
    ),
    (
        "since_advance",
        Unit::Seconds,
        "Since when no sample saw a higher block.",
    ),
    (
        "endpoint",
        Unit::Number,
        "Which endpoint answered: 1 is the first; more means that a fallback was used.",
    ),
    (
        "throttled",
        Unit::Number,
        "How many of the endpoints asked limited our rate of requests, or wanted to be paid.",
    ),
    (
        "lag",
        Unit::Number,
        "How many blocks the node lacks that the references agree on.",
    ),
    (
        "references",
        Unit::Number,
        "How many of the references answered in a way that was of use.",
    ),
];

impl Sighting {
    /// Keeps a number.
    pub fn reading(&mut self, name: &str, value: f64, unit: Unit) {
        self.readings.push(Reading::new(name, value, unit));
    }

    /// Keeps what a person should know, once.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Keeps the head, beside the heads seen before; `skew` is how far ahead its producer may date it.
    pub fn head(&mut self, head: &Head, advance: Advance, now: WallTime, skew: Duration) {
        // Heights and differences of heights lie far below 2^53, up to which a float is exact.
        self.reading("head", head.height as f64, Unit::Number);
        if let Some(age) = head.age(now) {
            self.reading("head_age", age.as_secs_f64(), Unit::Seconds);
        }
        self.reading("head_advance", advance.blocks as f64, Unit::Number);
        let standing = advance.since_advance.as_secs_f64();
        self.reading("since_advance", standing, Unit::Seconds);
        self.advance = Some(advance);
        if let Some(note) = head.clock_note(now, skew) {
            self.note(note);
        }
        if advance.began_anew {
            self.note(format!(
                "the head went back by {} blocks to {}: the chain began anew, or this is another one",
                advance.blocks.unsigned_abs(),
                head.height
            ));
        }
    }

    /// Takes back how old the head is and how long it stands: a threshold on them would condemn a
    /// node for what the whole chain does.
    pub fn without_ages(&mut self) {
        let of_age = |name: &str| matches!(name, "head_age" | "since_advance");
        self.readings.retain(|reading| !of_age(&reading.name));
    }

    /// Replaces every note by what `masked` makes of it.
    pub fn mask(&mut self, masked: impl Fn(&str) -> String) {
        for note in &mut self.notes {
            *note = masked(note);
        }
    }

    /// Tells the attempt what was seen, and remembers the head.
    pub fn report(self, attempt: &mut Attempt, progress: &mut Progress) {
        for reading in self.readings {
            attempt.reading(&reading.name, reading.value, reading.unit);
        }
        for note in self.notes {
            attempt.note(note);
        }
        if let Some(advance) = self.advance {
            progress.keep(advance);
        }
    }
}
