//! The tasks of the deployment that stopped: how, why, and the last lines of their containers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::{self, DesiredStatus};
use futures_util::future::join_all;

use super::logs::{self, Driver, Logging};
use super::{ECS, Look, Seen, kept, line};
use crate::deploy::ecs::facts;
use crate::deploy::ecs::fault::CallFault;
use crate::deploy::ecs::tasks::{Starter, Task};
use crate::deployment::{StoppedContainer, StoppedTask};

/// The stopped tasks of the deployment, the newest first, and the logs of the first of them.
pub(super) async fn tasks(look: &Look<'_>, starter: &Starter) -> Seen<StoppedTask> {
    let mut gaps = Vec::new();
    let listed = look.target.described_tasks(&DesiredStatus::Stopped);
    let listed = look.ask("stopped tasks", ECS, listed).await;
    let mut tasks = kept(listed, &mut gaps).unwrap_or_default();
    tasks.retain(|shown| Task::of(shown).is_some_and(|task| starter.started(&task)));
    tasks.sort_by_key(|task| Reverse(facts::wall(task.stopped_at())));
    if tasks.len() > MOST_TASKS {
        let left = tasks.len() - MOST_TASKS;
        gaps.push(format!("stopped tasks: {left} older ones are not shown"));
        tasks.truncate(MOST_TASKS);
    }
    let mut found: Vec<StoppedTask> = tasks.iter().map(told).collect();
    let talking = &tasks[..tasks.len().min(MOST_WITH_LOGS)];
    let logging = logging(look, talking, &mut gaps).await;
    let words = talking.iter().map(|task| last_words(look, task, &logging));
    for (task, words) in found.iter_mut().zip(join_all(words).await) {
        for (container, words) in task.containers.iter_mut().zip(words) {
            // Every container of a kind meets the same refusal: it is told once.
            match words {
                Ok(lines) => container.log = lines,
                Err(gap) if gaps.contains(&gap) => {}
                Err(gap) => gaps.push(gap),
            }
        }
    }
    Seen { found, gaps }
}

/// Where the containers of each task definition write their logs.
async fn logging(
    look: &Look<'_>,
    tasks: &[types::Task],
    gaps: &mut Vec<String>,
) -> BTreeMap<String, Logging> {
    let definitions = tasks.iter().filter_map(types::Task::task_definition_arn);
    let definitions: BTreeSet<&str> = definitions.collect();
    let asked = definitions.into_iter().map(|arn| async move {
        let call = async {
            let answer = look.target.client.describe_task_definition();
            let answer = answer.task_definition(arn).send().await;
            answer.map_err(|error| CallFault::of("DescribeTaskDefinition", &error))
        };
        let what = format!("where {} logs to", facts::label(arn));
        let answer = look.ask(&what, ECS, call).await?;
        let definition = answer.task_definition();
        let logging = definition.map(logs::logging).unwrap_or_default();
        Ok((arn.to_owned(), logging))
    });
    let answers = join_all(asked).await.into_iter();
    answers.filter_map(|answer| kept(answer, gaps)).collect()
}

/// The last lines of each container of a task, in their order, or why there are none.
async fn last_words(
    look: &Look<'_>,
    task: &types::Task,
    logging: &BTreeMap<String, Logging>,
) -> Vec<Result<Vec<String>, String>> {
    let definition = task.task_definition_arn().unwrap_or_default();
    let logging = logging.get(definition);
    let id = facts::label(task.task_arn().unwrap_or_default());
    let asked = task.containers().iter().map(|container| async move {
        let name = container.name().unwrap_or_default();
        let driver = logging.and_then(|logging| logging.get(name));
        if let Some(Driver::Other(driver)) = driver {
            return Err(format!(
                "last lines of {name}: it logs by {driver}, look there"
            ));
        }
        let Some(stream) = driver.and_then(|driver| driver.stream(id, container)) else {
            return Ok(Vec::new());
        };
        let what = format!("last lines of {name} in {}", stream.group);
        let call = logs::last_lines(look.target, &stream);
        match look.ask(&what, LOGS, call).await? {
            Some(lines) => Ok(lines),
            // A container that never ran has written nothing.
            None if container.exit_code().is_none() => Ok(Vec::new()),
            None => Err(format!("{what}: there is no stream {}", stream.name)),
        }
    });
    join_all(asked).await
}

fn told(shown: &types::Task) -> StoppedTask {
    let containers = shown.containers().iter().map(|container| StoppedContainer {
        name: container.name().unwrap_or_default().to_owned(),
        exit_code: container.exit_code(),
        reason: container.reason().map(line),
        log: Vec::new(),
    });
    StoppedTask {
        id: facts::label(shown.task_arn().unwrap_or_default()).to_owned(),
        revision: facts::label(shown.task_definition_arn().unwrap_or_default()).to_owned(),
        code: shown.stop_code().map(|code| code.as_str().to_owned()),
        reason: shown.stopped_reason().map(line),
        at: facts::wall(shown.stopped_at()),
        containers: containers.collect(),
    }
}

/// The service of its actions in a policy.
const LOGS: &str = "logs";
/// A service in a loop of restarts stops hundreds; the newest tell what the others would.
const MOST_TASKS: usize = 20;
/// GetLogEvents is allowed ten times a second in an account and region that others share.
const MOST_WITH_LOGS: usize = 5;
