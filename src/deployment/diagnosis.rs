//! What a person would collect by hand after a failed deployment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::WallTime;

/// What the platform knows of a failed deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// What the platform wrote about the service, the newest first.
    pub events: Vec<ServiceEvent>,
    /// Tasks of the deployment that stopped, the newest first.
    pub stopped_tasks: Vec<StoppedTask>,
    /// How the load balancer sees the service's copies.
    pub target_health: Vec<TargetHealth>,
    /// What differs between the revision before and the one under test: name, before, under test.
    pub differences: Vec<(String, String, String)>,
    /// What could not be looked at, and why; one line each.
    pub gaps: Vec<String>,
}

/// A line that the platform wrote about a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEvent {
    /// When.
    pub at: Option<WallTime>,
    /// The text, for people.
    pub text: String,
}

/// A task that stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoppedTask {
    /// The last part of its identifier.
    pub id: String,
    /// What it ran.
    pub revision: String,
    /// The platform's code: `EssentialContainerExited`.
    pub code: Option<String>,
    /// The platform's reason, for people.
    pub reason: Option<String>,
    /// When it stopped.
    pub at: Option<WallTime>,
    /// Its containers.
    pub containers: Vec<StoppedContainer>,
}

/// A container of a stopped task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoppedContainer {
    /// Its name.
    pub name: String,
    /// Its exit code, when it ran at all.
    pub exit_code: Option<i32>,
    /// The platform's reason, for people.
    pub reason: Option<String>,
    /// The last lines that it wrote, the oldest first.
    pub log: Vec<String>,
}

/// How a load balancer sees a copy of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetHealth {
    /// The target group, by its name.
    pub group: String,
    /// The copy: address and port.
    pub target: String,
    /// `healthy`, `unhealthy`, `draining` …
    pub state: String,
    /// Why, where the load balancer says so: `Target.ResponseCodeMismatch`.
    pub reason: Option<String>,
}
