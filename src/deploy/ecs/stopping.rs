//! Ending a service deployment in flight by its ARN, with a rollback: by a stop, or by an answer to
//! the hook at which it pauses. Neither can hit another deployment, and ECS takes neither twice.

use tokio::time::Instant;

use super::EcsTarget;
use super::fault::{Blame, CallFault};
use super::records::{ServiceDeployment, Status};
use super::tell::{ANSWER, STOP};
use super::tries::Tries;
use crate::deploy::{DeployError, Witness};

/// What became of a stop, or of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// ECS is rolling the deployment back, or has done so.
    Taken,
    /// It cannot be ended in this way any more, and was not rolled back.
    TooLate,
    /// The server knows no answers to hooks: a stop does the same.
    NotOffered,
}

/// Stops a deployment and has it rolled back.
pub(super) async fn stop(
    target: &EcsTarget,
    arn: &str,
    witness: &dyn Witness,
) -> Result<Stopped, DeployError> {
    insist(target, arn, None, witness).await
}

/// Answers the hook at which a deployment pauses: it is to be rolled back.
pub(super) async fn answer(
    target: &EcsTarget,
    arn: &str,
    hook: &str,
    witness: &dyn Witness,
) -> Result<Stopped, DeployError> {
    insist(target, arn, Some(hook), witness).await
}

/// Sends the call until what the deployment does says that it arrived, or cannot.
async fn insist(
    target: &EcsTarget,
    arn: &str,
    hook: Option<&str>,
    witness: &dyn Witness,
) -> Result<Stopped, DeployError> {
    let mut tries = Tries::new(target);
    let mut may_be_done = was_sent(witness, arn);
    loop {
        let told = match hook {
            Some(hook) => target.tell_answer(arn, hook, witness).await?,
            None => target.tell_stop(arn, witness).await?,
        };
        let fault = match told {
            Ok(()) => return Ok(Stopped::Taken),
            Err(fault) => fault,
        };
        if hook.is_some() && fault.blame == Blame::Absent {
            return Ok(Stopped::NotOffered);
        }
        may_be_done |= fault.is_unclear();
        // For a state that does not allow it ECS is not documented to have one error alone.
        let not_allowed = matches!(fault.blame, Blame::Conflict | Blame::Refused);
        if !not_allowed {
            tries.after(&fault).await?;
        }
        // Whatever the answer was: what the deployment does now says whether the call arrived.
        let seen = look(target, arn, may_be_done || not_allowed).await?;
        if let Some(stopped) = ended(target, &seen, hook, may_be_done, not_allowed, &fault)? {
            return Ok(stopped);
        }
    }
}

/// What is known after a call that was not taken; nothing when it is to be sent again.
fn ended(
    target: &EcsTarget,
    seen: &ServiceDeployment,
    hook: Option<&str>,
    may_be_done: bool,
    not_allowed: bool,
    fault: &CallFault,
) -> Result<Option<Stopped>, DeployError> {
    if may_be_done && is_ours(seen) {
        return Ok(Some(Stopped::Taken));
    }
    if !matches!(seen.status, Status::Pending | Status::InProgress) {
        return Ok(Some(Stopped::TooLate));
    }
    match hook {
        // Answered by somebody else, timed out, or at the next step under a new id.
        Some(hook) if seen.paused_at() != Some(hook) => Ok(Some(Stopped::TooLate)),
        _ if not_allowed => Err(target.told(fault)),
        _ => Ok(None),
    }
}

/// What a call that may have been sent to a deployment has made of it. One that is in flight is
/// looked at for as long as the call may take to be seen.
pub(super) async fn look(
    target: &EcsTarget,
    arn: &str,
    may_be_done: bool,
) -> Result<ServiceDeployment, DeployError> {
    let until = Instant::now() + target.pace.settle;
    loop {
        let seen = target.service_deployment(arn).await?;
        let in_flight = matches!(seen.status, Status::Pending | Status::InProgress);
        if !may_be_done || !in_flight || Instant::now() + target.pace.settle_poll > until {
            return Ok(seen);
        }
        tokio::time::sleep(target.pace.settle_poll).await;
    }
}

/// Whether a deployment is rolled back, however that ends, and may be so because of our own call.
/// Where ECS says that it gave the deployment up itself, our call came later and changed nothing;
/// that somebody else asked for the same cannot be told apart.
pub(super) const fn is_ours(seen: &ServiceDeployment) -> bool {
    let is_rolled_back = matches!(
        seen.status,
        Status::RollbackRequested
            | Status::RollbackInProgress
            | Status::RollbackSuccessful
            | Status::RollbackFailed
    );
    is_rolled_back && !seen.given_up_by_ecs
}

/// Whether a call that ends this deployment was sent before and may have been taken.
fn was_sent(witness: &dyn Witness, arn: &str) -> bool {
    let mut sent = witness.sent().into_iter();
    sent.any(|call| [STOP, ANSWER].contains(&call.operation.as_str()) && call.subject == arn)
}
