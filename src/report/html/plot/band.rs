//! A band of latency over time: from the median to the 99 % quantile, with the limits, what was usual
//! before, and the failures below.

use std::time::Duration;

use maud::{Markup, html};

use super::scale::{Scale, top};
use super::strip::{FAILURES, failures};
use super::{WIDTH, percent, short, sweep, ticks};
use crate::clock::WallTime;
use crate::event::Level;
use crate::report::html::course::{Course, runs};
use crate::report::text::{counted, millis};
use crate::store::history::Slice;

/// Where the field ends, the strip of failures begins, and the marks of time stand.
const TOP: f64 = 6.0;
const BOTTOM: f64 = 140.0;
const STRIP: f64 = 146.0;
const TIMES: f64 = 180.0;
/// The whole height.
const HEIGHT: f64 = 186.0;

/// What the lines mean, but for those of before, which are not always there.
pub const KEY: &str = "Band: p50 to p99, or to the slowest where a slice has fewer than 100 runs; \
                       lines: p50 and p95";
/// What is below them.
pub const KEY_BELOW: &str = " Below: the share that failed; hatched: nothing ran.";

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Band<'a> {
    /// A name that no other plot of the page has.
    pub name: &'a str,
    /// What it is about, for who cannot see it.
    pub title: &'a str,
    /// What was measured.
    pub course: &'a Course,
    /// What was usual before.
    pub before: Option<Usual>,
    /// Limits on the latency of whole runs.
    pub limits: Vec<Line>,
    /// Moments that matter to it, each with a short label.
    pub marks: Vec<(WallTime, &'static str)>,
}

/// What was usual before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// The median.
    pub p50: Duration,
    /// The 95 % quantile.
    pub p95: Duration,
}

/// A limit that is drawn across.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// How it is called: `p95 > 2s`.
    pub label: String,
    /// How serious its breach is.
    pub level: Level,
    /// Where it lies, in seconds.
    pub at: f64,
}

/// Draws it.
#[must_use]
pub fn draw(band: &Band<'_>) -> Markup {
    let course = band.course;
    let highest = |slice: &Slice| slice.latency.quantile(P99).map(|span| span.as_secs_f64());
    let before = band.before.map(|usual| usual.p95.as_secs_f64());
    let measured = course.slices.iter().filter_map(highest).chain(before);
    let scale = Scale::new(
        (0.0, top(measured, band.limits.iter().map(|limit| limit.at))),
        (BOTTOM, TOP),
    );
    let described = described(band);
    let (title, description) = (format!("{}-t", band.name), format!("{}-d", band.name));
    html! {
        svg class="plot" width="100%" height=(HEIGHT) role="img"
            aria-labelledby=(title) aria-describedby=(description) {
            title id=(title) { (band.title) }
            desc id=(description) { (described) }
            (sweep::unseen(course, TOP, BOTTOM))
            (usual(band, &scale))
            (curves(course, &scale))
            (sweep::grid(&scale, ticks::seconds))
            (limits(band, &scale))
            (marks(band))
            (failures(course, STRIP))
            (sweep::time_axis(&course.across(), STRIP + FAILURES, TIMES))
            (sweep::told(course, STRIP + FAILURES))
        }
    }
}

const P50: f64 = 0.5;
const P95: f64 = 0.95;
const P99: f64 = 0.99;

/// The band and its curves, stretched to the width.
fn curves(course: &Course, scale: &Scale) -> Markup {
    let height = short(BOTTOM);
    html! {
        svg x="0" y="0" width="100%" height=(height) viewBox=(format!("0 0 {WIDTH} {height}"))
            preserveAspectRatio="none" {
            @for piece in course.pieces() {
                path class="area" d=(area(course, piece, scale)) {}
                path class="curve high" d=(curve(course, piece, P95, scale)) {}
                path class="curve" d=(curve(course, piece, P50, scale)) {}
            }
        }
    }
}

/// The corners of a quantile: each slice from its beginning to its end.
fn corners(course: &Course, piece: &[Slice], q: f64, scale: &Scale) -> Vec<String> {
    let corner = |slice: &Slice| {
        let y = scale.at(slice.latency.quantile(q)?.as_secs_f64());
        let (from, width) = sweep::extent(course, slice.at);
        let x = |share: f64| short((share * WIDTH).round());
        let y = short((y * 10.0).round() / 10.0);
        Some(match piece.len() {
            // A single one would be a point, which nobody sees.
            1 => format!("{} {y}L{} {y}", x(from), x(from + width)),
            _ => format!("{} {y}", x(from + width / 2.0)),
        })
    };
    piece.iter().filter_map(corner).collect()
}

fn curve(course: &Course, piece: &[Slice], q: f64, scale: &Scale) -> String {
    format!("M{}", corners(course, piece, q, scale).join("L"))
}

fn area(course: &Course, piece: &[Slice], scale: &Scale) -> String {
    let low = corners(course, piece, P50, scale).join("L");
    let high = corners(course, piece, P99, scale);
    // Each corner backwards, so that the outline closes: a single slice has two.
    let high: Vec<&str> = high.iter().flat_map(|corner| corner.split('L')).collect();
    let high: Vec<&str> = high.into_iter().rev().collect();
    format!("M{low}L{}z", high.join("L"))
}

