//! Reads what ECS knows of a service: the service itself, then the tasks that its newest deployment or
//! task set started and that have stopped.

use aws_config::SdkConfig;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{
    Deployment, DeploymentRolloutState, DesiredStatus, Service, StabilityStatus, Task, TaskSet,
};

use super::facts::{Cause, Facts, Rollout, Stopped};
use crate::aws::fault::CallFault;
use crate::aws::service::{active_service, newest_task_set};
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason};

/// All that the check judges.
pub(super) async fn facts(
    config: &SdkConfig,
    cluster: &str,
    service: &str,
) -> Result<Facts, Fault> {
    let client = Client::new(config);
    let shown = active_service(&client, cluster, service).await?;
    let Some(newest) = Newest::of(&shown) else {
        let detail = "ECS shows neither a deployment nor a task set of the service";
        return Err(Fault::new(Reason::NoData, detail));
    };
    let mut events = shown.events().iter();
    let event = events.find(|event| event.created_at().map(DateTime::secs) >= newest.created);
    let (stopped, are_all) = stopped(&client, cluster, service).await?;
    let own = stopped
        .iter()
        .filter(|task| task.started_by() == Some(newest.id));
    Ok(Facts {
        desired: count(newest.desired),
        running: count(newest.running),
        pending: count(newest.pending),
        rollout: newest.rollout,
        failed_to_start: count(newest.failed_to_start),
        stopped: own.map(told).collect(),
        knows_all_stopped: are_all,
        event: event.and_then(|event| event.message()).map(str::to_owned),
    })
}

/// What was deployed last, and how it stands.
struct Newest<'a> {
    /// By which its tasks say that they were started.
    id: &'a str,
    created: Option<i64>,
    rollout: Option<Rollout>,
    failed_to_start: i32,
    desired: i32,
    running: i32,
    pending: i32,
}

impl<'a> Newest<'a> {
    /// The primary deployment; where another controller moves the tasks, the newest task set.
    fn of(service: &'a Service) -> Option<Self> {
        let mut deployments = service.deployments().iter();
        if let Some(primary) = deployments.find(|it| it.status() == Some("PRIMARY")) {
            return Some(Self::of_deployment(service, primary));
        }
        newest_task_set(service).map(Self::of_task_set)
    }

    fn of_deployment(service: &Service, primary: &'a Deployment) -> Self {
        Self {
            id: primary.id().unwrap_or_default(),
            created: primary.created_at().map(DateTime::secs),
            rollout: primary.rollout_state().map(|state| match state {
                DeploymentRolloutState::Failed => {
                    let why = primary.rollout_state_reason().unwrap_or_default();
                    Rollout::Failed(one_line(why))
                }
                DeploymentRolloutState::Completed => Rollout::Completed,
                _ => Rollout::InProgress,
            }),
            failed_to_start: primary.failed_tasks(),
            desired: service.desired_count(),
            running: service.running_count(),
            pending: service.pending_count(),
        }
    }

    /// Beside it the one before may still run in full: of the service's tasks only its own count.
    fn of_task_set(set: &'a TaskSet) -> Self {
        Self {
            id: set.id().unwrap_or_default(),
            created: set.created_at().map(DateTime::secs),
            rollout: set.stability_status().map(|status| match status {
                StabilityStatus::SteadyState => Rollout::Completed,
                _ => Rollout::InProgress,
            }),
            failed_to_start: 0,
            desired: set.computed_desired_count(),
            running: set.running_count(),
            pending: set.pending_count(),
        }
    }
}

/// The stopped tasks of the service that ECS still remembers, and whether these are all of them.
async fn stopped(
    client: &Client,
    cluster: &str,
    service: &str,
) -> Result<(Vec<Task>, bool), Fault> {
    let mut stopped = Vec::new();
    let mut token = None;
    for _ in 0..MOST_PAGES {
        let listed = client
            .list_tasks()
            .cluster(cluster)
            .service_name(service)
            .desired_status(DesiredStatus::Stopped)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| CallFault::of("ListTasks", &error).of_a_check())?;
        let arns = listed.task_arns.unwrap_or_default();
        if !arns.is_empty() {
            let described = client
                .describe_tasks()
                .cluster(cluster)
                .set_tasks(Some(arns))
                .send()
                .await
                .map_err(|error| CallFault::of("DescribeTasks", &error).of_a_check())?;
            stopped.extend(described.tasks.unwrap_or_default());
        }
        token = listed.next_token;
        if token.is_none() {
            return Ok((stopped, true));
        }
    }
    Ok((stopped, false))
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

/// A hundred tasks each: more stopped ones than a service leaves in the hour for which ECS remembers
/// them, unless all of them end at once.
const MOST_PAGES: usize = 10;
