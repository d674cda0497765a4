//! The history: deployments that were judged, with what came of each and how soon, the newest first.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde::Deserialize;

use super::segment::segment;
use crate::clock::WallTime;
use crate::quantity::human;
use crate::report::html::words::{action_words, badge, date_time, rollback_words};
use crate::store::history::StoredWindow;

/// What is asked for; empty texts ask for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Windows of this service.
    pub service: String,
    /// `bad`: those that did not pass; `rolled_back`: those with a rollback.
    pub what: String,
    /// Older than the window of this name.
    pub before: String,
}

/// So many windows are on a page.
pub const A_PAGE: usize = 50;

impl Asked {
    /// Whether a window is asked for.
    #[must_use]
    pub fn takes(&self, window: &StoredWindow) -> bool {
        use crate::event::Verdict::Pass;
        match self.what.as_str() {
            "bad" => window.verdict.is_some_and(|verdict| verdict != Pass),
            "rolled_back" => window.rollback.is_some(),
            _ => true,
        }
    }

    fn address(&self, before: &str) -> String {
        let all = [
            ("service", self.service.as_str()),
            ("what", &self.what),
            ("before", before),
        ];
        let given = all.into_iter().filter(|(_, value)| !value.is_empty());
        let given: Vec<String> = given
            .map(|(name, value)| format!("{name}={}", segment(value)))
            .collect();
        format!("/history?{}", given.join("&"))
    }
}

/// What is on the page.
#[derive(Clone, Debug)]
pub struct Listed<'a> {
    /// What was asked for.
    pub asked: &'a Asked,
    /// The windows that it takes.
    pub windows: &'a [StoredWindow],
    /// The last that was looked at, where older ones may be there.
    pub more: Option<&'a str>,
    /// The services that there are.
    pub services: &'a BTreeSet<String>,
    /// Why nothing can be read; absent where it can.
    pub trouble: Option<&'a str>,
    /// The present.
    pub now: WallTime,
}

/// Draws it.
#[must_use]
pub fn draw(listed: &Listed<'_>) -> Markup {
    html! {
        h1 { "History" }
        (fields(listed))
        @if let Some(trouble) = listed.trouble {
            p class="verdict-line is-warn" { "The past cannot be read: " (trouble) }
        }
        div id="windows" data-live {
            @if listed.windows.is_empty() {
                p class="card" {
                    @if *listed.asked == Asked::default() {
                        "No deployment was judged yet. A window opens by itself when one appears, or with "
                        code { "POST /api/v1/windows" } "."
                    } @else { "No deployment matches here. " a href="/history" { "Show all" } }
                }
            } @else { (table(listed)) }
            nav class="pages" aria-label="Pages of the history" {
                @if !listed.asked.before.is_empty() { a href=(listed.asked.address("")) { "← Newest" } }
                @if let Some(more) = listed.more { a rel="next" href=(listed.asked.address(more)) { "Older →" } }
            }
        }
    }
}

fn fields(listed: &Listed<'_>) -> Markup {
    let whats = [
        ("", "all"),
        ("bad", "that did not pass"),
        ("rolled_back", "with a rollback"),
    ];
    html! {
        form class="filter" method="get" action="/history" role="search" aria-label="Narrow the history" {
            div {
                label for="service" { "Service" }
                select id="service" name="service" {
                    option value="" { "all" }
                    @for service in listed.services {
                        option value=(service) selected[*service == listed.asked.service] { (service) }
                    }
                }
            }
            div {
                label for="what" { "Deployments" }
                select id="what" name="what" {
                    @for (value, words) in whats {
                        option value=(value) selected[value == listed.asked.what] { (words) }
                    }
                }
            }
            button type="submit" { "Show" }
        }
    }
}

fn table(listed: &Listed<'_>) -> Markup {
    html! {
        div class="wide" role="region" tabindex="0" aria-label="Deployments" {
            table {
                caption class="hidden" { "Deployments that were judged, the newest first" }
                thead { tr {
                    th scope="col" { "Opened (UTC)" }
                    th scope="col" { "Service" }
                    th scope="col" { "Revision" }
                    th scope="col" { "Verdict" }
                    th scope="col" { "What came of it" }
                    th scope="col" class="number" { "Detected after" }
                    th scope="col" class="number" { "Lasted" }
                } }
                tbody { @for window in listed.windows { (row(window, listed.now)) } }
            }
        }
    }
}

fn row(window: &StoredWindow, now: WallTime) -> Markup {
    let whole = |span: std::time::Duration| human(std::time::Duration::from_secs(span.as_secs()));
    let dash = || "–".to_owned();
    html! {
        tr {
            th scope="row" { a href={ "/windows/" (segment(&window.id)) } { (date_time(window.opened)) } }
            td { (window.service) }
            td { (window.revision.as_deref().unwrap_or("–")) }
            td { @match window.verdict { Some(verdict) => (badge(verdict)), None => { span class="badge" { "open" } } } }
            td {
                @match (&window.rollback, &window.action) {
                    (Some(rollback), _) => (rollback_words(rollback)),
                    (None, Some(action)) => (action_words(action)),
                    (None, None) => "–",
                }
            }
            td class="number" { (window.detected_after.map_or_else(dash, whole)) }
            td class="number" { (whole(window.closed.unwrap_or(now).since(window.opened))) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::Verdict;
    use crate::server::page::tests::at;

    fn window(id: &str, rollback: Option<&str>) -> StoredWindow {
        StoredWindow {
            id: id.into(),
            service: "api".into(),
            opened: at(0),
            closed: Some(at(372)),
            verdict: Some(rollback.map_or(Verdict::Pass, |_| Verdict::Fail)),
            revision: Some("api:42".to_owned()),
            action: Some("roll_back".to_owned()),
            rollback: rollback.map(str::to_owned),
            detected_after: rollback.map(|_| Duration::from_secs(130)),
            report: None,
        }
    }

    #[test]
    fn a_deployment_is_a_line_with_its_end_and_its_detection() {
        let windows = [
            window("01A", Some("rolled_back_verified")),
            window("01B", None),
        ];
        let asked = Asked {
            service: "api".to_owned(),
            ..Asked::default()
        };
        let listed = Listed {
            asked: &asked,
            windows: &windows,
            more: Some("01B"),
            services: &["api".to_owned()].into(),
            trouble: None,
            now: at(400),
        };
        let text = draw(&listed).into_string();
        for part in [
            "href=\"/windows/01A\"",
            "rolled back and verified",
            "2m10s",
            "href=\"/history?service=api&amp;before=01B\"",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn what_is_asked_for_narrows() {
        let of = |what: &str| Asked {
            what: what.to_owned(),
            ..Asked::default()
        };
        let (bad, good) = (window("01A", Some("refused")), window("01B", None));
        for (what, expected) in [
            ("", (true, true)),
            ("bad", (true, false)),
            ("rolled_back", (true, false)),
        ] {
            let asked = of(what);
            assert_eq!((asked.takes(&bad), asked.takes(&good)), expected, "{what}");
        }
    }
}
