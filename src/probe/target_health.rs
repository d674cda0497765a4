//! The kind `target_health`: how a load balancer sees the targets of a target group (ELBv2).
//!
//! It proves that the load balancer's own health checks pass. It does not prove that the targets
//! answer anything else well.

mod groups;
mod states;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use self::groups::Groups;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings};
use crate::aws::access::{Access, Place};
use crate::expect::{Matcher, Undated};
use crate::sample::{Fault, Phase, Unit};

/// The kind `target_health`.
pub struct TargetHealth;

/// What a check of kind `target_health` declares.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The ARN of a target group; without it those of the ECS service.
    #[serde(default)]
    pub target_group: Option<String>,
    /// The cluster whose service's target groups are asked about; without it that of the deployment of
    /// the check's service.
    #[serde(default)]
    pub cluster: Option<String>,
    /// The service; likewise.
    #[serde(default)]
    pub service: Option<String>,
    /// What is expected of the readings, by their names; `unhealthy: 0` and `healthy: { ge: 1 }`
    /// unless it says otherwise of these.
    #[serde(default)]
    pub expect: BTreeMap<String, Undated>,
    /// The region; without it that of the service's deployment or of the environment.
    #[serde(default)]
    pub region: Option<String>,
    /// Another endpoint of AWS: of a VPC, or an emulator.
    #[serde(default)]
    pub endpoint: Option<String>,
}

struct HealthProbe {
    access: Arc<Access>,
    groups: Groups,
    expected: BTreeMap<String, Matcher>,
}

impl Kind for TargetHealth {
    const NAME: &'static str = "target_health";
    const SUMMARY: &'static str = "a load balancer calls the targets of a service healthy";
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

impl TargetHealth {
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
    let groups = groups(&settings, surroundings).map_err(|misfit| misfits.push(misfit));
    for name in settings.expect.keys() {
        if !READINGS.iter().any(|(known, ..)| known == name) {
            misfits.push(
                Misfit::at(&["expect", name], format!("the kind reads no `{name}`"))
                    .hint("write healthy, unhealthy, initial, draining, unused or targets"),
            );
        }
    }
    // An ARN says in which region its thing is.
    let of_group = settings.target_group.as_deref();
    let of_group = of_group
        .and_then(|arn| arn.split(':').nth(3))
        .map(str::to_owned);
    let region = surroundings.region(settings.region.or(of_group));
    let place = Place::of(region, settings.endpoint)
        .map_err(|why| misfits.push(Misfit::at(&["endpoint"], why)));
    let (Ok(place), Ok(groups), true) = (place, groups, misfits.is_empty()) else {
        return Err(misfits);
    };
    let expected = settings.expect.into_iter();
    let expected = expected.map(|(name, matcher)| (name, matcher.into_matcher()));
    let mut expected: BTreeMap<String, Matcher> = expected.collect();
    expected
        .entry("unhealthy".to_owned())
        .or_insert_with(|| Matcher::equal(0));
    expected
        .entry("healthy".to_owned())
        .or_insert_with(states::at_least_one);
    Ok(Box::new(HealthProbe {
        access: access(place),
        groups,
        expected,
    }))
}

fn groups(settings: &Settings, surroundings: &Surroundings) -> Result<Groups, Misfit> {
    if let Some(arn) = &settings.target_group {
        if settings.cluster.is_some() || settings.service.is_some() {
            return Err(Misfit::at(
                &["target_group"],
                "it is in place of a service, not beside one",
            )
            .hint("keep one of the two"));
        }
        let is_arn = arn.starts_with("arn:") && arn.contains(":targetgroup/");
        return match is_arn {
            true => Ok(Groups::Named(arn.clone())),
            false => Err(
                Misfit::at(&["target_group"], "this is no ARN of a target group").hint(
                    "write `arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID`",
                ),
            ),
        };
    }
    let known = surroundings.ecs_service();
    let cluster = settings
        .cluster
        .clone()
        .or_else(|| Some(known?.cluster.clone()));
    let service = settings
        .service
        .clone()
        .or_else(|| Some(known?.service.clone()));
    match (cluster, service) {
        (Some(cluster), Some(service)) => Ok(Groups::OfService { cluster, service }),
        _ => Err(Misfit::at(
            &[],
            "which target group is not said, and the check's service has no deployment",
        )
        .hint("write `target_group: arn:…`, or `cluster` and `service`")),
    }
}

#[async_trait]
impl Probe for HealthProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        attempt.enter(Phase::Ttfb);
        let config = self.access.config().await?;
        let states = self.groups.states(config).await?;
        attempt.stop();
        states.record(attempt);
        states.judge(&self.expected)
    }

    fn source(&self) -> Option<&str> {
        Some("Elastic Load Balancing")
    }
}

const READINGS: &[(&str, Unit, &str)] = &[
    (
        "healthy",
        Unit::Number,
        "how many targets pass the load balancer's health checks",
    ),
    ("unhealthy", Unit::Number, "how many do not"),
    (
        "initial",
        Unit::Number,
        "how many are being registered or looked at for the first time",
    ),
    ("draining", Unit::Number, "how many are being taken out"),
    (
        "unused",
        Unit::Number,
        "how many are not used by any listener, or not looked at",
    ),
    ("targets", Unit::Number, "how many there are in all"),
];
