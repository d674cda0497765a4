//! What a watch does about its decision, and what it writes down before and after: the decision, the
//! rollback, how it ended, what was judged good or bad.

use super::baking::Baked;
use super::brakes::{Brakes, Watched};
use super::by_hand;
use super::desk::Ruled;
use super::guard::Guard;
use super::hand::Hand;
use super::judged;
use super::logbook::Logbook;
use super::record::{Decided, Record, RollbackRecord, Stamp};
use super::rollback::Order;
use super::watch::Watch;
use crate::decision::{Decision, Interlock, Past};
use crate::deployment::{Call, Deployment, RollbackOutcome, Software, Wanted};
use crate::event::{Action, Verdict, What};
use crate::journal::{Entry, Observation};

/// What is known of a window when it is decided about.
pub(super) struct Scene<'a> {
    /// The deployment under test.
    pub(super) deployment: &'a Deployment,
    /// The journal.
    pub(super) log: &'a Logbook,
    /// The right to act.
    pub(super) guard: &'a Guard,
    /// What the target is chosen by.
    pub(super) wanted: Wanted,
    /// What the guards answered when the window was opened.
    pub(super) observed: Vec<Observation>,
    /// When the bake began.
    pub(super) since: Stamp,
    /// What other runs sent for this deployment.
    pub(super) sent: Vec<Call>,
}

impl Watch<'_> {
    /// What a rollback is to return to, by the policy and by what is remembered.
    pub(super) fn wanted(&self, past: &Past) -> Wanted {
        Wanted {
            to: None,
            pin_digest: self.service.policy.rollback.pin_digest,
            avoid: past.bad(),
            good: past.good(),
        }
    }

    /// Carries out what was decided, and adds to the record what became of it.
    pub(super) async fn see_to(&self, scene: &Scene<'_>, baked: &Baked, record: &mut Record) {
        let decided = Decided::from(&baked.decision);
        let entry = Entry::Decided {
            action: decided.action,
            because: decided.because.clone(),
            judged: judged::kept(&record.assessment),
        };
        self.keep(scene.log, &entry).await;
        let diagnosis = async {
            match record.assessment.verdict {
                Verdict::Fail => Some(self.target.diagnose(scene.deployment).await),
                _ => None,
            }
        };
        // Looking for the cause beside the rollback: it must not wait for it.
        let (rollback, diagnosis) = tokio::join!(self.act(scene, baked), diagnosis);
        record.rollback = rollback;
        record.diagnosis = diagnosis;
        record.finished = Stamp::now(&*self.context.clock);
        if baked.ruled == Some(Ruled::RollBack) && record.assessment.verdict != Verdict::Fail {
            by_hand::learn(scene.log, scene.deployment, record).await;
        }
        self.conclude(scene, record).await;
    }

    async fn act(&self, scene: &Scene<'_>, baked: &Baked) -> Option<RollbackRecord> {
        // A person who orders a rollback has judged, and needs no evidence of ours.
        let watched = baked.ruled.is_none().then_some(Watched {
            since: scene.since,
            heard: baked.heard,
        });
        let brakes = self.brakes(scene, watched);
        let hand = self.hand(scene, &brakes);
        let order = self.order(scene, &brakes, &hand);
        match &baked.decision {
            Decision::Wait | Decision::Accept { .. } => {
                self.emit(What::Decided {
                    action: Action::Accept,
                    because: Decided::from(&baked.decision).because,
                });
                None
            }
            // Nothing was decided: the window is left open, and nobody is asked for anything.
            Decision::Hold { .. } if baked.interrupted => None,
            Decision::Hold { because, interlock } => {
                self.emit(What::Decided {
                    action: baked.decision.action(),
                    because: because.clone(),
                });
                Some(order.not_carried_out(interlock.as_ref()?).await)
            }
            Decision::RollBack { because } => {
                self.emit(What::Decided {
                    action: Action::RollBack,
                    because: because.clone(),
                });
                Some(order.carry_out(&baked.assessment).await)
            }
            Decision::Superseded => {
                Some(order.ended(RollbackOutcome::Superseded, "a newer deployment took over"))
            }
            Decision::Follow => Some(order.follow_own().await),
        }
    }

    pub(super) fn brakes<'a>(
        &'a self,
        scene: &'a Scene<'a>,
        watched: Option<Watched>,
    ) -> Brakes<'a> {
        Brakes {
            context: self.context,
            service: self.service,
            target: &*self.target,
            deployment: scene.deployment,
            log: scene.log,
            guard: scene.guard,
            watched,
            observed: &scene.observed,
            kill_switch: self.options.kill_switch.clone(),
            overridden: &[],
        }
    }

    pub(super) fn hand<'a>(&self, scene: &'a Scene<'a>, brakes: &'a Brakes<'a>) -> Hand<'a> {
        let events = self.context.events.of(&self.service.name);
        let freeze = Some(brakes.freeze());
        Hand::new(scene.log, scene.guard, freeze, events, scene.sent.clone())
    }

    pub(super) fn order<'a>(
        &'a self,
        scene: &'a Scene<'a>,
        brakes: &'a Brakes<'a>,
        hand: &'a Hand<'a>,
    ) -> Order<'a> {
        Order {
            context: self.context,
            service: self.service,
            checks: self.checks,
            target: &*self.target,
            pace: self.options.pace,
            deployment: scene.deployment,
            wanted: scene.wanted.clone(),
            log: scene.log,
            hand,
            brakes,
        }
    }

    /// Writes down how the window ended, and what the ledger learns from it. A rollback that we left
    /// while it went on stays open: another run goes on with it.
    pub(super) async fn conclude(&self, scene: &Scene<'_>, record: &Record) {
        let rollback = record.rollback.as_ref();
        if rollback.is_some_and(|rollback| rollback.left) || record.interrupted {
            self.keep(scene.log, &Entry::Left).await;
            return;
        }
        if let Some(rollback) = rollback {
            self.keep(
                scene.log,
                &Entry::Ended {
                    outcome: rollback.outcome,
                    because: rollback.because.clone(),
                },
            )
            .await;
        }
        for (software, good) in learnt(record, scene.deployment) {
            let guards = match good {
                true => scene.observed.clone(),
                false => Vec::new(),
            };
            self.keep(
                scene.log,
                &Entry::Ledger {
                    software,
                    good,
                    guards,
                },
            )
            .await;
        }
        let verdict = record.assessment.verdict;
        self.keep(scene.log, &Entry::Closed { verdict }).await;
    }

    /// Writes an entry about what changes nothing; that it cannot be written is told once at the
    /// start of the watch.
    pub(super) async fn keep(&self, log: &Logbook, entry: &Entry) {
        if let Err(why) = log.write(entry).await {
            tracing::debug!(why, "not in the journal");
        }
    }
}

