//! Task sets: how the tasks of a service lie that ECS does not move itself. An entry of
//! `deployments` is a task set then; what only task sets have is kept here, and changed by
//! CodeDeploy's stand-in, by the operations on task sets and by the control alone.

use std::collections::HashMap;

use super::arn;
use super::service::{Controller, Deployment, Motion, Rollout, Service};
use super::settings::Settings;
use super::state::{Ids, Present};
use super::traffic::Traffic;

/// What only task sets have, by their id; without an entry a set is whole and nobody's.
pub(super) type TaskSets = HashMap<String, TaskSet>;

/// What only a task set has.
#[derive(Clone, Debug)]
pub(super) struct TaskSet {
    /// Its deployer's name for it.
    pub(super) external: Option<String>,
    pub(super) started_by: Option<&'static str>,
    /// Of the service's desired count, in hundredths.
    pub(super) scale: usize,
    /// So many of its tasks do not start.
    pub(super) missing: usize,
    /// It does not settle, whatever its counts say.
    pub(super) unsettled: bool,
    pub(super) draining: bool,
}

impl Default for TaskSet {
    fn default() -> Self {
        Self {
            external: None,
            started_by: None,
            scale: WHOLE,
            missing: 0,
            unsettled: false,
            draining: false,
        }
    }
}

impl Service {
    /// Brings the service up to the present, whoever moves its tasks.
    pub(super) fn move_on(&mut self, settings: &Settings, ids: &mut Ids, present: Present) {
        if self.controller == Controller::Ecs || self.motion != Motion::Still {
            self.advance(settings, ids, present);
        } else {
            self.keep_task_sets(ids, present);
        }
    }

    /// What only this task set has.
    pub(super) fn task_set(&self, id: &str) -> TaskSet {
        self.sets.get(id).cloned().unwrap_or_default()
    }

    /// How many tasks a task set is to have: a share of the service's, rounded up.
    pub(super) fn computed_desired(&self, id: &str) -> usize {
        let set = self.task_set(id);
        if set.draining {
            return 0;
        }
        (self.desired * set.scale).div_ceil(WHOLE)
    }

    /// Adds a task set that takes no traffic yet; answers with its id.
    pub(super) fn add_task_set(
        &mut self,
        revision: &str,
        set: TaskSet,
        ids: &mut Ids,
        present: Present,
    ) -> String {
        let id = arn::deployment_id(ids.next());
        self.deployments.push(Deployment {
            id: id.clone(),
            primary: false,
            rollout: Rollout::Completed,
            revision: revision.to_owned(),
            created: present.wall,
            updated: present.wall,
        });
        self.sets.insert(id.clone(), set);
        self.keep_task_sets(ids, present);
        id
    }

    /// Gives a task set all the traffic; whether there is one of this id.
    pub(super) fn make_task_set_primary(&mut self, id: &str) -> bool {
        let Some(place) = self.deployments.iter().position(|set| set.id == id) else {
            return false;
        };
        for set in &mut self.deployments {
            set.primary = set.id == id;
        }
        // The primary one comes first.
        self.deployments[..=place].rotate_right(1);
        self.publish_primary();
        true
    }

    /// Takes a task set away with its tasks.
    pub(super) fn remove_task_set(&mut self, id: &str, present: Present) {
        self.deployments.retain(|set| set.id != id);
        self.sets.remove(id);
        for task in &mut self.tasks {
            if task.deployment == id && task.stopped.is_none() {
                task.stopped = Some(present.wall);
            }
        }
    }

    /// Gives every task set the tasks that it is to have.
    pub(super) fn keep_task_sets(&mut self, ids: &mut Ids, present: Present) {
        for set in self.deployments.clone() {
            let missing = self.task_set(&set.id).missing;
            let wanted = self.computed_desired(&set.id).saturating_sub(missing);
            self.start(&set.id, wanted, ids, present);
            let mut left = wanted;
            for task in &mut self.tasks {
                if task.deployment != set.id || task.stopped.is_some() {
                    continue;
                }
                match left.checked_sub(1) {
                    Some(fewer) => left = fewer,
                    None => task.stopped = Some(present.wall),
                }
            }
        }
        self.publish_primary();
    }

    /// Tells whoever follows the traffic: the primary task set has all of it.
    fn publish_primary(&self) {
        let primary = self.primary().filter(|set| set.primary);
        let shares = primary.and_then(|set| {
            let revision = self.revision(&set.revision)?;
            Some((revision.label.clone(), self.running(&set.id)))
        });
        let traffic = Traffic::new(shares.into_iter().filter(|(_, tasks)| *tasks > 0).collect());
        self.traffic.send_if_modified(|current| {
            let changed = *current != traffic;
            *current = traffic;
            changed
        });
    }
}

/// A scale of a hundred hundredths.
const WHOLE: usize = 100;
