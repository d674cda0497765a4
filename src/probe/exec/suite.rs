//! A suite of tests that was run, whoever ran it: how many there were, which failed and why; and what
//! that means for the check. A suite in which nothing was tested is never a pass.

use super::program::Finished;
use super::told::Told;
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason};

/// A suite of tests.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Suite {
    /// How many were run.
    pub(super) tests: usize,
    /// How many did not find what they expected.
    pub(super) failures: usize,
    /// How many broke off.
    pub(super) errors: usize,
    /// How many were not run.
    pub(super) skipped: usize,
    /// Those that failed or broke off, as far as they are told one by one.
    pub(super) bad: Vec<Bad>,
}

/// A test that failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) name: String,
    pub(super) message: String,
}

impl Suite {
    /// Counts a test that was run and is well.
    pub(super) const fn passed(&mut self) {
        self.tests += 1;
    }

    /// Counts a test that failed, or broke off.
    pub(super) fn failed(&mut self, name: &str, message: &str, broke_off: bool) {
        self.tests += 1;
        match broke_off {
            true => self.errors += 1,
            false => self.failures += 1,
        }
        if self.bad.len() < MOST_BAD {
            self.bad.push(Bad {
                name: one_line(name),
                message: one_line(message),
            });
        }
    }

    /// Tells the counts.
    pub(super) fn tell(&self, told: &mut Told) {
        told.count("tests", self.tests);
        told.count("failures", self.failures);
        told.count("errors", self.errors);
        told.count("skipped", self.skipped);
    }

    /// Whether the suite passed: each test that did not is a reason of its own.
    pub(super) fn judge(&self, finished: &Finished) -> Result<(), Fault> {
        let failed = self.failures + self.errors;
        if let Some((first, others)) = self.bad.split_first() {
            let (name, tests) = (&first.name, self.tests);
            let detail = match failed {
                1 => format!("{name} failed, of {tests} tests{}", first.why()),
                _ => format!(
                    "{name} failed, one of {failed} among {tests} tests{}",
                    first.why()
                ),
            };
            let others = others
                .iter()
                .map(|bad| format!("{} failed{}", bad.name, bad.why()));
            return Err(Fault::new(Reason::Expectation, detail).further(others));
        }
        if self.tests == 0 {
            let detail = match self.skipped {
                0 => format!("no test was run{}", finished.last_words()),
                all => format!("all {all} tests were skipped: nothing was tested"),
            };
            return Err(Fault::new(Reason::NoData, detail));
        }
        match finished.ended.status() {
            Some(0) => Ok(()),
            status => {
                let (tests, status) = (self.tests, status.unwrap_or_default());
                let detail = format!(
                    "none of {tests} tests failed, yet it ended with status {status}{}",
                    finished.last_words()
                );
                Err(Fault::new(Reason::Status, detail))
            }
        }
    }
}

impl Bad {
    fn why(&self) -> String {
        match self.message.is_empty() {
            true => String::new(),
            false => format!(": {}", self.message),
        }
    }
}

/// As many as a fault carries, and the first.
const MOST_BAD: usize = 21;
