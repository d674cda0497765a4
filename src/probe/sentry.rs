//! The kind `sentry`: how many errors of a project, of a release, Sentry has counted lately or since the
//! deployment began.
//!
//! It proves whether the code of a release raises errors that its users meet, of which no probe from
//! outside may know. It does not prove that the service reports its errors: where it cannot reach
//! Sentry, there are none. Sentry is nobody's target here: that it cannot be reached, limits or refuses
//! us teaches nothing about the service.

mod answer;
mod settings;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use url::Url;

use self::answer::FIELDS;
pub use self::settings::SentrySettings;
use super::api::{self, Declared, Source, Told};
use super::wire::exchange::Answer;
use super::wire::protocol::HttpProtocol;
use super::wire::tls;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::clock::WallTime;
use crate::expect::Undated;
use crate::quantity::human;
use crate::sample::{Fault, Reason, Unit};
use crate::secret::Secret;

/// The kind `sentry`.
#[derive(Clone, Copy, Debug)]
pub struct Sentry;

struct SentryProbe {
    source: Source,
    /// The question but for its times.
    question: Url,
    expected: BTreeMap<String, Undated>,
    over: Duration,
}

/// Where Sentry is where nothing is said.
const USUAL: &str = "https://sentry.io/";
/// The reading of how often errors come.
const PER_MINUTE: &str = "events_per_minute";

impl Kind for Sentry {
    const NAME: &'static str = "sentry";
    const SUMMARY: &'static str =
        "Errors that a release raises at its users, as Sentry has counted them";
    const READINGS: Readings = Readings {
        named: &[
            ("events", Unit::Number, "how many errors came in that time"),
            ("issues", Unit::Number, "how many different ones they were"),
            ("users", Unit::Number, "how many users met one"),
            (
                PER_MINUTE,
                Unit::Number,
                "how many errors came a minute of that time, of at least one minute",
            ),
            tls::READINGS[0],
            tls::READINGS[1],
            tls::READINGS[2],
            tls::READINGS[3],
        ],
        open: false,
    };
    type Settings = SentrySettings;

    fn probe(
        settings: SentrySettings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        for (key, name) in [
            ("organization", &settings.organization),
            ("project", &settings.project),
        ] {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            if name.is_empty() || !name.chars().all(plain) {
                let message = format!("`{name}` is no short name");
                let hint = "write it as in the addresses of Sentry: acme-shop";
                misfits.push(Misfit::at(&[key], message).hint(hint));
            }
        }
        if settings.over.0.is_zero() {
            misfits.push(Misfit::at(&["over"], "no error comes in no time"));
        }
        let expected = settings.expect.clone().unwrap_or_default();
        let read: Vec<&str> = FIELDS
            .iter()
            .map(|(_, name)| *name)
            .chain([PER_MINUTE])
            .collect();
        misfits.extend(api::strangers(&expected, &read));
        let usual = || USUAL.parse().ok();
        let url = settings
            .url
            .as_ref()
            .map_or_else(usual, |url| Some(url.0.clone()));
        let Some(url) = url.filter(|_| misfits.is_empty()) else {
            return Err(misfits);
        };
        let question = question(&url, &settings);
        let bearer = Secret::new(&format!("Bearer {}", settings.token.reveal()));
        let declared = Declared {
            url,
            headers: BTreeMap::from([("authorization".to_owned(), bearer)]),
            accept: "application/json",
            tls: settings.tls,
            protocol: HttpProtocol::Auto,
            connection: settings.connection,
            body_limit: settings.body_limit,
        };
        Ok(Box::new(SentryProbe {
            source: declared.lower(surroundings)?,
            question,
            expected,
            over: settings.over.0,
        }))
    }
}

/// The question for the counts, but for its times.
fn question(url: &Url, settings: &SentrySettings) -> Url {
    let mut url = url.clone();
    let path = format!(
        "{}/api/0/organizations/{}/events/",
        url.path().trim_end_matches('/'),
        settings.organization
    );
    url.set_path(&path);
    let mut search = format!("event.type:error project:{}", settings.project);
    if let Some(release) = &settings.release {
        search += &format!(" release:{}", quoted(release));
    }
    if let Some(more) = &settings.query {
        search += &format!(" {}", more.trim());
    }
    let mut pairs = url.query_pairs_mut();
    for (field, _) in FIELDS {
        pairs.append_pair("field", field);
    }
    // All projects: the search says which one, by its name.
    pairs.append_pair("project", "-1");
    pairs.append_pair("query", &search);
    pairs.append_pair("per_page", "1");
    if let Some(environment) = &settings.environment {
        pairs.append_pair("environment", environment);
    }
    drop(pairs);
    url
}

