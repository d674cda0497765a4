//! Alarms: those that fire already make ECS ignore all alarms of the deployment, and those that are
//! gone guard nothing.

use std::fmt;

use aws_sdk_cloudwatch::error::DisplayErrorContext;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use aws_sdk_ecs::types::{
    Service, ServiceDeployment, ServiceDeploymentRollbackMonitorsStatus as Monitors,
};

use super::super::EcsTarget;
use super::super::fault::one_line;

/// Alarms that could not be looked at.
#[derive(Debug)]
pub(super) struct Unseen(String);

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The concerns about the alarms that the service names.
pub(super) async fn of(
    target: &EcsTarget,
    service: Option<&Service>,
    deployment: Option<&ServiceDeployment>,
) -> Result<Vec<String>, Unseen> {
    let configured = service
        .and_then(Service::deployment_configuration)
        .and_then(|configured| configured.alarms())
        .filter(|alarms| alarms.enable() && !alarms.alarm_names().is_empty());
    let mut concerns = Vec::new();
    let Some(alarms) = configured else {
        return Ok(concerns);
    };
    let name = service.and_then(Service::service_name).unwrap_or_default();
    concerns.extend(deployment.and_then(|deployment| of_deployment(deployment, name)));
    if !alarms.rollback() {
        concerns.push(format!(
            "the alarms of service {name} stop a deployment, and do not roll it back"
        ));
    }
    match states(target, alarms.alarm_names()).await {
        Ok(states) => concerns.extend(of_states(alarms.alarm_names(), &states, name)),
        // What is known already is told all the same.
        Err(unseen) if concerns.is_empty() => return Err(unseen),
        Err(unseen) => tracing::debug!(%unseen, "not looked at before the bake: alarms"),
    }
    Ok(concerns)
}

/// What ECS itself says of the alarms of this one deployment.
fn of_deployment(deployment: &ServiceDeployment, name: &str) -> Option<String> {
    let alarms = deployment.alarms()?;
    match alarms.status()? {
        Monitors::Triggered => Some(format!(
            "an alarm of this deployment of service {name} has fired: {}",
            alarms.triggered_alarm_names().join(", ")
        )),
        Monitors::Disabled => Some(format!(
            "ECS does not watch the alarms of service {name} for this deployment: it will not stop when one fires"
        )),
        _ => None,
    }
}

fn of_states(names: &[String], states: &[(String, bool)], service: &str) -> Vec<String> {
    let said = |name: &String| {
        let state = states.iter().find(|(known, _)| known == name);
        match state {
            Some((_, false)) => None,
            Some((_, true)) => Some(format!(
                "alarm {name} of service {service} is in ALARM already: what it would tell is not new"
            )),
            None => Some(format!(
                "alarm {name}, which service {service} names, does not exist: it guards nothing"
            )),
        }
    };
    names.iter().filter_map(said).collect()
}

/// Each alarm that exists, and whether it fires.
async fn states(target: &EcsTarget, names: &[String]) -> Result<Vec<(String, bool)>, Unseen> {
    let client = aws_sdk_cloudwatch::Client::new(&target.shared);
    let mut states = Vec::new();
    for some in names.chunks(MOST_NAMES) {
        let answer = client
            .describe_alarms()
            .set_alarm_names(Some(some.to_vec()))
            // Without both, composite alarms are left out.
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .send()
            .await
            .map_err(|error| Unseen(one_line(&DisplayErrorContext(&error).to_string())))?;
        let fires = |state: Option<&StateValue>| state == Some(&StateValue::Alarm);
        let metric = answer.metric_alarms().iter();
        states.extend(metric.filter_map(|alarm| {
            let name = alarm.alarm_name()?.to_owned();
            Some((name, fires(alarm.state_value())))
        }));
        let composite = answer.composite_alarms().iter();
        states.extend(composite.filter_map(|alarm| {
            let name = alarm.alarm_name()?.to_owned();
            Some((name, fires(alarm.state_value())))
        }));
    }
    Ok(states)
}

/// What AWS allows in one DescribeAlarms.
const MOST_NAMES: usize = 100;
