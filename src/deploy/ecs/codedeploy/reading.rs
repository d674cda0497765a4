//! One look at a deployment of CodeDeploy: the service with its task sets, the deployment's own
//! record, its rollback if CodeDeploy made one, and what came after it in its group.

use tokio::time::Instant;

use super::super::EcsTarget;
use super::super::facts::Service;
use super::super::task_sets::TaskSet;
use super::calls::{CodeDeploy, Filter};
use super::records::{Record, Status};
use super::standing;
use crate::deploy::DeployError;
use crate::deployment::Standing;

/// What one look saw.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) service: Service,
    pub(super) sets: Vec<TaskSet>,
    pub(super) judged: Record,
    /// The deployment with which CodeDeploy rolls it back.
    pub(super) rollback: Option<Record>,
    /// What has taken over, for a message.
    pub(super) successor: Option<String>,
}

impl Reading {
    pub(super) fn standing(&self) -> Result<Standing, DeployError> {
        let is_superseded = self.successor.is_some();
        standing::of(&self.judged, self.rollback.as_ref(), is_superseded)
    }

    /// The task set that the deployment made.
    pub(super) fn own_set(&self) -> Option<&TaskSet> {
        let made = |set: &&TaskSet| set.external.as_deref() == Some(&*self.judged.id);
        self.sets.iter().find(made)
    }

    /// The task set that it replaces, while that still runs: the one to which a stop returns.
    pub(super) fn other_set(&self) -> Option<&TaskSet> {
        let others = self.sets.iter().filter(|set| {
            set.external.as_deref() != Some(&*self.judged.id)
                && !set.draining
                && !set.task_definition.is_empty()
        });
        others.max_by_key(|set| (set.primary, set.created))
    }
}

/// Looks at the service and at the deployment under test.
pub(super) async fn read(target: &EcsTarget, id: &str) -> Result<Reading, DeployError> {
    let codedeploy = CodeDeploy::of(target);
    let (service, sets) = target.service_with_sets().await?;
    let judged = codedeploy.deployment(id).await?;
    let since = since(&codedeploy, &judged).await?;
    let successor = if service.controller == CONTROLLER {
        let newer = since.others.first();
        newer.map(|newer| format!("deployment {}", newer.id))
    } else {
        // A service can be given to another controller; what CodeDeploy did is then history.
        Some(format!("the {} controller", service.controller))
    };
    Ok(Reading {
        service,
        sets,
        judged,
        rollback: since.rollback,
        successor,
    })
}

/// A look that waits, within bounds, for the rollback that CodeDeploy may be about to begin: a
/// deployment that failed is over for a moment before the one that rolls it back is there.
pub(super) async fn settled(target: &EcsTarget, id: &str) -> Result<Reading, DeployError> {
    let until = Instant::now() + target.pace.settle;
    loop {
        let reading = read(target, id).await?;
        let may_come = reading.judged.status == Status::Broken && reading.rollback.is_none();
        let is_over = reading.successor.is_some() || !may_come;
        if is_over || Instant::now() + target.pace.settle_poll > until {
            return Ok(reading);
        }
        tokio::time::sleep(target.pace.settle_poll).await;
    }
}

/// What came after a deployment in its group.
#[derive(Debug)]
pub(super) struct Since {
    /// CodeDeploy's own rollback of it: no other deployment, as ECS counts them.
    pub(super) rollback: Option<Record>,
    /// All others, the newest first.
    pub(super) others: Vec<Record>,
}

/// Looks for what came after a deployment in its group.
pub(super) async fn since(
    codedeploy: &CodeDeploy<'_>,
    judged: &Record,
) -> Result<Since, DeployError> {
    let filter = Filter {
        after: Some(judged.created),
        ..Filter::default()
    };
    let mut others = codedeploy.listed(&judged.group, &filter).await?;
    others.retain(|known| known.id != judged.id && known.created >= judged.created);
    let is_rollback = |known: &Record| {
        known.rolls_back.as_deref() == Some(&*judged.id)
            || judged.rolled_back_by.as_deref() == Some(&*known.id)
    };
    let listed = others.iter().position(is_rollback);
    let mut rollback = listed.map(|place| others.remove(place));
    // The list may lag behind the deployment's own record.
    if rollback.is_none()
        && let Some(id) = &judged.rolled_back_by
    {
        rollback = Some(codedeploy.deployment(id).await?);
    }
    Ok(Since { rollback, others })
}

/// The controller, as ECS names it.
pub(in super::super) const CONTROLLER: &str = "CODE_DEPLOY";
