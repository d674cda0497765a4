//! Asks a platform that may not answer: again after a passing fault, never past a deadline, and
//! never so that an order to stop is not heard. Used by `watch` and `rollback`.

use std::time::Duration;

use super::context::Context;
use crate::clock::Moment;
use crate::deploy::DeployError;

/// After a passing fault, the first pause; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// However late it is, a question gets this long: one that cannot be answered is not worth asking.
const LEAST_ANSWER: Duration = Duration::from_secs(10);

/// Asks until there is an answer that is not a passing fault, or until the deadline. `told` hears
/// of each fault after which it is asked again.
///
/// The adapter re-reads the state at each call, so that a call may be repeated and nothing is ever
/// done twice. An order to stop ends the pauses, but not a call: what may be under way is waited for.
pub(super) async fn ask<T, F>(
    context: &Context,
    deadline: Moment,
    told: impl Fn(&DeployError),
    call: impl Fn() -> F,
) -> Result<T, DeployError>
where
    F: Future<Output = Result<T, DeployError>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match once(context, deadline, call()).await {
            Err(DeployError::Passing(why)) => DeployError::Passing(why),
            other => return other,
        };
        if context.clock.now() + pause >= deadline {
            return Err(error);
        }
        told(&error);
        if !context.pause(pause).await {
            return Err(DeployError::Passing(format!("told to stop; {error}")));
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Asks once; a platform that hangs is one that does not answer.
pub(super) async fn once<T>(
    context: &Context,
    deadline: Moment,
    call: impl Future<Output = Result<T, DeployError>>,
) -> Result<T, DeployError> {
    let left = deadline.since(context.clock.now()).max(LEAST_ANSWER);
    match tokio::time::timeout(left, call).await {
        Ok(answer) => answer,
        Err(_) => {
            let left = crate::quantity::human(Duration::from_secs(left.as_secs()));
            Err(DeployError::Passing(format!(
                "the platform did not answer within {left}"
            )))
        }
    }
}
