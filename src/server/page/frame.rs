//! What all pages have in common: head, navigation, and above everything the few things that a person
//! must not miss: a freeze, silences, a history that cannot be written, a configuration that was
//! refused.

use maud::{DOCTYPE, Markup, html};

use super::assets;
use crate::clock::WallTime;
use crate::engine::serve::live::{Live, NotifierNow, SilenceNow};
use crate::report::html::words::{ago, date_time};
use crate::report::text::counted;

/// Where in the navigation a page stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Here {
    /// The overview, and what is below it.
    Overview,
    /// The history.
    History,
    /// Nowhere: signing in, problems.
    Nowhere,
}

/// A page to be framed.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The title, before the name of the program.
    pub title: &'a str,
    /// Where it stands.
    pub here: Here,
    /// What is true now, for what must not be missed; absent where nobody may know.
    pub live: Option<&'a Live>,
    /// Whether whoever reads is signed in with a token.
    pub is_signed_in: bool,
    /// Whether there is a public status page.
    pub has_status: bool,
    /// What is on it.
    pub body: Markup,
}

/// A whole page.
#[must_use]
pub fn draw(frame: &Frame<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(frame.title, frame.live.map(|live| live.at)))
            body {
                a class="skip" href="#main" { "Skip to the content" }
                header class="bar" {
                    div class="page" {
                        a class="brand" href="/" { (mark()) "Smokejumper" }
                        nav aria-label="Pages" { (links(frame)) }
                        p class="now" id="now" role="status" {}
                        @if frame.is_signed_in {
                            form class="inline" method="post" action="/sign-out" {
                                button class="quiet" type="submit" { "Sign out" }
                            }
                        } @else {
                            a href="/sign-in" { "Sign in" }
                        }
                    }
                }
                @if let Some(live) = frame.live { (notices(live)) }
                main class="page" id="main" tabindex="-1" { (frame.body) }
                (foot(frame.live))
            }
        }
    }
}

/// The head of a page: everything that it needs comes from here, and nothing is inline.
pub(super) fn head(title: &str, now: Option<WallTime>) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            @if let Some(now) = now { meta name="now" content=(now.unix().as_secs()); }
            title { (title) " · Smokejumper" }
            link rel="icon" type="image/svg+xml" href=(assets::path(assets::ICON));
            link rel="stylesheet" href=(assets::path(assets::STYLE));
            script src=(assets::path(assets::SCRIPT)) defer {}
        }
    }
}

/// The sign of the program: a flame that is stopped by a line.
fn mark() -> Markup {
    html! {
        svg class="logo" viewBox="0 0 16 16" width="20" height="20" aria-hidden="true" focusable="false" {
            path d="M8 1c1 3 4 4 4 8a4 4 0 0 1-8 0c0-2 1-3 2-4 0 1 .5 2 1.500 2C7.500 5 7 3 8 1z" {}
            path class="line" d="M1 15h14" {}
        }
    }
}

fn links(frame: &Frame<'_>) -> Markup {
    let all = [
        (Here::Overview, "/", "Overview"),
        (Here::History, "/history", "History"),
    ];
    html! {
        ul {
            @for (place, address, words) in all {
                li { a href=(address) aria-current=[(place == frame.here).then_some("page")] { (words) } }
            }
            @if frame.has_status { li { a href="/status" { "Status page" } } }
        }
    }
}

fn foot(live: Option<&Live>) -> Markup {
    html! {
        footer class="page soft" {
            "Smokejumper " (env!("CARGO_PKG_VERSION"))
            @if let Some(live) = live {
                " · running since " (date_time(live.since)) " UTC · all times in UTC"
            }
            " · " a href="/api/v1/openapi.json" { "API" } " · " a href="/metrics" { "metrics" }
        }
    }
}

