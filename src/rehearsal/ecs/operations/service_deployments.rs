//! Service deployments and service revisions: the history of a service, listed and described.

use serde_json::{Value, json};

use super::super::parameters;
use super::super::service::{Service, ServiceDeployment};
use super::super::state::World;
use super::service_deployment_view::{brief, show, show_revision};
use super::stopping::{check_arn, refuse_other_controllers};
use super::{Refusal, missing, without_nulls};

/// Lists a service's deployments, the newest first, filtered by status and creation.
pub(super) fn list(world: &World, input: &Value) -> Result<Value, Refusal> {
    let cluster = world.cluster_of(input)?;
    let index = world.service_index(&cluster, parameters::required(input, "service")?)?;
    let service = &world.services[index];
    refuse_other_controllers(service)?;
    let statuses = parameters::texts(input, "status")?;
    let before = parameters::seconds(&input["createdAt"], "before")?.unwrap_or(f64::INFINITY);
    let after = parameters::seconds(&input["createdAt"], "after")?.unwrap_or(f64::NEG_INFINITY);
    let wanted = service
        .history
        .iter()
        .rev()
        .filter(|known| statuses.is_empty() || statuses.contains(&known.status.name()))
        .filter(|known| (after..=before).contains(&known.created.unix().as_secs_f64()))
        .map(|known| brief(world, service, known))
        .collect();
    let (page, next) = parameters::page(input, wanted, PAGE, LARGEST_PAGE)?;
    Ok(without_nulls(
        json!({ "serviceDeployments": page, "nextToken": next }),
    ))
}

/// Describes up to twenty service deployments by ARN.
pub(super) fn describe(world: &World, input: &Value) -> Result<Value, Refusal> {
    let wanted = parameters::some_texts(input, "serviceDeploymentArns", MOST_ARNS)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for given in wanted {
        check_arn(given, "service-deployment")?;
        match world.find_service_deployment(given) {
            Some((service, known)) => found.push(show(world, service, known)),
            None => failures.push(missing(given)),
        }
    }
    Ok(json!({ "serviceDeployments": found, "failures": failures }))
}

/// Describes up to twenty service revisions by ARN.
pub(super) fn revisions(world: &World, input: &Value) -> Result<Value, Refusal> {
    let wanted = parameters::some_texts(input, "serviceRevisionArns", MOST_ARNS)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for given in wanted {
        check_arn(given, "service-revision")?;
        let known = world.services.iter().find_map(|service| {
            service
                .revision(given)
                .map(|revision| show_revision(world, service, revision))
        });
        match known {
            Some(revision) => found.push(revision),
            None => failures.push(missing(given)),
        }
    }
    Ok(json!({ "serviceRevisions": found, "failures": failures }))
}

impl World {
    fn find_service_deployment(&self, given: &str) -> Option<(&Service, &ServiceDeployment)> {
        self.services.iter().find_map(|service| {
            let known = service.history.iter().find(|known| known.arn == given)?;
            Some((service, known))
        })
    }
}

/// What AWS allows in one Describe.
const MOST_ARNS: usize = 20;
/// The page of ListServiceDeployments when none is asked for, and the largest.
const PAGE: usize = 20;
const LARGEST_PAGE: usize = 100;
