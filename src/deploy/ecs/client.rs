//! The configuration of the SDK's clients for a declared service: what is missing is told with the
//! service's name and the setting that mends it.

use aws_config::SdkConfig;

pub(super) use crate::aws::configuration::for_endpoint;
use crate::aws::configuration::{self, NoAccess, Patience};
use crate::deploy::{DeployError, EcsService};

/// The configuration for where the service is declared to be.
pub(super) async fn from_environment(declared: &EcsService) -> Result<SdkConfig, DeployError> {
    let (service, region) = (&declared.service, declared.region.as_deref());
    let found = configuration::from_environment(region, None, Patience::Retrying).await;
    found.map_err(|why| match why {
        NoAccess::Region => DeployError::Declared(format!(
            "no AWS region for service {service}: set deployment.ecs.region or AWS_REGION"
        )),
        NoAccess::Credentials(missing) => DeployError::Declared(format!(
            "no AWS credentials for service {service}: {missing}; set AWS_PROFILE or the AWS_ACCESS_KEY_ID pair, or run with a role"
        )),
    })
}
