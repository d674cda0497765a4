//! The public status page: chosen services and how they do, in words for everyone. No addresses, no
//! checks, no errors, no revisions: what is here may be read by anybody.

use maud::{DOCTYPE, Markup, html};

use super::frame::head;
use crate::engine::serve::live::{Live, ServiceNow, WindowState};
use crate::event::Verdict;
use crate::report::html::words::{date_time, sign, verdict_class};

/// Draws the whole page; `is_public` says which services are on it.
#[must_use]
pub fn draw(live: &Live, is_public: impl Fn(&str) -> bool) -> Markup {
    let services = live.services.iter();
    let services: Vec<&ServiceNow> = services.filter(|it| is_public(&it.name)).collect();
    html! {
        (DOCTYPE)
        html lang="en" {
            (head("Status", Some(live.at)))
            body {
                main class="page narrow" id="main" {
                    h1 { "Status" }
                    div id="public" data-live data-every="30" {
                        @if services.is_empty() {
                            p { "No service is shown here." }
                        } @else {
                            (whole(&services))
                            ul class="status" {
                                @for service in &services {
                                    @let state = state(service);
                                    li class="card" {
                                        h2 { (service.name) }
                                        span class={ "badge " (verdict_class(state.0)) } {
                                            span class="sign" aria-hidden="true" { (sign(state.0)) } (state.1)
                                        }
                                    }
                                }
                            }
                        }
                        p class="soft" { "As of " (date_time(live.at)) " UTC." }
                    }
                }
            }
        }
    }
}

/// All of them in one sentence.
fn whole(services: &[&ServiceNow]) -> Markup {
    let worst = services.iter().map(|service| state(service).0).max();
    let worst = worst.unwrap_or(Verdict::Inconclusive);
    let words = match worst {
        Verdict::Pass => "Everything works.",
        Verdict::Warn => "Everything works, some of it not as well as usual.",
        Verdict::Inconclusive => "Not everything is known at the moment.",
        Verdict::Fail => "Something does not work as it should.",
    };
    html! { p class={ "verdict-line " (verdict_class(worst)) } { strong { (words) } } }
}

/// How a service does, for everyone. That a release is undone is told as what it is for whoever uses
/// the service: that it is being repaired.
fn state(service: &ServiceNow) -> (Verdict, &'static str) {
    let is_repaired = service.window.as_ref().is_some_and(|window| {
        matches!(
            window.state,
            WindowState::RollingBack | WindowState::Verifying
        )
    });
    match (is_repaired, service.verdict) {
        (true, _) => (Verdict::Warn, "being repaired"),
        (false, Verdict::Pass) => (Verdict::Pass, "works"),
        (false, Verdict::Warn) => (Verdict::Warn, "degraded"),
        (false, Verdict::Inconclusive) => (Verdict::Inconclusive, "not known"),
        (false, Verdict::Fail) => (Verdict::Fail, "disturbed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::page::tests::live;

    #[test]
    fn only_what_is_public_is_there_and_no_internals() {
        let mut live = live();
        live.services[0].unseen = Some("AccessDenied at 10.0.0.1".to_owned());
        let text = draw(&live, |service| service == "api").into_string();
        assert!(
            text.contains("<h2>api</h2>") && text.contains("disturbed"),
            "{text}"
        );
        for internal in [
            "web",
            "api:41",
            "api-health",
            "error rate",
            "10.0.0.1",
            "/windows/",
            "careful",
            "core",
        ] {
            assert!(!text.contains(internal), "{internal}: {text}");
        }
    }

    #[test]
    fn nothing_is_shown_where_nothing_was_chosen() {
        let text = draw(&live(), |_| false).into_string();
        assert!(text.contains("No service is shown here."), "{text}");
        assert!(!text.contains("api"), "{text}");
    }
}
