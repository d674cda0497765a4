//! A detection curve as SVG: how surely a fault is caught, by its size, one line a rule.
//!
//! Drawn for a phone and enlarged on a desk. Lines differ by colour and by dashes; our own is thick
//! and has its interval around it. The figures stand in a table below, for whoever cannot see it.

use std::fmt::Write as _;

use crate::rehearsal::drill::curve::Curve;
use crate::rehearsal::drill::families::Ladder;

/// The chart's width and height in its own units: about the pixels of a phone.
const SIZE: (f64, f64) = (360.0, 230.0);
/// Where the field of the chart begins and ends.
const LEFT: f64 = 34.0;
const RIGHT: f64 = 350.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 188.0;
/// The shares at which lines are drawn across.
const GRID: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// How many styles of lines the page has.
pub const STYLES: usize = 9;

/// Draws a curve. `title` must be escaped already.
#[must_use]
pub fn draw(curve: &Curve, title: &str) -> String {
    let mut svg = String::new();
    let (width, height) = SIZE;
    push(
        &mut svg,
        format_args!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">\n\
             <title>{title}</title>\n"
        ),
    );
    push_axes(&mut svg, curve);
    push_band(&mut svg, curve);
    let rules = curve.points.first().map_or(0, |point| point.tallies.len());
    // Ours last, so that it lies on top.
    for rule in (0..rules).rev() {
        push_line(&mut svg, curve, rule);
    }
    svg.push_str("</svg>\n");
    svg
}

/// A short piece of a rule's line, for the legend.
#[must_use]
pub fn swatch(rule: usize) -> String {
    format!(
        "<svg class=\"swatch\" viewBox=\"0 0 28 8\" aria-hidden=\"true\"><line class=\"rule r{}\" \
         x1=\"1\" y1=\"4\" x2=\"27\" y2=\"4\"/></svg>",
        rule % STYLES
    )
}

fn push_axes(svg: &mut String, curve: &Curve) {
    for share in GRID {
        let y = vertical(share);
        push(
            svg,
            format_args!(
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick end\" x=\"{:.1}\" y=\"{:.1}\">{:.0} %</text>\n",
                LEFT - 4.0,
                y + 3.0,
                share * 100.0
            ),
        );
    }
    for (place, point) in curve.points.iter().enumerate() {
        push(
            svg,
            format_args!(
                "<text class=\"tick middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
                horizontal(curve, place),
                BOTTOM + 14.0,
                size_label(curve.ladder, point.size)
            ),
        );
    }
    let words = match curve.ladder {
        Ladder::Errors => "share of all answers that fail, in %",
        Ladder::OneCheck => "share of the answers to one check that fail, in %",
        Ladder::Slowdown => "times as slow",
    };
    push(
        svg,
        format_args!(
            "<text class=\"tick middle\" x=\"{:.1}\" y=\"{:.1}\">{words}</text>\n",
            f64::midpoint(LEFT, RIGHT),
            BOTTOM + 32.0
        ),
    );
}

/// A size as the axis shows it.
#[must_use]
pub fn size_label(ladder: Ladder, size: f64) -> String {
    match ladder {
        Ladder::Errors | Ladder::OneCheck => format!("{:.0}", size * 100.0),
        Ladder::Slowdown => format!("{size}"),
    }
}

/// The interval around our own line.
fn push_band(svg: &mut String, curve: &Curve) {
    let shares = || curve.points.iter().map(|point| point.tallies[0].share());
    let upper = shares()
        .enumerate()
        .map(|(place, share)| (place, share.high));
    let lower = shares()
        .enumerate()
        .map(|(place, share)| (place, share.low));
    let lower: Vec<(usize, f64)> = lower.collect();
    let around = upper.chain(lower.into_iter().rev());
    let points = corners(curve, around);
    push(
        svg,
        format_args!("<polygon class=\"band\" points=\"{points}\"/>\n"),
    );
}

fn push_line(svg: &mut String, curve: &Curve, rule: usize) {
    let shares = curve.points.iter().map(|point| point.tallies[rule].share());
    let points = corners(curve, shares.map(|share| share.seen).enumerate());
    let style = rule % STYLES;
    push(
        svg,
        format_args!("<polyline class=\"rule r{style}\" points=\"{points}\"/>\n"),
    );
}

fn corners(curve: &Curve, points: impl Iterator<Item = (usize, f64)>) -> String {
    let corners: Vec<String> = points
        .map(|(place, share)| format!("{:.1},{:.1}", horizontal(curve, place), vertical(share)))
        .collect();
    corners.join(" ")
}

/// Sizes stand at equal distances: they are chosen to be about equally far apart for a person.
fn horizontal(curve: &Curve, place: usize) -> f64 {
    let last = curve.points.len().saturating_sub(1).max(1) as f64;
    let margin = 10.0;
    LEFT + margin + (RIGHT - LEFT - 2.0 * margin) * place as f64 / last
}

fn vertical(share: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * share
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(arguments).unwrap_or_default();
}
