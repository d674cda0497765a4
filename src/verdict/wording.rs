//! What an operator reads at three in the morning: one line, numbers included, 160 characters at
//! most. Words only; nothing is decided here.

use std::fmt;
use std::time::Duration;

use super::threshold::{Comparison, Course, Limit, Measure, Subject, Way};
use crate::quantity::human;
use crate::window::CommonFault;

/// The longest line: two rows of an 80-column terminal.
const LONGEST: usize = 160;

/// A limit as declared: `> 5 %`.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = amount(self.value, self.measure);
        let sign = match self.comparison {
            Comparison::Across(course) => return f.write_str(&declared(course, &value)),
            Comparison::Above => ">",
            Comparison::AtLeast => ">=",
            Comparison::Below => "<",
            Comparison::AtMost => "<=",
            Comparison::Equal => "==",
            Comparison::Unequal => "!=",
        };
        write!(f, "{sign} {value}")
    }
}

/// What is declared of the course of a reading: `stable within 30 %`.
fn declared(course: Course, value: &str) -> String {
    match course {
        Course::Advances => format!("advances within {value}"),
        Course::NeverDecreases => "never decreases".to_owned(),
        Course::Changes => format!("changes less than {value}"),
        Course::Stable(Way::Either) => format!("stable within {value}"),
        Course::Stable(Way::Down) => format!("drops less than {value} from before"),
        Course::Stable(Way::Up) => format!("grows less than {value} from before"),
    }
}

/// `head stands at 107 for 1m15s, must advance within 1m`.
pub(super) fn standing(name: &str, at: f64, lasted: Duration, falls: u64, limit: Limit) -> String {
    let fell = match falls {
        0 => String::new(),
        falls => format!(", after it fell {}", plural(falls, "time")),
    };
    let (at, lasted) = (number(at), duration(lasted));
    format!(
        "{name} stands at {at} for {lasted}{fell}, {}",
        limited(limit)
    )
}

/// `orders fell from 107 to 100, 3 samples below, must never decrease`.
pub(super) fn fallen(name: &str, from: f64, to: f64, below: u64, limit: Limit) -> String {
    let (from, to) = (number(from), number(to));
    let below = plural(below, "sample");
    format!(
        "{name} fell from {from} to {to}, {below} below, {}",
        limited(limit)
    )
}

/// How far a reading has moved.
pub(super) struct Moved {
    /// From where.
    pub(super) from: f64,
    /// To where.
    pub(super) to: f64,
    /// By how much, in the measure of its limit.
    pub(super) by: f64,
    /// In how many samples in a row it was too far.
    pub(super) samples: u64,
    /// Whether it is compared with before, and not with the beginning of the window.
    pub(super) is_of_before: bool,
}

/// `active_users 70 is 41.7 % from 120 before in 3 samples in a row, must stay within 30 %`.
pub(super) fn moved(name: &str, moved: &Moved, limit: Limit) -> String {
    let (from, to) = (number(moved.from), number(moved.to));
    let by = amount(moved.by, limit.measure);
    let when = if moved.is_of_before {
        "before"
    } else {
        "at first"
    };
    let row = match moved.samples {
        1 => String::new(),
        samples => format!(" in {samples} samples in a row"),
    };
    format!(
        "{name} {to} is {by} from {from} {when}{row}, {}",
        limited(limit)
    )
}

/// `1,440`: a number of windows, to be imagined.
pub(super) fn thousands(value: f64) -> String {
    if value >= 1e6 {
        return "a million".to_owned();
    }
    let whole = value as u64;
    match whole {
        0..1_000 => whole.to_string(),
        _ => format!("{},{:03}", whole / 1_000, whole % 1_000),
    }
}

/// `error rate 12.1 % over 58 samples, limit 5 %`.
pub(super) fn summary_breach(subject: &Subject, value: f64, samples: u64, limit: Limit) -> String {
    let limited = limited(limit);
    if *subject == Subject::ConsecutiveFailures {
        return format!("{} in a row, {limited}", plural(value as u64, "failure"));
    }
    breach_over(
        subject,
        value,
        &format!("over {}", plural(samples, "sample")),
        limit,
    )
}

/// The same over other samples than those of one window; `over` says over which.
pub(super) fn breach_over(subject: &Subject, value: f64, over: &str, limit: Limit) -> String {
    let (name, value) = (
        subject.name().replace('_', " "),
        amount(value, limit.measure),
    );
    format!("{name} {value} {over}, {}", limited(limit))
}

/// `used_pct 93 for 1m, limit 90`; `lasted` says for how long.
pub(super) fn reading_breach(reading: &str, value: f64, lasted: &str, limit: Limit) -> String {
    let value = amount(value, limit.measure);
    format!("{reading} {value}{lasted}, {}", limited(limit))
}

/// `7 × status: expected 200, got 500`.
pub(super) fn common_fault(fault: &CommonFault) -> String {
    let code = fault.last.reason.code();
    let detail = fault.last.detail.trim();
    let detail = detail
        .strip_prefix(code)
        .map_or(detail, |rest| rest.trim_start_matches([':', ' ']));
    let last = if fault.alike { "" } else { "last " };
    match detail.is_empty() {
        true => format!("{} × {code}", fault.count),
        false => format!("{} × {code}: {last}{detail}", fault.count),
    }
}

