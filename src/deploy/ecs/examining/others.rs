//! The services besides ECS: without them a watch works, and says or sees less. Each is asked for
//! something that the service under test really has; where it has nothing of the kind, the
//! permission is of no use and is not spoken of.

use std::collections::HashMap;

use aws_config::Region;
use aws_sdk_ecr::types::ImageIdentifier;
use aws_sdk_ecs::types::{self, ContainerDefinition};

use super::super::fault::CallFault;
use super::Looker;
use super::permissions::{on, on_anything};

impl Looker<'_> {
    /// Exercises what is of use for this service.
    pub(super) async fn others(
        &mut self,
        service: &types::Service,
        definition: Option<&types::TaskDefinition>,
        task: Option<&str>,
    ) {
        self.alarms(service).await;
        self.target_health(service).await;
        let containers =
            definition.map_or(&[][..], |definition| definition.container_definitions());
        if let Some(log) = containers.iter().find_map(|one| Log::of(one, task)) {
            self.log(&log).await;
        }
        let images = containers.iter().filter_map(ContainerDefinition::image);
        if let Some(image) = images.filter_map(Image::of).next() {
            self.image(&image).await;
        }
        if let Some(parameter) = self.purpose.parameter.clone() {
            self.parameter(&parameter).await;
        }
    }

    async fn alarms(&mut self, service: &types::Service) {
        let alarms = service
            .deployment_configuration()
            .and_then(types::DeploymentConfiguration::alarms)
            .map_or(&[][..], |alarms| alarms.alarm_names());
        if alarms.is_empty() {
            return;
        }
        let answer = aws_sdk_cloudwatch::Client::new(&self.config)
            .describe_alarms()
            .set_alarm_names(Some(alarms.to_vec()))
            .send()
            .await
            .map_err(|error| CallFault::of("DescribeAlarms", &error));
        let lost = "no warning when an alarm of the service fires before the bake";
        // AWS answers about composite alarms only to who may see all.
        let permission = on_anything("cloudwatch:DescribeAlarms");
        self.optional(permission, lost, answer, |_| String::new());
    }

    async fn target_health(&mut self, service: &types::Service) {
        let groups = service.load_balancers().iter();
        let Some(group) = groups.filter_map(|one| one.target_group_arn()).next() else {
            return;
        };
        let answer = aws_sdk_elasticloadbalancingv2::Client::new(&self.config)
            .describe_target_health()
            .target_group_arn(group)
            .send()
            .await
            .map_err(|error| CallFault::of("DescribeTargetHealth", &error));
        let lost = "no health of the load balancer's targets when a deployment fails";
        let permission = on_anything("elasticloadbalancing:DescribeTargetHealth");
        self.optional(permission, lost, answer, |_| String::new());
    }

    async fn log(&mut self, log: &Log) {
        let config = aws_sdk_cloudwatchlogs::config::Builder::from(&self.config);
        let config = match &log.region {
            Some(region) => config.region(Region::new(region.clone())),
            None => config,
        };
        let answer = aws_sdk_cloudwatchlogs::Client::from_conf(config.build())
            .get_log_events()
            .log_group_name(&log.group)
            .log_stream_name(&log.stream)
            .limit(1)
            .send()
            .await
            .map_err(|error| CallFault::of("GetLogEvents", &error));
        let lost = "no last lines of stopped tasks when a deployment fails";
        let group = self
            .realm
            .arn("logs", &format!("log-group:{}:*", log.group));
        let permission = on("logs:GetLogEvents", vec![group]);
        self.optional(permission, lost, answer, |_| String::new());
    }

    async fn image(&mut self, image: &Image) {
        let config = aws_sdk_ecr::config::Builder::from(&self.config)
            .region(Region::new(image.region.clone()));
        let answer = aws_sdk_ecr::Client::from_conf(config.build())
            .batch_get_image()
            .registry_id(&image.account)
            .repository_name(&image.repository)
            .image_ids(image.id.clone())
            .send()
            .await
            .map_err(|error| CallFault::of("BatchGetImage", &error));
        let lost = "no warning when the image to return to is gone";
        let Image {
            account,
            region,
            repository,
            ..
        } = image;
        let partition = &self.realm.partition;
        let repository = format!("arn:{partition}:ecr:{region}:{account}:repository/{repository}");
        let permission = on("ecr:BatchGetImage", vec![repository]);
        self.optional(permission, lost, answer, |_| String::new());
    }

    async fn parameter(&mut self, name: &str) {
        let answer = aws_sdk_ssm::Client::new(&self.config)
            .get_parameter()
            .name(name)
            .send()
            .await
            .map_err(|error| CallFault::of("GetParameter", &error));
        let lost = "whether rollbacks are frozen is not known";
        let parameter = format!("parameter/{}", name.trim_start_matches('/'));
        let permission = on("ssm:GetParameter", vec![self.realm.arn("ssm", &parameter)]);
        self.optional(permission, lost, answer, |_| String::new());
    }
}

