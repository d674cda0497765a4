//! The permissions to change something that a rollback would need, by who moves the service. They
//! are named and not tried: AWS offers no dry run of them.

use aws_sdk_ecs::types;

use super::super::facts;
use super::Looker;
use super::permissions::{on, on_anything};
use crate::deployment::{Examined, Permission, State};

impl Looker<'_> {
    /// Names what a rollback would need; nothing where none will ever be carried out.
    pub(super) fn writes(&mut self, service: &types::Service) {
        if !self.purpose.acts {
            return;
        }
        let controller = facts::Service::from(service).controller;
        for (permission, when) in self.needed_to_act(&controller) {
            let detail = format!("{when}; cannot be tried without doing it");
            self.note(Examined {
                permission: Some(permission.clone()),
                ..Examined::of(&permission.action, State::Unknown, detail)
            });
        }
    }

    fn needed_to_act(&self, controller: &str) -> Vec<(Permission, &'static str)> {
        let realm = &self.realm;
        let group = |action: &str| on(action, vec![realm.arn("codedeploy", "deploymentgroup:*")]);
        let mut needed = match controller {
            "CODE_DEPLOY" => vec![
                (
                    group("codedeploy:StopDeployment"),
                    "to roll back while the deployment is in flight",
                ),
                (
                    group("codedeploy:CreateDeployment"),
                    "to roll back once it is complete",
                ),
            ],
            "EXTERNAL" => vec![(
                realm.on_service("ecs:UpdateServicePrimaryTaskSet"),
                "to roll back to a task set that still runs",
            )],
            _ => vec![
                (
                    realm.on_deployments("ecs:ContinueServiceDeployment"),
                    "to roll back while the deployment waits at a pause hook",
                ),
                (
                    realm.on_deployments("ecs:StopServiceDeployment"),
                    "to roll back while the deployment is in flight",
                ),
                (
                    realm.on_service("ecs:UpdateService"),
                    "to roll back once the deployment is complete",
                ),
            ],
        };
        if self.purpose.pins {
            needed.push((
                on_anything("ecs:RegisterTaskDefinition"),
                "to pin images by digest",
            ));
            let definitions = realm.arn("ecs", "task-definition/*");
            needed.push((
                on("ecs:TagResource", vec![definitions]),
                "to pin images by digest, for the tag that says what it is for",
            ));
            let role = format!("arn:{}:iam::{}:role/*", realm.partition, realm.account);
            needed.push((
                on("iam:PassRole", vec![role]),
                "to pin images by digest, for the task's roles",
            ));
        }
        needed
    }
}
