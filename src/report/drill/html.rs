//! A drill as a page: detection curves and the tables behind them, in one file without scripts and
//! without anything fetched from elsewhere; light and dark, and readable on a phone.

use std::fmt::Write as _;

use super::chart::{draw, size_label, swatch};
use super::words::{
    advice, budget, deed, interval, maybe_seconds, percent, seconds, simulated, smallest_seen,
};
use crate::rehearsal::drill::Drill;
use crate::rehearsal::drill::curve::Curve;
use crate::rehearsal::drill::families::Ladder;
use crate::rehearsal::drill::summary::summaries;
use crate::secret::Mask;

/// Okabe and Ito's colours, which people with any colour vision tell apart, and dashes for the rest.
const STYLE: &str = "\
:root{color-scheme:light dark;--back:#fff;--ink:#1a1d21;--soft:#5b6470;--edge:#d5dae0;--ours:#0b5cad}\
@media(prefers-color-scheme:dark){:root{--back:#14171a;--ink:#e6e9ec;--soft:#9aa4ae;--edge:#343a41;--ours:#6cb6ff}}\
*{box-sizing:border-box}\
body{background:var(--back);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1rem}\
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}h3{font-size:1rem;margin-top:1.5rem}\
svg{width:100%;height:auto;display:block}\
.swatch{display:inline-block;width:1.75rem;vertical-align:middle;margin-right:.4rem}\
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1rem}\
.tick{font-size:9px;fill:var(--soft)}.end{text-anchor:end}.middle{text-anchor:middle}\
.grid{stroke:var(--edge);stroke-width:1}.band{fill:var(--ours);opacity:.15}\
.rule{fill:none;stroke-width:1.6}\
.r0{stroke:var(--ours);stroke-width:3}.r1{stroke:#e69f00;stroke-dasharray:6 2}\
.r2{stroke:#56b4e9;stroke-dasharray:2 2}.r3{stroke:#009e73;stroke-dasharray:8 3 2 3}\
.r4{stroke:#d55e00;stroke-dasharray:4 2}.r5{stroke:#cc79a7;stroke-dasharray:1 3}\
.r6{stroke:#8a8f98;stroke-dasharray:10 3}.r7{stroke:#b8a300;stroke-dasharray:3 1}\
.r8{stroke:#7e6bc4;stroke-dasharray:6 2 1 2}\
.wide{overflow-x:auto}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--edge);text-align:right;white-space:nowrap}\
th:first-child,td:first-child{text-align:left;white-space:normal}\
summary{cursor:pointer;color:var(--soft)}";

/// Renders the drills of all services as a page in which secrets are masked.
#[must_use]
pub fn render(drills: &[Drill], mask: &Mask) -> String {
    let page = Page { mask };
    let mut text = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>Smokejumper drill</title>\n",
    );
    push(
        &mut text,
        format_args!("<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"),
    );
    text.push_str("<h1>Drill: which faults are caught, and what good releases suffer</h1>\n");
    for drill in drills {
        page.service(&mut text, drill);
    }
    if drills.len() > 1 {
        text.push_str("<h2>All services together</h2>\n");
        page.summaries(&mut text, drills);
    }
    text.push_str("</main>\n</body>\n</html>\n");
    text
}

struct Page<'a> {
    mask: &'a Mask,
}

