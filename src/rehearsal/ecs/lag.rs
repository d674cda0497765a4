//! Eventual consistency: for a while after something has changed, reads answer with the state from
//! before it. Writes always see the present.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::state::World;
use crate::clock::Moment;

/// How far reads lag behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lag {
    /// Not at all.
    #[default]
    None,
    /// Only those reads that [`super::Fault::Stale`] strikes.
    OnOrder,
    /// All reads, for so long after a change by the stand-in's clock.
    For(Duration),
    /// The next so many reads after a change.
    Reads(u32),
}

/// What reads may still see.
#[derive(Debug, Default)]
pub(super) struct Memory {
    lag: Lag,
    latest: Option<(u64, Arc<World>)>,
    before: Option<Before>,
}

/// The state from before a change.
#[derive(Debug)]
struct Before {
    world: Arc<World>,
    changed: Moment,
    reads: u32,
}

impl Memory {
    /// Sets the lag; what was remembered is forgotten.
    pub(super) fn set(&mut self, lag: Lag) {
        *self = Self {
            lag,
            ..Self::default()
        };
    }

    /// Looks whether something has changed since the last look.
    pub(super) fn look(&mut self, world: &World) {
        if self.lag == Lag::None {
            return;
        }
        let print = fingerprint(world);
        if self
            .latest
            .as_ref()
            .is_some_and(|(known, _)| *known == print)
        {
            return;
        }
        let known = self.latest.replace((print, Arc::new(world.clone())));
        let Some((_, before)) = known else {
            return;
        };
        // A state that is still shown stays the one that is shown: reads never go back and forth.
        let now = world.present.moment;
        if self.lag == Lag::OnOrder || !self.is_shown(now) {
            self.before = Some(Before {
                world: before,
                changed: now,
                reads: 0,
            });
        }
    }

    /// The state that a read sees instead of the present one.
    pub(super) fn read(&mut self, now: Moment) -> Option<Arc<World>> {
        if !self.is_shown(now) {
            return None;
        }
        let before = self.before.as_mut()?;
        before.reads += 1;
        Some(Arc::clone(&before.world))
    }

    /// The state before the last change, however long ago.
    pub(super) fn former(&self) -> Option<Arc<World>> {
        self.before.as_ref().map(|before| Arc::clone(&before.world))
    }

    fn is_shown(&self, now: Moment) -> bool {
        let Some(before) = &self.before else {
            return false;
        };
        match self.lag {
            Lag::None | Lag::OnOrder => false,
            Lag::For(span) => now.since(before.changed) < span,
            Lag::Reads(reads) => before.reads < reads,
        }
    }
}

/// A number for all that a reader could tell apart, times aside.
fn fingerprint(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    for service in &world.services {
        (service.active, service.desired, service.history.len()).hash(&mut hasher);
        for deployment in &service.deployments {
            let running = service.running(&deployment.id);
            (
                &deployment.id,
                deployment.primary,
                deployment.rollout.name(),
                running,
            )
                .hash(&mut hasher);
        }
        if let Some(latest) = service.history.last() {
            let stage = latest.stage.map(super::stages::Stage::name);
            (latest.status.name(), stage, latest.monitors.failures).hash(&mut hasher);
            for hook in &latest.hooks {
                (&hook.id, hook.status.name()).hash(&mut hasher);
            }
        }
    }
    for deployment in &world.codedeploy.deployments {
        let rollback = deployment.rolled_back_by.is_some();
        (&deployment.id, deployment.status.name(), rollback).hash(&mut hasher);
    }
    for definition in &world.task_definitions {
        definition.active.hash(&mut hasher);
    }
    hasher.finish()
}
