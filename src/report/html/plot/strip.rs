//! Strips of outcomes: the last runs of a check as bars that differ by height as well as by colour,
//! and the failures of a window below its latency.

use maud::{Markup, html};

use super::sweep::extent;
use super::{percent, short};
use crate::report::html::course::{Course, runs};
use crate::report::text::counted;
use crate::sample::Outcome;

/// How high a strip is.
const HEIGHT: u32 = 20;
/// How wide a bar is, and how far the next one begins.
const BAR: usize = 4;
const STEP: usize = 6;

/// Draws the outcomes of the last runs, the oldest first. A pass is low, a failure high, an error high
/// and split, what taught nothing a dot.
#[must_use]
pub fn recent(outcomes: &[Outcome]) -> Markup {
    if outcomes.is_empty() {
        return html! { span class="soft" { "not run yet" } };
    }
    let width = outcomes.len() * STEP;
    html! {
        svg class="strip" width=(width) height=(HEIGHT) viewBox=(format!("0 0 {width} {HEIGHT}"))
            role="img" aria-label=(told(outcomes)) {
            @for (outcome, class) in KINDS {
                @let bars = bars(outcomes, outcome);
                @if !bars.is_empty() { path class=(class) d=(bars) {} }
            }
        }
    }
}

const KINDS: [(Outcome, &str); 4] = [
    (Outcome::Pass, "is-pass"),
    (Outcome::Fail, "is-fail"),
    (Outcome::Error, "is-error"),
    (Outcome::Unknown, "is-unknown"),
];

/// All bars of one outcome as one path: there are many strips on a page.
fn bars(outcomes: &[Outcome], wanted: Outcome) -> String {
    let shape = match wanted {
        Outcome::Pass => "v10h-4z",
        Outcome::Fail => "v20h-4z",
        Outcome::Error => "v8h-4zm0 12h4v8h-4z",
        Outcome::Unknown => "v4h-4z",
    };
    let top = match wanted {
        Outcome::Pass => 10,
        Outcome::Fail | Outcome::Error => 0,
        Outcome::Unknown => 13,
    };
    let places = outcomes.iter().enumerate();
    let places = places.filter(|(_, outcome)| **outcome == wanted);
    places
        .map(|(place, _)| format!("M{} {top}h{BAR}{shape}", place * STEP))
        .collect()
}

/// The strip in words: `last 30 runs: 28 passed, 2 failed`.
fn told(outcomes: &[Outcome]) -> String {
    let parts = [
        (Outcome::Pass, "passed"),
        (Outcome::Fail, "failed"),
        (Outcome::Error, "could not reach it"),
        (Outcome::Unknown, "taught nothing"),
    ];
    let parts = parts.into_iter().filter_map(|(wanted, word)| {
        let count = outcomes
            .iter()
            .filter(|outcome| **outcome == wanted)
            .count();
        (count > 0).then(|| format!("{count} {word}"))
    });
    let parts: Vec<String> = parts.collect();
    let runs = counted(outcomes.len() as u64, "run", "runs");
    format!("last {runs}: {}", parts.join(", "))
}

/// How high the strip of failures is.
pub(super) const FAILURES: f64 = 16.0;

/// The failures of each slice, as bars whose height is the share of runs that failed; what could not
/// be reached is hatched, what taught nothing is grey.
pub(super) fn failures(course: &Course, top: f64) -> Markup {
    html! {
        rect class="strip-back" x="0" width="100%" y=(short(top)) height=(short(FAILURES)) {}
        @for slice in &course.slices {
            @let (from, width) = extent(course, slice.at);
            @let all = runs(slice) as f64;
            @let parts = [
                (slice.failed, "is-fail", None),
                (slice.errored, "is-hatched", Some("url(#errored)")),
                (slice.unknown, "is-unknown", None),
            ];
            @for (place, (count, class, fill)) in parts.into_iter().enumerate() {
                @if count > 0 {
                    @let below: u64 = parts[..place].iter().map(|(count, _, _)| count).sum();
                    @let (height, below) = (tall(count, all), tall(below, all));
                    rect class=(class) fill=[fill] x=(percent(from)) width=(percent(width))
                        y=(short(top + FAILURES - below - height)) height=(short(height)) {}
                }
            }
        }
    }
}

/// The height of a share of the runs: one failure of a thousand is seen as well.
fn tall(count: u64, all: f64) -> f64 {
    const LEAST: f64 = 4.0;
    if count == 0 {
        return 0.0;
    }
    (FAILURES * count as f64 / all.max(1.0)).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_differ_by_shape_and_are_told_in_words() {
        use Outcome::{Error, Fail, Pass, Unknown};
        let text = recent(&[Pass, Fail, Pass, Error, Unknown]).into_string();
        assert!(
            text.contains("class=\"is-pass\" d=\"M0 10h4v10h-4zM12 10h4v10h-4z\""),
            "{text}"
        );
        assert!(
            text.contains("class=\"is-fail\" d=\"M6 0h4v20h-4z\""),
            "{text}"
        );
        let words = "last 5 runs: 2 passed, 1 failed, 1 could not reach it, 1 taught nothing";
        assert!(text.contains(words), "{text}");
        assert!(recent(&[]).into_string().contains("not run yet"));
    }

    #[test]
    fn one_failure_of_many_is_still_seen() {
        assert!(tall(1, 10_000.0) >= 4.0);
        assert!((tall(5, 10.0) - FAILURES / 2.0).abs() < 1e-9);
        assert!(tall(0, 10.0).abs() < 1e-9);
    }
}
