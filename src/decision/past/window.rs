//! One window, as its entries tell it.

use std::sync::Arc;

use super::{PastRollback, Unfinished};
use crate::clock::WallTime;
use crate::deployment::{Answer, Call, Deployment, RollbackOutcome, RollbackPlan, StartedRollback};
use crate::event::Action;
use crate::journal::{Entry, Judged, Kept, Observation};

/// What the entries of a window say together.
#[derive(Debug)]
pub(super) struct Window<'a> {
    pub(super) name: &'a str,
    pub(super) closed: bool,
    opened: Option<Opening<'a>>,
    decided: Option<(Action, &'a [String], &'a Judged)>,
    plan: Option<&'a RollbackPlan>,
    /// Written down and not refused.
    sent: Vec<&'a Call>,
    /// When the platform was last told something that changes what runs.
    acted: Option<WallTime>,
    carried: Option<&'a StartedRollback>,
    restored: bool,
    ended: Option<(RollbackOutcome, &'a str)>,
    stopped: bool,
    /// When its first and its last entry were written.
    lasted: Option<(WallTime, WallTime)>,
}

#[derive(Clone, Copy, Debug)]
struct Opening<'a> {
    at: WallTime,
    service: &'a Arc<str>,
    deployment: &'a Deployment,
    by_hand: bool,
    guards: &'a [Observation],
}

impl<'a> Window<'a> {
    pub(super) const fn new(name: &'a str) -> Self {
        Self {
            name,
            closed: false,
            opened: None,
            decided: None,
            plan: None,
            sent: Vec::new(),
            acted: None,
            carried: None,
            restored: false,
            ended: None,
            stopped: false,
            lasted: None,
        }
    }

    /// Reads the next entry.
    pub(super) fn read(&mut self, kept: &'a Kept) {
        let at = kept.at;
        self.lasted = Some((self.lasted.map_or(at, |(first, _)| first), at));
        match &kept.entry {
            Entry::Opened {
                service,
                deployment,
                guards,
            } => {
                self.opened = Some(Opening {
                    at,
                    service,
                    deployment,
                    by_hand: false,
                    guards,
                });
            }
            Entry::Ordered {
                service,
                deployment,
                ..
            } => {
                self.opened = Some(Opening {
                    at,
                    service,
                    deployment,
                    by_hand: true,
                    guards: &[],
                });
            }
            Entry::Decided {
                action,
                because,
                judged,
            } => self.decided = Some((*action, because, judged)),
            Entry::Intended { plan } => {
                self.plan = Some(plan);
                self.stopped = false;
                self.closed = false;
            }
            Entry::Calling { call } => {
                // Whoever took its window for one that was left has closed it too early.
                self.closed = false;
                self.sent.push(call);
                self.act(call, at);
            }
            Entry::Answered { call, answer } => self.answered(call, answer, at),
            Entry::Carried { started } => {
                self.carried = Some(started);
                self.acted = self.acted.max(Some(at));
            }
            Entry::Restored => self.restored = true,
            Entry::Ended { outcome, because } => self.ended = Some((*outcome, because)),
            Entry::Closed { .. } => self.closed = true,
            Entry::Stopped { .. } => self.stopped = true,
            Entry::Ledger { .. } | Entry::Left => {}
        }
    }

    fn act(&mut self, call: &Call, at: WallTime) {
        if !call.only_prepares() {
            self.acted = self.acted.max(Some(at));
        }
    }

    fn answered(&mut self, call: &'a Call, answer: &Answer, at: WallTime) {
        if let Answer::Refused { .. } = answer {
            // The same call may have been sent again after it was refused, so one goes.
            if let Some(refused) = self.sent.iter().rposition(|sent| *sent == call) {
                self.sent.remove(refused);
            }
            return;
        }
        if !self.sent.contains(&call) {
            self.sent.push(call);
        }
        self.act(call, at);
    }

    pub(super) fn deployment(&self) -> Option<&'a Deployment> {
        let opened = self.opened.map(|opened| opened.deployment);
        opened.or_else(|| self.plan.map(|plan| &plan.deployment))
    }

    /// Whether a deployment was watched in it, to the end: one that was closed because its run had
    /// died decided nothing.
    pub(super) fn was_watched(&self) -> bool {
        let by_hand = self.opened.is_none_or(|opened| opened.by_hand);
        self.closed && self.decided.is_some() && !by_hand
    }

    /// The rollback of this window, if the platform was told of one and did not refuse.
    pub(super) fn rollback(&self) -> Option<PastRollback> {
        let told = self.sent.iter().any(|call| !call.only_prepares());
        if !told && self.carried.is_none() {
            return None;
        }
        Some(PastRollback {
            deployment: self.deployment()?.id.clone(),
            at: self.acted?,
            outcome: self.ended.map(|(outcome, _)| outcome),
            carrier: self.carried.map(|started| started.carrier.clone()),
            window: self.name.to_owned(),
        })
    }

    /// The window as something to go on with; nothing when it is about no deployment. One whose
    /// beginning could not be written down is known by the rollback that was meant in it.
    pub(super) fn unfinished(&self) -> Option<Unfinished> {
        let (first, touched) = self.lasted?;
        let deployment = self.deployment()?;
        let opened = self.opened;
        let decided = self.decided;
        let service = opened.map(|opened| Arc::clone(opened.service));
        Some(Unfinished {
            window: self.name.to_owned(),
            opened: opened.map_or(first, |opened| opened.at),
            service: service.unwrap_or_else(|| Arc::from(&*deployment.service)),
            deployment: deployment.clone(),
            by_hand: opened.is_some_and(|opened| opened.by_hand),
            guards: opened.map_or_else(Vec::new, |opened| opened.guards.to_vec()),
            decided: decided
                .map(|(action, because, judged)| (action, because.to_vec(), judged.clone())),
            plan: self.plan.cloned(),
            sent: self.sent.iter().copied().cloned().collect(),
            carried: self.carried.cloned(),
            restored: self.restored,
            ended: self
                .ended
                .map(|(outcome, because)| (outcome, because.to_owned())),
            stopped: self.stopped,
            touched,
            earlier: Vec::new(),
        })
    }
}
