//! The service's tasks: which are meant to run, which of them the deployment under test started,
//! and where each can be reached.
//!
//! ECS writes into a task who started it: the id of an entry of `deployments[]` (or of a task set),
//! never the ARN of a service deployment. Which entry a service deployment made is said nowhere; it
//! is found by what both have in common, the task definition and the moment, and where the entry is
//! gone, the task itself is held against the same. Called by the seam, `proof` and `diagnosis`.

use std::time::Duration;

use aws_sdk_ecs::types::{self, DesiredStatus};

use super::EcsTarget;
use super::calls::{LARGEST_PAGE, MOST_PAGES};
use super::facts::{self, Digests, Entry};
use super::fault::CallFault;
use crate::clock::WallTime;
use crate::deploy::DeployError;
use crate::deployment::{self, Deployment, Software};

/// The tasks that are meant to run, as the seam shows them.
pub(super) async fn tasks(
    target: &EcsTarget,
    deployment: &Deployment,
) -> Result<Vec<deployment::Task>, DeployError> {
    // The tasks first: of a task that starts in between, the entry is there for sure.
    let tasks = target.running_tasks().await;
    let tasks = tasks.map_err(|fault| target.told(&fault))?;
    let starter = Starter::of(&target.service().await?.entries, deployment);
    let shown = tasks.into_iter().map(|task| deployment::Task {
        of_deployment: starter.started(&task)
            // Where nobody is named, the task definition must do.
            || (task.started_by.is_none() && task.task_definition == deployment.revision.id),
        id: task.id,
        revision: facts::revision(&task.task_definition),
        images: task.digests,
        running: task.running,
        address: task.address,
    });
    Ok(shown.collect())
}

/// A task, as DescribeTasks shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    /// The last part of its ARN.
    pub(super) id: String,
    pub(super) task_definition: String,
    /// The entry of `deployments[]`, or the task set, that started it.
    pub(super) started_by: Option<String>,
    pub(super) created: Option<WallTime>,
    /// Whether it runs and is meant to go on.
    pub(super) running: bool,
    pub(super) digests: Digests,
    /// The private address of its own network interface; none where it shares its host's.
    pub(super) address: Option<String>,
}

impl Task {
    pub(super) fn of(shown: &types::Task) -> Option<Self> {
        let digest = |container: &types::Container| {
            Some((
                container.name()?.to_owned(),
                container.image_digest()?.to_owned(),
            ))
        };
        Some(Self {
            id: facts::label(shown.task_arn()?).to_owned(),
            task_definition: shown.task_definition_arn()?.to_owned(),
            started_by: shown.started_by().map(str::to_owned),
            created: facts::wall(shown.created_at()),
            running: shown.last_status() == Some(RUNNING)
                && shown
                    .desired_status()
                    .is_none_or(|wanted| wanted == RUNNING),
            digests: shown.containers().iter().filter_map(digest).collect(),
            address: address(shown),
        })
    }
}

impl Task {
    /// Whether the judged deployment may have started it, where it was replaced by one that began at
    /// `replaced`: it may run the same software, and comes from between the two.
    pub(super) fn may_be_left_of(&self, judged: &Deployment, replaced: Option<WallTime>) -> bool {
        let software = Software {
            revision: facts::revision(&self.task_definition),
            images: self.digests.clone(),
        };
        let is_older = |than: WallTime| {
            let created = self.created;
            created.is_some_and(|created| created.unix() + SLACK < than.unix())
        };
        let is_from_before = judged.created.is_some_and(is_older);
        let is_from_after =
            replaced.is_some_and(|began| !is_older(began) && self.created.is_some());
        software.may_be(&judged.software()) && !is_from_before && !is_from_after
    }
}