/// A value in the quotes of Sentry's searches.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[async_trait]
impl Probe for SentryProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let now = attempt.wall();
        let span = self.span(attempt);
        let mut url = self.question.clone();
        url.query_pairs_mut()
            .append_pair("start", &moment(now, span))
            .append_pair("end", &moment(now, Duration::ZERO));
        let answer = self.source.get(attempt, &url).await?;
        if let Some(fault) = api::secondhand_refusal(&self.source, &answer) {
            return Err(self.explained(fault, &answer, now));
        }
        let Some(counts) = answer::counts(&answer.body) else {
            let said = api::said(&self.source, &answer.body);
            let host = self.source.host();
            let detail = format!("{host} answered with something else than Sentry: {said}");
            return Err(Fault::new(Reason::Malformed, detail));
        };
        let mut told = Told::default();
        for (count, (_, name)) in counts.iter().zip(FIELDS) {
            told.give(name, Unit::Number, *count);
        }
        let minutes = (span.as_secs_f64() / MINUTE).max(1.0);
        told.give(PER_MINUTE, Unit::Number, counts[0] / minutes);
        told.end(attempt, &self.expected, None)
    }

    fn target(&self) -> Option<Target> {
        api::target(&self.source)
    }

    fn source(&self) -> Option<&str> {
        Some("Sentry")
    }
}

const MINUTE: f64 = 60.0;
/// Sentry knows no shorter time than this.
const SHORTEST: Duration = Duration::from_secs(1);

impl SentryProbe {
    /// How far back is counted: in the bake of a deployment to its beginning at most.
    fn span(&self, attempt: &Attempt) -> Duration {
        let since = attempt.window_since();
        let since = since.map(|since| attempt.now().since(since));
        since
            .map_or(self.over, |since| since.min(self.over))
            .max(SHORTEST)
    }

    /// A refusal with what Sentry says of it, and with what to do about it.
    fn explained(&self, fault: Fault, answer: &Answer, now: WallTime) -> Fault {
        let said = answer::refused(&answer.body).filter(|said| !said.is_empty());
        let said = said.unwrap_or_else(|| format!("status {}", answer.status));
        let said = self.source.masked(&said);
        match (answer.status.as_u16(), fault.reason) {
            (400 | 404, _) => Fault::new(
                Reason::NoData,
                format!(
                    "Sentry refuses the question ({said}): see that `organization`, `project` and \
                     `query` are right"
                ),
            ),
            (_, Reason::Unauthorized) => Fault {
                detail: format!(
                    "Sentry refuses the token ({said}): it needs the scopes org:read and event:read"
                ),
                ..fault
            },
            (_, Reason::Throttled) => {
                let reset = answer.headers.get("x-sentry-rate-limit-reset");
                let reset = reset.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
                let wait = reset.map(|at| Duration::from_secs(at).saturating_sub(now.unix()));
                let wait = wait.map_or_else(String::new, |wait| {
                    let wait = human(Duration::from_secs(wait.as_secs()));
                    format!("; it may be asked again in {wait}")
                });
                Fault {
                    detail: format!("Sentry limits our rate of requests{wait}: run less often"),
                    ..fault
                }
            }
            _ => fault,
        }
    }
}

/// The moment so long before now, as Sentry reads it: UTC, without a zone.
fn moment(now: WallTime, before: Duration) -> String {
    let seconds = now.unix().saturating_sub(before).as_secs();
    let at = i64::try_from(seconds)
        .ok()
        .and_then(|at| Timestamp::from_second(at).ok());
    at.map_or_else(String::new, |at| {
        at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_utc() {
        let now = WallTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
        assert_eq!(moment(now, Duration::ZERO), "2023-11-14T22:13:20");
        assert_eq!(moment(now, Duration::from_secs(20)), "2023-11-14T22:13:00");
    }

    #[test]
    fn a_release_is_searched_for_as_it_is() {
        assert_eq!(quoted("api@1.4.2"), "\"api@1.4.2\"");
        assert_eq!(quoted("a\"b\\"), "\"a\\\"b\\\\\"");
    }
}
