//! `silences`: maintenance windows. At their times nobody is told of what fails there, or it is not even
//! probed. What is decided and done about a deployment is told all the same.

mod cron;

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::CheckDraft;
use super::language::check_name;
use super::services::ServiceDraft;
use crate::config::problem::{Code, Problem};
use crate::config::{Document, Entry, Step, read, suggestion};
use crate::quantity::Span;

pub use cron::{Cron, CronError};

/// A maintenance window.
#[derive(Clone, Debug, PartialEq)]
pub struct SilencePlan {
    /// Its name.
    pub name: Arc<str>,
    /// When it begins, again and again.
    pub begins: Cron,
    /// How long it lasts.
    pub lasts: Duration,
    /// What it is about.
    pub about: About,
    /// Whether checks do not even run; otherwise only alerts are stopped.
    pub stops_checks: bool,
    /// Why, in the words of whoever declared it.
    pub because: Option<Arc<str>>,
}

/// What a silence is about: all that is given must hold, and an empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// One of these services.
    pub services: Vec<Arc<str>>,
    /// A check with one of these tags.
    pub tags: Vec<Arc<str>>,
    /// One of these checks.
    pub checks: Vec<Arc<str>>,
}

impl About {
    /// What it is about, in words: `service api`, `tag database`, `everything`.
    #[must_use]
    pub fn words(&self) -> String {
        let named = |what: &str, names: &[Arc<str>]| {
            (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
        };
        let parts = [
            named("service", &self.services),
            named("tag", &self.tags),
            named("check", &self.checks),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match parts.is_empty() {
            true => "everything".to_owned(),
            false => parts.join(" and "),
        }
    }

    /// Whether it is about something of this service, and where it is about a check, of this name
    /// with these tags.
    #[must_use]
    pub fn means(&self, service: Option<&str>, check: Option<(&str, &[Arc<str>])>) -> bool {
        let holds = |names: &[Arc<str>], is: &dyn Fn(&str) -> bool| {
            names.is_empty() || names.iter().any(|name| is(name))
        };
        holds(&self.services, &|name| service == Some(name))
            && holds(&self.checks, &|name| {
                check.is_some_and(|(id, _)| id == name)
            })
            && holds(&self.tags, &|name| {
                check.is_some_and(|(_, tags)| tags.iter().any(|tag| **tag == *name))
            })
    }
}

/// A maintenance window.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceSettings {
    /// When it begins, as cron has it: minute hour day month weekday, such as `0 2 * * sun`.
    pub cron: String,
    /// The time zone of that, such as Europe/Berlin; UTC without it.
    pub zone: Option<String>,
    /// How long it lasts.
    pub lasts: Span,
    /// About these services only.
    pub services: Option<Vec<String>>,
    /// About checks with one of these tags only.
    pub tags: Option<Vec<String>>,
    /// About these checks only.
    pub checks: Option<Vec<String>>,
    /// Whether `alerts` are stopped, or the `checks` themselves; `alerts` without it.
    pub stops: Option<StopsWord>,
    /// Why.
    pub because: Option<String>,
}

/// What a silence stops.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum StopsWord {
    /// Nobody is told.
    Alerts,
    /// It is not even probed.
    Checks,
}

/// A longer one is no maintenance: whoever wants that removes the check.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3_600);