/// What must not be missed.
fn notices(live: &Live) -> Markup {
    let silences: Vec<&SilenceNow> = live
        .silences
        .iter()
        .filter(|silence| silence.from <= live.at)
        .collect();
    html! {
        div class="notices" id="notices" data-live {
            @if let Some(freeze) = &live.freeze {
                (notice("is-warn", "Frozen", html! {
                    "no rollback is made"
                    @if let Some(by) = &freeze.by { ", by " (by) }
                    @if let Some(since) = freeze.since { ", since " (ago(since, live.at)) }
                    ": " (freeze.reason) " " a href="/freeze" { "Lift the freeze" }
                }))
            }
            @for (service, freeze) in live.services.iter().filter_map(|one| Some((&one.name, one.freeze.as_ref()?))) {
                (notice("is-warn", "Frozen", html! {
                    "no rollback of " (service) " is made"
                    @if let Some(by) = &freeze.by { ", by " (by) }
                    @if let Some(since) = freeze.since { ", since " (ago(since, live.at)) }
                    ": " (freeze.reason) " "
                    a href={ "/freeze?service=" (super::segment(service)) } { "Lift the freeze of " (service) }
                }))
            }
            @if let Some(trouble) = &live.store.trouble {
                (notice("is-fail", "History", html! {
                    "it cannot be written: " (trouble) "; "
                    (counted(live.store.waiting, "record waits", "records wait"))
                    @if live.store.lost > 0 { ", " (counted(live.store.lost, "was", "were")) " given up" }
                    ". Probing and judging go on."
                }))
            }
            @for notifier in live.notifiers.iter().filter(|one| one.trouble.is_some()) {
                (unsent(notifier))
            }
            @if let Some(refused) = &live.configuration.refused {
                (notice("is-fail", "Configuration", html! {
                    "the new one was refused, that of " (date_time(live.configuration.loaded))
                    " UTC is in force:"
                    pre role="region" tabindex="0" aria-label="What is wrong with the configuration" { (refused) }
                }))
            }
            @if !silences.is_empty() { (silenced(&silences, live)) }
        }
    }
}

fn notice(class: &str, title: &str, words: Markup) -> Markup {
    html! {
        section class={ "notice " (class) } aria-label=(title) {
            div class="page" { strong { (title) } " – " (words) }
        }
    }
}

/// Whoever relies on being told must see that they are not.
fn unsent(notifier: &NotifierNow) -> Markup {
    let title = format!("Notifier {}", notifier.name);
    let why = notifier.trouble.as_deref().unwrap_or_default();
    notice(
        "is-fail",
        &title,
        html! {
            "people are not told over " (notifier.channel) ": " (why) "; "
            (counted(notifier.waiting as u64, "notice waits", "notices wait"))
            @if notifier.unsent > 0 { ", " (counted(notifier.unsent, "was", "were")) " given up" }
        },
    )
}

fn silenced(silences: &[&SilenceNow], live: &Live) -> Markup {
    let count = counted(silences.len() as u64, "silence", "silences");
    notice(
        "is-dim",
        &count,
        html! {
            @for (place, silence) in silences.iter().enumerate() {
                @if place > 0 { "; " }
                (silence.about) " (" (silence.reason)
                @if silence.stops_checks { ", its checks do not run" }
                ") until " (date_time(silence.to)) " UTC"
                @if silence.by.is_some() {
                    " " a href={ "/silences/" (super::segment(&silence.id)) "/lift" } {
                        "Lift" span class="hidden" { " the silence of " (silence.about) }
                    }
                }
            }
            @let later = live.silences.len() - silences.len();
            @if later > 0 { "; " (counted(later as u64, "more comes", "more come")) " within a day" }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::serve::live::Freeze;
    use crate::server::page::tests::{at, live};

    fn page(live: &Live) -> String {
        draw(&Frame {
            title: "Overview",
            here: Here::Overview,
            live: Some(live),
            is_signed_in: false,
            has_status: true,
            body: html! { p { "x" } },
        })
        .into_string()
    }

    #[test]
    fn a_page_has_its_landmarks_and_nothing_inline() {
        let text = page(&live());
        for part in [
            "<html lang=\"en\">",
            "<main class=\"page\" id=\"main\"",
            "<nav aria-label=\"Pages\">",
            "aria-current=\"page\"",
            "href=\"#main\"",
            "role=\"status\"",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        for inline in ["style=\"", "onclick", "<style", "javascript:"] {
            assert!(!text.contains(inline), "{inline}");
        }
    }

    #[test]
    fn what_must_not_be_missed_is_there_and_escaped() {
        let mut live = live();
        live.freeze = Some(Freeze {
            by: Some("ann".to_owned()),
            reason: "<b>release day</b>".to_owned(),
            since: Some(at(0)),
        });
        live.store.trouble = Some("disk full".to_owned());
        live.store.waiting = 12;
        live.configuration.refused = Some("line 3: `htp`".to_owned());
        let text = page(&live);
        for part in [
            "&lt;b&gt;release day&lt;/b&gt;",
            "disk full; 12 records wait",
            "line 3: `htp`",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
