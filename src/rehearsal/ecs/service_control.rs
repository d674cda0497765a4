//! The handle of one service: what is deployed to it, how it moves, who answers its traffic.

use serde_json::json;
use tokio::sync::watch;

use super::control::Control;
use super::operations::Refusal;
use super::service::{BreakerEnd, Service};
use super::state::{Ids, Present};
use super::traffic::Traffic;

/// The control of one service.
#[derive(Clone, Debug)]
pub struct ServiceControl {
    control: Control,
    cluster: String,
    name: String,
}

impl ServiceControl {
    pub(super) fn new(control: &Control, cluster: &str, name: &str) -> Self {
        Self {
            control: control.clone(),
            cluster: cluster.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Somebody deploys a task definition; answers with the service deployment's ARN.
    ///
    /// # Errors
    /// When the service or the task definition is unknown, or cannot be deployed.
    pub fn deploy(&self, definition: &str) -> Result<String, Refusal> {
        self.control.perform(
            "UpdateService",
            &json!({
                "cluster": self.cluster,
                "service": self.name,
                "taskDefinition": definition,
                "forceNewDeployment": true,
            }),
        )?;
        self.with(|service, _| {
            let latest = service.history.last();
            latest.map(|latest| latest.arn.clone()).unwrap_or_default()
        })
    }

    /// Somebody else deploys something new; answers with the service deployment's ARN.
    ///
    /// # Errors
    /// When the service is unknown or cannot be deployed to.
    pub fn foreign_deployment(&self) -> Result<String, Refusal> {
        let definition = self
            .control
            .register(&self.name, "registry.test/foreign:1")?;
        self.deploy(&definition)
    }

    /// Ends the rollout or the rollback that is going on, as if its span were over.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn complete(&self) -> Result<(), Refusal> {
        self.with(|service, world| service.complete(world.ids, world.present))
    }

    /// With `true`, rollouts start all their tasks and then do not finish.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn hold(&self, held: bool) -> Result<(), Refusal> {
        self.with(|service, _| service.held = held)
    }

    /// The circuit breaker of ECS itself trips on the latest deployment.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn trip_circuit_breaker(&self, end: BreakerEnd) -> Result<(), Refusal> {
        self.with(|service, world| service.trip_breaker(end, world.ids, world.present))
    }

    /// The rollback that is going on fails.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn fail_rollback(&self) -> Result<(), Refusal> {
        self.with(|service, world| service.fail_rollback(world.present))
    }

    /// The history is lost, as after ninety days; what runs goes on.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn forget_history(&self) -> Result<(), Refusal> {
        self.with(|service, _| service.history.clear())
    }

    /// Changes the desired count, as autoscaling does.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn scale(&self, desired: usize) -> Result<(), Refusal> {
        self.with(|service, _| service.desired = desired)
    }

    /// Deletes the service: it is shown as INACTIVE.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn delete(&self) -> Result<(), Refusal> {
        self.with(|service, _| service.active = false)
    }

    /// The revision (`family:n`) that answers most of the service's traffic now.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn serving(&self) -> Result<Option<String>, Refusal> {
        self.with(|service, _| service.traffic.borrow().serving().map(str::to_owned))
    }

    /// Follows who answers the service's traffic.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn traffic(&self) -> Result<watch::Receiver<Traffic>, Refusal> {
        self.with(|service, _| service.traffic.subscribe())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Service, Around<'_>) -> T) -> Result<T, Refusal> {
        let mut guard = self.control.world();
        let world = &mut *guard;
        let index = world.service_index(&self.cluster, &self.name)?;
        let around = Around {
            ids: &mut world.ids,
            present: world.present,
        };
        Ok(act(&mut world.services[index], around))
    }
}

/// What a service needs of the world around it to move.
struct Around<'a> {
    ids: &'a mut Ids,
    present: Present,
}
