//! Signing in: a token is shown once, and a cookie stands for it until the evening.

use maud::{Markup, html};
use serde::Deserialize;

/// The fields of the form.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// The token.
    pub token: String,
    /// Where to go on.
    pub next: String,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

/// Where to go on after signing in: a path of ours, whatever was asked for.
#[must_use]
pub fn onward(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    let is_plain = next.chars().all(|c| c.is_ascii_graphic());
    if is_path && is_plain { next } else { "/" }
}

/// The page; `trouble` says why it did not work.
#[must_use]
pub fn draw(next: &str, trouble: Option<&str>, needs_own: bool) -> Markup {
    html! {
        div class="narrow" {
            h1 { "Sign in" }
            @if let Some(trouble) = trouble { p class="verdict-line is-fail" role="alert" { (trouble) } }
            form method="post" action="/sign-in" {
                input type="hidden" name="next" value=(onward(next));
                div class="field" {
                    label for="token" { "Token" }
                    input type="password" id="token" name="token" required autocomplete="current-password";
                }
                p class="soft" {
                    @if needs_own {
                        "On this machine everyone may read. Acting needs the token in the file "
                        code { "act-token" } " of the state folder, or one that the configuration declares."
                    } @else {
                        "One of the tokens that the configuration declares below " code { "server" }
                        ": with the scope " code { "read" } " to look, with " code { "act" } " to order things."
                    }
                }
                div class="buttons" { button class="strong" type="submit" { "Sign in" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_to_our_own_pages_alone() {
        for (next, expected) in [
            ("/windows/01J/rollback", "/windows/01J/rollback"),
            ("/?state=fail", "/?state=fail"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("", "/"),
            ("/a\r\nset-cookie: x", "/"),
        ] {
            assert_eq!(onward(next), expected, "{next}");
        }
    }

    #[test]
    fn a_token_is_typed_unseen_and_never_shown() {
        let text = draw("/", Some("nobody has this token"), false).into_string();
        assert!(text.contains("type=\"password\""), "{text}");
        let shown = Shown {
            token: "hunter22".to_owned(),
            next: String::new(),
        };
        assert!(!format!("{shown:?}").contains("hunter22"));
    }
}
