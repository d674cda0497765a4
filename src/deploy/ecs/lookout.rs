//! Whether anything new is deployed: one DescribeServices for up to ten services of a cluster, which is
//! all that it asks. What it sees is a mark that changes with each deployment; `pinning` says what it is.

use async_trait::async_trait;

use super::facts::{self, Rollout, Service};
use super::fault::CallFault;
use super::{EcsTarget, Pace, client};
use crate::deploy::{DeployError, EcsService, Lookout};
use crate::deployment::Sighting;

/// What AWS allows in one DescribeServices.
const MOST_SERVICES: usize = 10;

/// Services of one cluster, at most ten.
#[derive(Debug)]
pub struct EcsLookout {
    target: EcsTarget,
    services: Vec<EcsService>,
}

impl EcsLookout {
    /// How services are looked at: those of one cluster and region together, by their places among
    /// the given ones.
    #[must_use]
    pub fn grouped(services: &[EcsService]) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (place, service) in services.iter().enumerate() {
            let fits = |group: &&mut Vec<usize>| {
                let first = &services[group[0]];
                group.len() < MOST_SERVICES
                    && first.cluster == service.cluster
                    && first.region == service.region
            };
            match groups.iter_mut().find(fits) {
                Some(group) => group.push(place),
                None => groups.push(vec![place]),
            }
        }
        groups
    }

    /// Connects with what the environment offers; the services are a group of [`EcsLookout::grouped`].
    ///
    /// # Errors
    /// [`DeployError::Declared`] when there is no region or there are no credentials.
    pub async fn connect(services: Vec<EcsService>) -> Result<Self, DeployError> {
        let Some(first) = services.first() else {
            return Err(DeployError::Declared("no service to look at".to_owned()));
        };
        let shared = client::from_environment(first).await?;
        let target = EcsTarget::with_config(&shared, first, Pace::default());
        Ok(Self { target, services })
    }

    /// Looks through a target that is connected already.
    #[must_use]
    pub const fn through(target: EcsTarget, services: Vec<EcsService>) -> Self {
        Self { target, services }
    }

    fn seen(&self, declared: &EcsService, shown: &[Service]) -> Result<Sighting, DeployError> {
        let name = facts::label(&declared.service);
        let found = shown.iter().find(|one| facts::label(&one.arn) == name);
        let active = found.filter(|one| one.is_active());
        let Some(service) = active else {
            return Err(DeployError::Declared(format!(
                "cluster {} has no active service {name}: check deployment.ecs and the region",
                declared.cluster
            )));
        };
        sighting(service).ok_or_else(|| {
            DeployError::Declared(format!("service {name} has no deployment to judge"))
        })
    }
}

#[async_trait]
impl Lookout for EcsLookout {
    async fn look(&self) -> Vec<Result<Sighting, DeployError>> {
        let Some(first) = self.services.first() else {
            return Vec::new();
        };
        let names = self.services.iter().map(|one| one.service.clone());
        let answered = self
            .target
            .client
            .describe_services()
            .cluster(&first.cluster)
            .set_services(Some(names.collect()))
            .send()
            .await
            .map_err(|error| CallFault::of("DescribeServices", &error));
        match answered {
            Ok(answered) => {
                let shown: Vec<Service> = answered.services().iter().map(Service::from).collect();
                let seen = |declared| self.seen(declared, &shown);
                self.services.iter().map(seen).collect()
            }
            Err(fault) => {
                let told = |declared| Err(fault.told(declared));
                self.services.iter().map(told).collect()
            }
        }
    }
}

/// What is deployed: by ECS's current service deployment, else by the entry that came last. A green
/// task set is new before it is the primary one.
fn sighting(service: &Service) -> Option<Sighting> {
    let newest = match service.is_moved_by_ecs() {
        true => service.primary(),
        false => service.entries.iter().max_by_key(|entry| entry.created),
    };
    let newest = newest?;
    let current = service
        .current
        .as_ref()
        .filter(|_| service.is_moved_by_ecs());
    let revision = facts::label(&newest.task_definition);
    Some(Sighting {
        mark: current.unwrap_or(&newest.id).clone(),
        revision: (!revision.is_empty()).then(|| revision.to_owned()),
        is_in_flight: newest.rollout == Rollout::InProgress,
        created: newest.created,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(cluster: &str, name: &str) -> EcsService {
        EcsService {
            cluster: cluster.to_owned(),
            service: name.to_owned(),
            region: None,
        }
    }

    #[test]
    fn services_of_one_cluster_are_asked_about_together_and_ten_at_most() {
        let mut services: Vec<EcsService> =
            (0..12).map(|n| service("prod", &n.to_string())).collect();
        services.push(service("staging", "a"));
        let groups = EcsLookout::grouped(&services);
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        assert_eq!(sizes, [10, 2, 1]);
        assert_eq!(groups[1], [10, 11]);
    }
}
