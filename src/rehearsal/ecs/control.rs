//! The handle by which an incident is staged: what is deployed, what goes wrong, who answers.
//!
//! What is done through it is not in the audit log: that holds only what came over the wire.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::agenda::Agenda;
use super::audit::{Answer, Audit, Call, MUTATING};
use super::aws;
use super::codedeploy;
use super::fault::{Fault, Faults, Times};
use super::lag::{Lag, Memory};
use super::onlooker::Onlooker;
use super::operations::{self, Refusal};
use super::reply::Reply;
use super::service::Controller;
use super::service_control::ServiceControl;
use super::settings::Settings;
use super::state::{self, Present, World};
use crate::clock::{Clock, WallTime};

/// The control of a stand-in; clones control the same one.
#[derive(Clone, Debug)]
pub struct Control(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    world: Mutex<World>,
    faults: Mutex<Faults>,
    audit: Mutex<Audit>,
    agenda: Mutex<Agenda>,
    memory: Mutex<Memory>,
    onlooker: Mutex<Onlooker>,
}

impl Control {
    /// A world without a server: requests are answered by [`Control::respond`] alone.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let present = present(clock.as_ref());
        Self(Arc::new(Inner {
            clock,
            world: Mutex::new(World::new(settings, present)),
            faults: Mutex::default(),
            audit: Mutex::default(),
            agenda: Mutex::default(),
            memory: Mutex::default(),
            onlooker: Mutex::default(),
        }))
    }

    /// Brings everything up to the clock.
    pub fn advance(&self) {
        drop(self.world());
    }

    /// Tells somebody of every request before it is answered, by the name of its operation.
    pub fn look_on(&self, told: impl Fn(&Self, &str) + Send + Sync + 'static) {
        *lock(&self.0.onlooker) = Onlooker::new(told);
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
        self.register_document(&json!({ "family": family, "containerDefinitions": containers }))
    }

    /// Registers a task definition as it would come over the wire; answers with its ARN.
    ///
    /// # Errors
    /// As the operation refuses.
    pub fn register_document(&self, document: &Value) -> Result<String, Refusal> {
        let answer = self.perform("RegisterTaskDefinition", document)?;
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
        let created = self.perform(
            "CreateService",
            &json!({
                "cluster": cluster,
                "serviceName": service,
                "taskDefinition": definition,
                "desiredCount": desired,
                "deploymentController": { "type": controller.name() },
            }),
        );
        created?;
        let service = self.service(cluster, service);
        service.complete()?;
        Ok(service)
    }

    /// Makes a service with a `deploymentConfiguration`, whose first deployment is in flight, as
    /// when a stack is created.
    ///
    /// # Errors
    /// As the operation refuses.
    pub fn begin_service(
        &self,
        cluster: &str,
        service: &str,
        definition: &str,
        desired: u32,
        configuration: &Value,
    ) -> Result<ServiceControl, Refusal> {
        let created = self.perform(
            "CreateService",
            &json!({
                "cluster": cluster,
                "serviceName": service,
                "taskDefinition": definition,
                "desiredCount": desired,
                "deploymentConfiguration": configuration,
            }),
        );
        created?;
        Ok(self.service(cluster, service))
    }

    /// The control of one service; that it exists is found out when it is used.
    #[must_use]
    pub fn service(&self, cluster: &str, service: &str) -> ServiceControl {
        ServiceControl::new(self, cluster, service)
    }

    /// Orders a fault for an operation.
    pub fn fault(&self, operation: &str, fault: Fault, times: Times) {
        lock(&self.0.faults).order(operation, fault, times);
    }

    /// Orders something to happen, this long from now by the stand-in's clock: somebody deploys,
    /// say. It happens just then, whenever it is looked at later.
    pub fn after(&self, span: Duration, happens: impl FnOnce(&Self) + Send + 'static) {
        let at = self.0.clock.now() + span;
        lock(&self.0.agenda).add(at, Box::new(happens));
    }

    /// Lets reads lag behind what has changed.
    pub fn lag(&self, lag: Lag) {
        lock(&self.0.memory).set(lag);
        // From here on it is remembered what was.
        self.advance();
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

    /// What time it is there, as the header `Date` has it.
    pub(super) fn date(&self) -> String {
        let seconds = self.0.clock.wall().unix().as_secs();
        let seconds = i64::try_from(seconds).unwrap_or_default();
        let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// The region that it is.
    pub(super) fn region(&self) -> String {
        lock(&self.0.world).settings.region.clone()
    }

    /// Answers a request that came over the wire, and notes it under the number that it gets.
    pub(super) fn answer(
        &self,
        service: &aws::Service,
        operation: &str,
        input: Value,
    ) -> (Reply, String) {
        // Not locked while it is told: it may order faults.
        let onlooker = lock(&self.0.onlooker).clone();
        onlooker.tell(self, operation);
        let at = self.0.clock.now();
        let request = self.number_request();
        let fault = self.strike(operation);
        let struck = fault.as_ref().map(Fault::name);
        let stale = matches!(fault, Some(Fault::Stale));
        let mut carried_out = false;
        let mut done_then = |reply: &dyn Fn(Value) -> Reply| match self
            .carry_out(service, operation, &input, stale)
        {
            Ok(answer) => {
                carried_out = true;
                reply(answer)
            }
            Err(refusal) => Reply::refused(&refusal),
        };
        let reply = match fault {
            None | Some(Fault::Stale) => done_then(&Reply::Done),
            Some(Fault::DoneThenHang) => done_then(&|_| Reply::Never),
            Some(Fault::DoneThenReset) => done_then(&|_| Reply::Reset),
            Some(Fault::Slow(span)) => Reply::Late(span, Box::new(done_then(&Reply::Done))),
            Some(Fault::Altered(change)) => done_then(&|mut answer| {
                change(&mut answer);
                Reply::Done(answer)
            }),
            Some(fault) => Reply::of_fault(&fault),
        };
        let answer = match (&reply, struck) {
            (_, Some(fault)) => Answer::Fault(fault),
            (Reply::Error { code, .. }, None) => Answer::Refused((*code).to_owned()),
            (_, None) => Answer::Done,
        };
        lock(&self.0.audit).record(Call {
            at,
            service: service.name,
            operation: operation.to_owned(),
            parameters: input,
            answer,
            carried_out,
            request: request.clone(),
        });
        (reply, request)
    }

    /// Carries an operation out; a read may see what was before.
    fn carry_out(
        &self,
        service: &aws::Service,
        operation: &str,
        input: &Value,
        stale: bool,
    ) -> Result<Value, Refusal> {
        let mut present = self.world();
        if !MUTATING.contains(&operation) {
            let mut memory = lock(&self.0.memory);
            let seen = if stale {
                memory.former()
            } else {
                memory.read(present.present.moment)
            };
            if let Some(seen) = seen {
                return (service.perform)(&mut World::clone(&seen), operation, input);
            }
        }
        (service.perform)(&mut present, operation, input)
    }

    /// The number of the next request.
    pub(super) fn number_request(&self) -> String {
        lock(&self.0.audit).number()
    }

    /// The fault that strikes a call, after everything that was to happen before it.
    fn strike(&self, operation: &str) -> Option<Fault> {
        loop {
            // Not locked while it happens: it may order more.
            let fault = lock(&self.0.faults).strike(operation);
            match fault {
                Some(Fault::Meanwhile(happens)) => happens(self),
                fault => return fault,
            }
        }
    }

    pub(super) fn perform(&self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        operations::perform(&mut self.world(), operation, input)
    }

    /// The world, brought up to the clock.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.keep_agenda();
        let present = self.present();
        let mut guard = lock(&self.0.world);
        let world = &mut *guard;
        world.present = present;
        for service in &mut world.services {
            service.advance(&world.settings, &mut world.ids, world.present);
        }
        codedeploy::advance(world);
        lock(&self.0.memory).look(world);
        guard
    }

    /// Lets everything happen that was ordered for an instant until now, each at its own.
    fn keep_agenda(&self) {
        loop {
            let now = present(self.0.clock.as_ref());
            let mut agenda = lock(&self.0.agenda);
            let Some((at, happens)) = agenda.next(now.moment) else {
                return;
            };
            let late = now.moment.since(at);
            agenda.instant = Some(Present {
                moment: at,
                wall: WallTime::since_unix_epoch(now.wall.unix().saturating_sub(late)),
            });
            drop(agenda);
            happens(self);
            lock(&self.0.agenda).instant = None;
        }
    }

    fn present(&self) -> Present {
        let instant = lock(&self.0.agenda).instant;
        instant.unwrap_or_else(|| present(self.0.clock.as_ref()))
    }
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

/// What a server without service deployments does not know.
const SERVICE_DEPLOYMENT_OPERATIONS: [&str; 5] = [
    "ContinueServiceDeployment",
    "ListServiceDeployments",
    "DescribeServiceDeployments",
    "DescribeServiceRevisions",
    "StopServiceDeployment",
];
