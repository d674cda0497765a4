//! What a person orders on a page: each order has a page that says what it will do and asks once more,
//! with a field that only our own pages have. It works without a script. Who ordered what is written
//! down by the daemon, with the name of the token.

use std::time::Duration;

use maud::{Markup, html};
use serde::Deserialize;

use super::segment::segment;
use crate::clock::WallTime;
use crate::engine::serve::handle::{Done, Order, Refused, Silence};
use crate::engine::serve::live::Live;
use crate::quantity::{Span, human};
use crate::server::auth::form::FIELD;

/// What is done to an open window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnWindow {
    /// Keep the deployment.
    Accept,
    /// Stop judging, change nothing.
    Hold,
    /// Undo the deployment.
    Rollback,
}

impl OnWindow {
    const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Hold => "hold",
            Self::Rollback => "rollback",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Accept => "Accept this deployment",
            Self::Hold => "Hold this deployment",
            Self::Rollback => "Roll this deployment back",
        }
    }

    const fn means(self) -> &'static str {
        match self {
            Self::Accept => {
                "The window is closed now, and the deployment stays and counts as good: later rollbacks may return to it."
            }
            Self::Hold => {
                "The deployment is judged no further and nothing is changed. A person has to see to it."
            }
            Self::Rollback => {
                "The service returns to its last good revision, unless an interlock forbids it, and the checks run again on it."
            }
        }
    }
}

/// The fields of an order on a window or of a freeze.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reasoned {
    /// Why; may be empty.
    pub reason: String,
    /// For a freeze: `on` or `off`.
    pub freeze: String,
    /// For a freeze: of this service alone; empty for all.
    pub service: String,
}

/// Of whom rollbacks are to be stopped, as a link has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Frozen {
    /// Of this service; empty for all.
    pub service: String,
}

/// The fields of a silence; empty texts are not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Silencing {
    /// About a service.
    pub service: String,
    /// About a tag.
    pub tag: String,
    /// About a check.
    pub check: String,
    /// For how long: `30m`.
    pub long: String,
    /// Why.
    pub reason: String,
    /// Whether its checks do not even run: `on`.
    pub stops_checks: String,
}

/// No longer text is taken: a reason is a sentence.
const LONGEST: usize = 500;
/// A silence that nobody remembers hides a failure: a week is the longest that is ordered by hand.
const LONGEST_SILENCE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A text that was given.
fn given(text: &str) -> Option<String> {
    let text: String = text.trim().chars().take(LONGEST).collect();
    (!text.is_empty()).then_some(text)
}

impl Reasoned {
    /// The order on a window.
    #[must_use]
    pub fn on_window(&self, what: OnWindow, window: String) -> Order {
        let reason = given(&self.reason);
        match what {
            OnWindow::Accept => Order::Accept { window, reason },
            OnWindow::Hold => Order::Hold { window, reason },
            OnWindow::Rollback => Order::RollBack { window, reason },
        }
    }

    /// The order to freeze, or to lift the freeze.
    #[must_use]
    pub fn freeze(&self) -> Order {
        Order::Freeze {
            service: given(&self.service),
            on: self.freeze == "on",
            reason: given(&self.reason),
        }
    }
}

impl Silencing {
    /// The order, at this time.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn order(&self, now: WallTime) -> Result<Order, Refused> {
        let senseless = |why: String| Refused::Senseless(why);
        let long = Span::parse(&self.long).map_err(|error| senseless(error.to_string()))?;
        if long.0.is_zero() || long.0 > LONGEST_SILENCE {
            let most = human(LONGEST_SILENCE);
            return Err(senseless(format!(
                "a silence lasts at most {most}, and not nothing"
            )));
        }
        let reason = given(&self.reason);
        let reason = reason.ok_or_else(|| senseless("a silence needs a reason".to_owned()))?;
        Ok(Order::Silence(Silence {
            service: given(&self.service),
            tag: given(&self.tag),
            check: given(&self.check),
            until: WallTime::since_unix_epoch(now.unix() + long.0),
            reason,
            stops_checks: self.stops_checks == "on",
        }))
    }
}

/// A form of ours: where it goes, with the field that proves it.
fn form(action: &str, proof: &str, fields: &Markup) -> Markup {
    html! {
        form method="post" action=(action) {
            input type="hidden" name=(FIELD) value=(proof);
            (fields)
        }
    }
}

fn reason(is_needed: bool) -> Markup {
    html! {
        div class="field" {
            label for="reason" { "Why" @if !is_needed { " (may be empty)" } }
            input type="text" id="reason" name="reason" maxlength=(LONGEST) required[is_needed] autocomplete="off";
        }
    }
}