/// Where a container writes, with the driver `awslogs`.
#[derive(Debug, PartialEq, Eq)]
struct Log {
    group: String,
    stream: String,
    region: Option<String>,
}

impl Log {
    /// The stream is `PREFIX/CONTAINER/TASK`; without a task that runs it is one that is not there.
    fn of(container: &ContainerDefinition, task: Option<&str>) -> Option<Self> {
        let configuration = container.log_configuration()?;
        if *configuration.log_driver() != types::LogDriver::Awslogs {
            return None;
        }
        let none = HashMap::new();
        let options = configuration.options().unwrap_or(&none);
        let prefix = options.get("awslogs-stream-prefix")?;
        let task = task
            .and_then(|arn| arn.rsplit('/').next())
            .unwrap_or("none");
        Some(Self {
            group: options.get("awslogs-group")?.clone(),
            stream: format!("{prefix}/{}/{task}", container.name()?),
            region: options.get("awslogs-region").cloned(),
        })
    }
}

/// An image in a registry of ECR.
#[derive(Debug, PartialEq)]
struct Image {
    account: String,
    region: String,
    repository: String,
    id: ImageIdentifier,
}

impl Image {
    /// From `ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG` or `…@DIGEST`; other registries
    /// are none of AWS's.
    fn of(name: &str) -> Option<Self> {
        let (host, path) = name.split_once('/')?;
        let parts: Vec<&str> = host.split('.').collect();
        let [account, "dkr", "ecr", region, "amazonaws", ..] = parts.as_slice() else {
            return None;
        };
        let id = ImageIdentifier::builder();
        let (repository, id) = match (path.split_once('@'), path.split_once(':')) {
            (Some((repository, digest)), _) => (repository, id.image_digest(digest)),
            (None, Some((repository, tag))) => (repository, id.image_tag(tag)),
            (None, None) => (path, id.image_tag("latest")),
        };
        Some(Self {
            account: (*account).to_owned(),
            region: (*region).to_owned(),
            // A tag may stand before a digest.
            repository: repository.split(':').next()?.to_owned(),
            id: id.build(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_of_ecr_is_known_by_its_host() {
        let registry = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";
        let tagged = Image::of(&format!("{registry}/team/api:7")).unwrap();
        assert_eq!(
            (&*tagged.account, &*tagged.region, &*tagged.repository),
            ("111122223333", "eu-west-1", "team/api")
        );
        assert_eq!(tagged.id.image_tag(), Some("7"));
        let pinned = Image::of(&format!("{registry}/api:7@sha256:0abc")).unwrap();
        assert_eq!(&*pinned.repository, "api");
        assert_eq!(pinned.id.image_digest(), Some("sha256:0abc"));
        assert_eq!(
            Image::of(&format!("{registry}/api"))
                .unwrap()
                .id
                .image_tag(),
            Some("latest")
        );
        assert_eq!(Image::of("registry.test/api:7"), None);
        assert_eq!(Image::of("postgres"), None);
    }
}
