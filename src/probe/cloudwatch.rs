//! The kind `cloudwatch`: metrics of CloudWatch as readings, with what is expected of them.
//!
//! It proves what the newest whole value of each metric says. It does not prove what has happened
//! since: CloudWatch is minutes late, and `delay` says by how much; and where there is no value, it
//! proves nothing, unless the check says what that means.

mod answer;
mod metric;
mod missing;
mod ready_made;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use self::answer::Asked;
use self::metric::{MetricSettings, Wanted};
use self::missing::Missing;
use self::ready_made::{AlbSettings, EcsSettings, RdsSettings};
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings};
use crate::aws::access::{Access, Place};
use crate::expect::Undated;
use crate::quantity::Span;
use crate::sample::{Fault, Unit};

/// The kind `cloudwatch`.
pub struct CloudWatch;

/// What a check of kind `cloudwatch` declares.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// One metric, as the reading `value`.
    #[serde(default)]
    pub metric: Option<MetricSettings>,
    /// Metrics, and expressions over them, by the names of their readings.
    #[serde(default)]
    pub metrics: BTreeMap<String, MetricSettings>,
    /// The usual metrics of an ECS service: `cpu` and `memory`, in percent of what it reserves.
    #[serde(default)]
    pub ecs: Option<EcsSettings>,
    /// The usual metrics of an application load balancer: `requests`, `errors_5xx`, `error_share`,
    /// `response_time_p95`.
    #[serde(default)]
    pub alb: Option<AlbSettings>,
    /// The usual metrics of an RDS instance: `cpu`, `connections`, `free_storage`, and `replica_lag`
    /// of a replica.
    #[serde(default)]
    pub rds: Option<RdsSettings>,
    /// Over how long values are summed up: 1m without it.
    #[serde(default)]
    pub period: Option<Span>,
    /// How late CloudWatch is: a value is whole when its period has ended so long ago. 2m without it.
    #[serde(default)]
    pub delay: Option<Span>,
    /// What it means that there is no value: `unknown`, which it is without it, `ok`, `fail`, or `0`.
    #[serde(default)]
    pub missing: Option<Missing>,
    /// What is expected of the readings, by their names.
    #[serde(default)]
    pub expect: BTreeMap<String, Undated>,
    /// The region; without it that of the service's deployment or of the environment.
    #[serde(default)]
    pub region: Option<String>,
    /// Another endpoint of AWS: of a VPC, or an emulator.
    #[serde(default)]
    pub endpoint: Option<String>,
}

struct CloudWatchProbe {
    access: Arc<Access>,
    asked: Asked,
}

impl Kind for CloudWatch {
    const NAME: &'static str = "cloudwatch";
    const SUMMARY: &'static str =
        "metrics of CloudWatch are as expected: ECS, load balancers, RDS, or any by name";
    const READINGS: Readings = Readings {
        named: READINGS,
        open: true,
    };
    type Settings = Settings;

    fn probe(
        settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        made(settings, surroundings, Access::at)
    }
}

impl CloudWatch {
    /// Builds the probe with a configuration of AWS that was made elsewhere.
    ///
    /// # Errors
    /// As [`Kind::probe`].
    pub fn with_config(
        settings: Settings,
        surroundings: &Surroundings,
        config: &SdkConfig,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        made(settings, surroundings, |_| Access::with_config(config))
    }
}

fn made(
    settings: Settings,
    surroundings: &Surroundings,
    access: impl FnOnce(Place) -> Arc<Access>,
) -> Result<Box<dyn Probe>, Vec<Misfit>> {
    let mut misfits = Vec::new();
    let usual = metric::Usual {
        period: settings.period.map_or(USUAL_PERIOD, |span| span.0),
        missing: settings.missing.unwrap_or_default(),
    };
    let mut wanted: Vec<Wanted> = Vec::new();
    if let Some(metric) = settings.metric {
        wanted.extend(metric.wanted("value", &["metric"], usual, &mut misfits));
    }
    for (name, metric) in settings.metrics {
        wanted.extend(metric.wanted(&name, &["metrics", &name], usual, &mut misfits));
    }
    if let Some(ecs) = settings.ecs {
        wanted.extend(ecs.wanted(usual, surroundings, &mut misfits));
    }
    wanted.extend(settings.alb.iter().flat_map(|alb| alb.wanted(usual)));
    wanted.extend(settings.rds.iter().flat_map(|rds| rds.wanted(usual)));
    misfits.extend(metric::complaints(&wanted));
    for name in settings.expect.keys() {
        if !wanted.iter().any(|one| one.reading == *name) {
            misfits.push(
                Misfit::at(&["expect", name], format!("the check reads no `{name}`"))
                    .hint("name one of its metrics"),
            );
        }
    }
    let place = Place::of(surroundings.region(settings.region), settings.endpoint)
        .map_err(|why| misfits.push(Misfit::at(&["endpoint"], why)));
    let (Ok(place), true) = (place, misfits.is_empty()) else {
        return Err(misfits);
    };
    Ok(Box::new(CloudWatchProbe {
        access: access(place),
        asked: Asked {
            wanted,
            delay: settings.delay.map_or(USUAL_DELAY, |span| span.0),
            expected: settings.expect,
        },
    }))
}

#[async_trait]
impl Probe for CloudWatchProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        self.asked.ask(&self.access, attempt).await
    }

    fn source(&self) -> Option<&str> {
        Some("CloudWatch")
    }
}

/// The finest period of metrics that are not of high resolution.
const USUAL_PERIOD: Duration = Duration::from_secs(60);
/// Metrics of AWS's own services are there after one to three minutes.
const USUAL_DELAY: Duration = Duration::from_secs(120);

const READINGS: &[(&str, Unit, &str)] = &[
    (
        "cpu",
        Unit::Number,
        "of `ecs` or `rds`: processor used, in percent",
    ),
    (
        "memory",
        Unit::Number,
        "of `ecs`: memory used, in percent of what is reserved",
    ),
    ("requests", Unit::Number, "of `alb`: requests in a period"),
    (
        "errors_5xx",
        Unit::Number,
        "of `alb`: answers of the targets with a status of 5xx, in a period",
    ),
    (
        "error_share",
        Unit::Number,
        "of `alb`: those among all requests, 0 to 1",
    ),
    (
        "response_time_p95",
        Unit::Seconds,
        "of `alb`: how long the targets take, at the 95th percentile",
    ),
    (
        "connections",
        Unit::Number,
        "of `rds`: connections of clients",
    ),
    (
        "replica_lag",
        Unit::Seconds,
        "of `rds`: how far a replica is behind",
    ),
    ("free_storage", Unit::Bytes, "of `rds`: room left"),
    ("value", Unit::Number, "of `metric`: its value"),
];
