//! The kind `datadog`: queries of metrics, and the states of monitors, over Datadog's HTTP API.
//!
//! It proves what Datadog knows of the service, which is some minutes old. It does not prove that the
//! service can be reached. Datadog is nobody's target here: that it cannot be reached, limits or
//! refuses us, or has no data yet teaches nothing about the service.

mod answer;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use url::Url;

pub use self::settings::DatadogSettings;
use self::settings::{Of, Read, ReadSettings};
use super::api::{self, Absent, Declared, Fold, Source, Take, Talk, Told};
use super::wire::exchange::Answer;
use super::wire::protocol::HttpProtocol;
use super::wire::tls;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::expect::Matcher;
use crate::quantity::human;
use crate::sample::{Fault, Reason, Unit};

/// The kind `datadog`.
#[derive(Clone, Copy, Debug)]
pub struct Datadog;

struct DatadogProbe {
    source: Source,
    wanted: Vec<Wanted>,
    expected: BTreeMap<String, Matcher>,
    over: Duration,
    max_age: Duration,
}

/// One reading.
struct Wanted {
    name: Arc<str>,
    what: What,
    absent: Absent,
    unit: Unit,
}

enum What {
    Query {
        query: String,
        of: Of,
        fold: Fold,
        /// Whether several series may become one reading, or one each.
        takes_several: bool,
    },
    Monitor(u64),
}

impl Kind for Datadog {
    const NAME: &'static str = "datadog";
    const SUMMARY: &'static str =
        "What Datadog knows of the service: queries of metrics and the states of monitors";
    const READINGS: Readings = Readings {
        named: &[
            tls::READINGS[0],
            tls::READINGS[1],
            tls::READINGS[2],
            tls::READINGS[3],
        ],
        open: true,
    };
    type Settings = DatadogSettings;

    fn probe(
        settings: DatadogSettings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let wanted = wanted(&settings, &mut misfits);
        let expected = settings.expect.unwrap_or_default();
        let read: Vec<&str> = settings.read.keys().map(String::as_str).collect();
        misfits.extend(api::strangers(&expected, &read));
        let url = match settings.url {
            Some(url) => Some(url.0),
            None => site(&settings.site, &mut misfits),
        };
        let Some(url) = url else {
            return Err(misfits);
        };
        let keys = [
            ("dd-api-key", settings.api_key),
            ("dd-application-key", settings.application_key),
        ];
        let declared = Declared {
            url,
            headers: keys.map(|(name, key)| (name.to_owned(), key)).into(),
            accept: "application/json",
            tls: settings.tls,
            protocol: HttpProtocol::Auto,
            connection: settings.connection,
            body_limit: settings.body_limit,
        };
        match declared.lower(surroundings) {
            Ok(source) if misfits.is_empty() => Ok(Box::new(DatadogProbe {
                source,
                wanted,
                expected,
                over: settings.over.0,
                max_age: settings.max_age.0,
            })),
            lowered => {
                misfits.extend(lowered.err().into_iter().flatten());
                Err(misfits)
            }
        }
    }
}

/// The address of a site's API.
fn site(site: &str, misfits: &mut Vec<Misfit>) -> Option<Url> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let url = format!("https://api.{site}/").parse().ok();
    let url = url.filter(|_| site.contains('.') && site.chars().all(plain));
    if url.is_none() {
        let hint =
            "write the domain of your Datadog, as datadoghq.com, datadoghq.eu, us5.datadoghq.com";
        misfits.push(Misfit::at(&["site"], format!("`{site}` is no site")).hint(hint));
    }
    url
}

fn wanted(settings: &DatadogSettings, misfits: &mut Vec<Misfit>) -> Vec<Wanted> {
    if settings.read.is_empty() {
        let hint = "name what is asked, as `read: { load: 'avg:system.load.1{service:api}' }`";
        misfits.push(Misfit::at(&["read"], "nothing is asked").hint(hint));
    }
    let mut wanted = Vec::with_capacity(settings.read.len());
    for (name, Read(read)) in &settings.read {
        misfits.extend(api::check_name(name).err());
        match what(read) {
            Ok(what) => wanted.push(Wanted {
                name: Arc::from(name.as_str()),
                what,
                absent: read.absent.unwrap_or(settings.absent),
                unit: read.unit.unit(),
            }),
            Err(message) => misfits.push(Misfit::at(&["read", name], message)),
        }
    }
    wanted
}

fn what(read: &ReadSettings) -> Result<What, &'static str> {
    let is_folded = read.of.is_some() || read.take.is_some() || read.each.is_some();
    match (&read.query, read.monitor) {
        (Some(query), None) if query.trim().is_empty() => Err("the query is empty"),
        (Some(query), None) => Ok(What::Query {
            query: query.clone(),
            of: read.of.unwrap_or_default(),
            fold: Fold {
                take: read.take.unwrap_or(Take::Sum),
                each: read.each.clone(),
            },
            takes_several: read.take.is_some() || read.each.is_some(),
        }),
        (None, Some(_)) if is_folded => Err("`of`, `take` and `each` mean nothing for a monitor"),
        (None, Some(number)) => Ok(What::Monitor(number)),
        _ => Err("a reading is of a `query` or of a `monitor`"),
    }
}

