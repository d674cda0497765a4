//! What a program told besides whether all is well: numbers and remarks, as many as a sample holds.

use super::Attempt;
use crate::probe::wire::said::one_line;
use crate::sample::Unit;
use crate::secret::Mask;

/// Numbers and remarks of a program.
#[derive(Debug, Default)]
pub(super) struct Told {
    readings: Vec<(String, f64, Unit)>,
    notes: Vec<String>,
}

impl Told {
    /// A number; nothing where it is none, or under a name that is taken.
    pub(super) fn reading(&mut self, name: &str, value: f64, unit: Unit) {
        let name = one_line(name);
        let is_taken = self.readings.iter().any(|(known, ..)| *known == name);
        let has_room = self.readings.len() < MOST_READINGS;
        if value.is_finite() && !name.is_empty() && !is_taken && has_room {
            self.readings.push((name, value, unit));
        }
    }

    /// A count of things.
    pub(super) fn count(&mut self, name: &str, count: usize) {
        self.reading(name, count as f64, Unit::Number);
    }

    /// A remark for people.
    pub(super) fn note(&mut self, note: &str) {
        if self.notes.len() < MOST_NOTES {
            self.notes.push(one_line(note));
        }
    }

    /// Hands all of it to the attempt, without what must not be seen.
    pub(super) fn record(self, attempt: &mut Attempt, mask: &Mask) {
        for (name, value, unit) in self.readings {
            attempt.latest(&mask.apply(&name), value, unit);
        }
        for note in self.notes {
            attempt.note(mask.apply(&note));
        }
    }
}

/// A window holds as many for each of its samples.
const MOST_READINGS: usize = 200;
const MOST_NOTES: usize = 20;
