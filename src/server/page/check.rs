//! A check: how it does, its latency over time as a band, by phase and as a distribution, its last
//! failures with what was seen, and how it was declared.

use std::time::Duration;

use maud::{Markup, html};
use serde::Deserialize;

use super::segment::segment;
use crate::clock::WallTime;
use crate::engine::serve::live::CheckNow;
use crate::quantity::human;
use crate::report::html::course::{Course, runs};
use crate::report::html::plot::band::{self, Band};
use crate::report::html::plot::{definitions, heat, phases, strip};
use crate::report::html::story::declared;
use crate::report::html::words::{ago, badge, second, share};
use crate::report::text::{counted, millis};
use crate::sample::{Outcome, Phase};
use crate::secret::Mask;
use crate::store::history::{Seen, Slice};
use crate::window::histogram::Histogram;
use crate::window::least_count;

/// Which time is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Looked {
    /// One of [`SPANS`] by its name; another is the first.
    pub span: String,
}

/// A span that can be looked at: its name, how long it is, and in slices of what length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The name, as in the address.
    pub name: &'static str,
    /// How long.
    pub long: Duration,
    /// In slices of so much.
    pub step: Duration,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

const fn span(name: &'static str, long: u64, step: u64) -> Span {
    Span {
        name,
        long: Duration::from_secs(long),
        step: Duration::from_secs(step),
    }
}

/// The spans that can be looked at: each has some sixty to a hundred slices.
pub const SPANS: [Span; 5] = [
    span("1h", HOUR, MINUTE),
    span("6h", 6 * HOUR, 4 * MINUTE),
    span("24h", DAY, 20 * MINUTE),
    span("7d", 7 * DAY, 2 * HOUR),
    span("30d", 30 * DAY, 8 * HOUR),
];

impl Looked {
    /// The span that is looked at.
    #[must_use]
    pub fn span(&self) -> Span {
        let found = SPANS.into_iter().find(|span| span.name == self.span);
        found.unwrap_or(SPANS[0])
    }
}

/// What is on the page.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The check, as it is now.
    pub check: &'a CheckNow,
    /// What it did.
    pub course: &'a Course,
    /// Its last runs that did not pass, the newest first.
    pub failures: &'a [Seen],
    /// Why the past is not there; absent where it is.
    pub trouble: Option<&'a str>,
    /// Which time is looked at.
    pub span: Span,
    /// The present.
    pub now: WallTime,
    /// What must not be seen.
    pub mask: &'a Mask,
}

/// Draws it.
#[must_use]
pub fn draw(look: &Look<'_>) -> Markup {
    html! {
        (definitions())
        (head(look))
        (spans(look))
        div id="course" data-live {
            @if let Some(trouble) = look.trouble {
                p class="verdict-line is-warn" { "The past cannot be read: " (look.mask.apply(trouble)) }
            }
            (plots(look))
            (percentiles(look.course))
            (readings(look.course))
        }
        (failures(look))
        section aria-labelledby="declared" {
            h2 id="declared" { "As declared" }
            pre role="region" tabindex="0" aria-label="The declaration" { (look.mask.apply(&look.check.declared)) }
        }
    }
}

fn head(look: &Look<'_>) -> Markup {
    let check = look.check;
    let facts = &check.facts;
    html! {
        header class="head" id="head" data-live {
            h1 { (facts.id) }
            p class="lead" {
                (badge(check.verdict)) " " span class="soft" { "since " (ago(check.since, look.now)) }
                @if !check.because.is_empty() { ": " (look.mask.apply(&check.because)) }
            }
            p { (strip::recent(&check.recent)) }
            dl class="facts" {
                div { dt { "Kind" } dd { (facts.kind) } }
                div { dt { "Service" } dd { a href={ "/?service=" (segment(&facts.service)) } { (facts.service) } } }
                div { dt { "Runs every" } dd { (human(check.every)) } }
                @if let Some((at, sample)) = &check.last {
                    div { dt { "Last run" } dd { (ago(*at, look.now)) ", " (millis(sample.latency)) } }
                }
                @if !facts.tags.is_empty() {
                    div { dt { "Tags" } dd {
                        @for tag in &facts.tags { a class="tag" href={ "/?tag=" (segment(tag)) } { (tag) } " " }
                    } }
                }
                @if !check.limits.is_empty() {
                    div class="wide-fact limits" { dt { "Limits" } dd {
                        @for (place, limit) in check.limits.iter().enumerate() {
                            @if place > 0 { "; " } code { (limit) }
                        }
                    } }
                }
            }
            p { a href={ "/silence?check=" (segment(facts.id.as_str())) } { "Silence its alerts" } }
        }
    }
}

