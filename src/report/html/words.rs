//! Words and signs that pages share: verdicts with a sign each, spans and times as people read them.

use std::time::Duration;

use maud::{Markup, html};

use super::course::runs;
use crate::clock::WallTime;
use crate::event::Verdict;
use crate::report::text::{counted, millis};
use crate::report::wall::{rfc3339, time_of_day};
use crate::store::history::Slice;

/// A verdict with its sign: never by colour alone.
#[must_use]
pub fn badge(verdict: Verdict) -> Markup {
    html! {
        span class={ "badge " (verdict_class(verdict)) } {
            span class="sign" aria-hidden="true" { (sign(verdict)) }
            (verdict_words(verdict))
        }
    }
}

/// The class of what belongs to a verdict.
#[must_use]
pub const fn verdict_class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "is-pass",
        Verdict::Warn => "is-warn",
        Verdict::Inconclusive => "is-inconclusive",
        Verdict::Fail => "is-fail",
    }
}

/// The sign of a verdict.
#[must_use]
pub const fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Warn => "!",
        Verdict::Inconclusive => "?",
        Verdict::Fail => "✕",
    }
}

/// A verdict as a person reads it.
#[must_use]
pub const fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Fail => "fail",
    }
}

/// The verdict of a name, as the report has it.
#[must_use]
pub fn verdict_of(name: &str) -> Option<Verdict> {
    let all = [
        Verdict::Pass,
        Verdict::Warn,
        Verdict::Inconclusive,
        Verdict::Fail,
    ];
    all.into_iter().find(|verdict| verdict.name() == name)
}

/// An action of the report, as a person reads it.
#[must_use]
pub fn action_words(name: &str) -> &str {
    match name {
        "accept" => "accepted",
        "roll_back" => "roll back",
        "hold" => "held for a person",
        "none" => "nothing to decide",
        other => other,
    }
}

/// How a rollback ended, of its name in the report, as a person reads it.
#[must_use]
pub fn rollback_words(name: &str) -> &str {
    match name {
        "rolled_back_verified" => "rolled back and verified",
        "rolled_back_unhealthy" => "rolled back, and it is no better",
        "rolled_back_by_ecs" => "rolled back by the platform itself",
        "failed" => "rollback failed",
        "timeout" => "rollback not proven in time",
        "refused" => "not rolled back: refused",
        "superseded" => "superseded",
        "no_target" => "cannot roll back: nothing to return to",
        "not_rollbackable" => "cannot roll back",
        "dry_run" => "not rolled back, only rehearsed",
        other => other,
    }
}

/// A time, with its exact value for whoever points at it and for programs: `08:50:00`.
#[must_use]
pub fn time(at: WallTime) -> Markup {
    html! { time datetime=(rfc3339(at)) title=(rfc3339(at)) { (time_of_day(at)) } }
}

/// A date and a time: `2026-11-21 08:50`.
#[must_use]
pub fn date_time(at: WallTime) -> Markup {
    let whole = rfc3339(at);
    let day = whole.get(..10).unwrap_or(&whole);
    let clock = whole.get(11..16).unwrap_or("");
    html! { time datetime=(whole) title=(whole) { (day) " " (clock) } }
}

/// A date and a time to the second: `2026-11-22 08:50:07`.
#[must_use]
pub fn second(at: WallTime) -> Markup {
    let whole = rfc3339(at);
    let day = whole.get(..10).unwrap_or(&whole);
    html! { time datetime=(whole) title=(whole) { (day) " " (time_of_day(at)) } }
}

/// How long ago something was, kept current by the script: `3 min ago`.
#[must_use]
pub fn ago(at: WallTime, now: WallTime) -> Markup {
    html! {
        time datetime=(rfc3339(at)) title=(rfc3339(at)) data-ago=[Some(at.unix().as_secs())] {
            (brief(now.since(at))) " ago"
        }
    }
}

/// What is left until something, kept current by the script: `6 min`.
#[must_use]
pub fn left(until: WallTime, now: WallTime) -> Markup {
    html! {
        time datetime=(rfc3339(until)) title=(rfc3339(until)) data-until=[Some(until.unix().as_secs())] {
            (countdown(until.since(now)))
        }
    }
}

/// A span as a clock that runs down shows it: `14:05`, `1:02:03`.
#[must_use]
pub fn countdown(span: Duration) -> String {
    let whole = span.as_secs();
    let (hours, minutes, seconds) = (whole / 3_600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A span in one unit: `12 s`, `3 min`, `5 h`, `2 d`.
#[must_use]
pub fn brief(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..100 => format!("{seconds} s"),
        seconds @ 100..6_000 => format!("{} min", seconds / 60),
        seconds @ 6_000..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// A share as a percentage with as many decimals as it needs: `12.1 %`, `0.02 %`.
#[must_use]
pub fn share(share: f64) -> String {
    let percent = share * 100.0;
    let text = if percent != 0.0 && percent.abs() < 0.1 {
        format!("{percent:.3}")
    } else {
        format!("{percent:.1}")
    };
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text} %")
}

/// What happened in a slice, for whoever points at it: `08:45:10: 12 runs, 1 failed; p50 21 ms, …`.
#[must_use]
pub fn slice_words(slice: &Slice) -> String {
    let mut said = vec![counted(runs(slice), "run", "runs")];
    for (count, word) in [
        (slice.failed, "failed"),
        (slice.errored, "could not reach it"),
        (slice.unknown, "taught nothing"),
    ] {
        if count > 0 {
            said.push(format!("{count} {word}"));
        }
    }
    let quantile = |q: f64| slice.latency.quantile(q).map(millis);
    if let (Some(p50), Some(p95), Some(p99)) = (quantile(0.5), quantile(0.95), quantile(0.99)) {
        said.push(format!("p50 {p50}, p95 {p95}, p99 {p99}"));
    }
    format!("{}: {}", time_of_day(slice.at), said.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_the_unit_that_fits() {
        for (seconds, words, clock) in [
            (0, "0 s", "0:00"),
            (59, "59 s", "0:59"),
            (185, "3 min", "3:05"),
            (7_300, "2 h", "2:01:40"),
            (260_000, "3 d", "72:13:20"),
        ] {
            let span = Duration::from_secs(seconds);
            assert_eq!(brief(span), words);
            assert_eq!(countdown(span), clock);
        }
    }

    #[test]
    fn shares_have_the_decimals_that_they_need() {
        for (value, words) in [
            (0.0, "0 %"),
            (0.1207, "12.1 %"),
            (0.05, "5 %"),
            (0.000_2, "0.02 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(share(value), words);
        }
    }

    #[test]
    fn a_verdict_is_told_by_a_sign_and_a_word() {
        let text = badge(Verdict::Fail).into_string();
        assert!(text.contains("✕") && text.contains("fail"), "{text}");
        assert_eq!(verdict_of("warn"), Some(Verdict::Warn));
        assert_eq!(verdict_of("fine"), None);
    }
}
