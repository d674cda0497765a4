//! The handle of a service's tasks: which there are, where they are, what they run, how they die,
//! and what ECS writes about it.

use super::arn;
use super::operations::Refusal;
use super::service::{End, Event, Task};
use super::service_control::ServiceControl;
use super::state::Present;

/// A task that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The last part of its ARN.
    pub id: String,
    /// The entry of `deployments[]` that started it.
    pub started_by: String,
    /// Its private address.
    pub address: Option<String>,
}

/// How a task dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// As in `stopCode`: `EssentialContainerExited` …
    pub code: &'static str,
    /// As in `stoppedReason`.
    pub reason: &'static str,
    /// Of its containers; absent where they never ran.
    pub exit_code: Option<i32>,
}

impl ServiceControl {
    /// The tasks that run, the oldest first.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn running(&self) -> Result<Vec<Running>, Refusal> {
        self.with(|service, _| {
            let running = service.tasks.iter().filter(|task| task.stopped.is_none());
            let shown = running.map(|task| Running {
                id: arn::last_part(&task.arn).to_owned(),
                started_by: task.deployment.clone(),
                address: task.address.clone(),
            });
            shown.collect()
        })
    }

    /// Moves a task to another address; to none, as a task that shares its host's network.
    ///
    /// # Errors
    /// When the service or the task is unknown.
    pub fn move_task(&self, id: &str, address: Option<&str>) -> Result<(), Refusal> {
        self.task(id, |task, _| task.address = address.map(str::to_owned))
    }

    /// A task runs another image than its service revision was resolved to.
    ///
    /// # Errors
    /// When the service or the task is unknown.
    pub fn swap_image(&self, id: &str, container: &str, digest: &str) -> Result<(), Refusal> {
        self.task(id, |task, _| {
            task.digests.insert(container.to_owned(), digest.to_owned());
        })
    }

    /// A task dies; ECS starts another at the next opportunity.
    ///
    /// # Errors
    /// When the service or the task is unknown.
    pub fn crash(&self, id: &str, crash: Crash) -> Result<(), Refusal> {
        self.task(id, |task, present| {
            task.stopped = Some(present.wall);
            task.end = Some(End {
                code: crash.code.to_owned(),
                reason: crash.reason.to_owned(),
                exit_code: crash.exit_code,
            });
        })
    }

    /// ECS writes a line about the service.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn note(&self, text: &str) -> Result<(), Refusal> {
        self.with(|service, around| {
            let id = format!("00000000-0000-4000-9000-{:012x}", around.ids.next());
            service.events.push(Event {
                id,
                at: around.present.wall,
                text: text.to_owned(),
            });
        })
    }

    fn task(&self, id: &str, act: impl FnOnce(&mut Task, Present)) -> Result<(), Refusal> {
        self.with(|service, around| {
            let mut tasks = service.tasks.iter_mut();
            let known = tasks.find(|task| arn::last_part(&task.arn) == id);
            known
                .map(|task| act(task, around.present))
                .ok_or_else(|| Refusal::invalid(format!("There is no task {id}.")))
        })?
    }
}
