//! Services: created, described, listed, and updated to another task definition.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::conduct::Conduct;
use super::super::parameters;
use super::super::service::{Controller, Image, Motion, Service, ServiceRevision};
use super::super::state::{Container, World};
use super::super::task_sets::TaskSets;
use super::super::traffic::Traffic;
use super::service_view::show;
use super::{Refusal, missing, names, without_nulls};

/// Creates a service and begins its first deployment.
pub(in super::super) fn create(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let cluster = world.cluster_of(input)?;
    let name = parameters::required(input, "serviceName")?.to_owned();
    let arn = world.ids.names.service(&cluster, &name);
    if world
        .services
        .iter()
        .any(|known| known.arn == arn && known.active)
    {
        return Err(Refusal::invalid(
            "Creation of service was not idempotent.".to_owned(),
        ));
    }
    let definition = world.deployable(parameters::required(input, "taskDefinition")?)?;
    let desired = parameters::count(input, "desiredCount")?.unwrap_or(1);
    let controller = controller(input)?;
    let mut service = Service {
        arn,
        name,
        cluster,
        active: true,
        desired: usize::try_from(desired).unwrap_or(usize::MAX),
        controller,
        created: world.present.wall,
        deployments: Vec::new(),
        history: Vec::new(),
        revisions: Vec::new(),
        tasks: Vec::new(),
        conduct: Conduct::read(&input["deploymentConfiguration"])?,
        script: Vec::new(),
        events: Vec::new(),
        motion: Motion::Still,
        completed: None,
        weights: None,
        firing: Vec::new(),
        held: false,
        sets: TaskSets::new(),
        traffic: Arc::new(watch::Sender::new(Traffic::default())),
    };
    let revision = world.make_revision(&service, &definition, input);
    let revision_arn = revision.arn.clone();
    service.revisions.push(revision);
    let settings = world.settings.clone();
    service.begin(&revision_arn, &settings, &mut world.ids, world.present);
    service.advance(&settings, &mut world.ids, world.present);
    let shown = show(world, &service);
    world.services.retain(|known| known.arn != service.arn);
    world.services.push(service);
    Ok(json!({ "service": shown }))
}

/// Describes up to ten services of a cluster.
pub(super) fn describe(world: &World, input: &Value) -> Result<Value, Refusal> {
    let cluster = world.cluster_of(input)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for given in parameters::some_texts(input, "services", MOST_SERVICES)? {
        match world
            .services
            .iter()
            .find(|known| known.cluster == cluster && names(given, &known.name, &known.arn))
        {
            Some(service) => found.push(show(world, service)),
            None => failures.push(missing(&world.ids.names.service(&cluster, given))),
        }
    }
    Ok(json!({ "services": found, "failures": failures }))
}

/// Lists the services of a cluster.
pub(super) fn list(world: &World, input: &Value) -> Result<Value, Refusal> {
    let cluster = world.cluster_of(input)?;
    let all = world
        .services
        .iter()
        .filter(|service| service.cluster == cluster && service.active)
        .map(|service| service.arn.clone())
        .collect();
    let (arns, next) = parameters::page(input, all, 10, 100)?;
    Ok(without_nulls(
        json!({ "serviceArns": arns, "nextToken": next }),
    ))
}

/// Updates a service; only a change of what is deployed begins a deployment.
pub(super) fn update(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let cluster = world.cluster_of(input)?;
    let index = world.service_index(&cluster, parameters::required(input, "service")?)?;
    if !world.services[index].active {
        return Err(Refusal::new(
            "ServiceNotActiveException",
            "Service was not ACTIVE.".to_owned(),
        ));
    }
    let wanted = parameters::text(input, "taskDefinition")?;
    let force = parameters::flag(input, "forceNewDeployment")?;
    let controller = world.services[index].controller;
    if controller != Controller::Ecs && (wanted.is_some() || force) {
        return Err(Refusal::invalid(format!(
            "Unable to update task definition on services with a {} deployment controller.",
            controller.name()
        )));
    }
    let definition = match wanted {
        Some(name) => world.deployable(name)?,
        None => world.services[index].current_definition(),
    };
    if let Some(desired) = parameters::count(input, "desiredCount")? {
        world.services[index].desired = usize::try_from(desired).unwrap_or(usize::MAX);
    }
    if !input["deploymentConfiguration"].is_null() {
        // Takes effect with the next deployment, and begins none.
        world.services[index].conduct = Conduct::read(&input["deploymentConfiguration"])?;
    }
    let reconfigured = CONFIGURATION.iter().any(|name| !input[name].is_null());
    if force || reconfigured || definition != world.services[index].current_definition() {
        world.deploy(index, &definition, input);
    }
    Ok(json!({ "service": show(world, &world.services[index]) }))
}

