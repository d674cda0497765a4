//! The services of the overview: verdict, revision, and what their open windows are doing.

use maud::{Markup, html};

use crate::clock::WallTime;
use crate::engine::serve::live::{ServiceNow, WindowNow};
use crate::report::html::plot::percent;
use crate::report::html::plot::scale::Across;
use crate::report::html::words::{action_words, badge, left};
use crate::secret::Mask;
use crate::server::page::segment::segment;

/// Draws them: those with an open window first, then the worst, otherwise as declared.
#[must_use]
pub fn draw(services: &[ServiceNow], now: WallTime, mask: &Mask) -> Markup {
    let mut sorted: Vec<&ServiceNow> = services.iter().collect();
    sorted.sort_by_key(|it| (it.window.is_none(), std::cmp::Reverse(it.verdict)));
    html! {
        section aria-labelledby="services" id="services-section" data-live {
            div class="row between" {
                h2 id="services" { "Services" }
                div class="buttons" {
                    a href="/silence" { "Silence alerts" }
                    a href="/freeze" { "Freeze rollbacks" }
                }
            }
            ul class="services" {
                @for service in sorted { li { (card(service, now, mask)) } }
            }
        }
    }
}

fn card(service: &ServiceNow, now: WallTime, mask: &Mask) -> Markup {
    html! {
        article class="card" {
            h3 {
                a href={ "/?service=" (segment(&service.name)) } { (service.name) }
                (badge(service.verdict))
            }
            p class="soft" {
                @match &service.revision {
                    Some(revision) => { "runs " strong { (revision) } },
                    None if service.is_deployed => "revision not known yet",
                    None => "checked, not deployed by a platform",
                }
                " · policy " (service.policy)
                @if service.is_deployed && service.freeze.is_none() {
                    " · " a href={ "/freeze?service=" (segment(&service.name)) } { "freeze" }
                }
            }
            @if let Some(freeze) = &service.freeze {
                p {
                    span class="badge is-warn" { "! frozen" }
                    @if let Some(by) = &freeze.by { " by " (by) }
                    ": " (mask.apply(&freeze.reason))
                }
            }
            @if let Some(why) = &service.unseen {
                p { span class="badge is-warn" { "! deployments not seen" } " " (mask.apply(why)) }
            }
            @if let Some(window) = &service.window { (open(window, now, mask)) }
        }
    }
}

fn open(window: &WindowNow, now: WallTime, mask: &Mask) -> Markup {
    let (action, because) = &window.would;
    html! {
        p {
            a href={ "/windows/" (segment(&window.id)) } { "Window" }
            " " span class="state" { (window.state.name().replace('_', " ")) }
            @if let Some(deployment) = &window.deployment {
                @if let Some(from) = &deployment.previous { " " (from.label) " → " } @else { " " }
                (deployment.revision.label)
            }
            " " (badge(window.verdict))
        }
        @if let Some(ends) = window.ends.filter(|ends| *ends > now) {
            (progress(Across { from: window.opened, to: ends }, now))
            p { (left(ends, now)) " left; if it ended now: " strong { (action_words(action.name())) } }
        } @else {
            p { "if it ended now: " strong { (action_words(action.name())) } }
        }
        @if !because.is_empty() { p class="soft" { (mask.apply(&because.join("; "))) } }
    }
}

fn progress(across: Across, now: WallTime) -> Markup {
    let share = across.share(now);
    html! {
        svg class="bake" height="8" role="img" aria-label={ (format!("{:.0}", share * 100.0)) " % of the bake is over" } {
            rect class="lane-back" width="100%" height="8" {}
            rect class="done" width=(percent(share)) height="8" {}
        }
    }
}
