//! What the platform knows of a failed deployment, in the report.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::WallTime;
use crate::deployment::{Diagnosis, StoppedContainer, StoppedTask, TargetHealth};
use crate::report::wall::rfc3339;
use crate::secret::Mask;

/// What a person would collect by hand.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiagnosisReport {
    /// What the platform wrote about the service, the newest first.
    pub events: Vec<EventReport>,
    /// Tasks of the deployment that stopped, the newest first.
    pub stopped_tasks: Vec<StoppedTaskReport>,
    /// How the load balancer sees the service's copies.
    pub target_health: Vec<TargetHealth>,
    /// What differs between the revision before and the one under test.
    pub differences: Vec<DifferenceReport>,
    /// What could not be looked at, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
}

/// A line that the platform wrote.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventReport {
    /// When (RFC 3339, UTC).
    pub at: Option<String>,
    /// The text.
    pub text: String,
}

/// A task that stopped.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StoppedTaskReport {
    /// The last part of its identifier.
    pub id: String,
    /// What it ran.
    pub revision: String,
    /// The platform's code: `EssentialContainerExited`.
    pub code: Option<String>,
    /// The platform's reason, for people.
    pub reason: Option<String>,
    /// When it stopped (RFC 3339, UTC).
    pub at: Option<String>,
    /// Its containers.
    pub containers: Vec<StoppedContainerReport>,
}

/// A container of a stopped task.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StoppedContainerReport {
    /// Its name.
    pub name: String,
    /// Its exit code, when it ran at all.
    pub exit_code: Option<i32>,
    /// The platform's reason, for people.
    pub reason: Option<String>,
    /// The last lines that it wrote, the oldest first.
    pub log: Vec<String>,
}

/// Something in which the two revisions differ.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DifferenceReport {
    /// What.
    pub name: String,
    /// In the revision before.
    pub from: String,
    /// In the one under test.
    pub to: String,
}

pub(super) fn diagnosis(found: &Diagnosis) -> DiagnosisReport {
    DiagnosisReport {
        events: found
            .events
            .iter()
            .map(|event| EventReport {
                at: time(event.at),
                text: event.text.clone(),
            })
            .collect(),
        stopped_tasks: found.stopped_tasks.iter().map(task).collect(),
        target_health: found.target_health.clone(),
        differences: found
            .differences
            .iter()
            .map(|(name, from, to)| DifferenceReport {
                name: name.clone(),
                from: from.clone(),
                to: to.clone(),
            })
            .collect(),
        gaps: found.gaps.clone(),
    }
}

fn task(stopped: &StoppedTask) -> StoppedTaskReport {
    StoppedTaskReport {
        id: stopped.id.clone(),
        revision: stopped.revision.clone(),
        code: stopped.code.clone(),
        reason: stopped.reason.clone(),
        at: time(stopped.at),
        containers: stopped.containers.iter().map(container).collect(),
    }
}

fn container(stopped: &StoppedContainer) -> StoppedContainerReport {
    StoppedContainerReport {
        name: stopped.name.clone(),
        exit_code: stopped.exit_code,
        reason: stopped.reason.clone(),
        log: stopped.log.clone(),
    }
}

fn time(at: Option<WallTime>) -> Option<String> {
    at.map(rfc3339)
}

impl DiagnosisReport {
    /// Masks whatever a platform or a container wrote.
    pub(super) fn hide(&mut self, mask: &Mask) {
        let hide = |text: &mut String| *text = mask.apply(text);
        self.events
            .iter_mut()
            .for_each(|event| hide(&mut event.text));
        for task in &mut self.stopped_tasks {
            hide(&mut task.revision);
            task.reason.iter_mut().for_each(hide);
            for container in &mut task.containers {
                container.reason.iter_mut().for_each(hide);
                container.log.iter_mut().for_each(hide);
            }
        }
        for health in &mut self.target_health {
            hide(&mut health.target);
        }
        for difference in &mut self.differences {
            hide(&mut difference.from);
            hide(&mut difference.to);
        }
        self.gaps.iter_mut().for_each(hide);
    }
}
