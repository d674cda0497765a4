//! Stopping a deployment in flight, by its id: the call can hit no other. CodeDeploy then returns
//! to what the deployment replaces, with a deployment of its own.

use tokio::time::Instant;

use super::super::fault::Blame;
use super::super::tries::Tries;
use super::super::{EcsTarget, Halt};
use super::calls::CodeDeploy;
use super::reading;
use super::records::Status;
use super::standing::unknown;
use super::tell::STOP;
use crate::deploy::{DeployError, Witness};

/// What became of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It has stopped.
    Over,
    /// It completed instead.
    Completed,
    /// It is in flight still: a stop that was taken may take a while.
    InFlight,
}

/// Stops a deployment and has it rolled back. Answers with whether that was taken; if not, it is in
/// flight no more, and has to be planned for again.
pub(in super::super) async fn stop(
    target: &EcsTarget,
    id: &str,
    witness: &dyn Witness,
) -> Result<bool, Halt> {
    let codedeploy = CodeDeploy::of(target);
    let mut tries = Tries::new(target);
    let mut may_be_done = was_sent(witness, id);
    if may_be_done {
        // A stop shows only when it is carried out: it is waited for before it is repeated.
        await_end(&codedeploy, id).await?;
    }
    loop {
        let Err(fault) = codedeploy.tell_stop(id, witness).await? else {
            // It may complete right after it took the stop.
            return Ok(await_end(&codedeploy, id).await? != Stopped::Completed);
        };
        may_be_done |= fault.is_unclear();
        let not_allowed = matches!(fault.blame, Blame::Conflict | Blame::Refused);
        let seen = if fault.is_unclear() {
            await_end(&codedeploy, id).await?
        } else {
            end(&codedeploy, id).await?
        };
        match seen {
            Stopped::Over => return Ok(may_be_done && was_taken(target, id).await?),
            Stopped::Completed => return Ok(false),
            Stopped::InFlight if not_allowed => return Err(target.told(&fault).into()),
            Stopped::InFlight => tries.after(&fault).await?,
        }
    }
}

/// Whether CodeDeploy rolls the deployment back: without that it ended in another way.
pub(in super::super) async fn was_taken(target: &EcsTarget, id: &str) -> Result<bool, DeployError> {
    let reading = reading::settled(target, id).await?;
    Ok(reading.judged.status == Status::Broken && reading.rollback.is_some())
}

/// Whether a stop of this deployment was sent before and may have been taken.
fn was_sent(witness: &dyn Witness, id: &str) -> bool {
    let mut sent = witness.sent().into_iter();
    sent.any(|call| call.operation == STOP && call.subject == id)
}

/// How the deployment ends, looked at for as long as what was just done may take to be seen.
async fn await_end(codedeploy: &CodeDeploy<'_>, id: &str) -> Result<Stopped, DeployError> {
    let until = Instant::now() + codedeploy.target.pace.settle;
    loop {
        let seen = end(codedeploy, id).await?;
        let pause = codedeploy.target.pace.settle_poll;
        if seen != Stopped::InFlight || Instant::now() + pause > until {
            return Ok(seen);
        }
        tokio::time::sleep(pause).await;
    }
}

async fn end(codedeploy: &CodeDeploy<'_>, id: &str) -> Result<Stopped, DeployError> {
    let record = codedeploy.deployment(id).await?;
    match &record.status {
        Status::InFlight => Ok(Stopped::InFlight),
        Status::Broken => Ok(Stopped::Over),
        Status::Succeeded => Ok(Stopped::Completed),
        Status::Unknown(name) => Err(unknown(&record, name)),
    }
}
