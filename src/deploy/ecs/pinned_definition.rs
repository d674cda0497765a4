//! Where a tag was moved, the earlier task definition brings the later image: then a copy of it is
//! registered that names its images by digest, and deployed instead. Only when the policy allows it
//! (`pin_digest`).
//!
//! A copy carries the deployment that it was made against as a tag, so that a run which follows one
//! that died finds it, and registers no second one.

use aws_sdk_ecs::operation::RequestId;
use aws_sdk_ecs::types::{self, Tag};
use tokio::time::Instant;

use super::definition::{self, Definition};
use super::fault::CallFault;
use super::tell::{once, witnessed};
use super::tries::Tries;
use super::{EcsTarget, Halt, facts, history};
use crate::deploy::{DeployError, Witness};
use crate::deployment::{Actuator, Call, Images, RollbackPlan, Software};

/// The containers that the task definition would not give their earlier image.
pub(super) async fn moved(
    target: &EcsTarget,
    good: &Definition,
    images: &Images,
    judged: &Software,
) -> Result<Vec<String>, Halt> {
    if good.arn == judged.revision.id {
        return Ok(good.moved(images, good, &judged.images));
    }
    // Two calls saved where nothing can have moved.
    if images.is_empty() || judged.images.is_empty() {
        return Ok(Vec::new());
    }
    let found = target.definition(&judged.revision.id).await;
    let found = found.map_err(|fault| target.told(&fault))?;
    // One that is deleted already cannot be compared with.
    Ok(found.map_or_else(Vec::new, |found| good.moved(images, &found, &judged.images)))
}

/// The plan as it can be carried out: where it needs a copy of the task definition by digest, with
/// the copy that was registered for it, now or by an earlier run.
pub(super) async fn ready(
    target: &EcsTarget,
    plan: RollbackPlan,
    witness: &dyn Witness,
) -> Result<RollbackPlan, Halt> {
    if !plan.wanted.pin_digest || plan.actuator != Actuator::UpdateService {
        return Ok(plan);
    }
    let good = described(target, &plan.target.id).await?;
    let judged = judged(target, &plan).await?;
    if moved(target, &good, &plan.images, &judged)
        .await?
        .is_empty()
    {
        return Ok(plan);
    }
    let copy = Copy {
        target,
        plan: &plan,
        containers: good.pinned_containers(&plan.images),
        good: &good,
    };
    let arn = copy.find_or_register(witness).await?;
    Ok(RollbackPlan {
        target: facts::revision(&arn),
        ..plan
    })
}

/// What was judged, with the images that ECS has resolved meanwhile.
async fn judged(target: &EcsTarget, plan: &RollbackPlan) -> Result<Software, Halt> {
    let mut software = plan.deployment.software();
    let Some(revision) = &plan.deployment.service_revision else {
        return Ok(software);
    };
    let mut found = history::by_arn(target, &[revision]).await?;
    if let Some(found) = found.remove(revision)
        && !found.digests.is_empty()
    {
        software.images = found.digests;
    }
    Ok(software)
}

async fn described(target: &EcsTarget, arn: &str) -> Result<Definition, Halt> {
    let found = target.definition_with_tags(arn).await;
    let found = found.map_err(|fault| target.told(&fault))?;
    found.filter(|found| found.arn == arn).ok_or_else(|| {
        Halt::Broken(DeployError::Strange(format!(
            "ECS does not show task definition {} any more",
            facts::label(arn)
        )))
    })
}

/// The copy of a task definition that a rollback needs.
struct Copy<'a> {
    target: &'a EcsTarget,
    plan: &'a RollbackPlan,
    good: &'a Definition,
    containers: Vec<types::ContainerDefinition>,
}

