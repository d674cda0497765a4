//! The kind `metrics`: one scrape of an endpoint in Prometheus's text format or OpenMetrics, and what
//! it says as readings.
//!
//! It proves what the service itself says of its real users: how many there are, how many of their
//! requests fail, how long they wait. No server of metrics is needed: counters and histograms are
//! compared with the scrape before of the same process. It does not prove that a user can reach the
//! service, and believes what it is told. Nothing is averaged over time: each reading is of the time
//! between two runs. Native histograms are not exposed as text and cannot be read.

mod exposition;
mod gathering;
mod memory;
mod quantile;
mod selector;
mod settings;
mod telling;
mod wanted;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::header::CONTENT_TYPE;

use self::gathering::{Gathered, Ungathered, gather};
use self::memory::{Before, Memory, Scrape};
pub use self::settings::MetricsSettings;
use self::telling::{Since, tell};
use self::wanted::{Plan, What};
use super::api::{self, Declared, Source};
use super::wire::aside::{LARGE, aside};
use super::wire::exchange::Answer;
use super::wire::tls;
use super::{
    Addresses, Attempt, ConnectionPolicy, Kind, Misfit, Probe, Readings, Surroundings, Target,
};
use crate::clock::WallTime;
use crate::expect::Matcher;
use crate::sample::{Fault, Reason, Unit};

/// The kind `metrics`.
#[derive(Clone, Copy, Debug)]
pub struct Metrics;

struct MetricsProbe {
    source: Source,
    plan: Arc<Plan>,
    expected: BTreeMap<String, Matcher>,
    addresses: Addresses,
    max_gap: Duration,
    memory: Mutex<Memory>,
}

/// What is asked for: text, OpenMetrics rather than the older format, which cannot say that it was
/// cut off.
const ACCEPT: &str =
    "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

impl Kind for Metrics {
    const NAME: &'static str = "metrics";
    const SUMMARY: &'static str =
        "A service's own metrics: values, rates, ratios and quantiles of what real users meet";
    const READINGS: Readings = Readings {
        named: &[
            (
                "body_bytes",
                Unit::Bytes,
                "the size of the answer, decompressed",
            ),
            tls::READINGS[0],
            tls::READINGS[1],
            tls::READINGS[2],
            tls::READINGS[3],
        ],
        open: true,
    };
    type Settings = MetricsSettings;

    fn probe(
        settings: MetricsSettings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let plan = Plan::lower(settings.read, settings.absent, &mut misfits);
        let expected = settings.expect.unwrap_or_default();
        let read: Vec<&str> = plan.wanted.iter().map(|one| &*one.name).collect();
        misfits.extend(api::strangers(&expected, &read));
        if settings.max_gap.0.is_zero() {
            let message = "no two scrapes are that close";
            misfits.push(Misfit::at(&["max_gap"], message));
        }
        let keeps = settings.connection == Some(ConnectionPolicy::KeepAlive);
        if keeps && settings.addresses != Addresses::Resolved {
            let word = settings.addresses.word();
            let message =
                format!("with `addresses: {word}` every run opens a connection of its own");
            misfits.push(Misfit::at(&["connection"], message));
        }
        let declared = Declared {
            url: settings.url.0,
            headers: settings.headers,
            accept: ACCEPT,
            tls: settings.tls,
            protocol: settings.protocol,
            connection: settings.connection,
            body_limit: settings.body_limit,
        };
        match declared.lower(surroundings) {
            Ok(source) if misfits.is_empty() => Ok(Box::new(MetricsProbe {
                source,
                plan: Arc::new(plan),
                expected,
                addresses: settings.addresses,
                max_gap: settings.max_gap.0,
                memory: Mutex::default(),
            })),
            lowered => {
                misfits.extend(lowered.err().into_iter().flatten());
                Err(misfits)
            }
        }
    }
}

