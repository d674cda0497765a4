//! What a service needs that is deployed by CodeDeploy: its current deployment there, and the list
//! of those before it. Without these nothing can be rolled back.

use aws_sdk_codedeploy::Client;
use aws_sdk_ecs::types;

use super::super::fault::CallFault;
use super::Looker;
use super::permissions::on;

impl Looker<'_> {
    /// Exercises the reads of CodeDeploy.
    pub(super) async fn codedeploy(&mut self, service: &types::Service) {
        let client = Client::new(&self.config);
        let id = primary(service).unwrap_or(MADE_UP);
        let answer = client
            .get_deployment()
            .deployment_id(id)
            .send()
            .await
            .map_err(|error| CallFault::of("GetDeployment", &error));
        let permission = on("codedeploy:GetDeployment", vec![self.groups()]);
        let known = self.needed(permission, answer, |_| id.to_owned());
        let known = known.and_then(|answer| answer.deployment_info);
        let name = self.realm.service.clone();
        let application = known.as_ref().and_then(|info| info.application_name());
        let application = application.unwrap_or(&name);
        let group = known.as_ref().and_then(|info| info.deployment_group_name());
        let group = group.unwrap_or(&name);
        let answer = client
            .list_deployments()
            .application_name(application)
            .deployment_group_name(group)
            .send()
            .await
            .map_err(|error| CallFault::of("ListDeployments", &error));
        let permission = on("codedeploy:ListDeployments", vec![self.groups()]);
        self.needed(permission, answer, |_| String::new());
        let answer = client
            .batch_get_deployments()
            .deployment_ids(id)
            .send()
            .await
            .map_err(|error| CallFault::of("BatchGetDeployments", &error));
        let permission = on("codedeploy:BatchGetDeployments", vec![self.groups()]);
        self.needed(permission, answer, |_| String::new());
        let answer = client
            .get_deployment_group()
            .application_name(application)
            .deployment_group_name(group)
            .send()
            .await
            .map_err(|error| CallFault::of("GetDeploymentGroup", &error));
        let permission = on("codedeploy:GetDeploymentGroup", vec![self.groups()]);
        let lost = "no warning of what the deployment group does by itself";
        self.optional(permission, lost, answer, |_| String::new());
    }

    /// All groups: which one moves the service only CodeDeploy knows.
    fn groups(&self) -> String {
        self.realm.arn("codedeploy", "deploymentgroup:*")
    }
}

/// CodeDeploy's identifier of the deployment whose tasks serve.
fn primary(service: &types::Service) -> Option<&str> {
    let sets = service.task_sets().iter();
    let primary = sets.filter(|set| set.status() == Some("PRIMARY"));
    primary.filter_map(types::TaskSet::external_id).next()
}

/// An identifier in the form of CodeDeploy's that nothing has.
const MADE_UP: &str = "d-000000000";
