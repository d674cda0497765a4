//! The calls that change something at CodeDeploy, each sent exactly once and under the eyes of the
//! witness.

use aws_sdk_codedeploy::config::Builder;
use aws_sdk_codedeploy::config::retry::RetryConfig;
use aws_sdk_codedeploy::operation::RequestId;

use super::super::Halt;
use super::super::fault::CallFault;
use super::super::tell::{witnessed, witnessed_after_a_look};
use super::calls::CodeDeploy;
use super::records::Record;
use crate::deploy::{DeployError, Witness};
use crate::deployment::{Call, Revision};

/// The call that stops a deployment and has it rolled back.
pub(in super::super) const STOP: &str = "codedeploy:StopDeployment";
/// The call that deploys an earlier AppSpec again.
pub(in super::super) const CREATE: &str = "codedeploy:CreateDeployment";

impl CodeDeploy<'_> {
    /// Stops a deployment in flight and has CodeDeploy roll it back.
    pub(super) async fn tell_stop(
        &self,
        id: &str,
        witness: &dyn Witness,
    ) -> Result<Result<(), CallFault>, DeployError> {
        let call = Call {
            operation: STOP.to_owned(),
            subject: id.to_owned(),
            argument: Some("autoRollbackEnabled".to_owned()),
        };
        let sent = self
            .client
            .stop_deployment()
            .deployment_id(id)
            .auto_rollback_enabled(true)
            .customize()
            .config_override(once())
            .send();
        let told = async {
            let answer = sent.await.map_err(|error| CallFault::of(STOP, &error))?;
            Ok(((), answer.request_id().map(str::to_owned)))
        };
        witnessed(witness, call, told).await
    }

    /// Deploys what an earlier deployment brought, as the rollback of the judged one, after a last
    /// look; answers with the new deployment's id.
    pub(super) async fn tell_create(
        &self,
        judged: &Record,
        earlier: &Record,
        revision: &Revision,
        witness: &dyn Witness,
        look: impl Future<Output = Result<(), Halt>>,
    ) -> Result<Result<Option<String>, CallFault>, Halt> {
        let group = &judged.group;
        let call = Call {
            operation: CREATE.to_owned(),
            subject: format!("{}/{}", group.application, group.name),
            argument: Some(revision.id.clone()),
        };
        let sent = self
            .client
            .create_deployment()
            .application_name(&group.application)
            .deployment_group_name(&group.name)
            .set_revision(earlier.revision.clone())
            .description(description(&judged.id))
            .customize()
            .config_override(once())
            .send();
        let told = async {
            let answer = sent.await.map_err(|error| CallFault::of(CREATE, &error))?;
            let request = answer.request_id().map(str::to_owned);
            Ok((answer.deployment_id, request))
        };
        witnessed_after_a_look(witness, call, look, told).await
    }
}

/// By what a rollback of ours is known again, even by another run: CodeDeploy keeps it as it is.
pub(super) fn description(judged: &str) -> String {
    format!("{ROLL_BACK_OF}{judged}")
}

/// The deployment that a rollback of ours undoes, by its description.
pub(super) fn described(description: &str) -> Option<&str> {
    description.strip_prefix(ROLL_BACK_OF)
}

const ROLL_BACK_OF: &str = "smokejumper: roll back of ";

fn once() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}