/// One line of bounded length: control characters become spaces, what is too long an ellipsis.
pub(super) fn one_line(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = text.chars().map(clean).collect();
    if line.chars().count() <= LONGEST {
        return line;
    }
    let kept: String = line.chars().take(LONGEST - 1).collect();
    format!("{}…", kept.trim_end())
}

/// `1 sample`, `2 samples`.
pub(super) fn plural(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// `45 s`, `850 ms`, `1m30s`.
pub(super) fn duration(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds >= 60.0 {
        return human(Duration::from_secs(span.as_secs()));
    }
    if seconds >= 1.0 || span.is_zero() {
        return format!("{} s", number(seconds));
    }
    format!("{} ms", number(seconds * 1e3))
}

/// `12.1 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = if percent < 1.0 { 2 } else { 1 };
    format!("{} %", trimmed(percent, decimals))
}

fn limited(limit: Limit) -> String {
    let value = amount(limit.value, limit.measure);
    match limit.comparison {
        Comparison::Above => format!("limit {value}"),
        Comparison::AtLeast => format!("must stay below {value}"),
        Comparison::Below => format!("must be at least {value}"),
        Comparison::AtMost => format!("must be above {value}"),
        Comparison::Equal => format!("must not be {value}"),
        Comparison::Unequal => format!("must be {value}"),
        Comparison::Across(Course::Advances) => format!("must advance within {value}"),
        Comparison::Across(Course::NeverDecreases) => "must never decrease".to_owned(),
        Comparison::Across(Course::Changes) => format!("must change by less than {value}"),
        Comparison::Across(Course::Stable(Way::Either)) => format!("must stay within {value}"),
        Comparison::Across(Course::Stable(Way::Down)) => format!("must drop by less than {value}"),
        Comparison::Across(Course::Stable(Way::Up)) => format!("must grow by less than {value}"),
    }
}

/// A value in what it is measured in: `12.1 %`, `2.4 s`, `93`.
pub(super) fn amount(value: f64, measure: Measure) -> String {
    match measure {
        Measure::Share => percent(value),
        Measure::Seconds => match Duration::try_from_secs_f64(value) {
            Ok(span) => duration(span),
            Err(_) => format!("{} s", number(value)),
        },
        Measure::Number => number(value),
    }
}

fn number(value: f64) -> String {
    let decimals = if value.abs() < 0.1 { 3 } else { 1 };
    trimmed(value, decimals)
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Fault, Phase, Reason};

    fn above(value: f64, measure: Measure) -> Limit {
        Limit {
            comparison: Comparison::Above,
            value,
            measure,
        }
    }

    #[test]
    fn breaches_read_as_a_person_would_say_them() {
        use Measure::{Number, Seconds, Share};
        use Subject::{Availability, ConsecutiveFailures, ErrorRate, Max, Quantile};
        let least = Limit {
            comparison: Comparison::Below,
            value: 0.99,
            measure: Share,
        };
        let cases = [
            (
                ErrorRate,
                7.0 / 58.0,
                above(0.05, Share),
                "error rate 12.1 % over 58 samples, limit 5 %",
            ),
            (
                ErrorRate,
                0.004,
                above(0.001, Share),
                "error rate 0.4 % over 58 samples, limit 0.1 %",
            ),
            (
                Availability,
                0.9,
                least,
                "availability 90 % over 58 samples, must be at least 99 %",
            ),
            (
                Quantile(None, 0.95),
                2.4,
                above(2.0, Seconds),
                "p95 2.4 s over 58 samples, limit 2 s",
            ),
            (
                Quantile(Some(Phase::Tls), 0.5),
                0.151,
                above(0.1, Seconds),
                "tls.p50 151 ms over 58 samples, limit 100 ms",
            ),
            (
                Max(None),
                75.0,
                above(60.0, Seconds),
                "max 1m15s over 58 samples, limit 1m",
            ),
            (
                ConsecutiveFailures,
                5.0,
                above(3.0, Number),
                "5 failures in a row, limit 3",
            ),
        ];
        for (subject, value, limit, expected) in cases {
            assert_eq!(summary_breach(&subject, value, 58, limit), expected);
        }
    }

    #[test]
    fn the_commonest_fault_is_counted_and_quoted_once() {
        let common = |detail: &str, alike| {
            let last = Fault::new(Reason::Status, detail);
            common_fault(&CommonFault {
                count: 7,
                last,
                alike,
            })
        };
        let cases = [
            (
                "expected 200, got 500",
                true,
                "7 × status: expected 200, got 500",
            ),
            (
                "status: expected 200, got 500",
                true,
                "7 × status: expected 200, got 500",
            ),
            (
                "expected 200, got 503",
                false,
                "7 × status: last expected 200, got 503",
            ),
            ("", true, "7 × status"),
        ];
        for (detail, alike, expected) in cases {
            assert_eq!(common(detail, alike), expected);
        }
    }

    #[test]
    fn whatever_a_server_said_stays_one_short_line() {
        let line = one_line(&format!("first\nsecond\t{}", "é".repeat(500)));
        assert!(line.starts_with("first second é"));
        assert_eq!(line.chars().count(), LONGEST);
        assert!(line.ends_with('…'));
    }
}
