//! The checks of the overview, the worst first, with what they did lately at a glance.

use maud::{Markup, html};

use super::filter::{A_PAGE, Filter, pages};
use crate::clock::WallTime;
use crate::engine::serve::live::CheckNow;
use crate::event::Verdict;
use crate::report::html::plot::{spark, strip};
use crate::report::html::words::{ago, badge};
use crate::report::text::{counted, millis};
use crate::sample::Outcome;
use crate::secret::Mask;
use crate::server::page::segment::segment;

/// So many runs are in a strip.
const RUNS: usize = 30;

/// Draws those that are asked for.
#[must_use]
pub fn draw(checks: &[CheckNow], filter: &Filter, now: WallTime, mask: &Mask) -> Markup {
    let found = worst_first(checks, filter);
    let page = filter.page(found.len());
    let shown = found.iter().skip(page * A_PAGE).take(A_PAGE);
    html! {
        div id="check-list" data-live {
            @if found.is_empty() {
                p class="card" {
                    @if checks.is_empty() { "No check is declared." } @else { "No check matches. " a href="/" { "Show all" } }
                }
            } @else {
                div class="wide" role="region" tabindex="0" aria-label="Table of checks" {
                    table class="check-list" {
                        caption class="hidden" { "Checks, the worst first" }
                        thead {
                            tr {
                                th scope="col" { "State" }
                                th scope="col" { "Check" }
                                th scope="col" { "Last runs" }
                                th scope="col" class="number optional" { "p50" }
                                th scope="col" class="number" { "p95" }
                                th scope="col" class="optional" { "Last minutes" }
                                th scope="col" class="optional" { "Since" }
                            }
                        }
                        tbody { @for check in shown { (row(check, now, mask)) } }
                    }
                }
                (turning(filter, page, found.len()))
            }
        }
    }
}

/// Those that are asked for: the worst first, and of the same verdict those that fail right now and
/// then those that have lately begun to.
fn worst_first<'a>(checks: &'a [CheckNow], filter: &Filter) -> Vec<&'a CheckNow> {
    let mut found: Vec<&CheckNow> = checks.iter().filter(|check| filter.takes(check)).collect();
    let since = |check: &CheckNow| match check.verdict {
        Verdict::Pass => std::cmp::Reverse(WallTime::default()),
        _ => std::cmp::Reverse(check.since),
    };
    found.sort_by_key(|check| {
        (
            std::cmp::Reverse(check.verdict),
            !is_failing(check),
            since(check),
        )
    });
    found
}

fn is_failing(check: &CheckNow) -> bool {
    let last = check.recent.last();
    last.is_some_and(|outcome| matches!(outcome, Outcome::Fail | Outcome::Error))
}

fn row(check: &CheckNow, now: WallTime, mask: &Mask) -> Markup {
    let facts = &check.facts;
    let dash = || "–".to_owned();
    let recent = &check.recent[check.recent.len().saturating_sub(RUNS)..];
    html! {
        tr {
            td { (badge(check.verdict)) }
            th scope="row" {
                a href={ "/checks/" (segment(facts.id.as_str())) } { (facts.id) }
                " " span class="soft" { (facts.kind) " · " (facts.service) }
                @for tag in &facts.tags { " " span class="tag" { (tag) } }
                @if !check.because.is_empty() { span class="because" { (mask.apply(&check.because)) } }
            }
            td { (strip::recent(recent)) }
            td class="number optional" { (check.p50.map_or_else(dash, millis)) }
            td class="number" { (check.p95.map_or_else(dash, millis)) }
            td class="optional" { (spark::draw(&check.sparkline)) }
            td class="optional soft since" { (ago(check.since, now)) }
        }
    }
}

fn turning(filter: &Filter, page: usize, found: usize) -> Markup {
    let last = pages(found) - 1;
    html! {
        nav class="pages" aria-label="Pages of checks" {
            @if page > 0 { a rel="prev" href=(filter.address(&filter.state, page - 1)) { "← Previous" } }
            span class="soft" {
                (counted(found as u64, "check", "checks"))
                @if last > 0 { ", page " (page + 1) " of " (last + 1) }
            }
            @if page < last { a rel="next" href=(filter.address(&filter.state, page + 1)) { "Next →" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::page::tests::{at, check};

    #[test]
    fn the_worst_and_the_latest_come_first() {
        let mut checks = vec![
            check("fine", "api", Verdict::Pass, &[]),
            check("old", "api", Verdict::Fail, &[]),
            check("new", "api", Verdict::Fail, &[]),
            check("odd", "api", Verdict::Inconclusive, &[]),
            check("slow", "api", Verdict::Warn, &[]),
        ];
        checks[2].since = at(100);
        let found = worst_first(&checks, &Filter::default());
        let names: Vec<&str> = found.iter().map(|check| check.facts.id.as_str()).collect();
        assert_eq!(names, ["new", "old", "odd", "slow", "fine"]);
    }

    #[test]
    fn five_thousand_checks_are_a_hundred_pages_of_moderate_weight() {
        let checks: Vec<CheckNow> = (0..5_000)
            .map(|place| check(&format!("check-{place}"), "api", Verdict::Pass, &["core"]))
            .collect();
        let filter = Filter {
            page: "100".to_owned(),
            ..Filter::default()
        };
        let text = draw(&checks, &filter, at(0), &Mask::default()).into_string();
        assert!(text.contains("5000 checks, page 100 of 100"), "{text}");
        assert!(!text.contains("Next →"));
        assert_eq!(text.matches("<tr>").count(), A_PAGE + 1);
        assert!(text.len() < 120_000, "{} bytes", text.len());
    }

    #[test]
    fn what_a_target_said_is_text() {
        let mut odd = check("<i>", "api", Verdict::Fail, &["<b>"]);
        odd.because = "got <script>alert(1)</script> for hunter22".to_owned();
        let mask = Mask::default();
        mask.hide("hunter22");
        let text = draw(&[odd], &Filter::default(), at(0), &mask).into_string();
        assert!(!text.contains("<script") && !text.contains("<i>") && !text.contains("<b>"));
        assert!(!text.contains("hunter22"), "{text}");
    }
}
