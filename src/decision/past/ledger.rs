//! The ledger: which software was judged good and which bad. The last word about a piece of
//! software counts, and nothing is on both sides.

use crate::deployment::Software;
use crate::journal::Observation;

/// What was judged, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    software: Software,
    good: bool,
    guards: Vec<Observation>,
}

impl Ledger {
    /// Writes a judgement down. It strikes out what was said earlier of the same software, and what
    /// was said to the contrary of any that may be the same: where images are not known, one
    /// revision name may stand for several.
    pub(super) fn judge(&mut self, software: &Software, good: bool, guards: &[Observation]) {
        self.lines.retain(|line| {
            line.software != *software && (line.good == good || !line.software.may_be(software))
        });
        self.lines.push(Line {
            software: software.clone(),
            good,
            guards: guards.to_vec(),
        });
    }

    pub(super) fn good(&self) -> Vec<Software> {
        self.judged(true)
    }

    pub(super) fn bad(&self) -> Vec<Software> {
        self.judged(false)
    }

    pub(super) fn guards_of(&self, software: &Software) -> Option<&[Observation]> {
        let mut newest = self.lines.iter().rev();
        let line = newest.find(|line| line.good && line.software.may_be(software))?;
        Some(&line.guards)
    }

    fn judged(&self, good: bool) -> Vec<Software> {
        let lines = self.lines.iter().rev().filter(|line| line.good == good);
        lines.map(|line| line.software.clone()).collect()
    }
}
