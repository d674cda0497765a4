//! The page of a window: open and live, or closed and for good. What it tells is the same as in the
//! file of `--report html`; here it is gathered from what the daemon knows and what the history keeps.

mod gathered;

use maud::{Markup, html};

pub use self::gathered::{Kept, span, told};
use super::segment::segment;
use crate::report::html::body;
use crate::report::html::story::Story;

/// Draws it.
#[must_use]
pub fn draw(story: &Story) -> Markup {
    html! {
        nav class="row between" aria-label="This window" {
            a href=(format!("/windows/{}", segment(&story.id))) data-copy { "Permanent link" }
            div class="buttons" id="orders" data-live {
                @if story.open.is_some() { (orders(story)) }
                @else { a href=(format!("/windows/{}/report.html", segment(&story.id))) download { "Save as a file" } }
            }
        }
        (body::draw(story))
    }
}

/// What a person may order of an open window. Each leads to a page that asks first.
fn orders(story: &Story) -> Markup {
    let address = |what: &str| format!("/windows/{}/{what}", segment(&story.id));
    html! {
        a class="button" href=(address("accept")) { "Accept…" }
        a class="button" href=(address("hold")) { "Hold…" }
        a class="button" href=(address("rollback")) { "Roll back…" }
    }
}
