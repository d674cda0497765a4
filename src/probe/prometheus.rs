//! The kind `prometheus`: instant queries in PromQL to a server, whose numbers become readings.
//!
//! It proves what a Prometheus server, or one that speaks its HTTP API (Thanos, Mimir,
//! VictoriaMetrics), knows of the service. It does not prove that the service can be reached, and it is
//! as old as the server's last scrape. The server is nobody's target here: that it cannot be reached,
//! refuses us, or answers nonsense teaches nothing about the service.

mod answer;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use self::answer::{Answered, read};
pub use self::settings::PrometheusSettings;
use self::settings::{Partial, Read, ReadSettings};
use super::api::{self, Absent, Declared, Fold, Source, Take, Talk, Told};
use super::wire::tls;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::expect::Matcher;
use crate::quantity::human;
use crate::sample::{Fault, Reason, Unit};

/// The kind `prometheus`.
#[derive(Clone, Copy, Debug)]
pub struct Prometheus;

struct PrometheusProbe {
    source: Source,
    wanted: Vec<Wanted>,
    expected: BTreeMap<String, Matcher>,
    partial: Partial,
    max_age: Duration,
}

/// One reading.
struct Wanted {
    name: Arc<str>,
    query: Url,
    fold: Fold,
    /// Whether several numbers may become one, or one each.
    takes_several: bool,
    absent: Absent,
    unit: Unit,
}

impl Kind for Prometheus {
    const NAME: &'static str = "prometheus";
    const SUMMARY: &'static str =
        "What a Prometheus server knows of the service: the numbers that PromQL queries give";
    const READINGS: Readings = Readings {
        named: &[
            tls::READINGS[0],
            tls::READINGS[1],
            tls::READINGS[2],
            tls::READINGS[3],
        ],
        open: true,
    };
    type Settings = PrometheusSettings;

    fn probe(
        settings: PrometheusSettings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let wanted = wanted(&settings, &mut misfits);
        let expected = settings.expect.unwrap_or_default();
        let read: Vec<&str> = settings.read.keys().map(String::as_str).collect();
        misfits.extend(api::strangers(&expected, &read));
        let declared = Declared {
            url: settings.url.0,
            headers: settings.headers,
            accept: "application/json",
            tls: settings.tls,
            protocol: settings.protocol,
            connection: settings.connection,
            body_limit: settings.body_limit,
        };
        match declared.lower(surroundings) {
            Ok(source) if misfits.is_empty() => Ok(Box::new(PrometheusProbe {
                source,
                wanted,
                expected,
                partial: settings.partial,
                max_age: settings.max_age.0,
            })),
            lowered => {
                misfits.extend(lowered.err().into_iter().flatten());
                Err(misfits)
            }
        }
    }
}

/// The readings, lowered.
fn wanted(settings: &PrometheusSettings, misfits: &mut Vec<Misfit>) -> Vec<Wanted> {
    if settings.read.is_empty() {
        let hint = "name what is asked, as `read: { users: sum(active_users) }`";
        misfits.push(Misfit::at(&["read"], "nothing is asked").hint(hint));
    }
    let mut wanted = Vec::with_capacity(settings.read.len());
    for (name, Read(read)) in &settings.read {
        misfits.extend(api::check_name(name).err());
        if read.query.trim().is_empty() {
            misfits.push(Misfit::at(&["read", name], "the query is empty"));
        }
        wanted.push(Wanted {
            name: Arc::from(name.as_str()),
            query: address(&settings.url.0, &read.query),
            fold: fold(read),
            takes_several: read.take.is_some() || read.each.is_some(),
            absent: read.absent.unwrap_or(settings.absent),
            unit: read.unit.unit(),
        });
    }
    wanted
}

fn fold(read: &ReadSettings) -> Fold {
    Fold {
        take: read.take.unwrap_or(Take::Sum),
        each: read.each.clone(),
    }
}

/// Where a query is asked: below the declared address, whose own parameters stay.
fn address(server: &Url, query: &str) -> Url {
    let mut url = server.clone();
    let path = format!("{}/api/v1/query", server.path().trim_end_matches('/'));
    url.set_path(&path);
    url.query_pairs_mut().append_pair("query", query);
    url
}

