//! Runs probes when they are due, many at once, and hands their samples on.
//!
//! A hung peer costs its own slot until its own deadline and nothing else. A probe that gets no
//! slot in time is an `Unknown` sample: our machine was too busy, the target is not to blame.

mod batch;
mod loads;
mod rounds;
mod run;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::rounds::Rounds;
use super::context::Context;
use super::schedule;
use super::tasks::Attendance;
use crate::clock::Moment;
use crate::plan::CheckPlan;
use crate::sample::Sample;
use crate::verdict;

pub(in crate::engine) use self::run::in_slot;
pub use self::run::sample;

/// How many batches of samples of all threads may wait for the judge. A thread that finds no place
/// keeps its own for a while.
const BATCH_QUEUE: usize = 1_024;

/// Probing that goes on until it is stopped or dropped.
#[derive(Debug)]
pub struct Sampling {
    batches: mpsc::Receiver<Vec<Sample>>,
    /// What came with the last batch and was not asked for yet.
    waiting: VecDeque<Sample>,
    stop: CancellationToken,
    // Dropping them ends the tasks, and with them every probe in flight.
    _tasks: Vec<AbortOnDropHandle<()>>,
    _looking: Option<AbortOnDropHandle<()>>,
}

/// How checks are probed.
#[derive(Debug, Default)]
pub struct Manner {
    /// Whether what is probed is judged for a deployment: each run then opens a connection of its
    /// own unless its check declares otherwise.
    pub in_window: bool,
    /// Whether what looks bad is probed more often.
    pub closer_look: Option<CloserLook>,
    /// Whether answers of any version count: before a deployment and after its rollback.
    pub any_version: bool,
    /// The tasks, for checks that ask each by itself.
    pub attendance: Option<Attendance>,
    /// The runs that there are, where they are counted; otherwise each check runs at its interval
    /// without end.
    pub stint: Option<Stint>,
    /// When each check runs first, where its runs are not counted; spread from now on otherwise.
    pub first: Option<Vec<Moment>>,
}

/// Runs that are counted: those of a gate.
#[derive(Clone, Debug)]
pub struct Stint {
    /// When each check runs first, in the order of the checks.
    pub first: Vec<Moment>,
    /// The time between the starts of two runs of a check.
    pub every: Vec<Duration>,
    /// How many runs each check has.
    pub turns: Vec<u32>,
    /// How many runs of each check are sent at its rate, besides; none where it has no rate.
    pub sends: Vec<u64>,
    /// How many samples each run takes, one after the other.
    pub in_a_row: u32,
    /// How long the first run of a check is repeated while its target is not ready yet.
    pub patience: Option<Duration>,
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

/// What the threads of one probing share.
#[derive(Debug)]
struct Shared {
    context: Context,
    checks: Vec<CheckPlan>,
    /// The slots of each check's target.
    targets: Vec<Option<Arc<Semaphore>>>,
    /// The places in flight of each check that declares how many it has and runs by an interval.
    places: Vec<Option<Semaphore>>,
    in_window: bool,
    any_version: bool,
    closer_look: Option<CloserLook>,
    in_a_row: u32,
    patience: Option<Duration>,
    since: Moment,
}

impl Sampling {
    /// Starts probing every check, dealt out over the threads for probes.
    #[must_use]
    pub fn start(context: &Context, checks: &[CheckPlan], manner: Manner) -> Self {
        let since = context.clock.now();
        // A few counted runs ask the controls only when they must: a gate is to be quick.
        let looking = match manner.stint {
            None => context.control.keep_looking(context),
            Some(_) => None,
        };
        let stint = manner
            .stint
            .unwrap_or_else(|| endless(checks, since, manner.first));
        let of_target = |check: &CheckPlan| {
            let target = check.probe.target();
            target.map(|target| context.slots.of_target(&target))
        };
        let shared = Arc::new(Shared {
            context: context.clone(),
            targets: checks.iter().map(of_target).collect(),
            places: checks.iter().map(places).collect(),
            checks: checks.to_vec(),
            in_window: manner.in_window,
            any_version: manner.any_version,
            closer_look: manner.closer_look,
            in_a_row: stint.in_a_row,
            patience: stint.patience,
            since,
        });
        let threads = context.threads.wanted(runs_a_second(&stint));
        let (sender, batches) = mpsc::channel(BATCH_QUEUE);
        let stop = context.stop.child_token();
        let mut attendance = manner.attendance;
        let tasks = (0..threads).map(|number| {
            // Whoever knows the tasks of the deployment is one: the checks that ask them are his.
            let mine = deal(&shared.checks, number, threads);
            let attendance = attendance.take_if(|_| number == 0);
            let rounds = Rounds::new(Arc::clone(&shared), mine, &stint, attendance);
            let task = rounds.run(sender.clone(), stop.clone());
            AbortOnDropHandle::new(context.threads.spawn(number, task))
        });
        Self {
            _tasks: tasks.collect(),
            batches,
            waiting: VecDeque::new(),
            stop,
            _looking: looking,
        }
    }

