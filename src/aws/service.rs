//! An ECS service as a check looks at it: found by its names, and where CodeDeploy or a deployer of its
//! own moves the tasks, which task set was deployed last.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{Service, TaskSet};

use super::fault::CallFault;
use crate::sample::{Fault, Reason};

/// The service, which must be there and active.
pub(crate) async fn active_service(
    client: &Client,
    cluster: &str,
    service: &str,
) -> Result<Service, Fault> {
    let answer = client
        .describe_services()
        .cluster(cluster)
        .services(service)
        .send()
        .await
        .map_err(|error| CallFault::of("DescribeServices", &error).of_a_check())?;
    let mut shown = answer.services.unwrap_or_default().into_iter();
    let active = shown.find(|service| service.status() == Some("ACTIVE"));
    active.ok_or_else(|| {
        let detail = format!(
            "cluster {cluster} has no active service {service}: check both names and the region"
        );
        Fault::new(Reason::NoData, detail)
    })
}

/// The newest task set that stays; where all of them go away, the newest.
pub(crate) fn newest_task_set(service: &Service) -> Option<&TaskSet> {
    let sets = service.task_sets().iter();
    sets.max_by_key(|set| {
        let stays = set.status() != Some("DRAINING");
        (stays, set.created_at().map(DateTime::secs))
    })
}
