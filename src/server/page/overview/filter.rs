//! Which checks are looked at: by service, tag, state and a part of the name, as the address says, so
//! that a view can be kept and sent. An unknown value finds nothing; it is no error.

use serde::Deserialize;

use crate::engine::serve::live::CheckNow;
use crate::event::Verdict;
use crate::report::html::words::verdict_of;
use crate::server::page::segment::segment;

/// What is asked for; empty texts, as an empty field of a form sends them, ask for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Checks of this service.
    pub service: String,
    /// Checks with this tag.
    pub tag: String,
    /// Checks with this verdict, by its name.
    pub state: String,
    /// Checks whose names contain this, in whatever case.
    pub q: String,
    /// Which page, from 1.
    pub page: String,
}

/// So many checks are on a page.
pub const A_PAGE: usize = 50;

impl Filter {
    /// Whether a check is asked for.
    #[must_use]
    pub fn takes(&self, check: &CheckNow) -> bool {
        self.takes_but_for_state(check)
            && (self.state.is_empty() || self.state() == Some(check.verdict))
    }

    /// The same, whatever the verdict.
    #[must_use]
    pub fn takes_but_for_state(&self, check: &CheckNow) -> bool {
        let facts = &check.facts;
        let wanted = self.q.trim().to_lowercase();
        (self.service.is_empty() || *facts.service == *self.service)
            && (self.tag.is_empty() || facts.tags.iter().any(|tag| **tag == *self.tag))
            && (wanted.is_empty() || facts.id.as_str().to_lowercase().contains(&wanted))
    }

    /// The verdict that is asked for.
    #[must_use]
    pub fn state(&self) -> Option<Verdict> {
        verdict_of(&self.state)
    }

    /// Whether anything but a page is asked for.
    #[must_use]
    pub fn is_any(&self) -> bool {
        [&self.service, &self.tag, &self.state, &self.q]
            .iter()
            .any(|text| !text.is_empty())
    }

    /// The page that is asked for, from 0, of so many checks: the last one where there are fewer.
    #[must_use]
    pub fn page(&self, checks: usize) -> usize {
        let asked = self.page.parse::<usize>().unwrap_or(1).saturating_sub(1);
        asked.min(pages(checks) - 1)
    }

    /// The address of the overview with these, with another state or page.
    #[must_use]
    pub fn address(&self, state: &str, page: usize) -> String {
        let page = if page > 0 {
            (page + 1).to_string()
        } else {
            String::new()
        };
        let all = [
            ("service", self.service.as_str()),
            ("tag", &self.tag),
            ("state", state),
            ("q", &self.q),
            ("page", &page),
        ];
        let given = all.into_iter().filter(|(_, value)| !value.is_empty());
        let given: Vec<String> = given
            .map(|(name, value)| format!("{name}={}", segment(value)))
            .collect();
        match given.is_empty() {
            true => "/".to_owned(),
            false => format!("/?{}", given.join("&")),
        }
    }
}

/// How many pages so many checks take; one at least.
#[must_use]
pub const fn pages(checks: usize) -> usize {
    let pages = checks.div_ceil(A_PAGE);
    if pages == 0 { 1 } else { pages }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::page::tests::check;

    #[test]
    fn each_field_narrows_and_an_empty_one_does_not() {
        let found = check("api-health", "api", Verdict::Fail, &["core"]);
        let cases: [(Filter, bool); 7] = [
            (Filter::default(), true),
            (
                Filter {
                    service: "api".to_owned(),
                    ..Filter::default()
                },
                true,
            ),
            (
                Filter {
                    service: "web".to_owned(),
                    ..Filter::default()
                },
                false,
            ),
            (
                Filter {
                    tag: "core".to_owned(),
                    state: "fail".to_owned(),
                    ..Filter::default()
                },
                true,
            ),
            (
                Filter {
                    state: "pass".to_owned(),
                    ..Filter::default()
                },
                false,
            ),
            (
                Filter {
                    state: "splendid".to_owned(),
                    ..Filter::default()
                },
                false,
            ),
            (
                Filter {
                    q: " HEALTH ".to_owned(),
                    ..Filter::default()
                },
                true,
            ),
        ];
        for (filter, expected) in cases {
            assert_eq!(filter.takes(&found), expected, "{filter:?}");
        }
    }

    #[test]
    fn pages_are_counted_from_one_and_never_beyond_the_last() {
        let of = |page: &str| Filter {
            page: page.to_owned(),
            ..Filter::default()
        };
        for (page, expected) in [
            ("", 0),
            ("1", 0),
            ("3", 2),
            ("999", 2),
            ("-4", 0),
            ("x", 0),
            ("0", 0),
        ] {
            assert_eq!(of(page).page(120), expected, "{page}");
        }
        assert_eq!(of("5").page(0), 0);
    }

    #[test]
    fn an_address_says_what_is_asked_for() {
        let filter = Filter {
            service: "a b".to_owned(),
            q: "x&y".to_owned(),
            ..Filter::default()
        };
        assert_eq!(
            filter.address("fail", 2),
            "/?service=a%20b&state=fail&q=x%26y&page=3"
        );
        assert_eq!(Filter::default().address("", 0), "/");
    }
}
