//! The reads: each asks ECS one thing, follows its pages, and answers with facts.

use std::time::Duration;

use aws_sdk_ecs::types::{self, CreatedAt, TaskDefinitionField};

use super::EcsTarget;
use super::definition::Definition;
use super::facts::{self, Service};
use super::fault::{Blame, CallFault};
use super::records::{Listed, ServiceDeployment, ServiceRevision};
use crate::clock::WallTime;
use crate::deploy::{DeployError, EcsService};

impl EcsTarget {
    /// The service as ECS shows it, with everything that is configured on it.
    pub(super) async fn configured(&self) -> Result<Option<types::Service>, CallFault> {
        let answer = self
            .client
            .describe_services()
            .cluster(&self.declared.cluster)
            .services(&self.declared.service)
            .send()
            .await
            .map_err(|error| CallFault::of("DescribeServices", &error))?;
        Ok(answer.services.unwrap_or_default().into_iter().next())
    }

    /// The service as it is now; one that is missing or not active is the declaration's fault.
    pub(super) async fn service(&self) -> Result<Service, DeployError> {
        Ok(self.shown_service().await?.0)
    }

    /// The same, with the answer itself.
    pub(super) async fn shown_service(&self) -> Result<(Service, types::Service), DeployError> {
        let answered = self.configured().await;
        let answered = answered.map_err(|fault| self.told(&fault))?;
        let EcsService {
            cluster, service, ..
        } = &self.declared;
        let answered = answered.ok_or_else(|| {
            DeployError::Declared(format!(
                "cluster {cluster} has no active service {service}: check deployment.ecs and the region"
            ))
        })?;
        let shown = Service::from(&answered);
        self.refuse_other(&shown)?;
        if !shown.is_active() {
            return Err(DeployError::Declared(format!(
                "service {service} of cluster {cluster} is {}: it is deleted, or on its way there",
                shown.status
            )));
        }
        Ok((shown, answered))
    }

    /// An answer about another service must never be acted on.
    fn refuse_other(&self, shown: &Service) -> Result<(), DeployError> {
        let EcsService {
            cluster, service, ..
        } = &self.declared;
        let foreign = shown.current.as_deref().filter(|arn| !shown.owns(arn));
        let other = match &shown.place {
            Some(place) if place.service != facts::label(service) => Some(&*place.service),
            Some(place) if place.cluster != facts::label(cluster) => Some(&*place.cluster),
            _ => foreign,
        };
        other.map_or(Ok(()), |other| {
            Err(DeployError::Strange(format!(
                "asked about service {service} of cluster {cluster}, ECS answered about {other}"
            )))
        })
    }

    /// Service deployments by ARN; those that ECS does not show are left out.
    pub(super) async fn service_deployments(
        &self,
        arns: &[&str],
    ) -> Result<Vec<ServiceDeployment>, CallFault> {
        let mut found = Vec::new();
        for some in arns.chunks(MOST_ARNS) {
            let wanted = some.iter().map(ToString::to_string).collect();
            let answer = self
                .client
                .describe_service_deployments()
                .set_service_deployment_arns(Some(wanted))
                .send()
                .await
                .map_err(|error| CallFault::of("DescribeServiceDeployments", &error))?;
            let shown = answer.service_deployments().iter();
            let asked = |known: &ServiceDeployment| some.contains(&known.arn.as_str());
            found.extend(shown.filter_map(ServiceDeployment::of).filter(asked));
        }
        Ok(found)
    }

    /// One service deployment that must be there.
    pub(super) async fn service_deployment(
        &self,
        arn: &str,
    ) -> Result<ServiceDeployment, DeployError> {
        let found = self.service_deployments(&[arn]).await;
        let found = found.map_err(|fault| self.told(&fault))?;
        found.into_iter().next().ok_or_else(|| {
            DeployError::Strange(format!(
                "ECS does not show service deployment {arn} any more"
            ))
        })
    }

