//! The course of a window at a glance: what it was doing, how the verdicts moved, and the moments that
//! are told in the list below, by their numbers.

use maud::{Markup, html};

use super::scale::Across;
use super::{percent, short, sweep};
use crate::clock::WallTime;
use crate::report::wall::time_of_day;

/// How high the row of numbers, a lane with its label, and its bar are.
const NUMBERS: f64 = 26.0;
const LANE: f64 = 32.0;
const BAR: f64 = 12.0;
/// Where a lane's bar begins below its label.
const LABEL: f64 = 15.0;
/// Numbers nearer to each other than this share of the width are put aside, one after the other.
const APART: f64 = 0.035;

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Timeline<'a> {
    /// The whole span.
    pub across: Across,
    /// One below the other.
    pub lanes: Vec<Lane<'a>>,
    /// Numbered moments, in their order: the number, and when.
    pub marks: Vec<(usize, WallTime)>,
}

/// A lane.
#[derive(Clone, Debug)]
pub struct Lane<'a> {
    /// What it is about.
    pub label: &'a str,
    /// What was so from when to when.
    pub parts: Vec<Part<'a>>,
}

/// A part of a lane.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// From.
    pub from: WallTime,
    /// To.
    pub to: WallTime,
    /// How it looks: a verdict, or a state of the window.
    pub class: &'a str,
    /// What it says.
    pub words: &'a str,
}

/// Draws it.
#[must_use]
pub fn draw(timeline: &Timeline<'_>) -> Markup {
    let across = &timeline.across;
    let bottom = NUMBERS + LANE * timeline.lanes.len() as f64;
    html! {
        svg class="plot timeline" width="100%" height=(short(bottom + 20.0)) role="img"
            aria-labelledby="timeline-t" aria-describedby="timeline-d" {
            title id="timeline-t" { "Timeline of the window" }
            desc id="timeline-d" { (described(timeline)) }
            @for (place, lane) in timeline.lanes.iter().enumerate() {
                (self::lane(across, lane, NUMBERS + LANE * place as f64))
            }
            (marks(timeline, bottom))
            (sweep::time_axis(across, bottom, bottom + 15.0))
        }
    }
}

fn lane(across: &Across, lane: &Lane<'_>, top: f64) -> Markup {
    let bar = top + LABEL;
    html! {
        text class="lane" x="0" y=(short(top + LABEL - 4.0)) { (lane.label) }
        rect class="lane-back" x="0" width="100%" y=(short(bar)) height=(short(BAR)) {}
        @for part in &lane.parts {
            @let (from, to) = (across.share(part.from), across.share(part.to));
            rect class={ "part " (part.class) } x=(percent(from)) width=(percent((to - from).max(0.002)))
                y=(short(bar + sunk(part.class))) height=(short(BAR - sunk(part.class))) {
                title { (lane.label) ": " (part.words) " from " (time_of_day(part.from)) " to " (time_of_day(part.to)) }
            }
        }
    }
}

/// A verdict is told by height as well: the worse, the higher.
#[must_use]
pub fn sunk(class: &str) -> f64 {
    match class {
        "is-pass" => BAR / 2.0,
        "is-inconclusive" => BAR * 2.0 / 3.0,
        "is-warn" => BAR / 4.0,
        _ => 0.0,
    }
}

fn marks(timeline: &Timeline<'_>, bottom: f64) -> Markup {
    let mut free = 0.0_f64;
    html! {
        @for (number, time) in &timeline.marks {
            @let share = timeline.across.share(*time);
            @let at = share.max(free).clamp(APART / 2.0, 1.0 - APART / 2.0);
            @let () = free = at + APART;
            line class="mark" x1=(percent(share)) x2=(percent(share)) y1="20" y2=(short(bottom)) {}
            circle class="number" cx=(percent(at)) cy="11" r="9" {}
            text class="tick middle number" x=(percent(at)) y="15" { (number) }
        }
    }
}

fn described(timeline: &Timeline<'_>) -> String {
    let lane = |lane: &Lane<'_>| {
        let parts = lane.parts.iter().map(|part| {
            format!(
                "{} from {} to {}",
                part.words,
                time_of_day(part.from),
                time_of_day(part.to)
            )
        });
        format!(
            "{}: {}",
            lane.label,
            parts.collect::<Vec<String>>().join(", ")
        )
    };
    timeline
        .lanes
        .iter()
        .map(lane)
        .collect::<Vec<String>>()
        .join(". ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::course::tests::at;

    #[test]
    fn a_timeline_is_told_in_words_and_its_numbers_do_not_cover_each_other() {
        let timeline = Timeline {
            across: Across {
                from: at(0),
                to: at(600),
            },
            lanes: vec![Lane {
                label: "api-health",
                parts: vec![Part {
                    from: at(0),
                    to: at(300),
                    class: "is-fail",
                    words: "fail",
                }],
            }],
            marks: vec![(1, at(100)), (2, at(101)), (3, at(600))],
        };
        let text = draw(&timeline).into_string();
        assert!(
            text.contains("api-health: fail from 08:40:00 to 08:45:00"),
            "{text}"
        );
        assert!(
            text.contains("cx=\"16.67%\"") && text.contains("cx=\"20.17%\""),
            "{text}"
        );
        assert!(text.contains("cx=\"98.25%\""), "{text}");
    }
}
