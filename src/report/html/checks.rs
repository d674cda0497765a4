//! The checks of a window: all of them in a table, and each that is worth it with its latency drawn.

use maud::{Markup, html};

use super::plot::band::{self, Band};
use super::story::{Story, Told};
use super::words::{badge, share};
use crate::event::Verdict;

/// So many checks that passed are drawn; the others are in the table.
const DRAWN: usize = 24;

/// Draws them, the worst first.
pub(super) fn draw(story: &Story) -> Markup {
    let unwell = |check: &&Told| check.verdict != Verdict::Pass;
    let drawn = worst_first(story).filter(|check| check.course.is_some() || unwell(check));
    let drawn: Vec<&Told> = drawn.take(DRAWN).collect();
    html! {
        section aria-labelledby="checks" {
            h2 id="checks" { "Checks" }
            (table(story))
            div class="cards" id="check-cards" data-live {
                @for (place, check) in drawn.iter().enumerate() { (card(story, check, place)) }
            }
        }
    }
}

/// The checks, the worst first, otherwise as declared.
pub(super) fn worst_first(story: &Story) -> impl Iterator<Item = &Told> {
    let mut checks: Vec<&Told> = story.checks.iter().collect();
    checks.sort_by_key(|check| std::cmp::Reverse(check.verdict));
    checks.into_iter()
}

/// A name that can stand in an address: whatever is neither letter nor digit becomes a hyphen.
pub(super) fn anchor(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    id.chars().map(plain).collect()
}

fn table(story: &Story) -> Markup {
    html! {
        div class="wide" role="region" tabindex="0" aria-label="Checks of the window" id="check-table" data-live {
            table {
                caption class="hidden" { "The checks of the window, the worst first" }
                thead {
                    tr {
                        th scope="col" { "Check" }
                        th scope="col" { "Verdict" }
                        th scope="col" class="number" { "Runs" }
                        th scope="col" class="number" { "Errors" }
                        th scope="col" class="number" { "p50" }
                        th scope="col" class="number" { "p95" }
                        th scope="col" class="number" { "p99" }
                    }
                }
                tbody {
                    @for check in worst_first(story) {
                        tr {
                            th scope="row" { (check.id) " " span class="soft" { (check.kind) } }
                            td { (badge(check.verdict)) }
                            td class="number" { (check.runs.0) }
                            td class="number" { (check.error_rate.map_or_else(|| "–".to_owned(), share)) }
                            @for value in &check.latency[..3] { td class="number" { (millis(*value)) } }
                        }
                    }
                }
            }
        }
    }
}

/// Milliseconds of a report; a dash where too few runs tell it.
fn millis(value: Option<f64>) -> String {
    let span = value.map(|ms| std::time::Duration::from_secs_f64((ms / 1e3).max(0.0)));
    span.map_or_else(|| "–".to_owned(), crate::report::text::millis)
}

fn card(story: &Story, check: &Told, place: usize) -> Markup {
    let anchor = anchor(&check.id);
    html! {
        article class="card" id={ "check-" (anchor) } aria-labelledby={ "check-" (anchor) "-h" } {
            h3 id={ "check-" (anchor) "-h" } { (check.id) " " (badge(check.verdict)) }
            p class="soft" { (counts(check)) }
            @if let Some(course) = &check.course {
                (band::draw(&Band {
                    name: &format!("band-{place}"),
                    title: &format!("Latency of {}", check.id),
                    course,
                    before: check.before,
                    limits: check.lines.clone(),
                    marks: super::timeline::turns(story),
                }))
                p class="soft key" {
                    (band::KEY)
                    @if check.before.is_some() { "; dashed: p50 and p95 before" }
                    "." (band::KEY_BELOW)
                }
            }
            @if !check.reasons.is_empty() {
                ul class="reasons" { @for reason in &check.reasons { li { (reason.text) } } }
            }
            @if let Some(worth) = &check.assurance { p class="soft" { (worth) } }
            (limits(check))
        }
    }
}

/// By what it is judged; of a window of long ago, that nobody knows.
fn limits(check: &Told) -> Markup {
    html! {
        @match check.limits.as_deref() {
            None => p class="soft key" { "Its limits were not kept with this window: only those that were breached are known." },
            Some([]) => {},
            Some(limits) => p class="soft key limits" {
                "Limits: "
                @for (place, limit) in limits.iter().enumerate() {
                    @if place > 0 { "; " } code { (limit) }
                }
            },
        }
    }
}

fn counts(check: &Told) -> String {
    let (runs, failed, errored, unknown) = check.runs;
    let mut said = vec![crate::report::text::counted(runs, "run", "runs")];
    for (count, words) in [
        (failed, "failed"),
        (errored, "could not reach it"),
        (unknown, "taught nothing"),
    ] {
        if count > 0 {
            said.push(format!("{count} {words}"));
        }
    }
    said.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_addresses() {
        assert_eq!(anchor("api-health"), "api-health");
        assert_eq!(anchor("a b\"<c>"), "a-b--c-");
    }

    #[test]
    fn what_too_few_runs_tell_is_a_dash() {
        assert_eq!(millis(None), "–");
        assert_eq!(millis(Some(21.4)), "21 ms");
        assert_eq!(millis(Some(-1.0)), "0.0 ms");
    }
}
