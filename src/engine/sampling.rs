//! Runs probes when they are due, many at once, and hands their samples on.
//!
//! A hung peer costs its own slot until its own deadline and nothing else. A probe that gets no
//! slot in time is an `Unknown` sample: our machine was too busy, the target is not to blame.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::context::Context;
use super::schedule::{Schedule, Turn};
use crate::clock::Moment;
use crate::plan::CheckPlan;
use crate::probe::attempt;
use crate::sample::{Fault, Outcome, Phases, Reason, Sample};
use crate::verdict;

/// How many samples may wait for the judge.
const SAMPLE_QUEUE: usize = 4_096;

/// Probing that goes on until it is stopped or dropped.
#[derive(Debug)]
pub struct Sampling {
    /// The samples, in the order in which they ended. Closed when the last one has arrived.
    pub samples: mpsc::Receiver<Sample>,
    stop: CancellationToken,
    // Dropping it ends the task, and with it every probe in flight.
    _task: AbortOnDropHandle<()>,
}

/// Looking more closely at a check of which a sample looks bad.
#[derive(Clone, Copy, Debug)]
pub struct CloserLook {
    /// From when on latency counts.
    pub warm: Moment,
}

impl CloserLook {
    /// A sample looks bad when it failed, or was slower than a critical limit allows most samples
    /// to be.
    fn is_wanted(self, check: &CheckPlan, sample: &Sample) -> bool {
        verdict::looks_bad(&check.thresholds, sample, self.warm)
    }
}

impl Sampling {
    /// Starts probing every check at its interval, and more closely what looks bad.
    #[must_use]
    pub fn start(
        context: &Context,
        checks: &[CheckPlan],
        fresh: bool,
        closer_look: Option<CloserLook>,
    ) -> Self {
        let (sender, samples) = mpsc::channel(SAMPLE_QUEUE);
        let stop = context.stop.child_token();
        let task = tokio::spawn(run(
            context.clone(),
            checks.to_vec(),
            fresh,
            closer_look,
            sender,
            stop.clone(),
        ));
        Self {
            samples,
            stop,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Starts no more probes; those in flight still end, at the latest at their deadlines.
    pub fn finish(&self) {
        self.stop.cancel();
    }
}

async fn run(
    context: Context,
    checks: Vec<CheckPlan>,
    fresh: bool,
    closer_look: Option<CloserLook>,
    sender: mpsc::Sender<Sample>,
    stop: CancellationToken,
) {
    let every = checks.iter().map(|check| check.every).collect();
    let mut schedule = Schedule::new(every, context.clock.now());
    let mut in_flight = JoinSet::new();
    while let Some(due) = schedule.next_due() {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = in_flight.join_next(), if !in_flight.is_empty() => {
                if let (Ok((index, sample)), Some(look)) = (&ended, closer_look)
                    && look.is_wanted(&checks[*index], sample)
                {
                    schedule.look_closer(*index, sample.started, context.clock.now());
                }
                if !hand_on(&sender, ended).await {
                    return;
                }
            }
            () = context.sleep_until(due) => {
                context.lag.count(context.clock.now().since(due));
                while let Some((index, turn)) = schedule.take_due(context.clock.now()) {
                    let check = checks[index].clone();
                    let context = context.clone();
                    in_flight.spawn(async move {
                        let mut sample = sample(&context, &check, fresh).await;
                        sample.closer_look = turn == Turn::CloserLook;
                        (index, sample)
                    });
                }
            }
        }
    }
    while let Some(ended) = in_flight.join_next().await {
        if !hand_on(&sender, ended).await {
            return;
        }
    }
}

/// Says whether anybody still wants samples.
async fn hand_on(
    sender: &mpsc::Sender<Sample>,
    ended: Result<(usize, Sample), tokio::task::JoinError>,
) -> bool {
    match ended {
        Ok((_, sample)) => sender.send(sample).await.is_ok(),
        // The runner contains panics of probes; a task is only ever cancelled with its owner.
        Err(_) => !sender.is_closed(),
    }
}

/// Runs one check once, in a slot.
pub async fn sample(context: &Context, check: &CheckPlan, fresh: bool) -> Sample {
    let slot = tokio::time::timeout(check.timeout, Arc::clone(&context.slots).acquire_owned());
    match slot.await {
        Ok(Ok(_slot)) => {
            let clock = Arc::clone(&context.clock);
            attempt::run(&*check.probe, &check.facts.id, clock, check.timeout, fresh).await
        }
        Ok(Err(_)) | Err(_) => no_slot(context, check),
    }
}

fn no_slot(context: &Context, check: &CheckPlan) -> Sample {
    let fault = Fault::new(
        Reason::Exhausted,
        "too many probes in flight on our side: this one was not run",
    );
    Sample {
        check: check.facts.id.clone(),
        started: context.clock.now(),
        latency: Duration::ZERO,
        phases: Phases::default(),
        outcome: Outcome::Unknown,
        fault: Some(fault),
        readings: Vec::new(),
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
    }
}
