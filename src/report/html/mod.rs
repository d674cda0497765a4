//! `--report html`: a window in one file, with nothing fetched from elsewhere and no script; to be
//! kept, attached and opened anywhere. The daemon's page of a window shows the same body.
//!
//! A report that is masked already comes in, with what was seen meanwhile where that is known; text
//! goes out. Reading order: `story` (what is told), `body` (how), `plot` (the drawings), `telling` (how
//! a command gathers what happened).

pub mod body;
mod checks;
pub mod course;
mod diagnosis;
pub mod plot;
pub mod story;
pub mod telling;
mod timeline;
pub mod words;

use maud::{DOCTYPE, PreEscaped, html};

use story::Story;

/// The style of all pages: light and dark by the reader's own choice.
pub const STYLE: &str = include_str!("style.css");

/// Nothing is fetched and nothing runs, whatever text found its way into the file.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Renders a window as a page of its own.
#[must_use]
pub fn render(story: &Story) -> String {
    let title = body::title(story);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main class="page" {
                    (body::draw(story))
                }
                footer class="page soft" {
                    "Written by Smokejumper " (env!("CARGO_PKG_VERSION")) "."
                }
            }
        }
    };
    page.into_string()
}
