//! The latency by phase over time: the medians of the phases on top of each other.

use maud::{Markup, html};

use super::scale::{Scale, top};
use super::sweep;
use super::{WIDTH, short, ticks};
use crate::report::html::course::Course;
use crate::report::text::millis;
use crate::sample::Phase;
use crate::store::history::Slice;

const TOP: f64 = 6.0;
const BOTTOM: f64 = 150.0;
const TIMES: f64 = 168.0;
const HEIGHT: f64 = 174.0;

/// Draws it; nothing where no phase was measured.
#[must_use]
pub fn draw(course: &Course, name: &str) -> Markup {
    let seen = seen(course);
    if seen.is_empty() {
        return html! { p class="soft" { "This kind of check tells no phases, or no run passed." } };
    }
    let sum = |slice: &Slice| heights(slice, &seen).iter().sum::<f64>();
    let scale = Scale::new(
        (0.0, top(course.slices.iter().map(sum), std::iter::empty())),
        (BOTTOM, TOP),
    );
    let height = short(BOTTOM);
    html! {
        svg class="plot" width="100%" height=(HEIGHT) role="img"
            aria-labelledby={ (name) "-t" } aria-describedby={ (name) "-d" } {
            title id={ (name) "-t" } { "Latency by phase over time" }
            desc id={ (name) "-d" } { (described(course, &seen)) }
            (sweep::unseen(course, TOP, BOTTOM))
            svg x="0" y="0" width="100%" height=(height) viewBox=(format!("0 0 {WIDTH} {height}"))
                preserveAspectRatio="none" {
                @for (place, phase) in seen.iter().enumerate() {
                    path class={ "phase " (phase.name()) } d=(layer(course, &seen, place, &scale)) {}
                }
            }
            (sweep::grid(&scale, ticks::seconds))
            (sweep::time_axis(&course.across(), BOTTOM, TIMES))
            (sweep::told(course, BOTTOM))
        }
        ul class="legend" {
            @for phase in seen.iter().rev() {
                li {
                    svg class="swatch" width="14" height="14" aria-hidden="true" {
                        rect class={ "phase " (phase.name()) } width="14" height="14" {}
                    }
                    (words(*phase))
                }
            }
        }
    }
}

/// The phases that were measured at all, in the order in which they happen.
#[must_use]
pub fn seen(course: &Course) -> Vec<Phase> {
    let has = |phase: &Phase| {
        let mut all = course.slices.iter().flat_map(|slice| &slice.phases);
        all.any(|(one, spans)| one == phase && spans.count() > 0)
    };
    Phase::ALL.into_iter().filter(has).collect()
}

/// A phase as people call it.
#[must_use]
pub const fn words(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "name",
        Phase::Connect => "connection",
        Phase::Tls => "TLS",
        Phase::Request => "request",
        Phase::Ttfb => "wait for the answer",
        Phase::Body => "answer",
    }
}

/// The medians of the phases in a slice, in seconds.
fn heights(slice: &Slice, seen: &[Phase]) -> Vec<f64> {
    let median = |phase: &Phase| {
        let spans = slice.phases.iter().find(|(one, _)| one == phase);
        let median = spans.and_then(|(_, spans)| spans.quantile(0.5));
        median.map_or(0.0, |span| span.as_secs_f64())
    };
    seen.iter().map(median).collect()
}

/// One phase, as steps on top of those before it.
fn layer(course: &Course, seen: &[Phase], place: usize, scale: &Scale) -> String {
    let mut path = String::new();
    for slice in &course.slices {
        let heights = heights(slice, seen);
        let below: f64 = heights[..place].iter().sum();
        let above = below + heights[place];
        if heights[place] > 0.0 {
            let (from, width) = sweep::extent(course, slice.at);
            let (low, high) = (scale.at(below), scale.at(above));
            path.push_str(&format!(
                "M{:.0} {}h{:.0}V{}H{:.0}z",
                from * WIDTH,
                short(high),
                (width * WIDTH).max(1.0),
                short(low),
                from * WIDTH
            ));
        }
    }
    path
}

fn described(course: &Course, seen: &[Phase]) -> String {
    let whole = course.whole();
    let medians = heights(&whole, seen).into_iter().zip(seen);
    let parts = medians.map(|(seconds, phase)| {
        let span = std::time::Duration::from_secs_f64(seconds);
        format!("{} {}", words(*phase), millis(span))
    });
    format!("medians: {}", parts.collect::<Vec<String>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::course::tests::course;

    #[test]
    fn phases_lie_on_top_of_each_other_in_their_order() {
        let course = course();
        assert_eq!(seen(&course), [Phase::Connect, Phase::Ttfb]);
        let scale = Scale::new((0.0, 1.0), (100.0, 0.0));
        let below = layer(&course, &seen(&course), 0, &scale);
        let above = layer(&course, &seen(&course), 1, &scale);
        assert!(
            below.contains("V100H"),
            "the first stands on the ground: {below}"
        );
        assert!(!above.contains("V100H"), "the second on the first: {above}");
        let text = draw(&course, "p1").into_string();
        assert!(
            text.contains("medians: connection 2.0 ms, wait for the answer 18 ms"),
            "{text}"
        );
    }
}