#[async_trait]
impl Probe for MetricsProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        if self.asks_tasks() && attempt.task().is_none() {
            return Err(Fault::new(Reason::NoTask, NO_TASK));
        }
        let asked = attempt.started();
        let answer = self.source.get(attempt, self.source.url()).await?;
        if let Some(fault) = api::refusal(&self.source, &answer) {
            return Err(fault);
        }
        // A body is at most 64 MiB, which a float holds exactly.
        attempt.reading("body_bytes", answer.body.len() as f64, Unit::Bytes);
        let mut gathered = self.gathered(answer).await?;
        let before = self.before(attempt, &mut gathered, asked);
        let now = self.now_for_ages(attempt);
        let since = match &before {
            Before::Known(counters, span) if !span.is_zero() => Some(Since {
                counters,
                span: *span,
            }),
            Before::Known(..) | Before::Nothing | Before::Mixed => None,
        };
        let told = tell(&self.plan, &gathered, since, now);
        let mixed = (before == Before::Mixed).then(|| Fault::new(Reason::NoData, MIXED));
        told.end(attempt, &self.expected, mixed)
    }

    fn asks_tasks(&self) -> bool {
        self.addresses == Addresses::Tasks
    }

    fn asks_addresses_of(&self) -> Option<&str> {
        let host = self.source.url().host_str();
        host.filter(|_| self.addresses == Addresses::Each)
    }

    fn readings(&self) -> Option<Vec<(Arc<str>, Unit)>> {
        let wanted = self.plan.wanted.iter();
        Some(
            wanted
                .map(|one| (Arc::clone(&one.name), one.unit))
                .collect(),
        )
    }

    fn target(&self) -> Option<Target> {
        api::target(&self.source).filter(|_| self.addresses == Addresses::Resolved)
    }
}

/// What is said where a check asks tasks and is given none.
const NO_TASK: &str = "nobody was asked: `addresses: tasks` is for the bake of a deployment, \
                       where it is known which tasks run";

/// What is said where several processes answer and cannot be told apart.
const MIXED: &str = "several processes answer in turns and cannot be told apart, so that nothing can be \
                     said of what they count: write `addresses: each` or `addresses: tasks`, or expose \
                     process_start_time_seconds";

impl MetricsProbe {
    async fn gathered(&self, answer: Answer) -> Result<Gathered, Fault> {
        let content_type = answer.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
        if content_type.contains("protobuf") {
            let detail = "expected metrics as text, got them as protobuf, which was not asked for";
            return Err(Fault::new(Reason::Malformed, detail));
        }
        if let Some(encoding) = &answer.foreign_encoding {
            let detail = format!("the answer is encoded as {encoding}, which was not asked for");
            return Err(Fault::new(Reason::Malformed, detail));
        }
        let is_open_metrics = content_type.starts_with("application/openmetrics-text");
        let gathered = if answer.body.len() <= LARGE {
            gather(&self.plan, &answer.body, is_open_metrics)
        } else {
            let plan = Arc::clone(&self.plan);
            aside(move || gather(&plan, &answer.body, is_open_metrics)).await
        };
        gathered.map_err(|error| match error {
            Ungathered::Broken(broken) => {
                let host = self.source.host();
                let detail = format!("{host} answered with something else than metrics: {broken}");
                Fault::new(Reason::Malformed, detail)
            }
            Ungathered::TooMany(_) => Fault::new(Reason::TooLarge, error.to_string()),
        })
    }

    /// What the process had counted before; takes the counters out.
    fn before(
        &self,
        attempt: &mut Attempt,
        gathered: &mut Gathered,
        at: crate::clock::Moment,
    ) -> Before {
        if !self.plan.wanted.iter().any(|one| one.what.takes_two()) {
            return Before::Nothing;
        }
        let scrape = Scrape {
            place: self.place(attempt),
            began: gathered.began,
            at,
            wall: match gathered.began {
                Some(_) => attempt.wall(),
                None => WallTime::default(),
            },
            counters: std::mem::take(&mut gathered.counters),
        };
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.step(scrape, self.max_gap)
    }

    /// The one place that this run asks, where each is by itself.
    fn place(&self, attempt: &Attempt) -> Option<IpAddr> {
        attempt.address_of(self.source.host())
    }

    fn now_for_ages(&self, attempt: &mut Attempt) -> WallTime {
        let mut wanted = self.plan.wanted.iter();
        match wanted.any(|wanted| matches!(wanted.what, What::Ages(..))) {
            true => attempt.wall(),
            false => WallTime::default(),
        }
    }
}
