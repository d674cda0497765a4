//! Stopping a service deployment in flight, by its ARN: the call can hit no other, and repeating it
//! changes nothing.

use super::EcsTarget;
use super::fault::Blame;
use super::records::Status;
use super::tell::STOP;
use super::tries::Tries;
use crate::deploy::{DeployError, Witness};

/// What became of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// ECS is rolling the deployment back, or has done so.
    Taken,
    /// It is not in flight any more, and was not rolled back.
    TooLate,
}

/// Stops a deployment and has it rolled back.
pub(super) async fn stop(
    target: &EcsTarget,
    arn: &str,
    witness: &dyn Witness,
) -> Result<Stopped, DeployError> {
    let mut tries = Tries::new(target);
    let mut may_be_done = was_sent(witness, arn);
    loop {
        let fault = match target.tell_stop(arn, witness).await? {
            Ok(()) => return Ok(Stopped::Taken),
            Err(fault) => fault,
        };
        may_be_done |= fault.is_unclear();
        // For a state that does not allow it ECS is not documented to have one error alone.
        let not_allowed = matches!(fault.blame, Blame::Conflict | Blame::Refused);
        if !not_allowed {
            tries.after(&fault).await?;
        }
        // Whatever the answer was: what the deployment does now says whether the call arrived.
        match target.service_deployment(arn).await?.status {
            Status::Pending | Status::InProgress if not_allowed => return Err(target.told(&fault)),
            Status::Pending | Status::InProgress => {}
            Status::StopRequested | Status::RollbackRequested | Status::RollbackInProgress
                if may_be_done =>
            {
                return Ok(Stopped::Taken);
            }
            Status::RollbackSuccessful if may_be_done => return Ok(Stopped::Taken),
            _ => return Ok(Stopped::TooLate),
        }
    }
}

/// Whether a stop of this deployment was sent before and may have been taken.
pub(super) fn was_sent(witness: &dyn Witness, arn: &str) -> bool {
    let mut sent = witness.sent().into_iter();
    sent.any(|call| call.operation == STOP && call.subject == arn)
}
