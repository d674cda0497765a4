//! The past of a service, read out of its journal: what was judged good and bad, which rollbacks
//! there were, what is unfinished.
//!
//! Wherever the journal leaves it open whether something was done, it counts as done: a call that
//! was written down and never answered may have arrived. Asked by `brakes` and by `engine`.

mod ledger;
#[cfg(test)]
mod tests;
mod window;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use self::ledger::Ledger;
use self::window::Window;
use crate::clock::WallTime;
use crate::deployment::{
    Call, Deployment, RollbackOutcome, RollbackPlan, Software, StartedRollback,
};
use crate::event::Action;
use crate::journal::{Entry, Judged, Kept, Observation};

/// What is known of a service from earlier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    ledger: Ledger,
    rollbacks: Vec<PastRollback>,
    finished: BTreeSet<String>,
    unfinished: Vec<Unfinished>,
}

/// A rollback of ours that was carried out, or may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRollback {
    /// The deployment that was to be undone.
    pub deployment: String,
    /// When the platform was last told something about it.
    pub at: WallTime,
    /// How it ended; absent when that was not written down.
    pub outcome: Option<RollbackOutcome>,
    /// The deployment that carries it, where it is known; with some ways it is the undone one
    /// itself.
    pub carrier: Option<String>,
    /// The window that it belongs to.
    pub window: String,
}

/// A window that nobody has closed: its run died, or was told to stop.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfinished {
    /// The window.
    pub window: String,
    /// When it was opened.
    pub opened: WallTime,
    /// The service, as declared.
    pub service: Arc<str>,
    /// The deployment under test, or to be undone.
    pub deployment: Deployment,
    /// Whether it is a rollback that a person ordered.
    pub by_hand: bool,
    /// The answers of the guards when it was opened.
    pub guards: Vec<Observation>,
    /// What was decided last: what, why, and what had been found.
    pub decided: Option<(Action, Vec<String>, Judged)>,
    /// The rollback that was meant last.
    pub plan: Option<RollbackPlan>,
    /// The calls for this deployment that were written down and not refused, in this window and in
    /// earlier ones that were left unfinished: each may have been done.
    pub sent: Vec<Call>,
    /// The rollback that the platform carries out.
    pub carried: Option<StartedRollback>,
    /// Whether the platform said that the previous revision runs, alone and whole.
    pub restored: bool,
    /// How the rollback ended, and the line that says it all.
    pub ended: Option<(RollbackOutcome, String)>,
    /// Whether interlocks stopped the rollback that was meant last, or was about to be.
    pub stopped: bool,
    /// When its last entry was written.
    pub touched: WallTime,
    /// Older windows of the same deployment that nobody has closed: this one goes on for them too.
    pub earlier: Vec<String>,
}

impl Unfinished {
    /// Whether something that runs may have been changed.
    #[must_use]
    pub fn has_acted(&self) -> bool {
        self.carried.is_some() || self.sent.iter().any(|call| !call.only_prepares())
    }

    /// Whether there is a rollback to go on with: one that may have begun, or one that every brake
    /// had let pass less than `patience` ago. What was found longer ago than that says little of
    /// now; what a person ordered and was not begun is ordered again by a person, or not at all.
    #[must_use]
    pub fn has_rollback(&self, now: WallTime, patience: Duration) -> bool {
        let is_meant = self.plan.is_some()
            && self.ended.is_none()
            && !self.stopped
            && !self.by_hand
            && now.since(self.touched) <= patience;
        self.has_acted() || is_meant
    }

    /// Takes over what an older window of the same deployment had left.
    fn go_on_for(&mut self, older: Self) {
        self.sent.splice(0..0, older.sent);
        self.carried = self.carried.take().or(older.carried);
        if self.plan.is_none() && older.plan.is_some() {
            self.plan = older.plan;
            self.decided = older.decided;
            self.by_hand = older.by_hand;
            self.stopped = older.stopped;
            self.ended = older.ended;
            self.touched = older.touched;
        }
        self.earlier = older.earlier;
        self.earlier.push(older.window);
    }
}