fn spans(look: &Look<'_>) -> Markup {
    html! {
        nav aria-label="Which time" {
            ul class="spans" {
                @for span in SPANS {
                    li {
                        a href={ "?span=" (span.name) } aria-current=[(span == look.span).then_some("true")] { (span.name) }
                    }
                }
            }
        }
    }
}

fn plots(look: &Look<'_>) -> Markup {
    let course = look.course;
    let title = format!("Latency of {}", look.check.facts.id);
    html! {
        div class="cards" {
            article class="card" aria-labelledby="latency" {
                h2 id="latency" { "Latency and failures" }
                (band::draw(&Band {
                    name: "band",
                    title: &title,
                    course,
                    before: None,
                    limits: declared(&look.check.limits),
                    marks: Vec::new(),
                }))
                p class="soft key" { (band::KEY) "." (band::KEY_BELOW) }
            }
            article class="card" aria-labelledby="phases" {
                h2 id="phases" { "By phase" }
                (phases::draw(course, "by-phase"))
            }
            article class="card" aria-labelledby="distribution" {
                h2 id="distribution" { "Distribution" }
                (heat::draw(course, "heat"))
                @if look.course.whole().passed > 0 {
                    p class="soft key" { "The stronger the colour, the more of the runs of that time took so long." }
                }
            }
        }
    }
}

/// The quantiles that are shown, each with its name.
const QUANTILES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99.9", 0.999),
];

fn percentiles(course: &Course) -> Markup {
    let whole = course.whole();
    html! {
        section aria-labelledby="percentiles" {
            h2 id="percentiles" { "Percentiles" }
            p { (outcomes(&whole)) }
            div class="wide" role="region" tabindex="0" aria-label="Table of percentiles" {
                table {
                    caption class="hidden" { "Percentiles of the latency, whole and by phase" }
                    thead {
                        tr {
                            th scope="col" { "Part" }
                            th scope="col" class="number" { "Passed" }
                            @for (name, _) in QUANTILES { th scope="col" class="number" { (name) } }
                            th scope="col" class="number" { "longest" }
                        }
                    }
                    tbody {
                        (quantiles("whole run", &whole.latency))
                        @for phase in phases::seen(course) { (quantiles(phases::words(phase), part(&whole, phase))) }
                    }
                }
            }
            p class="soft key" { "A dash: too few runs to tell. Values are within 1 %." }
        }
    }
}

fn part(whole: &Slice, phase: Phase) -> &Histogram {
    let found = whole.phases.iter().find(|(one, _)| *one == phase);
    found.map_or(&whole.latency, |(_, spans)| spans)
}

fn quantiles(name: &str, spans: &Histogram) -> Markup {
    let count = spans.count();
    let dash = || "–".to_owned();
    html! {
        tr {
            th scope="row" { (name) }
            td class="number" { (count) }
            @for (_, q) in QUANTILES {
                @let told = spans.quantile(q).filter(|_| count >= least_count(q));
                td class="number" { (told.map_or_else(dash, millis)) }
            }
            td class="number" { (spans.steps().last().map_or_else(dash, |step| millis(step.middle))) }
        }
    }
}

fn outcomes(whole: &Slice) -> String {
    let known = whole.passed + whole.failed + whole.errored;
    if known == 0 {
        return "Nothing is known of this time.".to_owned();
    }
    let bad = whole.failed + whole.errored;
    let unknown = match whole.unknown {
        0 => String::new(),
        count => format!("; {count} taught nothing"),
    };
    format!(
        "{}: {} failed, {} could not reach it{unknown}; availability {}.",
        counted(runs(whole), "run", "runs"),
        whole.failed,
        whole.errored,
        share(1.0 - bad as f64 / known as f64)
    )
}

