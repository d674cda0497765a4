//! The decisive calls, each sent exactly once: the SDK may not repeat them, since an answer that did
//! not come does not mean that nothing was done. Each is written down before it is sent and after
//! it was answered.

use aws_sdk_ecs::config::Builder;
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::operation::RequestId;
use aws_sdk_ecs::types::{DeploymentLifecycleHookAction, StopServiceDeploymentStopType};

use super::facts::Service;
use super::fault::CallFault;
use super::{EcsTarget, Halt};
use crate::deploy::{DeployError, Witness};
use crate::deployment::{Answer, Call};

/// What a call gave: its result and the number of its request.
type Told<T> = Result<(T, Option<String>), CallFault>;

/// Sends a call under the eyes of the witness; it is not sent when he forbids it.
pub(super) async fn witnessed<T>(
    witness: &dyn Witness,
    call: Call,
    sent: impl Future<Output = Told<T>>,
) -> Result<Result<T, CallFault>, DeployError> {
    witness.before(&call).await?;
    Ok(answered(witness, &call, sent).await)
}

/// The same for a call that knows no condition: `look` is the last look at the state that it is
/// meant for. The witness may take his time, so it comes after him and right before the sending.
pub(super) async fn witnessed_after_a_look<T>(
    witness: &dyn Witness,
    call: Call,
    look: impl Future<Output = Result<(), Halt>>,
    sent: impl Future<Output = Told<T>>,
) -> Result<Result<T, CallFault>, Halt> {
    witness.before(&call).await?;
    if let Err(halt) = look.await {
        let answer = Answer::Refused {
            request: None,
            code: NOT_SENT.to_owned(),
        };
        witness.after(&call, &answer).await;
        return Err(halt);
    }
    Ok(answered(witness, &call, sent).await)
}

/// What is written down of a call that was not sent after all.
const NOT_SENT: &str = "not sent: the last look forbade it";

async fn answered<T>(
    witness: &dyn Witness,
    call: &Call,
    sent: impl Future<Output = Told<T>>,
) -> Result<T, CallFault> {
    let told = sent.await;
    let answer = match &told {
        Ok((_, request)) => Answer::Accepted {
            request: request.clone(),
        },
        Err(fault) => fault.answer(),
    };
    witness.after(call, &answer).await;
    told.map(|(value, _)| value)
}

/// The call that stops a deployment.
pub(super) const STOP: &str = "StopServiceDeployment";
/// The call that answers the hook at which a deployment pauses; ours always with ROLLBACK.
pub(super) const ANSWER: &str = "ContinueServiceDeployment";
/// The call that deploys a task definition.
pub(super) const UPDATE: &str = "UpdateService";

impl EcsTarget {
    /// Stops a service deployment in flight and has it rolled back.
    pub(super) async fn tell_stop(
        &self,
        arn: &str,
        witness: &dyn Witness,
    ) -> Result<Result<(), CallFault>, DeployError> {
        let call = Call {
            operation: STOP.to_owned(),
            subject: arn.to_owned(),
            argument: Some("ROLLBACK".to_owned()),
        };
        let sent = self
            .client
            .stop_service_deployment()
            .service_deployment_arn(arn)
            .stop_type(StopServiceDeploymentStopType::Rollback)
            .customize()
            .config_override(once())
            .send();
        let told = async {
            let answer = sent.await.map_err(|error| CallFault::of(STOP, &error))?;
            Ok(((), answer.request_id().map(str::to_owned)))
        };
        witnessed(witness, call, told).await
    }

    /// Answers the hook at which a service deployment pauses: it is to be rolled back.
    pub(super) async fn tell_answer(
        &self,
        arn: &str,
        hook: &str,
        witness: &dyn Witness,
    ) -> Result<Result<(), CallFault>, DeployError> {
        let call = Call {
            operation: ANSWER.to_owned(),
            subject: arn.to_owned(),
            argument: Some(hook.to_owned()),
        };
        let sent = self
            .client
            .continue_service_deployment()
            .service_deployment_arn(arn)
            .hook_id(hook)
            .action(DeploymentLifecycleHookAction::Rollback)
            .customize()
            .config_override(once())
            .send();
        let told = async {
            let answer = sent.await.map_err(|error| CallFault::of(ANSWER, &error))?;
            Ok(((), answer.request_id().map(str::to_owned)))
        };
        witnessed(witness, call, told).await
    }

    /// Deploys a task definition, by its full ARN and with nothing else, after a last look.
    pub(super) async fn tell_update(
        &self,
        service: &str,
        task_definition: &str,
        witness: &dyn Witness,
        look: impl Future<Output = Result<(), Halt>>,
    ) -> Result<Result<Option<Service>, CallFault>, Halt> {
        let call = Call {
            operation: UPDATE.to_owned(),
            subject: service.to_owned(),
            argument: Some(task_definition.to_owned()),
        };
        let sent = self
            .client
            .update_service()
            .cluster(&self.declared.cluster)
            .service(&self.declared.service)
            .task_definition(task_definition)
            .customize()
            .config_override(once())
            .send();
        let told = async {
            let answer = sent.await.map_err(|error| CallFault::of(UPDATE, &error))?;
            let request = answer.request_id().map(str::to_owned);
            Ok((answer.service().map(Service::from), request))
        };
        witnessed_after_a_look(witness, call, look, told).await
    }
}

pub(super) fn once() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}
