//! The end of a rollback: the wait until the previous revision runs alone and whole, and the proof
//! that this helped. Reads and probes; changes nothing.

use std::time::Duration;

use super::record::RollbackRecord;
use super::rollback::{Order, Trail};
use super::{asking, verification};
use crate::clock::Moment;
use crate::decision::{Proof, prove};
use crate::deploy::DeployError;
use crate::deployment::{Progress, RollbackOutcome};
use crate::event::What;
use crate::verdict::Assessment;

/// How long the platform is asked at the end whether the rollback still stands.
const LAST_LOOK: Duration = Duration::from_secs(30);

/// A rollback that did not complete under our eyes.
pub(super) struct Incomplete {
    pub(super) outcome: RollbackOutcome,
    /// One line.
    pub(super) why: String,
    /// Whether we were told to stop while it went on.
    pub(super) left: bool,
}

impl Incomplete {
    const fn new(outcome: RollbackOutcome, why: String) -> Self {
        Self {
            outcome,
            why,
            left: false,
        }
    }
}

impl Order<'_> {
    /// Waits until the rollback is complete.
    pub(super) async fn complete<F>(
        &self,
        deadline: Moment,
        ask: impl Fn() -> F,
    ) -> Result<(), Incomplete>
    where
        F: Future<Output = Result<Progress, DeployError>>,
    {
        let mut told = String::new();
        loop {
            let heard = match asking::once(self.context, deadline, ask()).await {
                Ok(Progress::Complete) => return Ok(()),
                Ok(Progress::Failed(why)) => {
                    return Err(Incomplete::new(RollbackOutcome::Failed, why));
                }
                Ok(Progress::Superseded(why)) => {
                    return Err(Incomplete::new(RollbackOutcome::Superseded, why));
                }
                Ok(Progress::Running(what)) => what,
                Err(DeployError::Declared(why)) => {
                    return Err(Incomplete::new(RollbackOutcome::Failed, why));
                }
                Err(error) => format!("cannot ask the platform: {error}"),
            };
            if self.context.clock.now() >= deadline {
                return Err(Incomplete::new(RollbackOutcome::Timeout, heard));
            }
            if heard != told {
                self.emit(What::RollbackProgress(heard.clone()));
                told = heard;
            }
            if !self.context.pause(self.pace.poll).await {
                let why = format!(
                    "told to stop while it went on; the platform goes on by itself: {told}"
                );
                return Err(Incomplete {
                    outcome: RollbackOutcome::Timeout,
                    why,
                    left: true,
                });
            }
        }
    }

    /// Runs the same checks against the previous revision and ends with what they prove; they prove
    /// nothing when it does not run any more at their end, as `ask` would say.
    pub(super) async fn verify<F>(
        &self,
        mut trail: Trail,
        judged: &Assessment,
        ask: impl Fn() -> F,
    ) -> RollbackRecord
    where
        F: Future<Output = Result<Progress, DeployError>>,
    {
        // Without a plan of ours it was the platform's own.
        let done = match trail.plan {
            Some(_) => RollbackOutcome::RolledBackVerified,
            None => RollbackOutcome::RolledBackByEcs,
        };
        if !self.service.policy.rollback.verify {
            let because = "the platform runs it; the checks were not run again (verify: false)";
            return self.end(trail, done, because.to_owned(), None);
        }
        let found = verification::sample_again(self).await;
        if let Some((outcome, why)) = self.undone(ask).await {
            return self.end(trail, outcome, why, Some(found));
        }
        let proof = prove(&self.service.policy, judged, &found);
        let mut record = match proof {
            Proof::Healthy(because) => self.end(trail, done, because, Some(found)),
            Proof::Unhealthy(because) => self.end(
                trail,
                RollbackOutcome::RolledBackUnhealthy,
                because,
                Some(found),
            ),
            Proof::Unproven(because) => {
                trail.left = self.context.stop.is_cancelled();
                let because = match trail.left {
                    true => format!("told to stop before it was proven healthy; {because}"),
                    false => because,
                };
                self.end(trail, RollbackOutcome::Timeout, because, Some(found))
            }
        };
        record.verified = Some(record.outcome == done);
        record
    }

    /// What has undone a rollback that was complete, if anything has. A platform that cannot say so
    /// now has said before that it is.
    async fn undone<F>(&self, ask: impl Fn() -> F) -> Option<(RollbackOutcome, String)>
    where
        F: Future<Output = Result<Progress, DeployError>>,
    {
        let until = self.context.clock.now() + LAST_LOOK;
        match asking::once(self.context, until, ask()).await {
            Ok(Progress::Superseded(why)) => Some((RollbackOutcome::Superseded, why)),
            Ok(Progress::Failed(why)) => Some((RollbackOutcome::Failed, why)),
            Ok(Progress::Complete | Progress::Running(_)) => None,
            Err(error) => {
                self.emit(What::Warned(format!("cannot ask the platform: {error}")));
                None
            }
        }
    }
}
