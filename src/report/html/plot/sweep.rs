//! What all plots along the time have in common: the frame, the grid, the marks of time, what was not
//! seen, and what is told of a slice to whoever points at it.

use maud::{Markup, html};

use super::scale::{Across, Scale};
use super::{percent, ticks};
use crate::report::html::course::{Course, runs};
use crate::report::html::words::slice_words;

/// How many marks of time a plot has at most: labels must not touch on a phone.
const MOST_TIMES: usize = 5;
/// Labels nearer to an edge than this share of the width lean inwards.
const EDGE: f64 = 0.07;

/// Lines across at round values, each with its label inside the plot.
pub(super) fn grid(scale: &Scale, label: impl Fn(f64) -> String) -> Markup {
    /// About so many lines.
    const LINES: usize = 3;
    html! {
        @for value in ticks::values(scale.high(), LINES) {
            @let y = super::short(scale.at(value));
            line class="grid" x1="0" x2="100%" y1=(y) y2=(y) {}
        }
        @for value in ticks::values(scale.high(), LINES) {
            text class="tick" x="2" y=(super::short(scale.at(value) + TICK_BELOW)) { (label(value)) }
        }
    }
}

/// Labels of values hang below their lines.
const TICK_BELOW: f64 = 11.0;

/// The marks of time, with their labels at `y`.
pub(super) fn time_axis(across: &Across, bottom: f64, y: f64) -> Markup {
    html! {
        @for (time, label) in ticks::times(across, MOST_TIMES) {
            @let share = across.share(time);
            @let x = percent(share);
            line class="tickline" x1=(x) x2=(x) y1=(super::short(bottom)) y2=(super::short(bottom + 4.0)) {}
            text class={ "tick " (anchor(share)) } x=(x) y=(super::short(y)) { (label) }
        }
    }
}

/// Where a label at a share of the width is held, so that it stays inside.
pub(super) fn anchor(share: f64) -> &'static str {
    if share < EDGE {
        "start"
    } else if share > 1.0 - EDGE {
        "end"
    } else {
        "middle"
    }
}

/// Where and how wide a slice is, as shares of the width.
pub(super) fn extent(course: &Course, at: crate::clock::WallTime) -> (f64, f64) {
    let across = course.across();
    let end = crate::clock::WallTime::since_unix_epoch(at.unix() + course.step);
    let (from, to) = (across.share(at), across.share(end));
    (from, (to - from).max(0.0))
}

/// Hatching where nothing ran.
pub(super) fn unseen(course: &Course, top: f64, bottom: f64) -> Markup {
    html! {
        @for (from, to) in course.gaps() {
            rect fill="url(#unseen)" x=(percent(from)) width=(percent(to - from))
                y=(super::short(top)) height=(super::short(bottom - top)) {}
        }
    }
}

/// What is told of each slice to whoever points at it: columns that nobody sees.
pub(super) fn told(course: &Course, bottom: f64) -> Markup {
    html! {
        @for slice in course.slices.iter().filter(|slice| runs(slice) > 0) {
            @let (from, width) = extent(course, slice.at);
            rect class="told" x=(percent(from)) width=(percent(width)) y="0" height=(super::short(bottom)) {
                title { (slice_words(slice)) }
            }
        }
    }
}
