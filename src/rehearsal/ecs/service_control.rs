//! The handle of one service: what is deployed to it, how it moves, who answers its traffic.

use serde_json::{Value, json};
use tokio::sync::watch;

use super::control::Control;
use super::operations::Refusal;
use super::service::{BreakerEnd, Service};
use super::settings::Settings;
use super::stages::Stage;
use super::state::{Ids, Present, World};
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
        self.with(|service, world| service.complete(world.settings, world.ids, world.present))
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
        self.with(|service, world| {
            service.trip_breaker(end, world.settings, world.ids, world.present);
        })
    }

    /// The rollback that is going on fails.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn fail_rollback(&self) -> Result<(), Refusal> {
        self.with(|service, world| service.fail_rollback(world.present))
    }

    /// Sets the `deploymentConfiguration` for the deployments to come.
    ///
    /// # Errors
    /// When the service is unknown or the configuration cannot be one.
    pub fn configure(&self, configuration: &Value) -> Result<(), Refusal> {
        self.control.perform(
            "UpdateService",
            &json!({
                "cluster": self.cluster,
                "service": self.name,
                "deploymentConfiguration": configuration,
            }),
        )?;
        Ok(())
    }

    /// A task of the primary deployment fails: enough of them trip the circuit breaker.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn fail_task(&self) -> Result<(), Refusal> {
        self.with(|service, world| service.fail_task(world.settings, world.ids, world.present))
    }

    /// An alarm fires, or stops to.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn set_alarm(&self, name: &str, fires: bool) -> Result<(), Refusal> {
        self.with(|service, world| {
            service.set_alarm(name, fires, world.settings, world.ids, world.present);
        })
    }

    /// Somebody else stops the latest deployment: with a rollback, or without one.
    ///
    /// # Errors
    /// When the service is unknown, or its deployment is not in flight.
    pub fn stop(&self, end: BreakerEnd) -> Result<(), Refusal> {
        if end == BreakerEnd::Stop {
            return self.with(|service, world| {
                service.request_stop(world.settings, world.present);
            });
        }
        let arn = self.latest()?.map(|(arn, _)| arn).unwrap_or_default();
        let stop = json!({ "serviceDeploymentArn": arn });
        self.control.perform("StopServiceDeployment", &stop)?;
        Ok(())
    }

    /// The hooks at which the latest deployment waits, by id.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn awaiting(&self) -> Result<Vec<String>, Refusal> {
        self.with(|service, _| service.awaiting())
    }

    /// Somebody else answers a hook of the latest deployment: `CONTINUE` or `ROLLBACK`.
    ///
    /// # Errors
    /// When the service is unknown, or the hook does not wait.
    pub fn answer_hook(&self, hook: &str, action: &str) -> Result<(), Refusal> {
        let arn = self.latest()?.map(|(arn, _)| arn).unwrap_or_default();
        let answer = json!({ "serviceDeploymentArn": arn, "hookId": hook, "action": action });
        self.control.perform("ContinueServiceDeployment", &answer)?;
        Ok(())
    }

    /// The ARN and the status of the latest deployment.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn latest(&self) -> Result<Option<(String, &'static str)>, Refusal> {
        self.with(|service, _| {
            let latest = service.history.last();
            latest.map(|latest| (latest.arn.clone(), latest.status.name()))
        })
    }

    /// The stage of the latest deployment; none when it rolls.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn stage(&self) -> Result<Option<&'static str>, Refusal> {
        self.with(|service, _| service.history.last()?.stage.map(Stage::name))
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

    pub(super) fn with_world<T>(
        &self,
        act: impl FnOnce(&mut World, usize) -> T,
    ) -> Result<T, Refusal> {
        let mut world = self.control.world();
        let index = world.service_index(&self.cluster, &self.name)?;
        Ok(act(&mut world, index))
    }

    pub(super) fn with<T>(
        &self,
        act: impl FnOnce(&mut Service, Around<'_>) -> T,
    ) -> Result<T, Refusal> {
        let mut guard = self.control.world();
        let world = &mut *guard;
        let index = world.service_index(&self.cluster, &self.name)?;
        let around = Around {
            settings: &world.settings,
            ids: &mut world.ids,
            present: world.present,
        };
        Ok(act(&mut world.services[index], around))
    }
}

/// What a service needs of the world around it to move.
pub(super) struct Around<'a> {
    pub(super) settings: &'a Settings,
    pub(super) ids: &'a mut Ids,
    pub(super) present: Present,
}