fn readings(course: &Course) -> Markup {
    let whole = course.whole();
    html! {
        @if !whole.readings.is_empty() {
            section aria-labelledby="readings" {
                h2 id="readings" { "Readings" }
                div class="wide" role="region" tabindex="0" aria-label="Table of readings" {
                    table {
                        caption class="hidden" { "What the check read" }
                        thead { tr {
                            th scope="col" { "Reading" }
                            th scope="col" class="number" { "mean" }
                            th scope="col" class="number" { "least" }
                            th scope="col" class="number" { "most" }
                        } }
                        tbody {
                            @for reading in &whole.readings {
                                tr {
                                    th scope="row" { (reading.name) }
                                    td class="number" { (number(reading.sum / reading.count.max(1) as f64)) }
                                    td class="number" { (number(reading.least)) }
                                    td class="number" { (number(reading.most)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A number with as many digits as tell something.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn failures(look: &Look<'_>) -> Markup {
    html! {
        section aria-labelledby="failures" id="failures-section" data-live {
            h2 id="failures" { "Last runs that did not pass" }
            @if look.failures.is_empty() {
                p class="soft" { "None is kept." }
            } @else {
                div class="wide" role="region" tabindex="0" aria-label="Table of failures" {
                    table {
                        caption class="hidden" { "Runs that did not pass, the newest first" }
                        thead { tr {
                            th scope="col" { "When (UTC)" }
                            th scope="col" { "What was seen" }
                            th scope="col" class="number" { "After" }
                        } }
                        tbody { @for seen in look.failures { (failure(seen, look.mask)) } }
                    }
                }
            }
        }
    }
}

fn failure(seen: &Seen, mask: &Mask) -> Markup {
    let sample = &seen.sample;
    let word = match sample.outcome {
        Outcome::Pass => "passed",
        Outcome::Fail => "answered wrongly",
        Outcome::Error => "could not reach it",
        Outcome::Unknown => "taught nothing",
    };
    html! {
        tr {
            th class="when" scope="row" { (second(seen.at)) }
            td {
                (word)
                @if let Some(fault) = &sample.fault { " " code { (fault.reason.code()) } }
                @if let Some(window) = &seen.window { " " a href={ "/windows/" (segment(window)) } { "in a window" } }
                @if let Some(fault) = &sample.fault {
                    br;
                    (mask.apply(&fault.detail))
                    @if !fault.further.is_empty() {
                        ul class="reasons" { @for more in &fault.further { li { (mask.apply(more)) } } }
                    }
                }
            }
            td class="number" { (millis(sample.latency)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Verdict;
    use crate::report::html::course::tests::{course, sample};
    use crate::sample::{Fault, Reason};
    use crate::server::page::tests::{at, check};

    #[test]
    fn a_check_shows_what_it_did_what_was_seen_and_how_it_was_declared() {
        let mut found = check("api-health", "api", Verdict::Fail, &["core"]);
        found.declared = "http:\n  url: http://x/?key=hunter22\n".into();
        found.limits = ["p95 critical > 50ms".to_owned()].into();
        let mut failed = sample(Outcome::Fail, 12);
        failed.fault = Some(Fault::new(Reason::Status, "expected 200, got 503 <b>"));
        let failures = [Seen {
            at: at(30),
            service: "api".into(),
            window: Some("01JW".into()),
            sample: failed,
        }];
        let mask = Mask::default();
        mask.hide("hunter22");
        let look = Look {
            check: &found,
            course: &course(),
            failures: &failures,
            trouble: None,
            span: SPANS[0],
            now: at(180),
            mask: &mask,
        };
        let text = draw(&look).into_string();
        for part in [
            "150 runs: 1 failed, 5 could not reach it; 1 taught nothing; availability 96 %.",
            "expected 200, got 503 &lt;b&gt;",
            "href=\"/windows/01JW\"",
            "url: http://x/?key=***",
            "class=\"limit critical\"",
            "class=\"heat h5\"",
            "class=\"phase ttfb\"",
            "<caption class=\"hidden\">Percentiles",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("hunter22"));
    }

    #[test]
    fn an_unknown_span_is_the_first() {
        let looked = |span: &str| {
            Looked {
                span: span.to_owned(),
            }
            .span()
            .name
        };
        assert_eq!([looked("7d"), looked(""), looked("x")], ["7d", "1h", "1h"]);
    }

    #[test]
    fn percentiles_of_few_runs_are_not_told() {
        let mut spans = Histogram::default();
        (0..20).for_each(|_| spans.record(Duration::from_millis(20)));
        let text = quantiles("whole run", &spans).into_string();
        assert_eq!(text.matches("–").count(), 2, "p99 and p99.9: {text}");
    }
}