#[async_trait]
impl Probe for PrometheusProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let mut told = Told::default();
        let mut talk = self.source.talk(attempt);
        let mut besides = None;
        for wanted in &self.wanted {
            let answered = self.ask(attempt, &mut talk, wanted).await?;
            besides = besides.or_else(|| self.doubt(attempt, wanted, &answered));
            tell(&mut told, wanted, &answered)?;
        }
        talk.end(attempt);
        told.end(attempt, &self.expected, besides)
    }

    fn target(&self) -> Option<Target> {
        api::target(&self.source)
    }

    fn source(&self) -> Option<&str> {
        Some("Prometheus")
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

impl PrometheusProbe {
    async fn ask(
        &self,
        attempt: &mut Attempt,
        talk: &mut Talk<'_>,
        wanted: &Wanted,
    ) -> Result<Answered, Fault> {
        let answer = talk.get(attempt, &wanted.query).await?;
        let understood = read(&answer.body, wanted.fold.each.as_deref());
        // A gateway before the server has its own words; those of the server say more than its status.
        let refusal = api::secondhand_refusal(&self.source, &answer);
        match (understood, refusal) {
            (Some(Err(fault)), _) => {
                let detail = self.source.masked(&fault.detail);
                let detail = format!("{}: {detail}", wanted.name);
                Err(Fault { detail, ..fault })
            }
            (_, Some(refusal)) => Err(refusal),
            (Some(Ok(answered)), None) => Ok(answered),
            (None, None) => {
                let said = api::said(&self.source, &answer.body);
                let host = self.source.host();
                let detail = format!("{host} answered with something else than Prometheus: {said}");
                Err(Fault::new(Reason::Malformed, detail))
            }
        }
    }

    /// Why an answer that was understood may not be the truth of now.
    fn doubt(&self, attempt: &mut Attempt, wanted: &Wanted, answered: &Answered) -> Option<Fault> {
        for remark in &answered.remarks {
            attempt.note(format!("{}: {}", wanted.name, self.source.masked(remark)));
        }
        if let Some(partial) = &answered.partial {
            let said = self.source.masked(partial);
            if self.partial == Partial::Unknown {
                let detail = format!("{}: a part of the data is missing: {said}", wanted.name);
                return Some(Fault::new(Reason::NoData, detail));
            }
            attempt.note(format!(
                "{}: a part of the data is missing: {said}",
                wanted.name
            ));
        }
        let oldest = answered.points.iter().map(|point| point.at);
        let oldest = oldest.min_by(f64::total_cmp)?;
        let age = attempt.wall().unix().as_secs_f64() - oldest;
        let age = Duration::try_from_secs_f64(age.abs()).unwrap_or(Duration::MAX);
        (age > self.max_age).then(|| {
            let (age, most) = (
                human(Duration::from_secs(age.as_secs())),
                human(self.max_age),
            );
            let detail = format!(
                "{}: the answer is of a time {age} away, more than {most}: a cache answered, or a \
                 clock is wrong",
                wanted.name
            );
            Fault::new(Reason::NoData, detail).dated()
        })
    }
}

/// Makes readings of the numbers of one answer.
fn tell(told: &mut Told, wanted: &Wanted, answered: &Answered) -> Result<(), Fault> {
    let points = &answered.points;
    if points.len() > 1 && !wanted.takes_several {
        let detail = format!(
            "{}: the query gives {} series; say what becomes of them with `take` or `each`, or add \
             them up in the query",
            wanted.name,
            points.len()
        );
        return Err(Fault::new(Reason::NoData, detail));
    }
    if points.is_empty() {
        let what = "the query finds nothing".to_owned();
        told.missing(&wanted.name, wanted.unit, wanted.absent, what);
        return Ok(());
    }
    let values = points
        .iter()
        .map(|point| (point.label.as_str(), point.value));
    told.fold(&wanted.name, wanted.unit, &wanted.fold, values);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_asked_below_the_address_of_the_server() {
        for (server, asked) in [
            (
                "http://p:9090",
                "http://p:9090/api/v1/query?query=a%7Bb%3D%22c%22%7D+%2B+1",
            ),
            (
                "http://p/prom/",
                "http://p/prom/api/v1/query?query=a%7Bb%3D%22c%22%7D+%2B+1",
            ),
            (
                "http://p/?dedup=true",
                "http://p/api/v1/query?dedup=true&query=a%7Bb%3D%22c%22%7D+%2B+1",
            ),
        ] {
            let server: Url = server.parse().unwrap();
            assert_eq!(address(&server, "a{b=\"c\"} + 1").as_str(), asked);
        }
    }
}
