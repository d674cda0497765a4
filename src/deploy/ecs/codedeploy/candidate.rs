//! Which revision to return to: what the newest deployment before this one brought that succeeded,
//! by its AppSpec; never one that was judged bad here, and never past one that cannot be read.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::facts;
use super::super::planning::{nothing_changes, refuse};
use super::super::{EcsTarget, Halt};
use super::calls::{CodeDeploy, Filter};
use super::records::Record;
use crate::clock::WallTime;
use crate::deploy::DeployError;
use crate::deployment::{Deployment, Images, NoRollback, Revision, Software, Wanted};

/// An earlier deployment, with what it brought.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) record: Record,
    pub(super) revision: Revision,
}

/// Finds the deployment whose AppSpec is to be deployed again.
pub(super) async fn find(
    target: &EcsTarget,
    deployment: &Deployment,
    judged: &Record,
    wanted: &Wanted,
) -> Result<Candidate, Halt> {
    let mut earlier = earlier(CodeDeploy::of(target), judged);
    while let Some(record) = earlier.next().await? {
        if let Some(candidate) = weigh(record, deployment, wanted)? {
            refuse_undeployable(target, &candidate.revision).await?;
            return Ok(candidate);
        }
    }
    Err(Halt::No(NoRollback::NoTarget(match &wanted.to {
        Some(to) => format!(
            "no deployment of CodeDeploy before {} that succeeded brought {to}",
            deployment.id
        ),
        None => format!(
            "no deployment of CodeDeploy succeeded before {} that was not judged bad: there is no revision to return to",
            deployment.id
        ),
    })))
}

/// Whether to return to what this deployment brought; none to look further back.
fn weigh(
    record: Record,
    deployment: &Deployment,
    wanted: &Wanted,
) -> Result<Option<Candidate>, Halt> {
    let Some(definition) = record.task_definition() else {
        // Past it would be further back than anybody asked for.
        return match &wanted.to {
            Some(_) => Ok(None),
            None => Err(refuse(format!(
                "which task definition deployment {} brought cannot be read: its AppSpec lies elsewhere or names none in full",
                record.id
            ))),
        };
    };
    let revision = facts::revision(&definition);
    if !is_wanted(&revision, wanted) {
        return Ok(None);
    }
    if !is_bad(&revision, wanted) {
        // What was judged bad before it was deployed again is looked past; what was not, is not what
        // made this deployment bad.
        refuse_same(deployment, &revision)?;
        return Ok(Some(Candidate { record, revision }));
    }
    match &wanted.to {
        Some(_) => Err(refuse_bad(&revision)),
        None => Ok(None),
    }
}

/// Whether a person named this revision, or none.
pub(super) fn is_wanted(revision: &Revision, wanted: &Wanted) -> bool {
    let to = wanted.to.as_deref();
    to.is_none_or(|to| to == revision.id || to == revision.label)
}

/// Whether it was judged bad here.
pub(super) fn is_bad(revision: &Revision, wanted: &Wanted) -> bool {
    let software = Software {
        revision: revision.clone(),
        images: Images::new(),
    };
    wanted.avoid.iter().any(|bad| bad.may_be(&software))
}

pub(super) fn refuse_bad(revision: &Revision) -> Halt {
    refuse(format!(
        "{revision} was judged bad here: it is not returned to"
    ))
}

/// By its name alone the task definition that failed would come again.
pub(super) fn refuse_same(deployment: &Deployment, revision: &Revision) -> Result<(), Halt> {
    if revision.id != deployment.revision.id {
        return Ok(());
    }
    Err(Halt::No(NoRollback::SameSoftware(nothing_changes(
        revision,
    ))))
}

/// CodeDeploy makes a new task set of it, and ECS makes none of what is not ACTIVE.
async fn refuse_undeployable(target: &EcsTarget, revision: &Revision) -> Result<(), Halt> {
    match target.definition(&revision.id).await {
        Ok(Some(definition)) if definition.is_active => Ok(()),
        Ok(Some(_)) => Err(refuse(format!(
            "task definition {revision} is not ACTIVE any more: CodeDeploy cannot deploy it; register it anew"
        ))),
        Ok(None) => Err(refuse(format!(
            "ECS does not show task definition {revision} any more: register it anew"
        ))),
        Err(fault) => Err(Halt::Broken(target.told(&fault))),
    }
}

/// The deployments of the group before this one that succeeded, the newest first.
///
/// The order of CodeDeploy's lists is not promised, so a list has to be read whole before its
/// newest is known; spans that lie behind each other keep those lists short.
pub(super) const fn earlier<'a>(codedeploy: CodeDeploy<'a>, judged: &'a Record) -> Earlier<'a> {
    Earlier {
        codedeploy,
        judged,
        before: judged.created,
        spans: LOOK_BACK.as_slice(),
        found: VecDeque::new(),
    }
}

/// See [`earlier`].
#[derive(Debug)]
pub(super) struct Earlier<'a> {
    codedeploy: CodeDeploy<'a>,
    judged: &'a Record,
    before: WallTime,
    spans: &'a [Option<Duration>],
    found: VecDeque<Record>,
}

impl Earlier<'_> {
    pub(super) async fn next(&mut self) -> Result<Option<Record>, DeployError> {
        loop {
            if let Some(record) = self.found.pop_front() {
                return Ok(Some(record));
            }
            let Some((span, further)) = self.spans.split_first() else {
                return Ok(None);
            };
            self.spans = further;
            let created = self.judged.created.unix();
            let after = span.map(|span| WallTime::since_unix_epoch(created.saturating_sub(span)));
            let filter = Filter {
                succeeded: true,
                after,
                before: Some(self.before),
            };
            let listed = self.codedeploy.listed(&self.judged.group, &filter).await?;
            self.found = listed
                .into_iter()
                .filter(|known| known.id != self.judged.id && known.created < self.before)
                .filter(|known| after.is_none_or(|after| known.created >= after))
                .collect();
            self.before = after.unwrap_or_default();
        }
    }
}

/// How far back is looked at once: most services were deployed within a month.
const LOOK_BACK: [Option<Duration>; 3] = [
    Some(Duration::from_hours(30 * 24)),
    Some(Duration::from_hours(400 * 24)),
    None,
];
