//! How the load balancers see the service's copies.

use std::collections::BTreeSet;

use aws_sdk_ecs::types;
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription;

use super::{Look, Seen, kept};
use crate::deploy::ecs::fault::CallFault;
use crate::deploy::ecs::records::ServiceRevision;
use crate::deployment::TargetHealth;

/// The ARNs of the target groups in which the service's copies are.
pub(super) fn groups(
    service: Option<&types::Service>,
    under_test: Option<&ServiceRevision>,
) -> BTreeSet<String> {
    let of_service = service.into_iter().flat_map(types::Service::load_balancers);
    let sets = service.into_iter().flat_map(types::Service::task_sets);
    let of_sets = sets.flat_map(types::TaskSet::load_balancers);
    let revision = under_test.map(|revision| &revision.shown).into_iter();
    let of_revision = revision.flat_map(types::ServiceRevision::load_balancers);
    let all = of_service.chain(of_sets).chain(of_revision);
    // Blue/green moves the copies between two groups.
    let named = all.flat_map(|one| {
        let advanced = one.advanced_configuration();
        let other = advanced.and_then(types::AdvancedConfiguration::alternate_target_group_arn);
        [one.target_group_arn(), other]
    });
    named.flatten().map(str::to_owned).collect()
}

/// The health of the targets, those that are not healthy first.
pub(super) async fn of(look: &Look<'_>, groups: &BTreeSet<String>) -> Seen<TargetHealth> {
    let client = &Client::new(&look.target.shared);
    let asked = groups.iter().take(MOST_GROUPS).map(|group| {
        let call = async move {
            let answer = client.describe_target_health().target_group_arn(group);
            let answer = answer.send().await;
            answer.map_err(|error| CallFault::of("DescribeTargetHealth", &error))
        };
        async move {
            let what = format!("target health of {}", name(group));
            let answer = look.ask(&what, BALANCING, call).await?;
            let shown = answer.target_health_descriptions().iter();
            Ok(shown.map(|one| told(group, one)).collect::<Vec<_>>())
        }
    });
    let mut gaps = Vec::new();
    let answers = futures_util::future::join_all(asked).await;
    let answers = answers.into_iter();
    let mut found: Vec<TargetHealth> = answers
        .filter_map(|answer| kept(answer, &mut gaps))
        .flatten()
        .collect();
    if groups.len() > MOST_GROUPS {
        let left = groups.len() - MOST_GROUPS;
        gaps.push(format!(
            "target health of {left} more groups: not asked for"
        ));
    }
    found.sort_by_key(|one| one.state == HEALTHY);
    if found.len() > MOST_TARGETS {
        let left = found.len() - MOST_TARGETS;
        gaps.push(format!("target health: {left} more targets are not shown"));
        found.truncate(MOST_TARGETS);
    }
    Seen { found, gaps }
}

fn told(group: &str, shown: &TargetHealthDescription) -> TargetHealth {
    let target = shown.target();
    let id = target.and_then(|target| target.id()).unwrap_or("unknown");
    let port = target.and_then(|target| target.port());
    let health = shown.target_health();
    let state = health.and_then(|health| health.state());
    let reason = health.and_then(|health| health.reason());
    TargetHealth {
        group: name(group).to_owned(),
        target: port.map_or_else(|| id.to_owned(), |port| address(id, port)),
        state: state.map_or_else(|| "unknown".to_owned(), |state| state.as_str().to_owned()),
        reason: reason.map(|reason| reason.as_str().to_owned()),
    }
}

fn address(id: &str, port: i32) -> String {
    if id.contains(':') {
        return format!("[{id}]:{port}");
    }
    format!("{id}:{port}")
}

/// The name within `…:targetgroup/NAME/ID`.
pub(super) fn name(arn: &str) -> &str {
    let mut parts = arn.rsplit('/');
    parts.nth(1).unwrap_or(arn)
}

/// The service of its actions in a policy.
const BALANCING: &str = "elasticloadbalancing";
const HEALTHY: &str = "healthy";
/// ECS allows five groups of a service, each with one more for blue/green.
const MOST_GROUPS: usize = 10;
/// What a person reads; those that are not healthy come first.
const MOST_TARGETS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_those_of_service_task_sets_and_their_alternates_each_once() {
        let balancer = |group: &str| types::LoadBalancer::builder().target_group_arn(group);
        let other = types::AdvancedConfiguration::builder().alternate_target_group_arn("green");
        let set = types::TaskSet::builder().load_balancers(balancer("blue").build());
        let service = types::Service::builder()
            .load_balancers(
                balancer("blue")
                    .advanced_configuration(other.build())
                    .build(),
            )
            .task_sets(set.load_balancers(balancer("third").build()).build())
            .build();
        let found = groups(Some(&service), None);
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, ["blue", "green", "third"]);
        assert!(groups(None, None).is_empty());
    }

    #[test]
    fn names_and_addresses_are_as_people_write_them() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:0:targetgroup/api-blue/73e2d6bc24d8a067";
        assert_eq!(name(arn), "api-blue");
        assert_eq!(address("10.0.0.7", 8080), "10.0.0.7:8080");
        assert_eq!(address("fd00::7", 80), "[fd00::7]:80");
    }
}
