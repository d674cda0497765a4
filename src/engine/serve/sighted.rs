//! Whether what is deployed is something to open a window over: asked when the lookout sees another
//! mark, and at the start. Reads the platform and the journal; changes nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, WallTime};
use crate::decision::{Past, Unfinished};
use crate::deploy::{DeployError, DeploymentTarget};
use crate::deployment::{Deployment, Selector, Sighting};
use crate::engine::logbook::{Journaling, Logbook};

/// A deployment that came so long before we began to look, and longer before than a bake lasts, and is
/// rolled out, is no news: what goes wrong by now need not be its fault.
const RECENT: Duration = Duration::from_secs(30 * 60);
/// A deployment that is seen is listed within this time.
const LISTED_WITHIN: Duration = Duration::from_secs(120);
/// So long may finding out take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// What there is to do about what is deployed.
#[derive(Debug)]
pub(super) enum Sighted {
    /// A window is to be opened over this deployment.
    New(Box<Deployment>),
    /// An earlier run has left a rollback in this window: it is to be gone on with.
    Left(Box<Unfinished>),
    /// Nothing, and why.
    Known(&'static str),
    /// Nothing, since it came too long before we looked; whether it came while nobody looked though this
    /// service had been watched before.
    TooOld(Box<Deployment>, bool),
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) sighted: Sighted,
    /// Windows that an earlier run has left open and that nobody goes on with under their names.
    pub(super) left: Vec<Unfinished>,
}

/// What is looked at.
pub(super) struct Looking {
    pub(super) target: Arc<dyn DeploymentTarget>,
    pub(super) journaling: Journaling,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) selector: Selector,
    /// How it was seen from afar; absent where a person asks, and then everything is new.
    pub(super) sighting: Option<Sighting>,
    /// Since when somebody looks at this service, where it is the first thing that is seen of it.
    pub(super) first_since: Option<WallTime>,
    /// Whether what an earlier run has left is to be found.
    pub(super) takes_over: bool,
    /// The deployment that was judged here last, whatever the journal knows.
    pub(super) judged: Option<String>,
    /// How long a deployment is watched.
    pub(super) bake: Duration,
    /// How long a rollback that was left may be gone on with.
    pub(super) patience: Duration,
}

impl Looking {
    /// Finds out what there is to do.
    pub(super) async fn find_out(self) -> Result<Found, DeployError> {
        let found = tokio::time::timeout(PATIENCE, self.look());
        found.await.unwrap_or_else(|_| {
            let why = "the platform did not say in time what is deployed";
            Err(DeployError::Passing(why.to_owned()))
        })
    }

    async fn look(&self) -> Result<Found, DeployError> {
        let identity = self.target.identity().await?;
        let log = Logbook::open(self.journaling.clone(), &identity, Arc::clone(&self.clock));
        // Without a journal nothing is known to have been judged.
        let past = log.past().await.unwrap_or_default();
        let now = self.clock.wall();
        let mut left = match self.takes_over {
            true => past.all_unfinished().to_vec(),
            false => Vec::new(),
        };
        let rollback = left
            .iter()
            .position(|one| one.has_rollback(now, self.patience));
        if let Some(rollback) = rollback {
            let sighted = Sighted::Left(Box::new(left.remove(rollback)));
            return Ok(Found { sighted, left });
        }
        let sighted = self.look_at_current(&past, now).await?;
        Ok(Found { sighted, left })
    }

    async fn look_at_current(&self, past: &Past, now: WallTime) -> Result<Sighted, DeployError> {
        let deployment = self.pin().await?;
        let Some(sighting) = &self.sighting else {
            return Ok(Sighted::New(Box::new(deployment)));
        };
        if past.is_carrier(&deployment.id) {
            return self.already("it is a rollback of ours", &deployment, sighting, now);
        }
        let is_judged =
            past.has_judged(&deployment.id) || self.judged.as_ref() == Some(&deployment.id);
        if is_judged {
            return self.already("it was judged already", &deployment, sighting, now);
        }
        if self.came_too_early(past, &deployment, sighting) {
            let was_watched = past.deployments_seen() > 0;
            return Ok(Sighted::TooOld(Box::new(deployment), was_watched));
        }
        Ok(Sighted::New(Box::new(deployment)))
    }

    /// What is meant. Where our own task does not say what it belongs to, as one that hangs, or of a daemon
    /// that watches others, it is what is current.
    async fn pin(&self) -> Result<Deployment, DeployError> {
        let pinned = self.target.pin(&self.selector).await;
        match (&self.selector, pinned) {
            (Selector::Own(_), Err(DeployError::Passing(why) | DeployError::Strange(why))) => {
                tracing::warn!(why, "our own task does not say what it belongs to");
                self.target.pin(&Selector::Current).await
            }
            (_, pinned) => pinned,
        }
    }

    /// It is known; unless the platform shows an older one in the place of what we saw, which came a
    /// moment ago and is not listed yet.
    fn already(
        &self,
        why: &'static str,
        deployment: &Deployment,
        sighting: &Sighting,
        now: WallTime,
    ) -> Result<Sighted, DeployError> {
        let is_another = sighting.mark != deployment.id
            && deployment
                .created
                .zip(sighting.created)
                .is_some_and(|(listed, seen)| seen > listed && now.since(seen) < LISTED_WITHIN);
        match is_another {
            true => Err(DeployError::Passing(
                "the platform does not show yet what is being deployed".to_owned(),
            )),
            false => Ok(Sighted::Known(why)),
        }
    }

    /// Whether it came before anybody looked, and too long before.
    fn came_too_early(&self, past: &Past, deployment: &Deployment, sighting: &Sighting) -> bool {
        let Some(since) = self.first_since else {
            return false;
        };
        let created = deployment.created.or(sighting.created);
        let recent = RECENT.max(self.bake);
        let is_old = created.is_some_and(|created| since.since(created) > recent);
        let mut left = past.all_unfinished().iter().filter(|one| !one.by_hand);
        let was_left = left.any(|one| one.deployment.id == deployment.id);
        is_old && !sighting.is_in_flight && !was_left
    }
}