impl Past {
    /// Reads the past of one service; its entries come with the oldest first, as they are kept.
    #[must_use]
    pub fn of(kept: &[Kept]) -> Self {
        let mut past = Self::default();
        let mut windows: Vec<Window<'_>> = Vec::new();
        for one in kept {
            if let Entry::Ledger {
                software,
                good,
                guards,
            } = &one.entry
            {
                past.ledger.judge(software, *good, guards);
            }
            let known = windows.iter_mut().find(|known| known.name == one.window);
            match known {
                Some(window) => window.read(one),
                None => {
                    let mut window = Window::new(&one.window);
                    window.read(one);
                    windows.push(window);
                }
            }
        }
        past.rollbacks = windows.iter().filter_map(Window::rollback).collect();
        let watched = windows.iter().filter(|window| window.was_watched());
        let judged = watched.filter_map(|window| window.deployment());
        past.finished = judged.map(|one| one.id.clone()).collect();
        past.unfinished = unfinished(&windows);
        past
    }

    /// What was judged good here and not bad later, the newest first.
    #[must_use]
    pub fn good(&self) -> Vec<Software> {
        self.ledger.good()
    }

    /// What was judged bad here and not good later, the newest first.
    #[must_use]
    pub fn bad(&self) -> Vec<Software> {
        self.ledger.bad()
    }

    /// The answers of the guards when this software was last judged good.
    #[must_use]
    pub fn guards_of(&self, software: &Software) -> Option<&[Observation]> {
        self.ledger.guards_of(software)
    }

    /// The rollbacks of ours that were carried out, or may have been, the oldest first.
    #[must_use]
    pub fn rollbacks(&self) -> &[PastRollback] {
        &self.rollbacks
    }

    /// Whether we have undone this deployment, or may have.
    #[must_use]
    pub fn has_rolled_back(&self, deployment: &str) -> bool {
        self.rollbacks
            .iter()
            .any(|one| one.deployment == deployment)
    }

    /// Whether this deployment is itself a rollback of ours. One that was undone by stopping it
    /// carries its own rollback, and is none.
    #[must_use]
    pub fn is_carrier(&self, deployment: &str) -> bool {
        self.rollbacks
            .iter()
            .any(|one| one.carrier.as_deref() == Some(deployment) && one.deployment != deployment)
    }

    /// When the platform was last told to roll back, by the clock that reads the latest.
    #[must_use]
    pub fn last_rollback(&self) -> Option<WallTime> {
        self.rollbacks.iter().map(|one| one.at).max()
    }

    /// How many rollbacks there were at this time or later.
    #[must_use]
    pub fn rollbacks_since(&self, at: WallTime) -> usize {
        self.rollbacks.iter().filter(|one| one.at >= at).count()
    }

    /// Whether this deployment was watched to the end.
    #[must_use]
    pub fn has_judged(&self, deployment: &str) -> bool {
        self.finished.contains(deployment)
    }

    /// How many deployments were watched to the end.
    #[must_use]
    pub fn deployments_seen(&self) -> usize {
        self.finished.len()
    }

    /// The newest window that nobody has closed.
    #[must_use]
    pub fn unfinished(&self) -> Option<&Unfinished> {
        self.unfinished.first()
    }

    /// The newest window of each deployment that has one which nobody has closed, the newest first.
    #[must_use]
    pub fn all_unfinished(&self) -> &[Unfinished] {
        &self.unfinished
    }
}

/// One a deployment: a newer window goes on where an older one was left.
fn unfinished(windows: &[Window<'_>]) -> Vec<Unfinished> {
    let mut found: Vec<Unfinished> = Vec::new();
    for window in windows.iter().filter(|window| !window.closed) {
        let Some(mut one) = window.unfinished() else {
            continue;
        };
        let same = |older: &Unfinished| older.deployment.id == one.deployment.id;
        if let Some(at) = found.iter().position(same) {
            one.go_on_for(found.remove(at));
        }
        found.push(one);
    }
    found.reverse();
    found
}
