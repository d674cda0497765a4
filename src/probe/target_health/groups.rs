//! Which target groups are asked about, and what Elastic Load Balancing says of their targets.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription;

use super::states::{State, States};
use crate::aws::fault::CallFault;
use crate::sample::{Fault, Reason};

/// Which target groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Groups {
    /// This one, by its ARN.
    Named(String),
    /// Those of an ECS service.
    OfService { cluster: String, service: String },
}

impl Groups {
    /// The states of all targets of all groups.
    pub(super) async fn states(&self, config: &SdkConfig) -> Result<States, Fault> {
        let arns = match self {
            Self::Named(arn) => BTreeSet::from([arn.clone()]),
            Self::OfService { cluster, service } => of_service(config, cluster, service).await?,
        };
        let client = aws_sdk_elasticloadbalancingv2::Client::new(config);
        let mut states = States::default();
        for arn in arns {
            let answer = client
                .describe_target_health()
                .target_group_arn(&arn)
                .send()
                .await
                .map_err(|error| {
                    CallFault::of("elasticloadbalancing:DescribeTargetHealth", &error).of_a_check()
                })?;
            states.add(answer.target_health_descriptions().iter().map(told));
        }
        Ok(states)
    }
}

async fn of_service(
    config: &SdkConfig,
    cluster: &str,
    service: &str,
) -> Result<BTreeSet<String>, Fault> {
    let answer = aws_sdk_ecs::Client::new(config)
        .describe_services()
        .cluster(cluster)
        .services(service)
        .send()
        .await
        .map_err(|error| CallFault::of("DescribeServices", &error).of_a_check())?;
    let mut shown = answer.services().iter();
    let active = shown.find(|service| service.status() == Some("ACTIVE"));
    let Some(active) = active else {
        let detail = format!(
            "cluster {cluster} has no active service {service}: check both names and the region"
        );
        return Err(Fault::new(Reason::NoData, detail));
    };
    let balancers = active.load_balancers().iter();
    let groups: BTreeSet<String> = balancers
        .filter_map(|balancer| balancer.target_group_arn().map(str::to_owned))
        .collect();
    match groups.is_empty() {
        false => Ok(groups),
        true => {
            let detail =
                format!("service {service} is in no target group: name one, or remove the check");
            Err(Fault::new(Reason::NoData, detail))
        }
    }
}

fn told(shown: &TargetHealthDescription) -> State {
    let target = shown.target();
    let id = target.and_then(|target| target.id()).unwrap_or("a target");
    let port = target.and_then(|target| target.port());
    let health = shown.target_health();
    let state = health.and_then(|health| health.state());
    let reason = health.and_then(|health| health.reason());
    State {
        target: match port {
            Some(port) if id.contains(':') => format!("[{id}]:{port}"),
            Some(port) => format!("{id}:{port}"),
            None => id.to_owned(),
        },
        state: state.map_or("unknown", |state| state.as_str()).to_owned(),
        reason: reason.map(|reason| reason.as_str().to_owned()),
    }
}
