//! One run of a check: its slot, its attempt, and where a gate is patient, its repetition. Never judges.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::Shared;
use crate::clock::Moment;
use crate::engine::addresses;
use crate::engine::context::Context;
use crate::event::What;
use crate::plan::CheckPlan;
use crate::probe::attempt::{self, Conditions, Place, TaskPlace};
use crate::sample::{Fault, Outcome, Phases, Reason, Sample};

/// A run that ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// The place of its check.
    pub(super) index: usize,
    /// The task that it asked.
    pub(super) task: Option<TaskPlace>,
    /// What came of it; none where it was given up.
    pub(super) samples: Samples,
}

/// The samples of a run: nearly always one.
#[derive(Debug)]
pub(super) enum Samples {
    One(Sample),
    /// The same, after the control checks were asked about it.
    Examined(Sample),
    Several(Vec<Sample>),
}

/// What a thread is told to run.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) index: usize,
    /// The task to ask, or why none can be asked.
    pub(super) task: Result<Option<TaskPlace>, String>,
    pub(super) is_first: bool,
    pub(super) closer_look: bool,
    /// How many samples it takes, one after the other.
    pub(super) in_a_row: u32,
    /// Where it is sent at a rate, how long it waited because the target held every place.
    pub(super) sent_after: Option<Duration>,
}

/// Every place in flight of a check was taken for the whole timeout.
struct NoPlace;

impl Shared {
    /// Runs a check as assigned.
    pub(super) async fn run(self: Arc<Self>, assignment: Assignment) -> Ended {
        let Assignment {
            index,
            task,
            is_first,
            closer_look,
            in_a_row,
            sent_after,
        } = assignment;
        let check = &self.checks[index];
        let task = match task {
            Ok(task) => task,
            Err(why) => {
                let sample = not_run(&self.context, check, Reason::NoTask, why);
                return Ended {
                    index,
                    task: None,
                    samples: Samples::One(sample),
                };
            }
        };
        let Ok(_place) = self.place(index).await else {
            let why = "as many of its runs as `max_in_flight` allows are under way still: this one \
                       was not run";
            let sample = not_run(&self.context, check, Reason::Exhausted, why.to_owned());
            return Ended {
                index,
                task,
                samples: Samples::One(sample),
            };
        };
        let conditions = Conditions {
            fresh: false,
            in_window: self.in_window,
            opened_since: self.since,
            place: task.clone().map(Place::Task),
            resolver: check.resolver.clone(),
            waited: sent_after.unwrap_or_default(),
            any_version: self.any_version,
            // Each attempt of it gets names of its own.
            trace: None,
        };
        let is_plain = in_a_row == 1 && self.patience.is_none();
        let asks_one = check.probe.asks_addresses_of().is_none();
        let samples = if (is_plain && asks_one) || sent_after.is_some() {
            // A load has a limit of its own.
            let slots = self.targets[index].as_ref();
            let slots = slots.filter(|_| sent_after.is_none());
            let mut sample = in_slot(&self.context, check, slots, conditions).await;
            sample.closer_look = closer_look;
            Samples::One(sample)
        } else {
            let taking = self.patiently(index, in_a_row, is_first, conditions);
            let mut samples = Box::pin(taking).await;
            for sample in &mut samples {
                sample.closer_look = closer_look;
            }
            Samples::Several(samples)
        };
        Ended {
            index,
            task,
            samples,
        }
    }

