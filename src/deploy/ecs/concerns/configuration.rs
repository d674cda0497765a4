//! What the service's own configuration says of the bake and of a rollback. Pure.

use std::time::Duration;

use aws_sdk_ecs::types::{
    DeploymentConfiguration, DeploymentLifecycleHook, DeploymentLifecycleHookAction,
    DeploymentLifecycleHookTargetType, Service, ServiceRevisionCleanup,
};

use crate::quantity;

/// The concerns about a service as it is configured; `name` is its short name.
pub(super) fn of_service(service: &Service, name: &str, bake: Duration) -> Vec<String> {
    let mut concerns = Vec::new();
    if service.desired_count() == 0 {
        concerns.push(format!(
            "the desired count of service {name} is 0: nothing runs that could be judged or rolled back"
        ));
    }
    let controller = service.deployment_controller();
    let by_ecs = controller.is_none_or(|controller| controller.r#type().as_str() == "ECS");
    if !by_ecs {
        return concerns;
    }
    let none = DeploymentConfiguration::builder().build();
    let configured = service.deployment_configuration().unwrap_or(&none);
    let strategy = configured
        .strategy()
        .map_or(ROLLING, |known| known.as_str());
    if strategy == ROLLING {
        concerns.extend(breaker(configured, name));
        concerns.extend(early_success(configured, name));
    } else {
        concerns.extend(short_bake(configured, strategy, name, bake));
    }
    let hooks = configured.lifecycle_hooks().iter();
    concerns.extend(hooks.filter_map(|hook| short_pause(hook, name, bake)));
    concerns
}

/// The circuit breaker exists for rolling deployments alone.
fn breaker(configured: &DeploymentConfiguration, name: &str) -> Option<String> {
    match configured.deployment_circuit_breaker() {
        Some(breaker) if breaker.enable() && breaker.rollback() => None,
        Some(breaker) if breaker.enable() => Some(format!(
            "the deployment circuit breaker of service {name} stops a deployment whose tasks fail, and does not roll it back"
        )),
        _ => Some(format!(
            "the deployment circuit breaker of service {name} is off: ECS goes on starting tasks that fail"
        )),
    }
}

fn early_success(configured: &DeploymentConfiguration, name: &str) -> Option<String> {
    let early = configured.early_success_criteria()?;
    if !early.enable() {
        return None;
    }
    let deferred =
        early.source_service_revision_cleanup() == Some(&ServiceRevisionCleanup::Deferred);
    let meanwhile = if deferred {
        "while old tasks still serve"
    } else {
        "before all new tasks run"
    };
    Some(format!(
        "deployments of service {name} succeed early, {meanwhile}: an answer may be of the old revision"
    ))
}

/// After its own bake ECS takes the old tasks away: from then on a rollback is a whole deployment.
fn short_bake(
    configured: &DeploymentConfiguration,
    strategy: &str,
    name: &str,
    bake: Duration,
) -> Option<String> {
    let theirs = minutes(configured.bake_time_in_minutes().unwrap_or(0));
    (theirs < bake).then(|| {
        format!(
            "ECS keeps the old tasks of service {name} ({strategy}) for {} after the traffic has moved, shorter than the bake of {}: after that a rollback is a whole deployment",
            quantity::human(theirs),
            quantity::human(bake)
        )
    })
}

fn short_pause(hook: &DeploymentLifecycleHook, name: &str, bake: Duration) -> Option<String> {
    if hook.target_type() != Some(&DeploymentLifecycleHookTargetType::Pause) {
        return None;
    }
    let configured = hook.timeout_configuration();
    let timeout = configured.and_then(|configured| configured.timeout_in_minutes());
    let timeout = minutes(timeout.unwrap_or(PAUSE_MINUTES));
    let action = configured.and_then(|configured| configured.action());
    let then = match action {
        Some(DeploymentLifecycleHookAction::Continue) => "continues",
        _ => "rolls back",
    };
    let stages: Vec<&str> = hook.lifecycle_stages().iter().map(|s| s.as_str()).collect();
    (timeout < bake).then(|| {
        format!(
            "the pause of service {name} at {} ends after {}, shorter than the bake of {}: ECS then {then} without the verdict",
            stages.join(", "),
            quantity::human(timeout),
            quantity::human(bake)
        )
    })
}

fn minutes(count: i32) -> Duration {
    Duration::from_mins(u64::try_from(count).unwrap_or(0))
}

const ROLLING: &str = "ROLLING";
/// How long a pause lasts when nothing is configured.
const PAUSE_MINUTES: i32 = 1440;

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{
        DeploymentCircuitBreaker, DeploymentEarlySuccessCriteria, DeploymentLifecycleHookStage,
        DeploymentLifecycleHookTimeoutConfiguration, DeploymentStrategy,
    };

    use super::*;

    fn breaker(enable: bool, rollback: bool) -> DeploymentCircuitBreaker {
        DeploymentCircuitBreaker::builder()
            .enable(enable)
            .rollback(rollback)
            .build()
    }

    fn safe() -> aws_sdk_ecs::types::builders::DeploymentConfigurationBuilder {
        DeploymentConfiguration::builder().deployment_circuit_breaker(breaker(true, true))
    }

    fn blue_green(minutes: i32) -> DeploymentConfiguration {
        DeploymentConfiguration::builder()
            .strategy(DeploymentStrategy::BlueGreen)
            .bake_time_in_minutes(minutes)
            .build()
    }

    fn pausing(
        minutes: Option<i32>,
        action: DeploymentLifecycleHookAction,
    ) -> DeploymentConfiguration {
        let timeout = DeploymentLifecycleHookTimeoutConfiguration::builder()
            .set_timeout_in_minutes(minutes)
            .action(action)
            .build();
        let hook = DeploymentLifecycleHook::builder()
            .target_type(DeploymentLifecycleHookTargetType::Pause)
            .lifecycle_stages(DeploymentLifecycleHookStage::PostScaleUp)
            .timeout_configuration(timeout)
            .build();
        safe().lifecycle_hooks(hook).build()
    }

    fn early(cleanup: ServiceRevisionCleanup) -> DeploymentConfiguration {
        let early = DeploymentEarlySuccessCriteria::builder()
            .enable(true)
            .healthy_percent(50)
            .source_service_revision_cleanup(cleanup)
            .build();
        safe().early_success_criteria(early).build()
    }

    #[test]
    fn each_weakness_of_a_configuration_is_said_once_and_no_other() {
        use DeploymentLifecycleHookAction::{Continue, Rollback};
        let none = DeploymentConfiguration::builder().build();
        let stopping = DeploymentConfiguration::builder()
            .deployment_circuit_breaker(breaker(true, false))
            .build();
        let cases = [
            (safe().build(), None),
            (none, Some("circuit breaker of service api is off")),
            (stopping, Some("does not roll it back")),
            (blue_green(10), None),
            (blue_green(5), Some("for 5m after the traffic has moved")),
            (pausing(Some(10), Rollback), None),
            (pausing(None, Rollback), None),
            (
                pausing(Some(5), Rollback),
                Some(
                    "at POST_SCALE_UP ends after 5m, shorter than the bake of 10m: ECS then rolls back",
                ),
            ),
            (pausing(Some(5), Continue), Some("ECS then continues")),
            (
                early(ServiceRevisionCleanup::Deferred),
                Some("old tasks still serve"),
            ),
            (
                early(ServiceRevisionCleanup::Blocking),
                Some("before all new tasks run"),
            ),
        ];
        for (configured, expected) in cases {
            let service = Service::builder()
                .desired_count(2)
                .deployment_configuration(configured.clone())
                .build();
            let concerns = of_service(&service, "api", Duration::from_mins(10));
            let expected: Vec<&str> = expected.into_iter().collect();
            assert_eq!(
                concerns.len(),
                expected.len(),
                "{configured:?}: {concerns:?}"
            );
            for (concern, part) in concerns.iter().zip(expected) {
                assert!(concern.contains(part), "{concern}");
            }
        }
    }

    #[test]
    fn a_service_without_tasks_is_one_more_concern() {
        let service = Service::builder()
            .deployment_configuration(safe().build())
            .build();
        let concerns = of_service(&service, "api", Duration::from_mins(10));
        assert!(
            matches!(concerns.as_slice(), [only] if only.contains("desired count of service api is 0")),
            "{concerns:?}"
        );
    }
}
