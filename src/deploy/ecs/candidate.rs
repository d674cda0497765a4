//! Which software to return to: what ran before, as ECS recorded it; never a number less, never
//! what was judged bad here, never a guess.
//!
//! Where ECS itself returns to something (a stop, a pause hook), it cannot be told to what: then
//! this says what it will be, and refuses when that is bad.

use std::time::Duration;

use super::facts::{self, Service};
use super::past::{Records, in_entries};
use super::planning::refuse;
use super::reading::{Reading, Subject};
use super::records::ServiceRevision;
use super::{EcsTarget, Halt};
use crate::deployment::{Actuator, Deployment, Images, NoRollback, Revision, Software, Wanted};

/// A revision to return to.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) revision: Revision,
    /// The images that it ran, where they are known.
    pub(super) images: Images,
    /// The software that was judged.
    pub(super) judged: Software,
    /// What ran exactly, and what the deployment under test made of it, where that is recorded.
    pub(super) recorded: Option<Recorded>,
    /// How long a deployment of this service took to roll out.
    pub(super) rollout: Option<Duration>,
    /// What a person should know of the choice.
    pub(super) caveats: Vec<String>,
}

impl Candidate {
    pub(super) fn software(&self) -> Software {
        Software {
            revision: self.revision.clone(),
            images: self.images.clone(),
        }
    }
}

/// The service revisions on both sides of a rollback.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) good: ServiceRevision,
    pub(super) judged: ServiceRevision,
}

/// Finds the revision to return to from the deployment under test: the one that the actuator would
/// bring.
pub(super) async fn find(
    target: &EcsTarget,
    deployment: &Deployment,
    reading: &Reading,
    actuator: Actuator,
    wanted: &Wanted,
) -> Result<Candidate, Halt> {
    let past = Past::read(target, deployment, reading, wanted).await?;
    if actuator.is_keyed() {
        past.by_platform().await
    } else if let Some(to) = &wanted.to {
        past.named(to).await
    } else {
        past.chosen().await
    }
}

/// What is known of the time before the deployment under test.
pub(super) struct Past<'a> {
    pub(super) target: &'a EcsTarget,
    pub(super) service: &'a Service,
    deployment: &'a Deployment,
    pub(super) wanted: &'a Wanted,
    pub(super) judged: Software,
    /// None where ECS keeps no service deployments, or does not show what was judged.
    pub(super) records: Option<Records<'a>>,
}

impl<'a> Past<'a> {
    async fn read(
        target: &'a EcsTarget,
        deployment: &'a Deployment,
        reading: &'a Reading,
        wanted: &'a Wanted,
    ) -> Result<Self, Halt> {
        let records = match &reading.subject {
            Subject::Recorded {
                deployment: recorded,
                ..
            } => Records::read(target, &reading.service, recorded).await?,
            Subject::Entry => None,
        };
        let mut judged = deployment.software();
        // The images may have been resolved only after the deployment was pinned.
        if let Some(records) = &records
            && !records.judged.digests.is_empty()
        {
            judged.images.clone_from(&records.judged.digests);
        }
        Ok(Self {
            target,
            service: &reading.service,
            deployment,
            wanted,
            judged,
            records,
        })
    }

    /// What ECS itself returns to when it is told to roll back.
    async fn by_platform(&self) -> Result<Candidate, Halt> {
        let found = match &self.records {
            Some(records) => records.newest(self.target, self.service, |_| true).await?,
            None => None,
        };
        let candidate = match found {
            Some(good) => self.recorded(good),
            None => match in_entries(self.service, self.deployment) {
                Some(revision) => self.unrecorded(revision, Images::new()),
                None => return Err(self.nothing()),
            },
        };
        if let Some(to) = &self.wanted.to
            && *to != candidate.revision.id
            && *to != candidate.revision.label
        {
            return Err(refuse(format!(
                "the deployment of {} is in flight, and stopped it returns to {}, whatever is asked for: let it end before it is rolled back to {to}",
                self.judged.revision, candidate.revision
            )));
        }
        // Also where it is the very software that is judged now: stopping it would change nothing.
        if self.is_avoided(&candidate.software()) {
            return Err(self.after_its_end(&candidate).await);
        }
        Ok(candidate)
    }

