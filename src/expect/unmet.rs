//! Expectations asked one after the other: the first that is not met is the fault, and those after it
//! are not evaluated. A wrong answer is seldom wrong in one place only, and the first says which it is.

use crate::clock::WallTime;
use crate::sample::{Fault, Reason};

use super::{Answer, Matcher};

/// An expectation that is not met: those after it are not evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// What was expected and what was there, on one line.
    pub text: String,
    /// Whether that depends on what time it is.
    pub is_dated: bool,
    /// How many expectations come after it.
    pub after: usize,
}

impl Unmet {
    /// It in words, with the number of those that were not evaluated.
    #[must_use]
    pub fn told(&self) -> String {
        match self.after {
            0 => self.text.clone(),
            more => format!("{} ({more} more not evaluated)", self.text),
        }
    }

    /// The failure that it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let fault = Fault::new(Reason::Expectation, self.told());
        match self.is_dated {
            true => fault.dated(),
            false => fault,
        }
    }
}

/// Asks expectations in their order until one is not met.
#[derive(Debug, Default)]
pub struct Inquiry {
    now: Option<WallTime>,
    unmet: Option<Unmet>,
}

impl Inquiry {
    /// Begins one; what time it is, where that is known.
    #[must_use]
    pub const fn at(now: Option<WallTime>) -> Self {
        Self { now, unmet: None }
    }

    /// Asks the next expectation: what it lacks, if anything. It is not evaluated after one that was
    /// not met.
    pub fn ask(&mut self, lack: impl FnOnce() -> Option<String>) {
        self.next(false, lack);
    }

    /// As [`Inquiry::ask`], of what depends on the time itself: how many days are left.
    pub fn ask_dated(&mut self, lack: impl FnOnce() -> Option<String>) {
        self.next(true, lack);
    }

    /// Asks what a matcher expects of what is called `name`.
    pub fn ask_of(
        &mut self,
        name: &str,
        matcher: &Matcher,
        judge: impl FnOnce(&Matcher, Option<WallTime>) -> Answer,
    ) {
        self.ask_for(matcher, |matcher, now| {
            let mismatch = judge(matcher, now).mismatch()?;
            Some(format!("{name}: {mismatch}"))
        });
    }

    /// As [`Inquiry::ask_of`], where what is lacking takes other words.
    pub fn ask_for(
        &mut self,
        matcher: &Matcher,
        lack: impl FnOnce(&Matcher, Option<WallTime>) -> Option<String>,
    ) {
        let now = self.now;
        self.next(matcher.is_dated(), || lack(matcher, now));
    }

    fn next(&mut self, is_dated: bool, lack: impl FnOnce() -> Option<String>) {
        match &mut self.unmet {
            Some(unmet) => unmet.after += 1,
            none => {
                *none = lack().map(|text| Unmet {
                    text,
                    is_dated,
                    after: 0,
                });
            }
        }
    }

    /// The first that was not met.
    #[must_use]
    pub fn unmet(self) -> Option<Unmet> {
        self.unmet
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`Reason::Expectation`] with the first that was not met, and how many come after it.
    pub fn end(self) -> Result<(), Fault> {
        self.unmet.map_or(Ok(()), |unmet| Err(unmet.fault()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_comes_after_the_first_that_is_not_met_is_not_evaluated() {
        let mut inquiry = Inquiry::default();
        inquiry.ask(|| None);
        inquiry.ask_of("n", &Matcher::equal(1), |one, _| one.judge(&2.into()));
        inquiry.ask(|| panic!("it is evaluated"));
        inquiry.ask_of("m", &Matcher::equal(1), |_, _| panic!("it is evaluated"));
        let fault = inquiry.end().unwrap_err();
        assert_eq!(fault.reason, Reason::Expectation);
        assert_eq!(fault.detail, "n: expected 1, got 2 (2 more not evaluated)");
        assert!(!fault.dated);
        assert_eq!(Inquiry::default().end(), Ok(()));
    }

    #[test]
    fn a_fault_depends_on_the_time_where_what_is_not_met_does() {
        let now = WallTime::since_unix_epoch(Duration::from_secs(1_000));
        let age: Matcher = serde_json::from_str(r#"{"age":{"lt":"60s"}}"#).unwrap();
        for (date, is_dated) in [(970, false), (900, true)] {
            let mut inquiry = Inquiry::at(Some(now));
            inquiry.ask_of("at", &age, |age, now| age.judge_at(&date.into(), now));
            inquiry.ask(|| Some("another".to_owned()));
            assert_eq!(inquiry.end().unwrap_err().dated, is_dated, "{date}");
        }
    }
}