/// The address of the task's network interface, IPv4 before IPv6: as the attachment says, or as
/// its containers do.
fn address(shown: &types::Task) -> Option<String> {
    let interfaces = shown
        .attachments()
        .iter()
        .filter(|attachment| attachment.r#type() == Some("ElasticNetworkInterface"));
    let details = interfaces.flat_map(types::Attachment::details);
    let detail = |name: &str| {
        let mut named = details.clone().filter(|detail| detail.name() == Some(name));
        named.find_map(types::KeyValuePair::value)
    };
    let of_containers = || {
        let mut interfaces = shown
            .containers()
            .iter()
            .flat_map(types::Container::network_interfaces);
        interfaces.find_map(|one| one.private_ipv4_address().or_else(|| one.ipv6_address()))
    };
    detail("privateIPv4Address")
        .or_else(|| detail("privateIPv6Address"))
        .or_else(of_containers)
        .map(str::to_owned)
}

/// By what the tasks of a deployment are told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Starter {
    /// The entry of `deployments[]`, or the task set, that is the deployment or was made by it.
    Entry(String),
    /// No such entry is shown any more: the software, from this moment on.
    Software(Software, Option<WallTime>),
}

impl Starter {
    pub(super) fn of(entries: &[Entry], deployment: &Deployment) -> Self {
        if let Some(entry) = entries.iter().find(|entry| entry.id == deployment.id) {
            return Self::Entry(entry.id.clone());
        }
        // A rollback inside the service deployment makes a later entry, even of the same definition.
        let made = entries
            .iter()
            .filter(|entry| entry.task_definition == deployment.revision.id)
            .filter(|entry| is_made_with(entry.created, deployment.created))
            .min_by_key(|entry| entry.created);
        match made {
            Some(entry) if !entry.id.is_empty() => Self::Entry(entry.id.clone()),
            _ => Self::Software(deployment.software(), deployment.created),
        }
    }

    pub(super) fn started(&self, task: &Task) -> bool {
        match self {
            Self::Entry(id) => task.started_by.as_ref() == Some(id),
            Self::Software(software, since) => {
                let of_task = Software {
                    revision: facts::revision(&task.task_definition),
                    images: task.digests.clone(),
                };
                let is_older = since.is_some_and(|since| {
                    let created = task.created.unwrap_or(since);
                    created.unix() + SLACK < since.unix()
                });
                of_task.may_be(software) && !is_older
            }
        }
    }
}

/// Whether an entry was made together with a service deployment.
fn is_made_with(entry: Option<WallTime>, deployment: Option<WallTime>) -> bool {
    let (Some(entry), Some(deployment)) = (entry, deployment) else {
        return false;
    };
    entry.unix() + SLACK >= deployment.unix() && entry.unix() <= deployment.unix() + TOGETHER
}

impl EcsTarget {
    /// The service's tasks that are meant to run.
    pub(super) async fn running_tasks(&self) -> Result<Vec<Task>, CallFault> {
        let shown = self.described_tasks(&DesiredStatus::Running).await?;
        Ok(shown.iter().filter_map(Task::of).collect())
    }

    /// The service's tasks that are meant to run, or those that stopped within the last hour.
    pub(super) async fn described_tasks(
        &self,
        wanted: &DesiredStatus,
    ) -> Result<Vec<types::Task>, CallFault> {
        let mut pages = self
            .client
            .list_tasks()
            .cluster(&self.declared.cluster)
            .service_name(&self.declared.service)
            .desired_status(wanted.clone())
            .into_paginator()
            .page_size(LARGEST_PAGE)
            .send();
        let mut tasks = Vec::new();
        for _ in 0..MOST_PAGES {
            let Some(page) = pages.next().await else {
                break;
            };
            let page = page.map_err(|error| CallFault::of("ListTasks", &error))?;
            // A page has at most as many as one description may ask for.
            if page.task_arns().is_empty() {
                continue;
            }
            let answer = self
                .client
                .describe_tasks()
                .cluster(&self.declared.cluster)
                .set_tasks(Some(page.task_arns().to_vec()))
                .send()
                .await
                .map_err(|error| CallFault::of("DescribeTasks", &error))?;
            let asked = |task: &&types::Task| {
                let arn = task.task_arn();
                arn.is_some_and(|arn| page.task_arns().iter().any(|asked| asked == arn))
            };
            tasks.extend(answer.tasks().iter().filter(asked).cloned());
        }
        Ok(tasks)
    }
}