/// Reads the section.
pub fn lower(
    document: &Document,
    services: &[ServiceDraft<'_>],
    checks: &[CheckDraft<'_>],
    problems: &mut Vec<Problem>,
) -> Vec<SilencePlan> {
    let known = Known {
        services: services.iter().map(|one| one.name.to_string()).collect(),
        tags: checks
            .iter()
            .flat_map(|one| &one.tags)
            .map(ToString::to_string)
            .collect(),
        checks: checks
            .iter()
            .map(|one| one.entry.key.text.clone())
            .collect(),
        is_whole: !document.partial,
    };
    let silences = document.silences.iter();
    silences
        .filter_map(|entry| silence(entry, &known, problems))
        .collect()
}

/// The names that silences can refer to.
struct Known {
    services: Vec<String>,
    tags: Vec<String>,
    checks: Vec<String>,
    /// What could not be read may have the name that is missing.
    is_whole: bool,
}

fn silence(entry: &Entry, known: &Known, problems: &mut Vec<Problem>) -> Option<SilencePlan> {
    check_name(&entry.key, "silence", problems);
    let settings = read::<SilenceSettings>(&entry.value, &entry.key.place, problems).any()?;
    let lasts = settings.lasts.0;
    if lasts.is_zero() || lasts > LONGEST {
        let message = format!(
            "a silence lasts from a moment to 31 days, not {}",
            crate::quantity::human(lasts)
        );
        problems.push(
            at(entry, "lasts", None, Code::BadValue, message).help("write a duration such as 2h"),
        );
    }
    let about = About {
        services: names(
            entry,
            "services",
            settings.services,
            &known.services,
            known,
            problems,
        ),
        tags: names(entry, "tags", settings.tags, &known.tags, known, problems),
        checks: names(
            entry,
            "checks",
            settings.checks,
            &known.checks,
            known,
            problems,
        ),
    };
    let begins = match Cron::parse(&settings.cron, settings.zone.as_deref()) {
        Ok(begins) => begins,
        Err(error) => {
            let key = match error {
                CronError::Zone(_) => "zone",
                CronError::Fields(_) | CronError::Field(..) | CronError::Never => "cron",
            };
            let problem = at(entry, key, None, Code::BadValue, error.to_string());
            let help = "write it as `cron: \"0 2 * * sun\"` and `zone: Europe/Berlin`";
            problems.push(problem.help(help));
            return None;
        }
    };
    Some(SilencePlan {
        name: Arc::from(entry.key.text.as_str()),
        begins,
        lasts,
        about,
        stops_checks: settings.stops == Some(StopsWord::Checks),
        because: settings.because.map(Arc::from),
    })
}

/// The names under a key; one that nobody has is told with what may be meant.
fn names(
    entry: &Entry,
    key: &str,
    names: Option<Vec<String>>,
    of_it: &[String],
    known: &Known,
    problems: &mut Vec<Problem>,
) -> Vec<Arc<str>> {
    let is_empty = names.as_ref().is_some_and(Vec::is_empty);
    if is_empty {
        let message =
            format!("`{key}` names nothing, and so the silence would be about everything");
        let problem = at(entry, key, None, Code::BadValue, message);
        problems.push(problem.help("name some, or remove the key"));
    }
    let names = names.unwrap_or_default();
    for (place, name) in names.iter().enumerate() {
        if known.is_whole && !of_it.contains(name) {
            let one = key.trim_end_matches('s');
            let message = format!("there is no {one} `{name}`");
            let of_it = of_it.iter().map(String::as_str);
            let problem = at(entry, key, Some(place), Code::UnknownReference, message);
            problems.push(problem.maybe_help(suggestion::did_you_mean(name, of_it)));
        }
    }
    names.into_iter().map(Arc::from).collect()
}

/// A problem of a setting, or of one of its items.
fn at(entry: &Entry, key: &str, item: Option<usize>, code: Code, message: String) -> Problem {
    let mut path = vec![Step::Key(key.to_owned())];
    path.extend(item.map(Step::Item));
    let place = entry.value.place_at(&path, &entry.key.place);
    Problem::error(code, message).at(&place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_about_what_all_its_conditions_name() {
        let list = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect();
        let tags: Vec<Arc<str>> = list(&["core"]);
        let check = Some(("home", tags.as_slice()));
        let cases = [
            (list(&[]), list(&[]), list(&[]), true, "everything"),
            (list(&["web"]), list(&[]), list(&[]), true, "service web"),
            (list(&["api"]), list(&[]), list(&[]), false, "service api"),
            (
                list(&["web"]),
                list(&["db"]),
                list(&[]),
                false,
                "service web and tag db",
            ),
            (
                list(&[]),
                list(&["db", "core"]),
                list(&[]),
                true,
                "tag db, core",
            ),
            (
                list(&[]),
                list(&["core"]),
                list(&["home"]),
                true,
                "tag core and check home",
            ),
        ];
        for (services, tags, checks, means, words) in cases {
            let about = About {
                services,
                tags,
                checks,
            };
            assert_eq!(about.means(Some("web"), check), means, "{words}");
            assert_eq!(about.words(), words);
        }
        let about = About {
            tags: list(&["core"]),
            ..About::default()
        };
        assert!(
            !about.means(Some("web"), None),
            "what is about no check has no tag"
        );
    }
}
