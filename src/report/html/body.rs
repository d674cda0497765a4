//! The body of a window's page: what came of it, why, how it went, each check, the rollback and what
//! the platform knows. The same in the file and in the daemon.

use std::time::Duration;

use maud::{Markup, html};

use super::plot::definitions;
use super::story::{Rollback, Story};
use super::words::{action_words, badge, date_time, left, rollback_words, verdict_of};
use super::{checks, diagnosis, timeline};
use crate::event::Verdict;
use crate::quantity::human;
use crate::report::text::counted;

/// What stands in place of a verdict where nothing was judged.
pub const BY_HAND: &str = "rollback by hand";

/// The title: `fail: api:42 on api`.
#[must_use]
pub fn title(story: &Story) -> String {
    let what = story.revision.as_deref().unwrap_or("window");
    let whose = story.service.as_deref();
    let whose = whose.map_or_else(String::new, |service| format!(" on {service}"));
    let state = match &story.open {
        Some(open) => open.state.replace('_', " "),
        None if story.is_by_hand => BY_HAND.to_owned(),
        None => story.verdict.name().to_owned(),
    };
    format!("{state}: {what}{whose}")
}

/// Draws it.
#[must_use]
pub fn draw(story: &Story) -> Markup {
    html! {
        (definitions())
        (head(story))
        (part("why-part", why(story)))
        (timeline::draw(story))
        (checks::draw(story))
        (part("rollback-part", story.rollback.as_ref().map(rollback)))
        (part("diagnosis-part", story.diagnosis.as_ref().map(diagnosis::draw)))
        (part("remarks-part", remarks(story)))
    }
}

/// A place for what may come while the page is open: it is there from the beginning, so that the page
/// has where to put it.
fn part(id: &str, what: Option<Markup>) -> Markup {
    html! { div id=(id) data-live { @if let Some(what) = what { (what) } } }
}

fn remarks(story: &Story) -> Option<Markup> {
    (!story.remarks.is_empty()).then(|| {
        html! {
            section aria-labelledby="remarks" {
                h2 id="remarks" { "Remarks" }
                ul { @for remark in &story.remarks { li { (remark) } } }
            }
        }
    })
}

fn head(story: &Story) -> Markup {
    let service = story.service.as_deref().unwrap_or("all services");
    html! {
        header class="head" id="head" data-live {
            h1 {
                @match (&story.previous, &story.revision) {
                    (Some(from), Some(to)) => { (from) " → " (to) },
                    (None, Some(to)) => (to),
                    _ => { "Window of " (service) },
                }
            }
            p class="lead" {
                @if story.is_by_hand { (BY_HAND) ": " } @else { (badge(story.verdict)) " " }
                (outcome(story))
            }
            (facts(story, service))
        }
    }
}

/// What came of it, in one sentence.
fn outcome(story: &Story) -> Markup {
    html! {
        @if let Some(open) = &story.open {
            span class="state" { (open.state.replace('_', " ")) }
            @if let Some(ends) = open.ends.filter(|ends| *ends > story.until) {
                ", " (left(ends, story.until)) " left"
            }
            "; if it ended now: " strong { (action_words(&open.would.0)) }
            @if !open.would.1.is_empty() { ", because " (open.would.1.join("; ")) }
        } @else {
            @match (&story.rollback, &story.decision) {
                (Some(rollback), _) => strong { (rollback_words(&rollback.outcome)) },
                (None, Some((action, because))) => {
                    strong { (action_words(action)) }
                    @if !because.is_empty() { ", because " (because.join("; ")) }
                },
                (None, None) => "nothing was decided",
            }
        }
    }
}

fn facts(story: &Story, service: &str) -> Markup {
    let lasted = story.until.since(story.opened);
    html! {
        dl class="facts" {
            div { dt { "Service" } dd { (service) } }
            div { dt { "Opened" } dd { (date_time(story.opened)) " UTC" } }
            div {
                dt { @if story.open.is_some() { "Open for" } @else { "Lasted" } }
                dd { (human(whole(lasted))) }
            }
            @if let Some(after) = story.detected_after.or_else(|| detected(story)) {
                div { dt { "Failure proven after" } dd { (human(whole(after))) } }
            }
            @if let Some(open) = &story.open {
                div { dt { "Samples" } dd { (open.samples) } }
            }
            div class="wide-fact" { dt { "Window" } dd { code { (story.id) } } }
            @if let Some(deployment) = &story.deployment {
                div class="wide-fact" { dt { "Deployment" } dd { code { (deployment) } } }
            }
        }
    }
}

/// When the first failure was proven, as far as the moments tell.
fn detected(story: &Story) -> Option<Duration> {
    let mut moments = story.moments.iter();
    let first = moments.find(|moment| moment.verdict == Some(Verdict::Fail))?;
    Some(first.at.since(story.opened))
}

/// Parts of a second are nobody's concern here.
const fn whole(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs())
}

/// The reasons of all checks that did not pass.
fn why(story: &Story) -> Option<Markup> {
    let told: Vec<_> = checks::worst_first(story)
        .filter(|check| !check.reasons.is_empty())
        .collect();
    let list = html! {
        section aria-labelledby="why" {
            h2 id="why" { "Why" }
            ul class="reasons" {
                @for check in &told {
                    @for reason in &check.reasons {
                        li {
                            a href={ "#check-" (checks::anchor(&check.id)) } { (check.id) }
                            ": " (reason.text)
                            @if let Some(behind) = &reason.evidence {
                                @if !behind.text.is_empty() { span class="soft" { " (" (behind.text) ")" } }
                            }
                        }
                    }
                }
            }
        }
    };
    (!told.is_empty()).then_some(list)
}

fn rollback(rollback: &Rollback) -> Markup {
    html! {
        section aria-labelledby="rollback" {
            h2 id="rollback" { "Rollback" }
            p {
                strong { (rollback_words(&rollback.outcome)) } ": " (rollback.from)
                @if let Some(to) = &rollback.to { " → " (to) }
                @if let Some(actuator) = &rollback.actuator { ", by " code { (actuator) } }
            }
            @if !rollback.because.is_empty() { p { (rollback.because) } }
            @if !rollback.interlocks.is_empty() {
                h3 { "What stopped it" }
                ul { @for one in &rollback.interlocks { li { code { (one.name) } ": " (one.text) } } }
            }
            @if !rollback.verification.is_empty() {
                p {
                    (counted(rollback.verification.len() as u64, "check", "checks"))
                    " run again on the revision that came back:"
                }
                ul class="plain" {
                    @for check in &rollback.verification {
                        li { (badge(verdict_of(&check.verdict).unwrap_or(Verdict::Inconclusive))) " " (check.id) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::render;
    use crate::report::html::story::tests::report;

    #[test]
    fn a_rolled_back_window_says_what_why_and_how_it_ended() {
        let story = Story::of_report(&report()).unwrap();
        let page = render(&story);
        for part in [
            "<title>fail: api:42 on api</title>",
            "api:41 → api:42</h1>",
            "rolled back and verified",
            "error rate 12.1 % over 58 samples, limit 5 %",
            "chance alone gives as much in 1 of 2,500 healthy windows",
            "heap exhausted",
            "&lt;cache&gt;",
            "<h2 id=\"rollback\">",
            "the schedule was late",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(
            !page.contains("<script"),
            "whatever a container wrote is text"
        );
        assert!(!page.contains("http-equiv=\"refresh\""));
    }

    #[test]
    fn a_page_fetches_nothing() {
        let page = render(&Story::of_report(&report()).unwrap());
        for outside in [" src=", "<link", "@import", "http://", "https://"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