    /// Why a deployment in flight is not stopped that would return to what was judged bad: what else
    /// there is can be deployed once it has ended.
    async fn after_its_end(&self, bad: &Candidate) -> Halt {
        let told = |deployable: &str| {
            format!(
                "the deployment of {} is in flight, and stopped it returns to {}, which was judged bad here: let it end, then deploy {deployable}",
                self.judged.revision, bad.revision
            )
        };
        match self.chosen().await {
            Ok(other) => Halt::No(NoRollback::NotYet(told(&other.revision.label))),
            Err(Halt::No(_)) => refuse(told("a revision that is good")),
            Err(broken) => broken,
        }
    }

    /// The best that can be deployed anew.
    async fn chosen(&self) -> Result<Candidate, Halt> {
        if let Some(found) = match &self.records {
            Some(records) => self.in_records(records).await?,
            // What still runs beside it, or was seen running, is what ran before.
            None => in_entries(self.service, self.deployment)
                .or_else(|| self.deployment.previous.clone())
                .map(|revision| self.unrecorded(revision, Images::new()))
                .filter(|found| !self.is_avoided(&found.software())),
        } {
            return Ok(found);
        }
        if let Some(found) = self.in_ledger().await? {
            return Ok(found);
        }
        in_entries(self.service, self.deployment)
            .map(|revision| self.unrecorded(revision, Images::new()))
            .filter(|found| !self.is_avoided(&found.software()))
            .ok_or_else(|| self.nothing())
    }

    async fn in_records(&self, records: &Records<'a>) -> Result<Option<Candidate>, Halt> {
        let source = records.source.as_ref();
        let skipped = match source.map(|source| (source, source.software())) {
            // Where it is the same software that is judged now, and nobody found it bad back then,
            // its deployment is not what made it bad: older software is not chosen over it, and the
            // plan refuses it as the same. Where it was judged bad before it was deployed again, as
            // by a forced deployment, this says nothing for it: what ran before that is looked for.
            Some((source, software)) if !self.is_avoided(&software) => {
                return Ok(Some(self.recorded(source.clone())));
            }
            other => other.map(|(_, software)| software.revision),
        };
        let is_accepted = |known: &ServiceRevision| {
            let software = known.software();
            !self.judged.may_be(&software) && !self.is_avoided(&software)
        };
        let history = &records.history;
        let found = history
            .newest(self.target, self.service, records.deployment, is_accepted)
            .await?;
        Ok(found.map(|good| {
            let mut candidate = self.recorded(good);
            candidate.caveats.extend(skipped.map(|skipped| {
                format!(
                    "{skipped}, which ran before, was judged bad here: {} is what ran before that",
                    candidate.revision
                )
            }));
            candidate
        }))
    }

    /// The newest that was judged good here and can still be deployed.
    async fn in_ledger(&self) -> Result<Option<Candidate>, Halt> {
        for good in &self.wanted.good {
            if self.judged.may_be(good) || self.is_avoided(good) {
                continue;
            }
            let found = self.target.definition(&good.revision.id).await;
            let found = found.map_err(|fault| self.target.told(&fault))?;
            if found.is_some_and(|known| known.is_active && known.arn == good.revision.id) {
                let mut candidate = self.unrecorded(good.revision.clone(), good.images.clone());
                candidate.caveats.push(format!(
                    "ECS keeps no record of what ran before: {} is the last that was judged good here",
                    good.revision
                ));
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    pub(super) fn is_avoided(&self, software: &Software) -> bool {
        let mut avoided = self.wanted.avoid.iter();
        avoided.any(|bad| bad.may_be(software))
    }

    pub(super) fn recorded(&self, good: ServiceRevision) -> Candidate {
        let revision = facts::revision(&good.task_definition);
        let images = good.digests.clone();
        let judged = self.records.as_ref().map(|records| records.judged.clone());
        Candidate {
            recorded: judged.map(|judged| Recorded { good, judged }),
            ..self.unrecorded(revision, images)
        }
    }

    pub(super) fn unrecorded(&self, revision: Revision, images: Images) -> Candidate {
        Candidate {
            revision,
            images,
            judged: self.judged.clone(),
            recorded: None,
            rollout: self
                .records
                .as_ref()
                .and_then(|records| records.history.rollout()),
            caveats: Vec::new(),
        }
    }

    fn nothing(&self) -> Halt {
        let but = if self.wanted.avoid.is_empty() {
            ""
        } else {
            " and that was not judged bad here"
        };
        Halt::No(NoRollback::NoTarget(format!(
            "nothing ran before {} that ECS still knows{but}: there is no revision to return to",
            self.judged.revision
        )))
    }
}