/// What a window teaches about software: true is good, false is bad.
fn learnt(record: &Record, deployment: &Deployment) -> Vec<(Software, bool)> {
    let judged = deployment.software();
    let Some(rollback) = &record.rollback else {
        // What a policy accepts although nothing was learnt, or although it fails, is not good.
        let passed = matches!(record.assessment.verdict, Verdict::Pass | Verdict::Warn);
        return match record.decision.action {
            Action::Accept if passed => vec![(judged, true)],
            _ => Vec::new(),
        };
    };
    let mut learnt = Vec::new();
    // Where the revision before fails as well, the deployment was not the cause. The same software
    // that was deployed again did not become worse by it either: learnt as bad, one outage under it
    // would have the next such deployment undone past what ran well for months.
    let is_to_blame = record.decision.action == Action::RollBack
        && record.assessment.verdict == Verdict::Fail
        && rollback.outcome != RollbackOutcome::RolledBackUnhealthy
        && !is_same(rollback, deployment)
        && !rollback.interlocks.iter().any(doubts_itself);
    if is_to_blame {
        learnt.push((judged, false));
    }
    if rollback.outcome == RollbackOutcome::RolledBackVerified
        && rollback.verified == Some(true)
        && let Some(restored) = &rollback.restored
    {
        learnt.push((restored.clone(), true));
    }
    learnt
}

/// Whether what was gone back to, or would have been, is what was judged: so the plan said, or so it stands
/// where there was none, as after a rollback of the platform's own or when the platform was away.
fn is_same(rollback: &RollbackRecord, judged: &Deployment) -> bool {
    let to = rollback.to.as_ref();
    rollback.is_same || to.is_some_and(|to| to.id == judged.revision.id)
}

/// Whether an interlock says that what was found may be our own fault, or is too little.
const fn doubts_itself(interlock: &Interlock) -> bool {
    matches!(interlock, Interlock::Verifier(_) | Interlock::Evidence(_))
}
