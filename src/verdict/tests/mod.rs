//! What holds of the judge: tables, one row a case with its reason in words, and laws.

mod baseline;
mod bench;
mod bench_laws;
mod courses;
mod failures;
mod few;
mod laws;
mod load;
mod readings;
mod scenarios;
mod spans;

use std::sync::Arc;
use std::time::Duration;

use super::threshold::{Comparison, Limit, Measure, Subject, Threshold};
use super::{CheckFacts, Closing, Finding, Rules, Sufficiency, Verdict, judge};
use crate::clock::Moment;
use crate::sample::{CheckId, Fault, Outcome, Phases, Reading, Reason, Sample, Unit};
use crate::window::{Window, WindowBounds};

/// The start of every window, and the time between two samples.
const START: Duration = Duration::from_secs(1_000);
const EVERY: Duration = Duration::from_secs(5);

/// Samples as a line of letters, one each 5 s from the start: `.` passes in 40 ms, `s` in 3 s, `F`
/// answers wrongly, `E` cannot be reached, `U` is unknown, `_` is missing; a digit passes with
/// a `lag` of ten times it, and `T` is unknown with a `lag` of 90.
fn samples(line: &str) -> Vec<Sample> {
    let starts = (0..).map(|n| Moment::at(START + EVERY * n));
    starts
        .zip(line.chars())
        .filter_map(|(start, letter)| sample(start, letter))
        .collect()
}

fn sample(started: Moment, letter: char) -> Option<Sample> {
    let fault = match letter {
        '_' => return None,
        'F' => Some(Fault::new(Reason::Status, "expected 200, got 500")),
        'E' => Some(Fault::new(
            Reason::Refused,
            "10.0.0.1:80 refused the connection",
        )),
        'U' | 'T' => Some(Fault::new(Reason::Throttled, "too many requests")),
        _ => None,
    };
    let digit = if letter == 'T' {
        Some(9)
    } else {
        letter.to_digit(10)
    };
    let lag = digit.map(|digit| f64::from(digit) * 10.0);
    Some(Sample {
        check: CheckId::new("api"),
        started,
        latency: Duration::from_millis(if letter == 's' { 3_000 } else { 40 }),
        phases: Phases::default(),
        outcome: fault
            .as_ref()
            .map_or(Outcome::Pass, |fault| fault.reason.outcome()),
        fault,
        readings: lag
            .map(|lag| Reading::new("lag", lag, Unit::Number))
            .into_iter()
            .collect(),
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
        sending: None,
        session: None,
        trace: None,
    })
}

fn window(samples: &[Sample]) -> Window {
    let bounds = WindowBounds {
        start: Moment::at(START),
        warm_up: Duration::ZERO,
    };
    let mut window = Window::new(bounds);
    samples.iter().for_each(|sample| window.push(sample));
    window
}

fn facts(id: &str) -> CheckFacts {
    CheckFacts {
        id: CheckId::new(id),
        kind: "http",
        service: Arc::from("shop"),
        tags: vec![],
    }
}

fn rules(thresholds: Vec<Threshold>, min_samples: u64) -> Rules {
    let sufficiency = Sufficiency::Window {
        min_samples,
        every: EVERY,
        coverage: 0.7,
        least_bad: 1,
    };
    Rules {
        facts: facts("api"),
        thresholds,
        tolerances: Vec::new(),
        sufficiency,
    }
}

fn above(subject: Subject, warning: f64, critical: f64) -> Threshold {
    let measure = match subject {
        Subject::ErrorRate | Subject::Availability => Measure::Share,
        Subject::Quantile(..) | Subject::Max(_) | Subject::Mean(_) => Measure::Seconds,
        Subject::ConsecutiveFailures | Subject::Reading(_) => Measure::Number,
    };
    let limit = |value| {
        Some(Limit {
            comparison: Comparison::Above,
            value,
            measure,
        })
    };
    Threshold {
        subject,
        warning: limit(warning),
        critical: limit(critical),
        lasting: None,
        consecutive: None,
    }
}

/// Judges a line of samples with at least ten of them, at the end of the line.
fn judged(thresholds: &[Threshold], line: &str, closing: Closing) -> Finding {
    let length = u32::try_from(line.chars().count()).unwrap();
    let at = Moment::at(START + EVERY * length);
    judge(
        &rules(thresholds.to_vec(), 10),
        &window(&samples(line)),
        at,
        closing,
    )
}

fn reasons(finding: &Finding) -> String {
    let texts: Vec<&str> = finding
        .reasons
        .iter()
        .map(|reason| reason.text.as_str())
        .collect();
    texts.join(" | ")
}

/// Samples, whether more can come, the verdict, what it says, and why that is right.
type Row<'a> = (&'a str, Closing, Verdict, &'a str, &'a str);

/// Judges each row by the same limits.
fn check(thresholds: &[Threshold], rows: &[Row<'_>]) {
    for (line, closing, verdict, told, why) in rows {
        let finding = judged(thresholds, line, *closing);
        let told_now = reasons(&finding);
        assert_eq!(
            finding.verdict, *verdict,
            "{line} {closing:?}: {why}; told: {told_now}"
        );
        assert_eq!(told_now, *told, "{line} {closing:?}: {why}");
    }
}
