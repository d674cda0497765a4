//! Plots as SVG, drawn on the server: bands of latency, strips of outcomes, sparklines, heat maps,
//! phases and timelines. Values come in, markup goes out; nothing here asks what time it is.
//!
//! A plot is as wide as its place and keeps the size of its letters: positions along the time are
//! percentages, and only curves are stretched, inside a drawing of their own whose lines keep their
//! width. Colours are classes, so that light and dark are the style sheet's; nothing is told by colour
//! alone; what was not seen is hatched. Each plot is one picture to a screen reader, with a title and
//! a description that says what a sighted person would take from it.
//!
//! Crates that draw were tried first: `plotters` writes its colours and fonts into every element, so
//! that one drawing cannot be both light and dark, and has neither title nor description; `poloto` can
//! be styled, but draws lines and bars alone and has no text for who cannot see it.
//!
//! Called by the report of a window and by the pages of the daemon.

pub mod band;
pub mod heat;
pub mod phases;
pub mod scale;
pub mod spark;
pub mod strip;
mod sweep;
pub mod ticks;
pub mod timeline;

use maud::{Markup, html};

/// The width of stretched drawings in their own units.
pub(crate) const WIDTH: f64 = 1_000.0;

/// What plots of a page refer to: the hatching of what was not seen. Once on each page that has plots.
#[must_use]
pub fn definitions() -> Markup {
    html! {
        svg class="definitions" width="0" height="0" aria-hidden="true" focusable="false" {
            defs {
                pattern id="unseen" width="6" height="6" patternUnits="userSpaceOnUse"
                    patternTransform="rotate(45)" {
                    rect class="unseen-back" width="6" height="6" {}
                    line class="unseen-line" x1="0" y1="0" x2="0" y2="6" {}
                }
                pattern id="errored" width="4" height="4" patternUnits="userSpaceOnUse"
                    patternTransform="rotate(-45)" {
                    rect class="errored-back" width="4" height="4" {}
                    line class="errored-line" x1="0" y1="0" x2="0" y2="4" {}
                }
            }
        }
    }
}

/// A number for an attribute: two decimals at most, and no more digits than it needs.
pub(crate) fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" || text.is_empty() {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// A share of the width, as attributes have it.
pub(crate) fn percent(share: f64) -> String {
    format!("{}%", short(share * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_attributes_are_short() {
        let cases = [
            (0.0, "0"),
            (-0.001, "0"),
            (12.0, "12"),
            (12.5, "12.5"),
            (1.0 / 3.0, "0.33"),
            (100.0, "100"),
        ];
        for (value, expected) in cases {
            assert_eq!(short(value), expected);
        }
        assert_eq!(percent(0.125), "12.5%");
    }
}