const RUNNING: &str = "RUNNING";
/// ECS makes a service deployment and its entry in one go; their times may differ by what lies
/// between two writes.
const TOGETHER: Duration = Duration::from_secs(60);
/// Times lose their last digits on the wire.
const SLACK: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::super::facts::{Rollout, revision};
    use super::*;
    use crate::deployment::Images;

    const ARN: &str = "arn:aws:ecs:eu-west-1:000000000000:service-deployment/prod/api/x";

    fn at(seconds: u64) -> Option<WallTime> {
        Some(WallTime::since_unix_epoch(Duration::from_secs(seconds)))
    }

    fn entry(id: &str, definition: &str, created: u64) -> Entry {
        Entry {
            id: id.into(),
            primary: false,
            task_definition: definition.into(),
            rollout: Rollout::InProgress,
            desired: 1,
            running: 1,
            pending: 0,
            created: at(created),
        }
    }

    fn deployment(id: &str) -> Deployment {
        Deployment {
            id: id.into(),
            service: "api".into(),
            revision: revision("td:2"),
            previous: None,
            created: at(1_000),
            images: Images::from([("api".to_owned(), "sha256:new".to_owned())]),
            service_revision: None,
        }
    }

    #[test]
    fn the_entry_of_a_service_deployment_is_found_by_definition_and_moment() {
        let entries = [
            entry("before", "td:2", 100),
            entry("other", "td:1", 1_000),
            entry("made", "td:2", 1_000),
            entry("back", "td:2", 1_050),
            entry("later", "td:2", 9_000),
        ];
        let found = |entries: &[Entry], id| Starter::of(entries, &deployment(id));
        assert_eq!(found(&entries, ARN), Starter::Entry("made".into()));
        assert_eq!(found(&entries, "later"), Starter::Entry("later".into()));
        let gone = [entry("before", "td:2", 100), entry("later", "td:2", 9_000)];
        assert!(matches!(found(&gone, ARN), Starter::Software(..)));
    }

    #[test]
    fn without_an_entry_a_task_is_told_by_software_and_moment() {
        let starter = Starter::of(&[], &deployment(ARN));
        let cases = [
            ("td:2", "sha256:new", 1_005, true, "its own"),
            ("td:1", "sha256:new", 1_005, false, "another definition"),
            ("td:2", "sha256:old", 1_005, false, "another image"),
            ("td:2", "sha256:new", 900, false, "from before"),
        ];
        for (definition, digest, created, started, why) in cases {
            let task = Task {
                id: "0a1b".into(),
                task_definition: definition.into(),
                started_by: Some("ecs-svc/1".into()),
                created: at(created),
                running: true,
                digests: Digests::from([("api".to_owned(), digest.to_owned())]),
                address: None,
            };
            assert_eq!(starter.started(&task), started, "{why}");
        }
    }

    fn interface(name: &str, value: &str) -> types::Attachment {
        let detail = types::KeyValuePair::builder().name(name).value(value);
        types::Attachment::builder()
            .r#type("ElasticNetworkInterface")
            .details(detail.build())
            .build()
    }

    #[test]
    fn the_address_is_that_of_the_tasks_own_interface() {
        let of = |task: types::builders::TaskBuilder| address(&task.build());
        let task = types::Task::builder;
        assert_eq!(of(task()), None, "it shares its host's");
        let four = interface("privateIPv4Address", "10.0.0.7");
        let six = interface("privateIPv6Address", "fd00::7");
        let both = task().attachments(six.clone()).attachments(four);
        assert_eq!(of(both).as_deref(), Some("10.0.0.7"));
        assert_eq!(of(task().attachments(six)).as_deref(), Some("fd00::7"));
        let shown = types::NetworkInterface::builder().private_ipv4_address("10.0.0.8");
        let container = types::Container::builder().network_interfaces(shown.build());
        let by_container = task().containers(container.build());
        assert_eq!(of(by_container).as_deref(), Some("10.0.0.8"));
    }
}
