//! How deployments of CodeDeploy move over the clock: installed, given the traffic, ended; stopped,
//! and rolled back by another one.

use std::time::Duration;

use super::super::state::World;
use super::super::task_sets::TaskSet;
use super::{Deployment, Status, Step, app_spec};
use crate::clock::Moment;

/// Brings all deployments up to the present.
pub(in super::super) fn advance(world: &mut World) {
    let mut index = 0;
    // A rollback that begins stands behind the others, and is reached in its turn.
    while index < world.codedeploy.deployments.len() {
        while world.moves_on(index) {}
        index += 1;
    }
}

impl World {
    /// One change of a deployment at most; whether there was one.
    fn moves_on(&mut self, index: usize) -> bool {
        let now = self.present.moment;
        let deployment = &mut self.codedeploy.deployments[index];
        if !deployment.status.is_in_flight() {
            return match deployment.rollback_due.filter(|at| *at <= now) {
                Some(at) => {
                    deployment.rollback_due = None;
                    self.begin_rollback(index, at);
                    true
                }
                None => false,
            };
        }
        if let Some(stop) = deployment.stop.filter(|stop| stop.at <= now) {
            self.end_broken(index, Status::Stopped, stop.rolls_back.then_some(stop.at));
            return true;
        }
        if let Some(held) = deployment.held {
            deployment.status = held;
            return false;
        }
        let elapsed = elapsed(deployment, now);
        let span = self.span(index);
        match self.codedeploy.deployments[index].step {
            Step::Waiting if elapsed > Duration::ZERO => self.install(index),
            Step::Installed if elapsed >= span / 2 => self.shift_traffic(index),
            Step::Shifted if elapsed >= span => self.end_well(index),
            Step::Waiting | Step::Installed | Step::Shifted => return false,
        }
        true
    }

    fn span(&self, index: usize) -> Duration {
        match self.codedeploy.deployments[index].rolls_back {
            Some(_) => self.settings.rollback,
            None => self.settings.rollout,
        }
    }

    /// The place of the service to which a deployment belongs.
    fn service_of(&self, index: usize) -> Option<usize> {
        let group = &self.codedeploy.groups[self.codedeploy.deployments[index].group];
        self.service_index(&group.cluster, &group.service).ok()
    }

    fn install(&mut self, index: usize) {
        let deployment = &self.codedeploy.deployments[index];
        let is_alarmed = self.codedeploy.groups[deployment.group].firing && !deployment.unalarmed;
        let definition = self.deployable(&deployment.definition);
        let (Some(service), Ok(definition)) = (self.service_of(index), definition) else {
            return self.end_broken(index, Status::Failed, None);
        };
        if is_alarmed {
            return self.end_broken(index, Status::Stopped, None);
        }
        let own = self.make_set(index, service, &definition);
        let other = self.services[service].primary().map(|set| set.id.clone());
        let deployment = &mut self.codedeploy.deployments[index];
        deployment.status = Status::InProgress;
        deployment.step = Step::Installed;
        deployment.own = Some(own);
        deployment.other = other;
    }

    fn make_set(&mut self, index: usize, service: usize, definition: &str) -> String {
        let revision = self.add_revision(service, definition);
        let set = TaskSet {
            external: Some(self.codedeploy.deployments[index].id.clone()),
            started_by: Some("CODE_DEPLOY"),
            ..TaskSet::default()
        };
        let (ids, present) = (&mut self.ids, self.present);
        self.services[service].add_task_set(&revision, set, ids, present)
    }

    fn shift_traffic(&mut self, index: usize) {
        let own = self.codedeploy.deployments[index].own.clone();
        if let (Some(service), Some(own)) = (self.service_of(index), own) {
            self.services[service].make_task_set_primary(&own);
        }
        self.codedeploy.deployments[index].step = Step::Shifted;
    }

    fn end_well(&mut self, index: usize) {
        let other = self.codedeploy.deployments[index].other.clone();
        if let (Some(service), Some(other)) = (self.service_of(index), other) {
            let present = self.present;
            self.services[service].remove_task_set(&other, present);
        }
        let deployment = &mut self.codedeploy.deployments[index];
        deployment.status = Status::Succeeded;
        deployment.completed = Some(self.present.wall);
    }

    /// A deployment ends without having ended well; what it made stays for now. When it ended at a
    /// moment that is given, it is rolled back a while after it.
    pub(super) fn end_broken(&mut self, index: usize, status: Status, rolls_back: Option<Moment>) {
        let lag = self.settings.rollback_lag;
        let deployment = &mut self.codedeploy.deployments[index];
        deployment.status = status;
        deployment.completed = Some(self.present.wall);
        deployment.rollback_due = rolls_back.map(|ended| ended + lag);
    }

    /// CodeDeploy's own rollback: the task set that ran before gets the traffic back.
    fn begin_rollback(&mut self, index: usize, at: Moment) {
        let broken = &self.codedeploy.deployments[index];
        let (id, group) = (broken.id.clone(), broken.group);
        let (failed, kept) = (broken.own.clone(), broken.other.clone());
        let Some(service) = self.service_of(index) else {
            return;
        };
        let Some(primary) = kept.or_else(|| {
            let primary = self.services[service].primary();
            primary.map(|set| set.id.clone())
        }) else {
            return;
        };
        let definition = self.services[service].definition_of_set(&primary);
        let order = super::Order {
            group,
            revision: app_spec(&definition),
            definition,
            description: None,
            unalarmed: true,
        };
        let Ok(rollback) = self.order(order) else {
            return;
        };
        self.services[service].make_task_set_primary(&primary);
        if let Some(last) = self.codedeploy.deployments.last_mut() {
            last.creator = "codeDeployRollback";
            last.since = at;
            last.status = Status::InProgress;
            last.step = Step::Shifted;
            last.rolls_back = Some(id);
            last.own = Some(primary);
            last.other = failed;
        }
        self.codedeploy.deployments[index].rolled_back_by = Some(rollback);
    }
}

fn elapsed(deployment: &Deployment, now: Moment) -> Duration {
    if deployment.hurried {
        return Duration::MAX;
    }
    now.since(deployment.since)
}
