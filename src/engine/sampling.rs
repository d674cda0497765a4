//! Runs probes when they are due, many at once, and hands their samples on.
//!
//! A hung peer costs its own slot until its own deadline and nothing else. A probe that gets no
//! slot in time is an `Unknown` sample: our machine was too busy, the target is not to blame.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::context::Context;
use super::schedule::{Schedule, Turn};
use super::tasks::Attendance;
use crate::clock::Moment;
use crate::plan::CheckPlan;
use crate::probe::attempt::{self, Conditions, TaskPlace};
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

/// How checks are probed.
#[derive(Debug, Default)]
pub struct Manner {
    /// Whether what looks bad is probed more often.
    pub closer_look: Option<CloserLook>,
    /// Whether answers of any version count: before a deployment and after its rollback.
    pub any_version: bool,
    /// The tasks, for checks that ask each by itself.
    pub attendance: Option<Attendance>,
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
    /// Starts probing every check at its interval, over fresh connections.
    #[must_use]
    pub fn start(context: &Context, checks: &[CheckPlan], manner: Manner) -> Self {
        let (sender, samples) = mpsc::channel(SAMPLE_QUEUE);
        let stop = context.stop.child_token();
        let rounds = Rounds {
            context: context.clone(),
            checks: checks.to_vec(),
            manner,
            since: context.clock.now(),
        };
        let task = tokio::spawn(rounds.run(sender, stop.clone()));
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

/// The probing of all checks, round after round.
struct Rounds {
    context: Context,
    checks: Vec<CheckPlan>,
    manner: Manner,
    since: Moment,
}

/// A run that ended: the place of its check, the task that it asked, what came of it.
type Ended = (usize, Option<TaskPlace>, Sample);

impl Rounds {
    async fn run(mut self, sender: mpsc::Sender<Sample>, stop: CancellationToken) {
        if let Some(attendance) = &mut self.manner.attendance {
            attendance.begin(&self.context).await;
        }
        let every = self.checks.iter().map(|check| check.every).collect();
        let mut schedule = Schedule::new(every, self.context.clock.now());
        let mut in_flight = JoinSet::new();
        while let Some(due) = schedule.next_due() {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = in_flight.join_next(), if !in_flight.is_empty() => {
                    let ended = self.hear(ended);
                    if let (Some((index, sample)), Some(look)) = (&ended, self.manner.closer_look)
                        && look.is_wanted(&self.checks[*index], sample)
                    {
                        schedule.look_closer(*index, sample.started, self.context.clock.now());
                    }
                    if !hand_on(&sender, ended).await {
                        return;
                    }
                }
                () = self.context.sleep_until(due) => {
                    self.context.lag.count(self.context.clock.now().since(due));
                    while let Some((index, turn)) = schedule.take_due(self.context.clock.now()) {
                        self.probe(index, turn, &mut in_flight);
                    }
                }
            }
        }
        while let Some(ended) = in_flight.join_next().await {
            let ended = self.hear(ended);
            if !hand_on(&sender, ended).await {
                return;
            }
        }
    }

    /// Runs a check once; one that asks tasks, once for each of them.
    fn probe(&mut self, index: usize, turn: Turn, in_flight: &mut JoinSet<Ended>) {
        let check = &self.checks[index];
        let attendance = self.manner.attendance.as_mut();
        let whom = match attendance.filter(|_| check.probe.asks_tasks()) {
            Some(attendance) => attendance
                .next_run(index)
                .into_iter()
                .map(|one| one.map(Some))
                .collect(),
            None => vec![Ok(None)],
        };
        for whom in whom {
            let (context, check) = (self.context.clone(), check.clone());
            let (any_version, opened_since) = (self.manner.any_version, self.since);
            in_flight.spawn(async move {
                let (task, mut sample) = match whom {
                    Ok(task) => {
                        let conditions = Conditions {
                            fresh: false,
                            in_window: true,
                            opened_since,
                            task: task.clone(),
                            any_version,
                        };
                        (task, sample(&context, &check, conditions).await)
                    }
                    Err(why) => (None, not_run(&context, &check, Reason::NoTask, why)),
                };
                sample.closer_look = turn == Turn::CloserLook;
                (index, task, sample)
            });
        }
    }

    /// What came of a run; nothing where its task was ended.
    fn hear(&mut self, ended: Result<Ended, JoinError>) -> Option<(usize, Sample)> {
        // The runner contains panics of probes; a task is only ever cancelled with its owner.
        let (index, task, mut sample) = ended.ok()?;
        if let (Some(task), Some(attendance)) = (task, &mut self.manner.attendance) {
            attendance.hear(index, &task, &mut sample);
        }
        Some((index, sample))
    }
}

/// Says whether anybody still wants samples.
async fn hand_on(sender: &mpsc::Sender<Sample>, ended: Option<(usize, Sample)>) -> bool {
    match ended {
        Some((_, sample)) => sender.send(sample).await.is_ok(),
        None => !sender.is_closed(),
    }
}

/// Runs one check once, in a slot.
pub async fn sample(context: &Context, check: &CheckPlan, conditions: Conditions) -> Sample {
    let slot = tokio::time::timeout(check.timeout, Arc::clone(&context.slots).acquire_owned());
    match slot.await {
        Ok(Ok(_slot)) => {
            let clock = Arc::clone(&context.clock);
            let id = &check.facts.id;
            attempt::run(&*check.probe, id, clock, check.timeout, conditions).await
        }
        Ok(Err(_)) | Err(_) => {
            let why = "too many probes in flight on our side: this one was not run";
            not_run(context, check, Reason::Exhausted, why.to_owned())
        }
    }
}

fn not_run(context: &Context, check: &CheckPlan, reason: Reason, why: String) -> Sample {
    Sample {
        check: check.facts.id.clone(),
        started: context.clock.now(),
        latency: Duration::ZERO,
        phases: Phases::default(),
        outcome: Outcome::Unknown,
        fault: Some(Fault::new(reason, why)),
        readings: Vec::new(),
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
        session: None,
    }
}