impl World {
    /// Begins a deployment of a task definition; answers with the service deployment's ARN.
    pub(in super::super) fn deploy(
        &mut self,
        index: usize,
        definition: &str,
        input: &Value,
    ) -> String {
        let revision = self.make_revision(&self.services[index], definition, input);
        let (arn, present) = (revision.arn.clone(), self.present);
        let service = &mut self.services[index];
        service.revisions.push(revision);
        let service_deployment = service.begin(&arn, &self.settings, &mut self.ids, present);
        service.advance(&self.settings, &mut self.ids, present);
        service_deployment
    }

    /// Notes a service revision that somebody else than ECS brings; answers with its ARN.
    pub(in super::super) fn add_revision(&mut self, index: usize, definition: &str) -> String {
        let revision = self.make_revision(&self.services[index], definition, &Value::Null);
        let arn = revision.arn.clone();
        self.services[index].revisions.push(revision);
        arn
    }

    /// Where a service of a cluster stands in the list.
    pub(in super::super) fn service_index(
        &self,
        cluster: &str,
        given: &str,
    ) -> Result<usize, Refusal> {
        self.services
            .iter()
            .position(|known| known.cluster == cluster && names(given, &known.name, &known.arn))
            .ok_or_else(|| {
                Refusal::new("ServiceNotFoundException", "Service not found.".to_owned())
            })
    }

    fn make_revision(&self, service: &Service, definition: &str, input: &Value) -> ServiceRevision {
        let known = self.task_definition(definition);
        let images = known.map_or_else(Vec::new, |known| {
            let image = |container: &Container| Image {
                container: container.name.clone(),
                image: container.image.clone(),
                digest: self.digest(&container.image),
            };
            known.containers.iter().map(image).collect()
        });
        let before = service.revisions.last();
        let mut configuration =
            before.map_or_else(|| json!({}), |before| before.configuration.clone());
        for name in CONFIGURATION {
            if !input[name].is_null() {
                configuration[name] = input[name].clone();
            }
        }
        let number = u64::try_from(service.revisions.len()).unwrap_or(u64::MAX) + 1;
        ServiceRevision {
            arn: self
                .ids
                .names
                .service_revision(&service.cluster, &service.name, number),
            task_definition: definition.to_owned(),
            label: super::super::arn::last_part(definition).to_owned(),
            images,
            configuration,
            created: self.present.wall,
        }
    }
}

impl Service {
    /// The task definition of a task set.
    pub(in super::super) fn definition_of_set(&self, id: &str) -> String {
        let set = self.deployments.iter().find(|set| set.id == id);
        set.and_then(|set| self.revision(&set.revision))
            .map(|revision| revision.task_definition.clone())
            .unwrap_or_default()
    }

    /// The task definition of the primary deployment.
    pub(super) fn current_definition(&self) -> String {
        self.primary()
            .and_then(|primary| self.revision(&primary.revision))
            .map(|revision| revision.task_definition.clone())
            .unwrap_or_default()
    }
}

fn controller(input: &Value) -> Result<Controller, Refusal> {
    match parameters::text(&input["deploymentController"], "type")? {
        None | Some("ECS") => Ok(Controller::Ecs),
        Some("CODE_DEPLOY") => Ok(Controller::CodeDeploy),
        Some("EXTERNAL") => Ok(Controller::External),
        Some(other) => Err(Refusal::invalid(format!(
            "The deployment controller type {other} is not valid."
        ))),
    }
}

/// Changes of these begin a deployment, as a change of the task definition does.
pub(super) const CONFIGURATION: [&str; 7] = [
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// What AWS allows in one DescribeServices.
const MOST_SERVICES: usize = 10;
