//! The handle by which an incident is staged: what is deployed, what goes wrong, who answers.
//!
//! What is done through it is not in the audit log: that holds only what came over the wire.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::audit::{Answer, Audit, Call};
use super::fault::{Fault, Faults, Times};
use super::operations::{self, Refusal};
use super::settings::Settings;
use super::state::{self, BreakerEnd, Controller, Present, Service, World};
use super::traffic::Traffic;
use super::wire::Reply;
use crate::clock::Clock;

/// The control of a stand-in; clones control the same one.
#[derive(Clone, Debug)]
pub struct Control(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    world: Mutex<World>,
    faults: Mutex<Faults>,
    audit: Mutex<Audit>,
}

impl Control {
    pub(super) fn new(clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let present = present(clock.as_ref());
        Self(Arc::new(Inner {
            clock,
            world: Mutex::new(World::new(settings, present)),
            faults: Mutex::default(),
            audit: Mutex::default(),
        }))
    }

    /// Brings everything up to the clock.
    pub fn advance(&self) {
        drop(self.world());
    }

    /// Makes a cluster.
    ///
    /// # Errors
    /// As the operation refuses.
    pub fn create_cluster(&self, name: &str) -> Result<(), Refusal> {
        self.perform("CreateCluster", &json!({ "clusterName": name }))?;
        Ok(())
    }

    /// Registers the next revision of a family, with one container; answers with its ARN.
    ///
    /// # Errors
    /// As the operation refuses.
    pub fn register(&self, family: &str, image: &str) -> Result<String, Refusal> {
        let containers = json!([{ "name": family, "image": image, "essential": true }]);
        let answer = self.perform(
            "RegisterTaskDefinition",
            &json!({ "family": family, "containerDefinitions": containers }),
        )?;
        let arn = &answer["taskDefinition"]["taskDefinitionArn"];
        Ok(arn.as_str().unwrap_or_default().to_owned())
    }

    /// Makes a task definition INACTIVE.
    ///
    /// # Errors
    /// As the operation refuses.
    pub fn deregister(&self, definition: &str) -> Result<(), Refusal> {
        self.perform(
            "DeregisterTaskDefinition",
            &json!({ "taskDefinition": definition }),
        )?;
        Ok(())
    }

    /// Moves a tag: from now on the image's name stands for another content.
    pub fn retag(&self, image: &str, content: &str) {
        self.world()
            .retagged
            .insert(image.to_owned(), state::digest_of(content));
    }

    /// Makes a service whose first deployment has completed already.
    ///
    /// # Errors
    /// As the operation refuses.
    pub fn create_service(
        &self,
        cluster: &str,
        service: &str,
        definition: &str,
        desired: u32,
        controller: Controller,
    ) -> Result<ServiceControl, Refusal> {
        self.perform(
            "CreateService",
            &json!({
                "cluster": cluster,
                "serviceName": service,
                "taskDefinition": definition,
                "desiredCount": desired,
                "deploymentController": { "type": controller.name() },
            }),
        )?;
        let service = self.service(cluster, service);
        service.complete()?;
        Ok(service)
    }

    /// The control of one service; that it exists is found out when it is used.
    #[must_use]
    pub fn service(&self, cluster: &str, service: &str) -> ServiceControl {
        ServiceControl {
            control: self.clone(),
            cluster: cluster.to_owned(),
            name: service.to_owned(),
        }
    }

    /// Orders a fault for an operation.
    pub fn fault(&self, operation: &str, fault: Fault, times: Times) {
        lock(&self.0.faults).order(operation, fault, times);
    }

    /// Answers as a server that does not know service deployments.
    pub fn without_service_deployments(&self) {
        for operation in SERVICE_DEPLOYMENT_OPERATIONS {
            self.fault(operation, Fault::InvalidAction, Times::Always);
        }
        self.world().hide_service_deployments = true;
    }

    /// Takes all ordered faults back.
    pub fn clear_faults(&self) {
        lock(&self.0.faults).clear();
    }

    /// What came over the wire, the oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.0.audit).calls()
    }

    /// What came over the wire and would change something, the oldest first.
    #[must_use]
    pub fn mutating_calls(&self) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(Call::is_mutating);
        calls
    }

    /// Forgets what came over the wire so far.
    pub fn clear_calls(&self) {
        lock(&self.0.audit).clear();
    }

    /// The region that it is.
    pub(super) fn region(&self) -> String {
        lock(&self.0.world).settings.region.clone()
    }

    /// Answers a request that came over the wire, and notes it.
    pub(super) fn answer(&self, operation: &str, input: Value) -> Reply {
        let at = self.0.clock.now();
        let fault = lock(&self.0.faults).strike(operation);
        let struck = fault.as_ref().map(Fault::name);
        let reply = match fault {
            None => Reply::from(self.perform(operation, &input)),
            Some(Fault::Meanwhile(happens)) => {
                happens(self);
                Reply::from(self.perform(operation, &input))
            }
            Some(Fault::DoneThenHang) => match self.perform(operation, &input) {
                Ok(_) => Reply::Never,
                Err(refusal) => Reply::refused(&refusal),
            },
            Some(fault) => Reply::of_fault(&fault),
        };
        let answer = match (&reply, struck) {
            (Reply::Error { code, .. }, None | Some(MEANWHILE)) => Answer::Refused((*code).into()),
            (_, None | Some(MEANWHILE)) => Answer::Done,
            (_, Some(fault)) => Answer::Fault(fault),
        };
        lock(&self.0.audit).record(Call {
            at,
            operation: operation.to_owned(),
            parameters: input,
            answer,
        });
        reply
    }

    fn perform(&self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        operations::perform(&mut self.world(), operation, input)
    }

    /// The world, brought up to the clock.
    fn world(&self) -> MutexGuard<'_, World> {
        let mut guard = lock(&self.0.world);
        let world = &mut *guard;
        world.present = present(self.0.clock.as_ref());
        for service in &mut world.services {
            service.advance(&world.settings, &mut world.ids, world.present);
        }
        guard
    }
}

/// The control of one service.
#[derive(Clone, Debug)]
pub struct ServiceControl {
    control: Control,
    cluster: String,
    name: String,
}

impl ServiceControl {
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
    ids: &'a mut state::Ids,
    present: Present,
}

fn present(clock: &dyn Clock) -> Present {
    Present {
        moment: clock.now(),
        wall: clock.wall(),
    }
}

/// The data stay usable when a test panics while it holds them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const MEANWHILE: &str = "meanwhile";

/// What a server without service deployments does not know.
const SERVICE_DEPLOYMENT_OPERATIONS: [&str; 4] = [
    "ListServiceDeployments",
    "DescribeServiceDeployments",
    "DescribeServiceRevisions",
    "StopServiceDeployment",
];