    /// Waits for a place in flight of a check, where it declares how many there are.
    async fn place(&self, index: usize) -> Result<Option<SemaphorePermit<'_>>, NoPlace> {
        let Some(places) = &self.places[index] else {
            return Ok(None);
        };
        if let Ok(place) = places.try_acquire() {
            return Ok(Some(place));
        }
        // The future is large and this is rare.
        let waiting = tokio::time::timeout(self.checks[index].timeout, places.acquire());
        match Box::pin(waiting).await {
            Ok(Ok(place)) => Ok(Some(place)),
            Ok(Err(_)) | Err(_) => Err(NoPlace),
        }
    }

    /// Asks the control checks about a sample. Its run is over: it holds no slot and no place of a
    /// load.
    pub(super) async fn examine(self: Arc<Self>, index: usize, mut sample: Sample) -> Ended {
        let context = &self.context;
        context.control.examine(context, &mut sample).await;
        Ended {
            index,
            task: None,
            samples: Samples::Examined(sample),
        }
    }

    /// Takes several samples, one after the other, the first one when the target is ready.
    async fn patiently(
        &self,
        index: usize,
        in_a_row: u32,
        is_first: bool,
        conditions: Conditions,
    ) -> Vec<Sample> {
        let start = self.context.clock.now();
        let mut samples = Vec::new();
        for turn in 0..in_a_row {
            let until = match self.patience {
                Some(patience) if is_first && turn == 0 => start + patience,
                _ => start,
            };
            let taken = self.when_ready(index, until, &conditions).await;
            samples.extend(taken.into_iter().flatten());
        }
        samples
    }

    /// Runs a check, again and again while it is not ready, until a moment; none when stopped.
    async fn when_ready(
        &self,
        index: usize,
        until: Moment,
        conditions: &Conditions,
    ) -> Option<Vec<Sample>> {
        let (context, check) = (&self.context, &self.checks[index]);
        let slots = self.targets[index].as_ref();
        let mut pause = FIRST_PAUSE;
        let mut retries = 0;
        loop {
            let mut samples = addresses::each(context, check, slots, conditions.clone()).await;
            for sample in &mut samples {
                sample.retries = retries;
            }
            let left = until.since(context.clock.now());
            let mut faults = samples.iter().filter_map(|sample| sample.fault.as_ref());
            let Some(fault) = faults.find(|fault| fault.transient && !left.is_zero()) else {
                for sample in &mut samples {
                    context.control.examine(context, sample).await;
                }
                return Some(samples);
            };
            let again_in = pause.min(left);
            context.events.emit(What::NotReady {
                check: check.facts.id.clone(),
                fault: fault.clone(),
                again_in,
            });
            if !context.pause(again_in).await {
                return None;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            retries += 1;
        }
    }
}

/// The first pause before a check that is not ready is tried again; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Runs one check once, in a slot.
pub async fn sample(context: &Context, check: &CheckPlan, mut conditions: Conditions) -> Sample {
    conditions.resolver.clone_from(&check.resolver);
    let target = check.probe.target();
    let slots = target.map(|target| context.slots.of_target(&target));
    in_slot(context, check, slots.as_ref(), conditions).await
}

/// Runs one check once, in a slot of our own machine and, where it has a limit, of the target.
pub(in crate::engine) async fn in_slot(
    context: &Context,
    check: &CheckPlan,
    of_target: Option<&Arc<Semaphore>>,
    mut conditions: Conditions,
) -> Sample {
    conditions.trace = Some(context.traces.begin());
    let slot = match context.slots.try_take(of_target) {
        Some(slot) => Some(slot),
        None => {
            let waiting = context.slots.take(of_target);
            // The future is large and this is rare.
            let waited = Box::pin(tokio::time::timeout(check.timeout, waiting)).await;
            waited.ok().flatten()
        }
    };
    let Some(_slot) = slot else {
        let why = "too many probes in flight on our side: this one was not run";
        return not_run(context, check, Reason::Exhausted, why.to_owned());
    };
    let clock = Arc::clone(&context.clock);
    let id = &check.facts.id;
    attempt::run(&*check.probe, id, clock, check.timeout, conditions).await
}

/// The sample of a run that did not take place.
pub(super) fn not_run(context: &Context, check: &CheckPlan, reason: Reason, why: String) -> Sample {
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
        sending: None,
        session: None,
        trace: None,
    }
}