impl Page<'_> {
    /// Text that others wrote, masked and escaped.
    fn safe(&self, words: &str) -> String {
        escape(&self.mask.apply(words))
    }

    fn service(&self, text: &mut String, drill: &Drill) {
        let service = self.safe(&drill.trial.service);
        push(text, format_args!("<section>\n<h2>{service}</h2>\n<p>"));
        for sentence in simulated(drill) {
            push(text, format_args!("{} ", self.safe(&sentence)));
        }
        text.push_str("</p>\n");
        self.curves(text, drill);
        healthy(text, drill);
        faults(text, drill);
        if drill.contestants.len() > 1 {
            text.push_str("<h3>Beside the rules of other tools</h3>\n");
            self.summaries(text, std::slice::from_ref(drill));
        }
        if !drill.alternatives.is_empty() {
            text.push_str("<h3>What a change would give</h3>\n<ul>\n");
            for alternative in &drill.alternatives {
                let words = advice(alternative, &drill.trial);
                push(text, format_args!("<li>{}</li>\n", escape(&words)));
            }
            text.push_str("</ul>\n");
        }
        text.push_str("</section>\n");
    }

    fn curves(&self, text: &mut String, drill: &Drill) {
        if drill.curves.is_empty() {
            return;
        }
        text.push_str("<ul class=\"legend\">\n");
        for (place, contestant) in drill.contestants.iter().enumerate() {
            push(
                text,
                format_args!("<li>{}{contestant}</li>\n", swatch(place)),
            );
        }
        text.push_str("</ul>\n");
        for curve in &drill.curves {
            let title = match curve.ladder {
                Ladder::Errors => "Errors in all checks: how often they are caught",
                Ladder::OneCheck => "Errors in one check alone: how often they are caught",
                Ladder::Slowdown => "Slowness: how often it is caught",
            };
            push(
                text,
                format_args!(
                    "<h3>{title}</h3>\n<p>{}</p>\n",
                    escape(&smallest_seen(drill, curve))
                ),
            );
            text.push_str(&draw(curve, title));
            figures(text, drill, curve);
        }
    }

    fn summaries(&self, text: &mut String, drills: &[Drill]) {
        let head = [
            "rule",
            "worst healthy release",
            "",
            "mean",
            "caught",
            "bad service",
        ];
        table(text, "rules compared", &head, |rows| {
            for summary in summaries(drills) {
                let (variant, share) = summary.worst.map_or_else(
                    || (String::new(), String::new()),
                    |(service, variant, share)| {
                        let whose = if drills.len() > 1 {
                            format!("{}: {variant}", self.safe(&service))
                        } else {
                            variant
                        };
                        (whose, percent(share.seen))
                    },
                );
                row(
                    rows,
                    &[
                        summary.contestant.to_string(),
                        variant,
                        share,
                        format!("{:.2} %", summary.healthy * 100.0),
                        percent(summary.caught),
                        seconds(summary.exposure),
                    ],
                );
            }
        });
    }
}

/// The figures of a curve, folded away.
fn figures(text: &mut String, drill: &Drill, curve: &Curve) {
    text.push_str("<details>\n<summary>The figures</summary>\n");
    let names: Vec<String> = drill.contestants.iter().map(ToString::to_string).collect();
    let mut head = vec!["size"];
    head.extend(names.iter().map(String::as_str));
    table(text, "shares caught by size", &head, |rows| {
        for point in &curve.points {
            let mut cells = vec![size_label(curve.ladder, point.size)];
            let shares = point.tallies.iter().map(|tally| tally.share().seen);
            cells.extend(shares.map(percent));
            row(rows, &cells);
        }
    });
    text.push_str("</details>\n");
}

fn healthy(text: &mut String, drill: &Drill) {
    let deed = deed(&drill.trial);
    push(
        text,
        format_args!("<h3>Healthy releases, and how often each would be {deed}</h3>\n"),
    );
    table(
        text,
        "healthy releases",
        &["release", deed, "95 % interval"],
        |rows| {
            for one in &drill.healthy {
                let share = one.tallies[0].any_share();
                let title = escape(&one.variant.title);
                row(rows, &[title, percent(share.seen), interval(&share)]);
            }
        },
    );
    push(text, format_args!("<p>{}</p>\n", escape(&budget(drill))));
}

fn faults(text: &mut String, drill: &Drill) {
    text.push_str("<h3>Faults, how often each is caught, and how long after it began</h3>\n");
    let head = ["fault", "caught", "95 % interval", "half by", "95 % by"];
    table(text, "faults", &head, |rows| {
        for one in &drill.bad {
            let tally = &one.tallies[0];
            let share = tally.share();
            row(
                rows,
                &[
                    escape(&one.variant.title),
                    percent(share.seen),
                    interval(&share),
                    maybe_seconds(tally.median),
                    maybe_seconds(tally.most),
                ],
            );
        }
    });
}

/// A table that scrolls by itself where it is too wide, and says what it is to whoever hears it.
fn table(text: &mut String, label: &str, head: &[&str], rows: impl FnOnce(&mut String)) {
    push(
        text,
        format_args!(
            "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\">\n<table>\n<thead><tr>"
        ),
    );
    for name in head {
        push(text, format_args!("<th scope=\"col\">{name}</th>"));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    rows(text);
    text.push_str("</tbody>\n</table>\n</div>\n");
}

fn row(text: &mut String, cells: &[String]) {
    text.push_str("<tr>");
    for cell in cells {
        push(text, format_args!("<td>{cell}</td>"));
    }
    text.push_str("</tr>\n");
}

/// A text without the signs that HTML reads.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(arguments).unwrap_or_default();
}
