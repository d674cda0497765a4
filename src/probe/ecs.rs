//! The kind `ecs`: how ECS sees a service: as many tasks as it wants, none that stopped by itself
//! since the deployment, a rollout that has not failed.
//!
//! It proves that the tasks stay up. It does not prove that they answer, for which other kinds ask
//! them; and it does not see tasks that stopped more than an hour ago, which ECS forgets.
//!
//! Everything is decided on states, counts and stop codes. One thing ECS tells in words alone: that
//! it stopped a task because its health checks failed carries the code of any stop of the scheduler.

mod facts;
mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use self::facts::Facts;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings};
use crate::aws::access::{Access, Place};
use crate::expect::{Matcher, Undated};
use crate::sample::{Fault, Phase, Unit};

/// The kind `ecs`.
pub struct Ecs;

/// What a check of kind `ecs` declares.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The cluster, by its name or ARN; without it that of the deployment of the check's service.
    #[serde(default)]
    pub cluster: Option<String>,
    /// The service, by its name or ARN; likewise.
    #[serde(default)]
    pub service: Option<String>,
    /// What is expected of the readings, by their names, besides that the tasks which are wanted run
    /// and the rollout has not failed; `failed_tasks: 0` unless it says otherwise.
    #[serde(default)]
    pub expect: BTreeMap<String, Undated>,
    /// The region; without it that of the service's deployment or of the environment.
    #[serde(default)]
    pub region: Option<String>,
    /// Another endpoint of AWS: of a VPC, or an emulator.
    #[serde(default)]
    pub endpoint: Option<String>,
}

struct EcsProbe {
    access: Arc<Access>,
    cluster: String,
    service: String,
    expected: BTreeMap<String, Matcher>,
}

impl Kind for Ecs {
    const NAME: &'static str = "ecs";
    const SUMMARY: &'static str = "an ECS service runs the tasks that it wants, and none stopped by itself since the deployment";
    const READINGS: Readings = Readings {
        named: READINGS,
        open: false,
    };
    type Settings = Settings;

    fn probe(
        settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        made(settings, surroundings, Access::at)
    }
}

impl Ecs {
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
    let known = surroundings.ecs_service();
    let cluster = settings.cluster.or_else(|| Some(known?.cluster.clone()));
    let service = settings.service.or_else(|| Some(known?.service.clone()));
    for (key, value) in [("cluster", &cluster), ("service", &service)] {
        if value.as_ref().is_none_or(|value| value.trim().is_empty()) {
            misfits.push(
                Misfit::at(
                    &[key],
                    format!("which {key} is not said, and the check's service has no deployment"),
                )
                .hint(format!(
                    "write `{key}: …`, or `deployment: {{ ecs: … }}` on the service"
                )),
            );
        }
    }
    for name in settings.expect.keys() {
        if !READINGS.iter().any(|(known, ..)| known == name) {
            misfits.push(
                Misfit::at(&["expect", name], format!("the kind reads no `{name}`"))
                    .hint("write desired, running, pending, stopped_tasks or failed_tasks"),
            );
        }
    }
    let place = Place::of(surroundings.region(settings.region), settings.endpoint)
        .map_err(|why| misfits.push(Misfit::at(&["endpoint"], why)));
    let (Ok(place), Some(cluster), Some(service), true) =
        (place, cluster, service, misfits.is_empty())
    else {
        return Err(misfits);
    };
    let expected = settings.expect.into_iter();
    let expected = expected.map(|(name, matcher)| (name, matcher.into_matcher()));
    let mut expected: BTreeMap<String, Matcher> = expected.collect();
    expected
        .entry("failed_tasks".to_owned())
        .or_insert_with(|| Matcher::equal(0));
    Ok(Box::new(EcsProbe {
        access: access(place),
        cluster,
        service,
        expected,
    }))
}

#[async_trait]
impl Probe for EcsProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        attempt.enter(Phase::Ttfb);
        let config = self.access.config().await?;
        let facts: Facts = read::facts(config, &self.cluster, &self.service).await?;
        attempt.stop();
        facts.record(attempt);
        facts.judge(&self.expected)
    }

    fn source(&self) -> Option<&str> {
        Some("ECS")
    }
}

const READINGS: &[(&str, Unit, &str)] = &[
    ("desired", Unit::Number, "how many tasks the service wants"),
    (
        "running",
        Unit::Number,
        "how many run, of all its deployments; of task sets, of the newest",
    ),
    ("pending", Unit::Number, "how many are being started"),
    (
        "stopped_tasks",
        Unit::Number,
        "how many tasks of the newest deployment have stopped, for whatever reason",
    ),
    (
        "failed_tasks",
        Unit::Number,
        "how many of them stopped by themselves, failed to start or failed their health checks",
    ),
];