fn buttons(words: &str, class: &str, back: &str) -> Markup {
    html! {
        div class="buttons" {
            button class=(class) type="submit" { (words) }
            a href=(back) { "Cancel" }
        }
    }
}

/// The page that asks before an order on a window is given.
#[must_use]
pub fn on_window(what: OnWindow, window: &str, live: &Live, proof: &str) -> Markup {
    let about = live.services.iter().find_map(|service| {
        let open = service.window.as_ref().filter(|open| *open.id == *window)?;
        Some((service, open))
    });
    let address = format!("/windows/{}", segment(window));
    let class = if what == OnWindow::Rollback {
        "danger"
    } else {
        "strong"
    };
    html! {
        div class="narrow" {
            h1 { (what.title()) "?" }
            @match about {
                Some((service, open)) => {
                    p {
                        strong { (service.name) }
                        @if let Some(deployment) = &open.deployment {
                            @if let Some(from) = &deployment.previous { ": " (from.label) " → " } @else { ": " }
                            (deployment.revision.label)
                        }
                        ", " (open.state.name().replace('_', " "))
                    }
                    p { (what.means()) }
                    (form(&format!("{address}/{}", what.name()), proof, &html! {
                        (reason(false))
                        (buttons(what.title(), class, &address))
                    }))
                },
                None => {
                    p { "This window is not open, so that nothing can be ordered of it." }
                    p { a href=(address) { "To the window" } }
                },
            }
        }
    }
}

/// The page on which rollbacks are stopped, or allowed again: those of a service where one is named.
#[must_use]
pub fn freeze(live: &Live, of: &Frozen, proof: &str) -> Markup {
    let named = given(&of.service);
    let mut services = live.services.iter();
    let service = named
        .as_ref()
        .and_then(|name| services.find(|one| *one.name == **name));
    let known = match (&named, service) {
        (Some(_), Some(service)) => service.freeze.as_ref(),
        (Some(_), None) => {
            return html! {
                div class="narrow" {
                    h1 { "There is no such service" }
                    p { a href="/" { "To the overview" } }
                }
            };
        }
        (None, _) => live.freeze.as_ref(),
    };
    let whose = named.as_ref().map_or_else(
        || "all rollbacks".to_owned(),
        |name| format!("rollbacks of {name}"),
    );
    let which = named
        .as_deref()
        .map_or("No deployment", |_| "No deployment of it");
    html! {
        div class="narrow" {
            h1 { @if known.is_some() { "Allow " (whose) " again?" } @else { "Stop " (whose) "?" } }
            @if let Some(freeze) = known {
                p { "They are stopped" @if let Some(by) = &freeze.by { ", by " (by) } ": " (freeze.reason) }
            }
            p {
                @if known.is_some() { "From then on a bad deployment is rolled back again, as its policy says." }
                @else { (which) " is rolled back until the freeze is lifted, by nobody on this machine. Probing, judging and alerts go on." }
            }
            (form("/freeze", proof, &html! {
                input type="hidden" name="freeze" value=(if known.is_some() { "off" } else { "on" });
                @if let Some(name) = &named { input type="hidden" name="service" value=(name); }
                (reason(false))
                (buttons(if known.is_some() { "Lift the freeze" } else { "Freeze rollbacks" }, "strong", "/"))
            }))
        }
    }
}

/// The page on which alerts are silenced, with what was given already.
#[must_use]
pub fn silence(live: &Live, given: &Silencing, trouble: Option<&str>, proof: &str) -> Markup {
    let services = live.services.iter().map(|service| service.name.to_string());
    let services: Vec<String> = services.collect();
    html! {
        div class="narrow" {
            h1 { "Silence alerts" }
            @if let Some(trouble) = trouble { p class="verdict-line is-fail" role="alert" { (trouble) } }
            (form("/silence", proof, &html! {
                div class="field" {
                    label for="service" { "Of this service" }
                    select id="service" name="service" {
                        option value="" { "all" }
                        @for service in &services { option value=(service) selected[*service == given.service] { (service) } }
                    }
                }
                (field("tag", "Of checks with this tag (may be empty)", &given.tag))
                (field("check", "Of this check (may be empty)", &given.check))
                div class="field" {
                    label for="long" { "For how long, as 30m or 2h" }
                    input type="text" id="long" name="long" required autocomplete="off"
                        value=(if given.long.is_empty() { "1h" } else { given.long.as_str() });
                }
                (reason(true))
                div class="field" {
                    input type="checkbox" id="stops_checks" name="stops_checks" value="on" checked[given.stops_checks == "on"];
                    " " label class="inline" for="stops_checks" { "Do not even run its checks" }
                }
                (buttons("Silence", "strong", "/"))
            }))
        }
    }
}

