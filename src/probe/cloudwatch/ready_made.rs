//! The usual metrics of ECS services, load balancers and databases, so that nobody has to look up their
//! namespaces and dimensions.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::metric::{Source, Usual, Wanted};
use super::missing::Missing;
use crate::probe::{Misfit, Surroundings};
use crate::sample::Unit;

/// An ECS service.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EcsSettings {
    /// The cluster's name; without it that of the deployment of the check's service.
    #[serde(default)]
    pub cluster: Option<String>,
    /// The service's name; likewise.
    #[serde(default)]
    pub service: Option<String>,
}

/// An application load balancer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlbSettings {
    /// The last part of its ARN: `app/api/50dc6c495c0c9188`; the whole ARN will do.
    pub load_balancer: String,
    /// The last part of the ARN of one of its target groups, `targetgroup/api/73e2d6bc24d8a067`:
    /// without it all of them together.
    #[serde(default)]
    pub target_group: Option<String>,
}

/// An RDS instance.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RdsSettings {
    /// The identifier of the instance.
    pub instance: String,
}

type Dimensions = Vec<(String, String)>;

impl EcsSettings {
    pub(super) fn wanted(
        self,
        usual: Usual,
        surroundings: &Surroundings,
        misfits: &mut Vec<Misfit>,
    ) -> Vec<Wanted> {
        let known = surroundings.ecs_service();
        let cluster = self.cluster.or_else(|| Some(known?.cluster.clone()));
        let service = self.service.or_else(|| Some(known?.service.clone()));
        let (Some(cluster), Some(service)) = (cluster, service) else {
            misfits.push(
                Misfit::at(
                    &["ecs"],
                    "which service is not said, and the check's has no deployment",
                )
                .hint("write `ecs: { cluster: …, service: … }`"),
            );
            return Vec::new();
        };
        // An ARN ends with the name.
        let last = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
        let dimensions = vec![
            ("ClusterName".to_owned(), last(&cluster)),
            ("ServiceName".to_owned(), last(&service)),
        ];
        let percent = |reading: &str, name: &str| {
            metric(
                usual,
                reading,
                ("AWS/ECS", name, "Average"),
                &dimensions,
                Unit::Number,
            )
        };
        vec![
            percent("cpu", "CPUUtilization"),
            percent("memory", "MemoryUtilization"),
        ]
    }
}

impl AlbSettings {
    pub(super) fn wanted(&self, usual: Usual) -> Vec<Wanted> {
        let tail = |arn: &str, part: &str| match arn.split_once(part) {
            Some((_, rest)) => rest.to_owned(),
            None => arn.to_owned(),
        };
        let balancer = tail(&self.load_balancer, ":loadbalancer/");
        let mut dimensions = vec![("LoadBalancer".to_owned(), balancer)];
        if let Some(group) = &self.target_group {
            let group = match group.rfind("targetgroup/") {
                Some(at) => group[at..].to_owned(),
                None => group.clone(),
            };
            dimensions.push(("TargetGroup".to_owned(), group));
        }
        let namespace = "AWS/ApplicationELB";
        let make = |reading: &str, name: &str, statistic: &str, unit| {
            metric(
                usual,
                reading,
                (namespace, name, statistic),
                &dimensions,
                unit,
            )
        };
        let errors = Wanted {
            // Not written where there are none.
            missing: Missing::Zero,
            ..make(
                "errors_5xx",
                "HTTPCode_Target_5XX_Count",
                "Sum",
                Unit::Number,
            )
        };
        let requests = make("requests", "RequestCount", "Sum", Unit::Number);
        let share = Wanted {
            reading: "error_share".to_owned(),
            source: Source::Share("errors_5xx", "requests"),
            ..requests.clone()
        };
        let slow = make(
            "response_time_p95",
            "TargetResponseTime",
            "p95",
            Unit::Seconds,
        );
        vec![requests, errors, share, slow]
    }
}

impl RdsSettings {
    pub(super) fn wanted(&self, usual: Usual) -> Vec<Wanted> {
        let dimensions = vec![("DBInstanceIdentifier".to_owned(), self.instance.clone())];
        let make = |reading: &str, name: &str, unit| {
            metric(
                usual,
                reading,
                ("AWS/RDS", name, "Average"),
                &dimensions,
                unit,
            )
        };
        let lag = Wanted {
            // Only a replica has it.
            missing: Missing::Ok,
            ..make("replica_lag", "ReplicaLag", Unit::Seconds)
        };
        vec![
            make("cpu", "CPUUtilization", Unit::Number),
            make("connections", "DatabaseConnections", Unit::Number),
            make("free_storage", "FreeStorageSpace", Unit::Bytes),
            lag,
        ]
    }
}

fn metric(
    usual: Usual,
    reading: &str,
    (namespace, name, statistic): (&str, &str, &str),
    dimensions: &Dimensions,
    unit: Unit,
) -> Wanted {
    Wanted {
        reading: reading.to_owned(),
        source: Source::Metric {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: dimensions.clone(),
            statistic: statistic.to_owned(),
        },
        // These are written once a minute.
        period: usual.period.max(Duration::from_secs(60)),
        unit,
        factor: 1.0,
        missing: usual.missing,
    }
}