    /// Waits for the next sample, in the order in which they ended; none after the last one. A wait
    /// that is dropped loses nothing.
    pub async fn next(&mut self) -> Option<Sample> {
        loop {
            if let Some(sample) = self.waiting.pop_front() {
                return Some(sample);
            }
            self.waiting.extend(self.batches.recv().await?);
        }
    }

    /// The same for as many samples as are there at once; none after the last ones.
    pub async fn next_batch(&mut self) -> Option<Vec<Sample>> {
        if self.waiting.is_empty() {
            return self.batches.recv().await;
        }
        Some(self.waiting.drain(..).collect())
    }

    /// Starts no more probes; those in flight still end, at the latest at their deadlines.
    pub fn finish(&self) {
        self.stop.cancel();
    }
}

/// The places of a check; a load keeps count of its own.
fn places(check: &CheckPlan) -> Option<Semaphore> {
    let most = check.max_in_flight.filter(|_| check.pace.is_none())?;
    Some(Semaphore::new(most as usize))
}

/// Each check at its interval, for as long as the probing lasts.
fn endless(checks: &[CheckPlan], since: Moment, first: Option<Vec<Moment>>) -> Stint {
    let every: Vec<Duration> = checks.iter().map(|check| check.every).collect();
    Stint {
        first: first.unwrap_or_else(|| schedule::spread(&every, since)),
        every,
        turns: checks.iter().map(|check| own(check, u32::MAX)).collect(),
        sends: checks.iter().map(sends).collect(),
        in_a_row: 1,
        patience: None,
    }
}

/// The turns of a check that does not run at a rate.
const fn own(check: &CheckPlan, turns: u32) -> u32 {
    match check.pace {
        Some(_) => 0,
        None => turns,
    }
}

/// The sends of a check without end.
const fn sends(check: &CheckPlan) -> u64 {
    match check.pace {
        Some(_) => u64::MAX,
        None => 0,
    }
}

fn runs_a_second(stint: &Stint) -> f64 {
    let rate = |every: &Duration| 1.0 / every.as_secs_f64().max(LEAST_INTERVAL);
    stint.every.iter().map(rate).sum()
}

/// A check that has no interval, because it runs once, counts as one that runs once a second.
const LEAST_INTERVAL: f64 = 1e-3;

/// The checks of one thread, by their places; those that ask tasks are on the first.
fn deal(checks: &[CheckPlan], number: usize, threads: usize) -> Vec<usize> {
    let of = |place: usize, check: &CheckPlan| match check.probe.asks_tasks() {
        true => 0,
        false => place % threads,
    };
    let places = checks.iter().enumerate();
    places
        .filter(|(place, check)| of(*place, check) == number)
        .map(|(place, _)| place)
        .collect()
}