fn field(name: &str, label: &str, value: &str) -> Markup {
    html! {
        div class="field" {
            label for=(name) { (label) }
            input type="text" id=(name) name=(name) value=(value) maxlength=(LONGEST) autocomplete="off";
        }
    }
}

/// The page that asks before a silence is lifted.
#[must_use]
pub fn lift(silence: &str, live: &Live, proof: &str) -> Markup {
    let found = live.silences.iter().find(|one| one.id == silence);
    html! {
        div class="narrow" {
            h1 { "Lift this silence?" }
            @match found {
                Some(found) => {
                    p { strong { (found.about) } ": " (found.reason) }
                    (form(&format!("/silences/{}/lift", segment(silence)), proof, &html! {
                        (buttons("Lift the silence", "strong", "/"))
                    }))
                },
                None => { p { "It is over already." } p { a href="/" { "To the overview" } } },
            }
        }
    }
}

/// What came of an order, and the way on.
#[must_use]
pub fn outcome(done: &Result<Done, Refused>, back: &str) -> Markup {
    let (title, words, class) = match done {
        Ok(Done::Window(_)) => ("Done", "The window is open.".to_owned(), "is-pass"),
        Ok(Done::Silence(_)) => ("Done", "The alerts are silenced.".to_owned(), "is-pass"),
        Ok(Done::Said(words)) => ("Done", words.clone(), "is-pass"),
        Err(refused) => ("It was not done", refused.to_string(), "is-fail"),
    };
    html! {
        div class="narrow" {
            h1 { (title) }
            p class={ "verdict-line " (class) } { (words) }
            p { a href=(back) { "Back" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::page::tests::{at, live};

    #[test]
    fn each_order_asks_first_and_proves_that_it_is_ours() {
        let live = live();
        for (what, words) in [
            (OnWindow::Accept, "counts as good"),
            (OnWindow::Hold, "nothing is changed"),
            (OnWindow::Rollback, "last good revision"),
        ] {
            let text = on_window(what, "01JWINDOW", &live, "proof").into_string();
            let action = format!("action=\"/windows/01JWINDOW/{}\"", what.name());
            assert!(text.contains(&action) && text.contains(words), "{text}");
            assert!(text.contains("name=\"form\" value=\"proof\""), "{text}");
        }
        let closed = on_window(OnWindow::Hold, "01JOTHER", &live, "proof").into_string();
        assert!(!closed.contains("<form"), "{closed}");
    }

    #[test]
    fn a_silence_has_an_end_and_a_reason() {
        let good = Silencing {
            tag: " database ".to_owned(),
            long: "30m".to_owned(),
            reason: "migration".to_owned(),
            ..Silencing::default()
        };
        let Order::Silence(silence) = good.order(at(0)).unwrap() else {
            panic!("a silence was ordered");
        };
        assert_eq!(
            (silence.tag.as_deref(), silence.service),
            (Some("database"), None)
        );
        assert_eq!(silence.until, at(1_800));
        for (long, reason) in [("", "x"), ("0s", "x"), ("8d", "x"), ("1h", " ")] {
            let bad = Silencing {
                long: long.to_owned(),
                reason: reason.to_owned(),
                ..Silencing::default()
            };
            assert!(bad.order(at(0)).is_err(), "{long} {reason}");
        }
    }

    #[test]
    fn a_freeze_is_lifted_where_there_is_one() {
        let mut live = live();
        let all = Frozen::default();
        let name = live.services[0].name.to_string();
        let one = Frozen {
            service: name.clone(),
        };
        let shown = |live: &Live, of: &Frozen| freeze(live, of, "p").into_string();
        assert!(shown(&live, &all).contains("value=\"on\""));
        let known = Some(crate::engine::serve::live::Freeze {
            by: Some("ops".to_owned()),
            reason: "release day".to_owned(),
            since: None,
        });
        live.freeze.clone_from(&known);
        assert!(shown(&live, &all).contains("value=\"off\""));
        let of_one = shown(&live, &one);
        let field = format!("name=\"service\" value=\"{name}\"");
        assert!(
            of_one.contains("value=\"on\"") && of_one.contains(&field),
            "{of_one}"
        );
        live.services[0].freeze = known;
        let of_one = shown(&live, &one);
        assert!(
            of_one.contains("value=\"off\"") && of_one.contains("by ops: release day"),
            "{of_one}"
        );
        let nobody = Frozen {
            service: "nobody".to_owned(),
        };
        assert!(!shown(&live, &nobody).contains("<form"));
    }
}