    /// Service revisions by ARN; those that ECS does not show are left out.
    pub(super) async fn revisions(&self, arns: &[&str]) -> Result<Vec<ServiceRevision>, CallFault> {
        let mut found = Vec::new();
        for some in arns.chunks(MOST_ARNS) {
            let wanted = some.iter().map(ToString::to_string).collect();
            let answer = self
                .client
                .describe_service_revisions()
                .set_service_revision_arns(Some(wanted))
                .send()
                .await
                .map_err(|error| CallFault::of("DescribeServiceRevisions", &error))?;
            let shown = answer.service_revisions().iter();
            let asked = |known: &ServiceRevision| some.contains(&known.arn.as_str());
            found.extend(shown.filter_map(ServiceRevision::of).filter(asked));
        }
        Ok(found)
    }

    /// The service's deployments, the newest first.
    pub(super) async fn listed(&self, filter: &Filter) -> Result<Vec<Listed>, CallFault> {
        let created = (filter.after.is_some() || filter.before.is_some()).then(|| {
            CreatedAt::builder()
                .set_after(
                    filter
                        .after
                        .map(|time| facts::date_time(time.unix().saturating_sub(SLACK))),
                )
                .set_before(
                    filter
                        .before
                        .map(|time| facts::date_time(time.unix().saturating_add(SLACK))),
                )
                .build()
        });
        let mut listed = Vec::new();
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let page = self
                .client
                .list_service_deployments()
                .cluster(&self.declared.cluster)
                .service(&self.declared.service)
                .set_created_at(created.clone())
                .max_results(LARGEST_PAGE)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallFault::of("ListServiceDeployments", &error))?;
            listed.extend(page.service_deployments().iter().filter_map(Listed::of));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        // The order of the answer is not promised; the sort is stable where times are equal.
        listed.sort_by_key(|known| std::cmp::Reverse(known.created));
        Ok(listed)
    }

    /// A task definition by its ARN, `family:n`, or `family` for the latest that is ACTIVE; none
    /// when ECS shows none of that name.
    pub(super) async fn definition(&self, name: &str) -> Result<Option<Definition>, CallFault> {
        self.describe_definition(name, None).await
    }

    /// The same with its tags.
    pub(super) async fn definition_with_tags(
        &self,
        name: &str,
    ) -> Result<Option<Definition>, CallFault> {
        let tags = Some(vec![TaskDefinitionField::Tags]);
        self.describe_definition(name, tags).await
    }

    async fn describe_definition(
        &self,
        name: &str,
        include: Option<Vec<TaskDefinitionField>>,
    ) -> Result<Option<Definition>, CallFault> {
        let answer = self
            .client
            .describe_task_definition()
            .task_definition(name)
            .set_include(include)
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let tags = answer.tags.unwrap_or_default();
                let shown = answer.task_definition;
                Ok(shown.and_then(|shown| Definition::of(shown, tags)))
            }
            Err(error) => match CallFault::of("DescribeTaskDefinition", &error) {
                // ECS has no error of its own for a name that it does not know.
                fault if fault.blame == Blame::Refused => Ok(None),
                fault => Err(fault),
            },
        }
    }

    /// One task of the service's cluster; none when ECS does not show it.
    pub(super) async fn task(&self, arn: &str) -> Result<Option<types::Task>, CallFault> {
        let answer = self
            .client
            .describe_tasks()
            .cluster(&self.declared.cluster)
            .tasks(arn)
            .send()
            .await
            .map_err(|error| CallFault::of("DescribeTasks", &error))?;
        let mut shown = answer.tasks.unwrap_or_default().into_iter();
        Ok(shown.find(|task| task.task_arn() == Some(arn)))
    }

    pub(super) fn told(&self, fault: &CallFault) -> DeployError {
        match fault.told(&self.declared) {
            DeployError::Declared(why) if self.awaits_renewal && fault.blame == Blame::Expired => {
                DeployError::Passing(why)
            }
            other => other,
        }
    }
}

/// Which service deployments are listed; the times are asked for with slack, the caller sifts.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) after: Option<WallTime>,
    pub(super) before: Option<WallTime>,
}

/// Times lose their last digits on the wire, and whether a limit is included is not documented.
const SLACK: Duration = Duration::from_secs(1);
/// What AWS allows in one Describe.
const MOST_ARNS: usize = 20;
/// What AWS allows on one page.
pub(super) const LARGEST_PAGE: i32 = 100;
/// Ninety days of a hundred deployments a day; no list goes on for ever.
pub(super) const MOST_PAGES: usize = 90;
