//! Reads what ECS knows of a service: the service itself, then the tasks that its newest deployment
//! started and that have stopped.

use aws_config::SdkConfig;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{DeploymentRolloutState, DesiredStatus, Service, Task};

use super::facts::{Cause, Facts, Rollout, Stopped};
use crate::aws::fault::CallFault;
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason};

/// All that the check judges.
pub(super) async fn facts(
    config: &SdkConfig,
    cluster: &str,
    service: &str,
) -> Result<Facts, Fault> {
    let client = Client::new(config);
    let shown = described(&client, cluster, service).await?;
    let deployments = shown.deployments();
    let newest = deployments.iter().find(|it| it.status() == Some("PRIMARY"));
    let Some(newest) = newest else {
        let detail = "ECS shows no deployment of the service: another controller moves its tasks";
        return Err(Fault::new(Reason::NoData, detail));
    };
    let id = newest.id().unwrap_or_default();
    let rollout = newest.rollout_state().map(|state| match state {
        DeploymentRolloutState::Failed => {
            Rollout::Failed(one_line(newest.rollout_state_reason().unwrap_or_default()))
        }
        DeploymentRolloutState::Completed => Rollout::Completed,
        _ => Rollout::InProgress,
    });
    let created = newest
        .created_at()
        .map(aws_sdk_ecs::primitives::DateTime::secs);
    let mut events = shown.events().iter();
    let event = events.find(|event| event.created_at().map(|at| at.secs()) >= created);
    let stopped = stopped(&client, cluster, service).await?;
    let own = stopped.iter().filter(|task| task.started_by() == Some(id));
    Ok(Facts {
        desired: count(shown.desired_count()),
        running: count(shown.running_count()),
        pending: count(shown.pending_count()),
        rollout,
        failed_to_start: count(newest.failed_tasks()),
        stopped: own.map(told).collect(),
        event: event.and_then(|event| event.message()).map(str::to_owned),
    })
}

async fn described(client: &Client, cluster: &str, service: &str) -> Result<Service, Fault> {
    let answer = client
        .describe_services()
        .cluster(cluster)
        .services(service)
        .send()
        .await
        .map_err(|error| CallFault::of("DescribeServices", &error).of_a_check())?;
    let mut shown = answer.services.unwrap_or_default().into_iter();
    let active = shown.find(|service| service.status() == Some("ACTIVE"));
    active.ok_or_else(|| {
        let detail = format!(
            "cluster {cluster} has no active service {service}: check both names and the region"
        );
        Fault::new(Reason::NoData, detail)
    })
}

/// The stopped tasks of the service that ECS still remembers, as many as one page shows.
async fn stopped(client: &Client, cluster: &str, service: &str) -> Result<Vec<Task>, Fault> {
    let listed = client
        .list_tasks()
        .cluster(cluster)
        .service_name(service)
        .desired_status(DesiredStatus::Stopped)
        .send()
        .await
        .map_err(|error| CallFault::of("ListTasks", &error).of_a_check())?;
    let arns = listed.task_arns.unwrap_or_default();
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let described = client
        .describe_tasks()
        .cluster(cluster)
        .set_tasks(Some(arns))
        .send()
        .await
        .map_err(|error| CallFault::of("DescribeTasks", &error).of_a_check())?;
    Ok(described.tasks.unwrap_or_default())
}

fn told(task: &Task) -> Stopped {
    let reason = task.stopped_reason().unwrap_or_default();
    let code = task.stop_code().map(|code| code.as_str());
    let mut exits = task.containers().iter().filter_map(|container| {
        let code = container.exit_code().filter(|code| *code != 0)?;
        let name = container.name().unwrap_or_default();
        Some(format!(" ({name} ended with {code})"))
    });
    let exit = exits.next().unwrap_or_default();
    Stopped {
        cause: Cause::of(code, reason),
        why: one_line(&format!("{reason}{exit}")),
    }
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
