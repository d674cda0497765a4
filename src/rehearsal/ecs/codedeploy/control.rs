//! The handle of a deployment group of CodeDeploy: what is deployed by it, and how that goes.

use serde_json::{Value, json};

use super::super::control::Control;
use super::super::operations::Refusal;
use super::super::state::World;
use super::{Group, Order, Status, Stop, app_spec, written};

/// The control of one deployment group.
#[derive(Clone, Debug)]
pub struct GroupControl {
    control: Control,
    group: usize,
}

impl Control {
    /// Makes a deployment group that deploys to a service.
    #[must_use]
    pub fn codedeploy(
        &self,
        (application, group): (&str, &str),
        (cluster, service): (&str, &str),
    ) -> GroupControl {
        let mut world = self.world();
        world.codedeploy.groups.push(Group {
            application: application.to_owned(),
            name: group.to_owned(),
            cluster: cluster.to_owned(),
            service: service.to_owned(),
            configuration: "CodeDeployDefault.ECSAllAtOnce".to_owned(),
            alarms: Vec::new(),
            firing: false,
        });
        let group = world.codedeploy.groups.len() - 1;
        drop(world);
        GroupControl {
            control: self.clone(),
            group,
        }
    }
}

impl GroupControl {
    /// Somebody deploys a task definition; answers with the deployment's id.
    ///
    /// # Errors
    /// When another deployment of the group goes on.
    pub fn deploy(&self, definition: &str) -> Result<String, Refusal> {
        self.order(definition, app_spec(definition))
    }

    /// The same with an AppSpec as it is written.
    ///
    /// # Errors
    /// When another deployment of the group goes on.
    pub fn deploy_written(&self, definition: &str, content: &str) -> Result<String, Refusal> {
        self.order(definition, written(content))
    }

    /// The same with an AppSpec that lies in a bucket.
    ///
    /// # Errors
    /// When another deployment of the group goes on.
    pub fn deploy_from_bucket(&self, definition: &str) -> Result<String, Refusal> {
        let key = format!("{definition}.yaml");
        let place = json!({ "bucket": "specs", "key": key, "bundleType": "YAML" });
        self.order(
            definition,
            json!({ "revisionType": "S3", "s3Location": place }),
        )
    }

    fn order(&self, definition: &str, revision: Value) -> Result<String, Refusal> {
        self.control.world().order(Order {
            group: self.group,
            revision,
            definition: definition.to_owned(),
            description: None,
            unalarmed: false,
        })
    }

    /// Ends what goes on as if its spans were over.
    pub fn complete(&self) {
        self.with(|world, index| world.codedeploy.deployments[index].hurried = true);
        self.control.advance();
    }

    /// What goes on stays as it is, with this status; with none it goes on.
    pub fn hold(&self, status: Option<Status>) {
        self.with(|world, index| world.codedeploy.deployments[index].held = status);
        self.control.advance();
    }

    /// What goes on fails, and CodeDeploy rolls it back or not.
    pub fn fail(&self, rolls_back: bool) {
        self.with(|world, index| {
            let rolls_back = rolls_back.then_some(world.present.moment);
            world.end_broken(index, Status::Failed, rolls_back);
        });
    }

    /// Somebody stops what goes on, and has it rolled back or not.
    pub fn stop(&self, rolls_back: bool) {
        self.with(|world, index| {
            let at = world.present.moment + world.settings.rollback_lag;
            world.codedeploy.deployments[index].stop = Some(Stop { at, rolls_back });
        });
    }

    /// Gives the group alarms that stop its deployments when one of them fires.
    pub fn watch(&self, alarms: &[&str]) {
        let mut world = self.control.world();
        let alarms = alarms.iter().map(ToString::to_string).collect();
        world.codedeploy.groups[self.group].alarms = alarms;
    }

    /// With `true`, an alarm of the group fires.
    pub fn alarm(&self, firing: bool) {
        self.control.world().codedeploy.groups[self.group].firing = firing;
    }

    /// Chooses how the group moves the traffic: `CodeDeployDefault.ECSLinear10PercentEvery1Minutes`.
    pub fn configure(&self, configuration: &str) {
        let mut world = self.control.world();
        configuration.clone_into(&mut world.codedeploy.groups[self.group].configuration);
    }

    /// The ids of the group's deployments with their status, the oldest first.
    #[must_use]
    pub fn deployments(&self) -> Vec<(String, Status)> {
        let world = self.control.world();
        let all = world.codedeploy.deployments.iter();
        all.filter(|known| known.group == self.group)
            .map(|known| (known.id.clone(), known.status))
            .collect()
    }

    /// Changes the deployment that goes on, if one does.
    fn with(&self, change: impl FnOnce(&mut World, usize)) {
        let mut world = self.control.world();
        if let Some(index) = world.codedeploy.in_flight(self.group) {
            change(&mut world, index);
        }
    }
}