#[async_trait]
impl Probe for DatadogProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let mut told = Told::default();
        let mut talk = self.source.talk(attempt);
        for wanted in &self.wanted {
            match &wanted.what {
                What::Query { .. } => self.query(attempt, &mut talk, wanted, &mut told).await?,
                What::Monitor(number) => {
                    let url = self.address(&format!("/api/v1/monitor/{number}"));
                    let answer = self.ask(attempt, &mut talk, wanted, &url).await?;
                    let state = answer::state(&answer.body);
                    match state.ok_or_else(|| self.nonsense(&answer))? {
                        Ok(state) => told.give(&wanted.name, wanted.unit, state),
                        Err(state) => {
                            let what = format!("the monitor is in the state {state}");
                            told.missing(&wanted.name, wanted.unit, wanted.absent, what);
                        }
                    }
                }
            }
        }
        talk.end(attempt);
        told.end(attempt, &self.expected, None)
    }

    fn target(&self) -> Option<Target> {
        api::target(&self.source)
    }

    fn source(&self) -> Option<&str> {
        Some("Datadog")
    }

    fn readings(&self) -> Option<Vec<(Arc<str>, Unit)>> {
        let wanted = self.wanted.iter();
        Some(
            wanted
                .map(|one| (Arc::clone(&one.name), one.unit))
                .collect(),
        )
    }
}

impl DatadogProbe {
    async fn query(
        &self,
        attempt: &mut Attempt,
        talk: &mut Talk<'_>,
        wanted: &Wanted,
        told: &mut Told,
    ) -> Result<(), Fault> {
        let What::Query {
            query,
            of,
            fold,
            takes_several,
        } = &wanted.what
        else {
            return Ok(());
        };
        let now = attempt.wall().unix();
        let mut url = self.address("/api/v1/query");
        url.query_pairs_mut()
            .append_pair("from", &now.saturating_sub(self.over).as_secs().to_string())
            .append_pair("to", &now.as_secs().to_string())
            .append_pair("query", query);
        let answer = self.ask(attempt, talk, wanted, &url).await?;
        let series = answer::series(&answer.body, fold.each.as_deref());
        let series = series.ok_or_else(|| self.nonsense(&answer))?;
        let series = series.map_err(|fault| self.named(wanted, fault))?;
        let oldest = now.saturating_sub(self.max_age).as_secs_f64();
        let is_young = |one: &answer::Series| one.newest().is_some_and(|newest| newest >= oldest);
        let values: Vec<(&str, f64)> = series
            .iter()
            .filter(|one| is_young(one))
            .filter_map(|one| Some((one.label.as_str(), one.read(*of)?)))
            .collect();
        if values.len() > 1 && !takes_several {
            let detail = format!(
                "{}: the query gives {} series; say what becomes of them with `take` or `each`",
                wanted.name,
                values.len()
            );
            return Err(Fault::new(Reason::NoData, detail));
        }
        if values.is_empty() {
            let what = match series.is_empty() {
                true => "the query finds nothing".to_owned(),
                false => format!("no value is younger than {}", human(self.max_age)),
            };
            told.missing(&wanted.name, wanted.unit, wanted.absent, what);
            return Ok(());
        }
        told.fold(&wanted.name, wanted.unit, fold, values.into_iter());
        Ok(())
    }

    /// The address of a path below the declared one.
    fn address(&self, path: &str) -> Url {
        let mut url = self.source.url().clone();
        let joined = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&joined);
        url
    }

    async fn ask(
        &self,
        attempt: &mut Attempt,
        talk: &mut Talk<'_>,
        wanted: &Wanted,
        url: &Url,
    ) -> Result<Answer, Fault> {
        let answer = talk.get(attempt, url).await?;
        match api::secondhand_refusal(&self.source, &answer) {
            None => Ok(answer),
            Some(fault) => Err(self.named(wanted, self.explained(fault, &answer))),
        }
    }

    /// A refusal with what Datadog says of it, and with what to do about it.
    fn explained(&self, fault: Fault, answer: &Answer) -> Fault {
        let said = answer::errors(&answer.body).filter(|said| !said.is_empty());
        let said = said.unwrap_or_else(|| format!("status {}", answer.status));
        let said = self.source.masked(&said);
        match (answer.status.as_u16(), fault.reason) {
            (400 | 404, _) => Fault::new(
                Reason::NoData,
                format!("Datadog refuses the question: {said}; mend it"),
            ),
            (_, Reason::Unauthorized) => Fault {
                detail: format!(
                    "Datadog refuses the keys ({said}): the application key needs the scope \
                     timeseries_query, and monitors_read for monitors; see that `site` is yours"
                ),
                ..fault
            },
            (_, Reason::Throttled) => {
                let reset = answer.headers.get("x-ratelimit-reset");
                let reset = reset.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
                let reset = reset.map_or_else(String::new, |seconds| {
                    format!(
                        "; it may be asked again in {}",
                        human(Duration::from_secs(seconds))
                    )
                });
                Fault {
                    detail: format!("Datadog limits our rate of requests{reset}: run less often"),
                    ..fault
                }
            }
            _ => fault,
        }
    }

    fn named(&self, wanted: &Wanted, fault: Fault) -> Fault {
        let detail = self.source.masked(&fault.detail);
        Fault {
            detail: format!("{}: {detail}", wanted.name),
            ..fault
        }
    }

    fn nonsense(&self, answer: &Answer) -> Fault {
        let said = api::said(&self.source, &answer.body);
        let host = self.source.host();
        let detail = format!("{host} answered with something else than Datadog: {said}");
        Fault::new(Reason::Malformed, detail)
    }
}
