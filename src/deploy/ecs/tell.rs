//! The two decisive calls, each sent exactly once: the SDK may not repeat them, since an answer
//! that did not come does not mean that nothing was done.

use aws_sdk_ecs::config::Builder;
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::types::StopServiceDeploymentStopType;

use super::EcsTarget;
use super::facts::Service;
use super::fault::CallFault;

impl EcsTarget {
    /// Stops a service deployment in flight and has it rolled back.
    pub(super) async fn tell_stop(&self, arn: &str) -> Result<(), CallFault> {
        self.client
            .stop_service_deployment()
            .service_deployment_arn(arn)
            .stop_type(StopServiceDeploymentStopType::Rollback)
            .customize()
            .config_override(once())
            .send()
            .await
            .map_err(|error| CallFault::of("StopServiceDeployment", &error))?;
        Ok(())
    }

    /// Deploys a task definition, by its full ARN and with nothing else.
    pub(super) async fn tell_update(
        &self,
        task_definition: &str,
    ) -> Result<Option<Service>, CallFault> {
        let answer = self
            .client
            .update_service()
            .cluster(&self.declared.cluster)
            .service(&self.declared.service)
            .task_definition(task_definition)
            .customize()
            .config_override(once())
            .send()
            .await
            .map_err(|error| CallFault::of("UpdateService", &error))?;
        Ok(answer.service().map(Service::from))
    }
}

fn once() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}
