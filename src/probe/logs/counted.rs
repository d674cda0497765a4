//! What was counted in a log, and what that means for the check.

use std::time::Duration;

use super::Expectation;
use super::discretion::excerpt;
use crate::expect::{Inquiry, Matcher};
use crate::probe::Attempt;
use crate::quantity::human;
use crate::sample::{Fault, Reason, Unit};

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counted {
    /// Lines that match.
    pub(super) matches: u64,
    /// Lines that were looked at.
    pub(super) lines: u64,
    /// Whether any line was written at all, looked at or not.
    pub(super) is_silent: bool,
    /// The last line that matches.
    pub(super) last: Option<String>,
    /// Over how long.
    pub(super) span: Duration,
    /// Why it is not all of them; absent where it is.
    pub(super) partial: Option<String>,
}

impl Counted {
    /// Counts a line.
    pub(super) fn take(&mut self, line: &str, is_match: bool) {
        self.lines += 1;
        if is_match {
            self.matches += 1;
            self.last = Some(excerpt(line));
        }
    }

    /// Hands the numbers to the attempt.
    pub(super) fn record(&self, attempt: &mut Attempt) {
        attempt.reading("matches", self.matches as f64, Unit::Number);
        attempt.reading("lines", self.lines as f64, Unit::Number);
        if let Some(rate) = self.per_minute() {
            attempt.reading("matches_per_minute", rate, Unit::Number);
        }
        if let Some(why) = &self.partial {
            attempt.note(format!("not all lines were counted: {why}"));
        }
    }

    fn per_minute(&self) -> Option<f64> {
        let minutes = self.span.as_secs_f64() / SECONDS_A_MINUTE;
        (minutes > 0.0).then(|| self.matches as f64 / minutes)
    }

    /// Whether it is as expected; without an expectation, no line may match.
    pub(super) fn judge(&self, expected: &Expectation, may_be_silent: bool) -> Result<(), Fault> {
        let none = Matcher::equal(0);
        let of_matches = match (&expected.matches, &expected.per_minute) {
            (None, None) => Some(&none),
            (matches, _) => matches.as_deref(),
        };
        let over = human(Duration::from_secs(self.span.as_secs().max(1)));
        let last = self.last.as_ref();
        let last = last.map_or_else(String::new, |line| format!("; the last: {line}"));
        let questions = [
            ("matching lines", of_matches, Some(self.matches.into())),
            (
                "matching lines a minute",
                expected.per_minute.as_deref(),
                self.per_minute().map(|rate| serde_json::json!(rate)),
            ),
        ];
        let mut inquiry = Inquiry::default();
        for (what, matcher, value) in questions {
            let (Some(matcher), Some(value)) = (matcher, value) else {
                continue;
            };
            inquiry.ask_dated(|| {
                let mismatch = matcher.judge(&value).mismatch()?;
                Some(format!("{what} in {over}: {mismatch}{last}"))
            });
        }
        inquiry.end()?;
        if let Some(why) = &self.partial {
            let detail = format!("not all lines of {over} could be counted: {why}");
            return Err(Fault::new(Reason::NoData, detail));
        }
        if self.is_silent && !may_be_silent {
            let detail = format!(
                "no line at all was written in {over}: nothing is known (`may_be_silent: true` where that is well)"
            );
            return Err(Fault::new(Reason::NoData, detail));
        }
        Ok(())
    }
}

const SECONDS_A_MINUTE: f64 = 60.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(matches: u64) -> Counted {
        Counted {
            matches,
            lines: 10,
            span: Duration::from_secs(120),
            ..Counted::default()
        }
    }

    fn at_most(matches: Option<u64>, per_minute: Option<u64>) -> Expectation {
        let most = |most: u64| serde_json::from_value(serde_json::json!({ "le": most })).unwrap();
        Expectation {
            matches: matches.map(most),
            per_minute: per_minute.map(most),
        }
    }

    #[test]
    fn the_worst_is_told_first_and_silence_is_no_pass() {
        let partial = |matches| Counted {
            partial: Some("too many".to_owned()),
            ..counted(matches)
        };
        let silent = Counted {
            is_silent: true,
            ..counted(0)
        };
        let cases = [
            (counted(0), at_most(None, None), None),
            (counted(1), at_most(None, None), Some(Reason::Expectation)),
            (counted(3), at_most(Some(3), None), None),
            (
                counted(3),
                at_most(None, Some(1)),
                Some(Reason::Expectation),
            ),
            (counted(2), at_most(None, Some(1)), None),
            (
                partial(5),
                at_most(Some(3), None),
                Some(Reason::Expectation),
            ),
            (partial(1), at_most(Some(3), None), Some(Reason::NoData)),
            (silent, at_most(None, None), Some(Reason::NoData)),
        ];
        for (counted, expected, reason) in cases {
            let judged = counted.judge(&expected, false);
            let met = judged.err().map(|fault| fault.reason);
            assert_eq!(met, reason, "{counted:?}");
        }
        let silent = Counted {
            is_silent: true,
            ..counted(0)
        };
        assert!(silent.judge(&at_most(None, None), true).is_ok());
    }
}
