//! The overview: what is wrong, what is being deployed, and how everything does.

mod checks;
pub mod filter;
mod services;

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::engine::serve::live::Live;
use crate::event::Verdict;
use crate::report::html::plot::definitions;
use crate::report::html::words::{sign, verdict_class, verdict_words};
use crate::secret::Mask;
use filter::Filter;

/// Draws it.
#[must_use]
pub fn draw(live: &Live, filter: &Filter, mask: &Mask) -> Markup {
    html! {
        (definitions())
        h1 class="hidden" { "Overview" }
        (tiles(live, filter))
        @if !live.services.is_empty() { (services::draw(&live.services, live.at, mask)) }
        section aria-labelledby="checks" {
            div class="row between" { h2 id="checks" { "Checks" } }
            (fields(live, filter))
            (checks::draw(&live.checks, filter, live.at, mask))
        }
    }
}

/// The title, with what is wrong in it: it stands in the tab.
#[must_use]
pub fn title(live: &Live) -> String {
    let failing = live
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Fail);
    match failing.count() {
        0 => "Overview".to_owned(),
        count => format!("({count} failing) Overview"),
    }
}

/// How many checks there are of each verdict, each a way to look at them alone.
fn tiles(live: &Live, filter: &Filter) -> Markup {
    let worst_first = [
        Verdict::Fail,
        Verdict::Inconclusive,
        Verdict::Warn,
        Verdict::Pass,
    ];
    let count = |verdict: Verdict| {
        let asked = live
            .checks
            .iter()
            .filter(|check| filter.takes_but_for_state(check));
        asked.filter(|check| check.verdict == verdict).count()
    };
    html! {
        nav aria-label="Checks by state" id="tiles" data-live {
            ul class="tiles" {
                @for verdict in worst_first {
                    @let is_asked = filter.state() == Some(verdict);
                    @let state = if is_asked { "" } else { verdict.name() };
                    @let class = if count(verdict) > 0 { verdict_class(verdict) } else { "is-none" };
                    li {
                        a class=(class) href=(filter.address(state, 0)) aria-current=[is_asked.then_some("true")] {
                            strong { (count(verdict)) }
                            span aria-hidden="true" { (sign(verdict)) " " } (verdict_words(verdict))
                        }
                    }
                }
            }
        }
    }
}

/// The form that narrows: it works without a script.
fn fields(live: &Live, filter: &Filter) -> Markup {
    let services: BTreeSet<&str> = live
        .checks
        .iter()
        .map(|check| &*check.facts.service)
        .collect();
    let tags = live.checks.iter().flat_map(|check| &check.facts.tags);
    let tags: BTreeSet<&str> = tags.map(|tag| &**tag).collect();
    html! {
        form class="filter" method="get" action="/" role="search" aria-label="Narrow the checks" {
            @if !filter.state.is_empty() { input type="hidden" name="state" value=(filter.state); }
            div {
                label for="q" { "Name contains" }
                input type="search" id="q" name="q" value=(filter.q) autocomplete="off";
            }
            @if services.len() > 1 { (choice("service", "Service", &services, &filter.service)) }
            @if !tags.is_empty() { (choice("tag", "Tag", &tags, &filter.tag)) }
            button type="submit" { "Show" }
            @if filter.is_any() { a href="/" { "Show all" } }
        }
    }
}

fn choice(name: &str, label: &str, values: &BTreeSet<&str>, chosen: &str) -> Markup {
    html! {
        div {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                option value="" { "all" }
                @for value in values {
                    option value=(value) selected[*value == chosen] { (value) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::page::tests::live;

    #[test]
    fn the_overview_says_what_is_wrong_and_what_would_happen() {
        let live = live();
        let text = draw(&live, &Filter::default(), &Mask::default()).into_string();
        for part in [
            "<strong>1</strong>",
            "api:41 → ",
            "if it ended now: <strong>roll back</strong>",
            "data-until=",
            "error rate 12.1 %",
            "href=\"/checks/api-health\"",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(title(&live), "(1 failing) Overview");
    }

    #[test]
    fn a_daemon_without_anything_says_so() {
        let text = draw(&Live::default(), &Filter::default(), &Mask::default()).into_string();
        assert!(text.contains("No check is declared."), "{text}");
        assert!(!text.contains("NaN"));
    }
}