impl Copy<'_> {
    async fn find_or_register(&self, witness: &dyn Witness) -> Result<String, Halt> {
        let mut may_be_done = self.was_sent(witness);
        let mut tries = Tries::new(self.target);
        loop {
            if let Some(found) = self.find(may_be_done).await? {
                return Ok(found);
            }
            match self.register(witness).await? {
                Ok(arn) => return self.confirmed(arn).await,
                Err(fault) => {
                    may_be_done |= fault.is_unclear();
                    tries.after(&fault).await?;
                }
            }
        }
    }

    fn was_sent(&self, witness: &dyn Witness) -> bool {
        let mut sent = witness.sent().into_iter();
        sent.any(|call| call.operation == REGISTER && call.subject == self.plan.deployment.id)
    }

    /// The copy that is registered already; one that may have been is waited for as long as it may
    /// take to be seen.
    async fn find(&self, may_be_done: bool) -> Result<Option<String>, Halt> {
        let pace = &self.target.pace;
        let until = Instant::now() + pace.settle;
        loop {
            let found = self.among_the_newest().await?;
            let is_late = Instant::now() + pace.settle_poll > until;
            if found.is_some() || !may_be_done || is_late {
                return Ok(found);
            }
            tokio::time::sleep(pace.settle_poll).await;
        }
    }

    /// Walks down from the newest revision of the family to those from before the deployment that
    /// is undone: a copy cannot be older than that.
    async fn among_the_newest(&self) -> Result<Option<String>, Halt> {
        let Some(family) = self.good.shown.family() else {
            return Ok(None);
        };
        let created = self.plan.deployment.created;
        let mut name = family.to_owned();
        for _ in 0..MOST_LOOKED_AT {
            let found = self.target.definition_with_tags(&name).await;
            let found = found.map_err(|fault| self.target.told(&fault))?;
            let Some(found) = found else {
                return Ok(None);
            };
            let is_older = |created| found.registered.is_some_and(|time| time < created);
            if created.is_some_and(is_older) {
                return Ok(None);
            }
            if self.is_copy(&found) {
                return Ok(Some(found.arn));
            }
            name = format!("{family}:{}", found.shown.revision() - 1);
        }
        Ok(None)
    }

    fn is_copy(&self, found: &Definition) -> bool {
        found.tag(TAG) == Some(&self.plan.deployment.id) && self.is_as_meant(found)
    }

    /// By the images: the order and the defaults of the rest are ECS's own.
    fn is_as_meant(&self, found: &Definition) -> bool {
        found.is_active && found.references() == definition::references(&self.containers)
    }

    /// A copy is deployed only when ECS shows it as it was meant, for which it may take a while.
    async fn confirmed(&self, arn: String) -> Result<String, Halt> {
        let pace = &self.target.pace;
        let until = Instant::now() + pace.settle;
        loop {
            let found = self.target.definition(&arn).await;
            let found = found.map_err(|fault| self.target.told(&fault))?;
            if found.is_some_and(|found| found.arn == arn && self.is_as_meant(&found)) {
                return Ok(arn);
            }
            if Instant::now() + pace.settle_poll > until {
                break;
            }
            tokio::time::sleep(pace.settle_poll).await;
        }
        Err(Halt::Broken(DeployError::Strange(format!(
            "task definition {} was registered with its images by digest, and ECS does not show it as that: look at it before service {} is rolled back",
            facts::label(&arn),
            self.plan.deployment.service
        ))))
    }

    async fn register(
        &self,
        witness: &dyn Witness,
    ) -> Result<Result<String, CallFault>, DeployError> {
        let call = Call {
            operation: REGISTER.to_owned(),
            subject: self.plan.deployment.id.clone(),
            argument: Some(self.good.arn.clone()),
        };
        let shown = self.good.shown.clone();
        // Everything that can be registered; AWS takes inference accelerators no more.
        let sent = self
            .target
            .client
            .register_task_definition()
            .set_family(shown.family)
            .set_task_role_arn(shown.task_role_arn)
            .set_execution_role_arn(shown.execution_role_arn)
            .set_network_mode(shown.network_mode)
            .set_container_definitions(Some(self.containers.clone()))
            .set_volumes(shown.volumes)
            .set_placement_constraints(shown.placement_constraints)
            .set_requires_compatibilities(shown.requires_compatibilities)
            .set_cpu(shown.cpu)
            .set_memory(shown.memory)
            .set_tags(Some(self.tags()))
            .set_pid_mode(shown.pid_mode)
            .set_ipc_mode(shown.ipc_mode)
            .set_proxy_configuration(shown.proxy_configuration)
            .set_ephemeral_storage(shown.ephemeral_storage)
            .set_runtime_platform(shown.runtime_platform)
            .set_enable_fault_injection(shown.enable_fault_injection)
            .customize()
            .config_override(once())
            .send();
        let told = async {
            let answer = sent.await;
            let answer = answer.map_err(|error| CallFault::of(REGISTER, &error))?;
            let request = answer.request_id().map(str::to_owned);
            let arn = answer
                .task_definition()
                .and_then(types::TaskDefinition::task_definition_arn);
            Ok((arn.unwrap_or_default().to_owned(), request))
        };
        witnessed(witness, call, told).await
    }

    /// The tags of the original, but for those that AWS keeps to itself, and our own.
    fn tags(&self) -> Vec<Tag> {
        let kept = self.good.tags.iter().filter(|tag| {
            let key = tag.key().unwrap_or_default();
            !key.starts_with(RESERVED) && key != TAG
        });
        let own = Tag::builder().key(TAG).value(&self.plan.deployment.id);
        kept.cloned().chain([own.build()]).collect()
    }
}

/// The call that registers a task definition.
const REGISTER: &str = "RegisterTaskDefinition";
/// The tag that names the deployment against which a copy was registered.
const TAG: &str = "smokejumper:rollback-of";
/// What AWS's own tags begin with; they cannot be set.
const RESERVED: &str = "aws:";
/// So many revisions may be registered between a rollback and its second run.
const MOST_LOOKED_AT: u32 = 20;
