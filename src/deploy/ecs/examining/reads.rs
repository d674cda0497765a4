//! The reads of ECS without which nothing can be judged or rolled back, each exercised once.

use aws_sdk_ecs::types;

use super::super::facts;
use super::super::fault::CallFault;
use super::permissions::on_anything;
use super::{Looker, told};
use crate::deploy::EcsService;
use crate::deployment::{Examined, State};

impl Looker<'_> {
    /// Asks for the service; without it there is nothing to exercise the other reads on.
    pub(super) async fn service(&mut self) -> Option<types::Service> {
        let answer = self
            .ecs
            .describe_services()
            .cluster(&self.declared.cluster)
            .services(&self.declared.service)
            .send()
            .await
            .map_err(|error| CallFault::of("DescribeServices", &error));
        let (state, detail, service) = match answer {
            Ok(answer) => self.shown(answer.services().first()),
            Err(fault) => {
                let (state, detail) = told(&fault);
                match state {
                    // One permission of many: the others are exercised all the same.
                    State::Denied => (state, detail, Some(types::Service::builder().build())),
                    // An endpoint that does not know this is none of ECS: nothing will work there.
                    _ => (State::Failed, detail, None),
                }
            }
        };
        let permission = self.realm.on_service("ecs:DescribeServices");
        self.note(Examined {
            permission: Some(permission.clone()),
            ..Examined::of(&permission.action, state, detail)
        });
        if let Some(arn) = service.as_ref().and_then(types::Service::service_arn) {
            self.realm.learn(arn);
        }
        service
    }

    /// How the service stands.
    fn shown(&self, service: Option<&types::Service>) -> (State, String, Option<types::Service>) {
        let Some(service) = service else {
            let EcsService {
                cluster, service, ..
            } = self.declared;
            let missing = format!(
                "cluster {cluster} has no service {service}: check deployment.ecs and the region"
            );
            return (State::Failed, missing, None);
        };
        let status = service.status().unwrap_or(facts::ACTIVE);
        let (state, detail) = if status == facts::ACTIVE {
            (State::Ok, counts(service))
        } else {
            let gone = format!("the service is {status}: it is deleted, or on its way there");
            (State::Failed, gone)
        };
        (state, detail, Some(service.clone()))
    }

    /// Exercises every other read, on what the service has; what it has not is made up, which AWS
    /// tells apart from what we may not see.
    pub(super) async fn exercise(&mut self, service: &types::Service) {
        let deployment = self.list_deployments().await;
        let deployment =
            deployment.or_else(|| service.current_service_deployment().map(str::to_owned));
        let revision = self.describe_deployment(deployment.as_deref()).await;
        self.describe_revision(revision.as_deref()).await;
        let definition = self.describe_definition(service).await;
        let tasks = self.list_tasks().await;
        self.describe_tasks(&tasks).await;
        self.others(
            service,
            definition.as_ref(),
            tasks.first().map(String::as_str),
        )
        .await;
        if is_codedeploy(service) {
            self.codedeploy(service).await;
        }
    }

    /// Answers with the newest service deployment.
    async fn list_deployments(&mut self) -> Option<String> {
        let answer = self
            .ecs
            .list_service_deployments()
            .cluster(&self.declared.cluster)
            .service(&self.declared.service)
            .send()
            .await
            .map_err(|error| CallFault::of("ListServiceDeployments", &error));
        let permission = self.realm.on_records("ecs:ListServiceDeployments");
        let answer = self.needed(permission, answer, |page| {
            let count = page.service_deployments().len();
            match (count, page.next_token()) {
                (0, _) => "no deployment in ECS's history".to_owned(),
                (1, None) => "1 deployment in ECS's history".to_owned(),
                (count, None) => format!("{count} deployments in ECS's history"),
                (count, Some(_)) => format!("{count} and more deployments in ECS's history"),
            }
        })?;
        let newest = answer.service_deployments().first()?;
        newest.service_deployment_arn().map(str::to_owned)
    }

    /// Answers with the service revision that the deployment brought.
    async fn describe_deployment(&mut self, arn: Option<&str>) -> Option<String> {
        let arn = arn.map_or_else(
            || self.realm.of_service("service-deployment", MADE_UP),
            str::to_owned,
        );
        let answer = self
            .ecs
            .describe_service_deployments()
            .service_deployment_arns(&arn)
            .send()
            .await
            .map_err(|error| CallFault::of("DescribeServiceDeployments", &error));
        let permission = self.realm.on_records("ecs:DescribeServiceDeployments");
        let answer = self.needed(permission, answer, |_| String::new())?;
        let target = answer
            .service_deployments()
            .first()?
            .target_service_revision();
        target?.arn().map(str::to_owned)
    }

    async fn describe_revision(&mut self, arn: Option<&str>) {
        let arn = arn.map_or_else(
            || self.realm.of_service("service-revision", MADE_UP),
            str::to_owned,
        );
        let answer = self
            .ecs
            .describe_service_revisions()
            .service_revision_arns(&arn)
            .send()
            .await
            .map_err(|error| CallFault::of("DescribeServiceRevisions", &error));
        let permission = self.realm.on_records("ecs:DescribeServiceRevisions");
        self.needed(permission, answer, |_| String::new());
    }

    async fn describe_definition(
        &mut self,
        service: &types::Service,
    ) -> Option<types::TaskDefinition> {
        // A service that is moved by task sets may name none of its own.
        let of_set = || service.task_sets().first()?.task_definition();
        let name = service.task_definition().or_else(of_set);
        let name = name.unwrap_or(&self.realm.service).to_owned();
        let answer = self
            .ecs
            .describe_task_definition()
            .task_definition(name)
            .send()
            .await
            .map_err(|error| CallFault::of("DescribeTaskDefinition", &error));
        let permission = on_anything("ecs:DescribeTaskDefinition");
        let answer = self.needed(permission, answer, |answer| {
            let arn = answer
                .task_definition()
                .and_then(|shown| shown.task_definition_arn());
            arn.map(|arn| facts::label(arn).to_owned())
                .unwrap_or_default()
        });
        answer?.task_definition
    }

    /// Answers with the tasks that run.
    async fn list_tasks(&mut self) -> Vec<String> {
        let answer = self
            .ecs
            .list_tasks()
            .cluster(&self.declared.cluster)
            .service_name(&self.declared.service)
            .send()
            .await
            .map_err(|error| CallFault::of("ListTasks", &error));
        let permission = self.realm.list_tasks();
        let answer = self.needed(permission, answer, |page| match page.task_arns().len() {
            1 => "1 task".to_owned(),
            count => format!("{count} tasks"),
        });
        answer.and_then(|page| page.task_arns).unwrap_or_default()
    }

    async fn describe_tasks(&mut self, tasks: &[String]) {
        let made_up = format!("task/{}/{MADE_UP_TASK}", self.realm.cluster);
        let made_up = self.realm.arn("ecs", &made_up);
        let asked = tasks.first().unwrap_or(&made_up);
        let answer = self
            .ecs
            .describe_tasks()
            .cluster(&self.declared.cluster)
            .tasks(asked)
            .send()
            .await
            .map_err(|error| CallFault::of("DescribeTasks", &error));
        let permission = self.realm.describe_tasks();
        self.needed(permission, answer, |_| String::new());
    }
}

fn counts(service: &types::Service) -> String {
    let (running, desired) = (service.running_count(), service.desired_count());
    let tasks = format!("{running} of {desired} tasks run");
    match facts::Service::from(service).controller.as_str() {
        "ECS" => tasks,
        other => format!("{tasks}, deployed by {other}"),
    }
}

fn is_codedeploy(service: &types::Service) -> bool {
    facts::Service::from(service).controller == "CODE_DEPLOY"
}

/// An identifier in the form of ECS's that nothing has.
const MADE_UP: &str = "smokejumperdoctor0000";
const MADE_UP_TASK: &str = "00000000000000000000000000000000";
