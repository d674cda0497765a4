//! Which target groups are asked about, and what Elastic Load Balancing says of their targets.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_ecs::types::{AdvancedConfiguration, LoadBalancer, TaskSet};
use aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription;

use super::states::{State, States};
use crate::aws::fault::CallFault;
use crate::aws::service::{active_service, newest_task_set};
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
    let client = aws_sdk_ecs::Client::new(config);
    let active = active_service(&client, cluster, service).await?;
    // Where another controller moves the tasks, each task set has its own; those of the service are
    // what it began with.
    let of_set = newest_task_set(&active).map(TaskSet::load_balancers);
    let balancers = of_set.filter(|of_set| !of_set.is_empty());
    let balancers = balancers.unwrap_or_else(|| active.load_balancers());
    let groups: BTreeSet<String> = balancers.iter().flat_map(of_balancer).collect();
    match groups.is_empty() {
        false => Ok(groups),
        true => {
            let detail =
                format!("service {service} is in no target group: name one, or remove the check");
            Err(Fault::new(Reason::NoData, detail))
        }
    }
}

/// Its target group, and the one that takes turns with it where ECS itself deploys blue and green.
fn of_balancer(balancer: &LoadBalancer) -> impl Iterator<Item = String> {
    let advanced = balancer.advanced_configuration();
    let alternate = advanced.and_then(AdvancedConfiguration::alternate_target_group_arn);
    let groups = [balancer.target_group_arn(), alternate];
    groups.into_iter().flatten().map(str::to_owned)
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
