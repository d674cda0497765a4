//! `replay`: judges a recording with the judge of `watch`, as a watch would have judged it while it
//! came about. Nothing is probed, nothing is changed, and no deployment is needed.
//!
//! The window is the bake, however few samples there are. Each sample is judged as it comes, and
//! the first decision that a watch would have acted upon ends it; what follows is not read. Where a
//! watch asks the platform, the deployment counts as rolled out. Called by `cli` and by
//! [`super::streams`].

use std::io::Read;
use std::time::Duration;

use super::before;
use super::in_force::{self, InForce};
use super::panel::{Change, Panel};
use super::record::{Command, Decided, Record, Stamp};
use super::recorded::{Recording, RecordingError};
use super::troubles::Troubles;
use crate::clock::{Moment, WallTime};
use crate::decision::{self, Circumstances, Decision, Permission, Policy};
use crate::deployment::Standing;
use crate::plan::{CheckPlan, ServicePlan};
use crate::verdict::{Assessment, Before, Closing, Verdict};

/// What a recording is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Replay<'a> {
    /// The service, with its policy.
    pub service: &'a ServicePlan,
    /// The checks that judge it.
    pub checks: &'a [CheckPlan],
}

/// A moment at which the judge changed its mind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When: the start of the newest sample, from the start of the window.
    pub at: Duration,
    /// The verdict on the service from then on.
    pub verdict: Verdict,
    /// About which checks; several at the end of the bake only.
    pub changes: Vec<Change>,
}

/// What a recording came to.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What was found.
    pub assessment: Assessment,
    /// By what it was found.
    pub in_force: Vec<InForce>,
    /// What would have been decided.
    pub decision: Decided,
    /// When the verdict was reached, from the start of the window: for a failure the sample that
    /// condemned, for everything else the end of the bake.
    pub reached: Duration,
    /// When the window was over, from its start: at the decision, or at the end of the bake.
    pub ended: Duration,
    /// How many samples were judged.
    pub samples: u64,
    /// When the window began, where the recording says so.
    pub window_start: Option<WallTime>,
    /// What the recording machine kept the window from learning.
    pub troubles: Troubles,
    /// What a person should know besides.
    pub notes: Vec<String>,
}

impl Replay<'_> {
    /// Judges a recording; every change of the assessment is told as it happens. `before` is how
    /// each check was before, or nothing.
    ///
    /// # Errors
    /// What is wrong with the recording, and where.
    pub fn judge<R: Read>(
        &self,
        recording: &mut Recording<'_, R>,
        before: Vec<Before>,
        mut told: impl FnMut(Turn),
    ) -> Result<Replayed, RecordingError> {
        let end = Moment::ORIGIN + self.policy().bake;
        let notes = before::notes(self.checks, &before);
        let in_force = in_force::of(self.checks, &before);
        let mut bench = Panel::of_bake(self.checks, self.policy(), Moment::ORIGIN, before);
        let mut course = Course::default();
        let mut early = None;
        while let Some((place, sample)) = recording.next_sample()? {
            if sample.started > end {
                course.beyond += 1;
                continue;
            }
            course.samples += 1;
            course.newest = course.newest.max(sample.started);
            let changes = bench.push_at(place, sample);
            course.turn(&bench, course.newest, changes, &mut told);
            // As long as nothing is condemned there is nothing to decide before the end.
            if bench.has_failed() {
                let decision = self.decide(&bench.outline(), false, &bench);
                if decision != Decision::Wait {
                    early = Some(decision);
                    break;
                }
            }
        }
        let (assessment, decision, ended) = match early {
            Some(decision) => (bench.assessment(), decision, course.newest),
            None => {
                let (assessment, changes) = bench.close(end, Closing::Final);
                course.turn(&bench, end, changes, &mut told);
                let decision = self.decide(&assessment, true, &bench);
                (assessment, decision, end)
            }
        };
        let reached = match assessment.verdict {
            Verdict::Fail => course.since,
            Verdict::Pass | Verdict::Warn | Verdict::Inconclusive => end,
        };
        Ok(Replayed {
            assessment,
            in_force,
            decision: Decided::from(&decision),
            reached: reached.since_origin(),
            ended: ended.since_origin(),
            samples: course.samples,
            window_start: recording.window_start,
            troubles: bench.troubles().clone(),
            notes: [notes, self.notes(recording, course.beyond)].concat(),
        })
    }

    const fn policy(&self) -> &Policy {
        &self.service.policy
    }

    fn decide(&self, assessment: &Assessment, bake_over: bool, bench: &Panel) -> Decision {
        let circumstances = Circumstances {
            bake_over,
            watched: bench.now().since_origin(),
            samples: bench.heard().samples,
            standing: Standing::Completed,
            permission: Permission::DryRun,
        };
        decision::decide(self.policy(), assessment, &circumstances)
    }

    fn notes<R: Read>(&self, recording: &Recording<'_, R>, beyond: u64) -> Vec<String> {
        let bake = crate::quantity::human(self.policy().bake);
        let beyond = (beyond > 0)
            .then(|| format!("samples after the bake of {bake} were left out: {beyond}"));
        beyond.into_iter().chain(recording.notes()).collect()
    }
}

/// How the verdict has moved so far.
#[derive(Debug)]
struct Course {
    verdict: Verdict,
    since: Moment,
    /// The start of the newest sample.
    newest: Moment,
    samples: u64,
    beyond: u64,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            verdict: Verdict::Inconclusive,
            since: Moment::ORIGIN,
            newest: Moment::ORIGIN,
            samples: 0,
            beyond: 0,
        }
    }
}

impl Course {
    fn turn(
        &mut self,
        bench: &Panel,
        at: Moment,
        changes: Vec<Change>,
        told: &mut impl FnMut(Turn),
    ) {
        if changes.is_empty() {
            return;
        }
        // A window opens without enough samples: that is its nature, and no change.
        let is_news = |change: &Change| change.from.is_some() || change.to != Verdict::Inconclusive;
        let changes: Vec<Change> = changes.into_iter().filter(is_news).collect();
        if changes.is_empty() {
            return;
        }
        let verdict = bench.verdict();
        if verdict != self.verdict {
            (self.verdict, self.since) = (verdict, at);
        }
        told(Turn {
            at: at.since_origin(),
            verdict,
            changes,
        });
    }
}

impl Replayed {
    /// The record of this replay, as a watch leaves one. Where the recording does not say when its
    /// window began, times count from 1970-01-01T00:00:00Z, so that they read as offsets.
    #[must_use]
    pub fn record(&self, service: &ServicePlan) -> Record {
        let wall = self.window_start.unwrap_or_default();
        let stamp = |after: Duration| Stamp {
            moment: Moment::at(after),
            wall: WallTime::since_unix_epoch(wall.unix() + after),
        };
        let millis = u64::try_from(wall.unix().as_millis()).unwrap_or(u64::MAX);
        Record {
            command: Command::Replay,
            // The same recording has the same name: nothing is drawn by lot.
            window: ulid::Ulid::from_parts(millis, 0).to_string(),
            service: Some(std::sync::Arc::clone(&service.name)),
            started: stamp(Duration::ZERO),
            finished: stamp(self.ended),
            assessment: self.assessment.clone(),
            in_force: self.in_force.clone(),
            judge: service.policy.judging.judge,
            deployment: None,
            decision: self.decision.clone(),
            rollback: None,
            diagnosis: None,
            troubles: self.troubles.clone(),
            interrupted: false,
            warnings: self.notes.clone(),
            punctuality: None,
        }
    }
}