/// What was usual before, as a dashed line each for its median and its 95 % quantile.
fn usual(band: &Band<'_>, scale: &Scale) -> Markup {
    html! {
        @if let Some(usual) = band.before {
            @for (span, label) in [(usual.p50, "before: p50"), (usual.p95, "before: p95")] {
                @let y = scale.at(span.as_secs_f64());
                line class="usual" x1="0" x2="100%" y1=(short(y)) y2=(short(y)) {
                    title { (label) " " (millis(span)) }
                }
            }
        }
    }
}

fn limits(band: &Band<'_>, scale: &Scale) -> Markup {
    // Two limits whose labels would touch: the second is written below its line.
    let mut last = f64::NAN;
    html! {
        @for limit in band.limits.iter().filter(|limit| limit.at <= scale.high()) {
            @let y = scale.at(limit.at);
            @let is_near = (y - last).abs() < LABEL;
            line class={ "limit " (limit.level.name()) } x1="0" x2="100%" y1=(short(y)) y2=(short(y)) {}
            text class={ "tick end limit-" (limit.level.name()) } x="100%" dx="-3"
                y=(short(if is_near || y < LABEL { y + LABEL - 1.0 } else { y - 3.0 })) { (limit.label) }
            @let () = last = y;
        }
        @let far = band.limits.iter().filter(|limit| limit.at > scale.high());
        @let far: Vec<&str> = far.map(|limit| limit.label.as_str()).collect();
        @if !far.is_empty() {
            text class="tick end" x="100%" dx="-3" y=(short(TOP + LABEL)) {
                "↑ limits above: " (far.join(", "))
            }
        }
    }
}

/// How high a label is.
const LABEL: f64 = 12.0;

/// The moments that matter; of two that are close only the first is named, and the other is in the list.
fn marks(band: &Band<'_>) -> Markup {
    let across = band.course.across();
    let mut free = 0.0;
    html! {
        @for (time, label) in &band.marks {
            @let share = across.share(*time);
            line class="mark" x1=(percent(share)) x2=(percent(share)) y1="0" y2=(short(STRIP + FAILURES)) {}
            @if share >= free {
                @let is_late = share > 1.0 - APART;
                text class=(if is_late { "tick end" } else { "tick" }) x=(percent(share))
                    dx=(if is_late { "-3" } else { "3" }) dy="-2" y=(short(BOTTOM)) { (label) }
                @let () = free = share + APART;
            }
        }
    }
}

/// Labels that are nearer than this share of the width would touch on a phone.
const APART: f64 = 0.2;

/// What a sighted person takes from it.
fn described(band: &Band<'_>) -> String {
    let course = band.course;
    let whole = course.whole();
    let all = runs(&whole);
    let mut said = vec![counted(all, "run", "runs")];
    if let (Some(p50), Some(p99)) = (whole.latency.quantile(P50), whole.latency.quantile(P99)) {
        said.push(format!(
            "median {}, 99 % within {}",
            millis(p50),
            millis(p99)
        ));
    }
    if let Some(usual) = band.before {
        said.push(format!(
            "before: median {}, 95 % within {}",
            millis(usual.p50),
            millis(usual.p95)
        ));
    }
    let bad = whole.failed + whole.errored;
    said.push(match bad {
        0 => "none failed".to_owned(),
        bad => format!("{bad} failed or could not reach it"),
    });
    let limits: Vec<&str> = band
        .limits
        .iter()
        .map(|limit| limit.label.as_str())
        .collect();
    if !limits.is_empty() {
        said.push(format!("limits {}", limits.join(", ")));
    }
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::course::tests::{at, course};

    #[test]
    fn a_band_has_its_limits_its_past_and_its_words() {
        let course = course();
        let band = Band {
            name: "b1",
            title: "Latency of web",
            course: &course,
            before: Some(Usual {
                p50: Duration::from_millis(18),
                p95: Duration::from_millis(30),
            }),
            limits: vec![
                Line {
                    label: "p95 > 50ms".to_owned(),
                    level: Level::Critical,
                    at: 0.05,
                },
                Line {
                    label: "p99 > 10s".to_owned(),
                    level: Level::Warning,
                    at: 10.0,
                },
            ],
            marks: vec![(at(130), "decided")],
        };
        let text = draw(&band).into_string();
        for part in [
            "role=\"img\" aria-labelledby=\"b1-t\"",
            "<title id=\"b1-t\">Latency of web</title>",
            "limits p95 &gt; 50ms, p99 &gt; 10s",
            "↑ limits above: p99 &gt; 10s",
            "class=\"limit critical\"",
            "before: p95 30 ms",
            "url(#unseen)",
            "url(#errored)",
            ">decided</text>",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("NaN"), "{text}");
    }

    #[test]
    fn a_check_that_never_passed_has_a_frame_and_no_curve() {
        let mut course = course();
        for slice in &mut course.slices {
            slice.latency = crate::window::histogram::Histogram::default();
        }
        let band = Band {
            name: "b2",
            title: "Latency of web",
            course: &course,
            before: None,
            limits: Vec::new(),
            marks: Vec::new(),
        };
        let text = draw(&band).into_string();
        assert!(!text.contains("class=\"area\""), "{text}");
        assert!(text.contains("class=\"grid\""), "{text}");
    }
}
