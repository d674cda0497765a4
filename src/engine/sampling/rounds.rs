//! The probing of one thread: one timer for all its checks, their runs in flight, and what they saw.
//!
//! It also measures itself: a timer that comes late tells how late the starts are and how long nobody
//! could look at the answers; a turn that was missed altogether is a sample from which nothing is
//! learnt.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;

use super::batch::{Batch, LONGEST_WAIT, Unwanted};
use super::loads::Loads;
use super::run::{Assignment, Ended, Samples, not_run};
use super::{Shared, Stint};
use crate::clock::Moment;
use crate::engine::instruments::Lateness;
use crate::engine::schedule::{Due, Schedule, Turn};
use crate::engine::stalls::Stalls;
use crate::engine::tasks::Attendance;
use crate::plan::CheckPlan;
use crate::sample::{Reason, Sample, Sending};

/// While runs are in flight, the thread looks at least so often whether it still gets its time.
const PULSE: Duration = Duration::from_millis(50);

/// The probing of one thread.
pub(super) struct Rounds {
    shared: Arc<Shared>,
    /// The places of its checks.
    mine: Vec<usize>,
    schedule: Schedule,
    loads: Loads,
    /// Which of its checks have been run; empty where nobody asks.
    was_run: Vec<bool>,
    attendance: Option<Attendance>,
    stalls: Stalls,
}

/// What happens next.
#[expect(
    clippy::large_enum_variant,
    reason = "a box would be an allocation for each run, and there is one step at a time"
)]
enum Step {
    Stopped,
    Ended(Ended),
    /// The timer, set to this moment, has come.
    Timer(Moment),
}

impl Rounds {
    pub(super) fn new(
        shared: Arc<Shared>,
        mine: Vec<usize>,
        stint: &Stint,
        attendance: Option<Attendance>,
    ) -> Self {
        let every = mine.iter().map(|place| stint.every[*place]).collect();
        let first = mine.iter().map(|place| stint.first[*place]).collect();
        let turns = mine.iter().map(|place| stint.turns[*place]).collect();
        let patient = shared.patience.map_or(0, |_| mine.len());
        Self {
            schedule: Schedule::of_turns(every, first, turns),
            loads: Loads::new(&shared, &mine, stint),
            was_run: vec![false; patient],
            shared,
            mine,
            attendance,
            stalls: Stalls::default(),
        }
    }

    /// Probes until told to stop, until no turn is left, or until nobody wants samples any more.
    pub(super) async fn run(mut self, sender: mpsc::Sender<Vec<Sample>>, stop: CancellationToken) {
        if let Some(attendance) = &mut self.attendance {
            attendance.begin(&self.shared.context).await;
        }
        let mut batch = Batch::new(sender);
        let mut in_flight = JoinSet::new();
        let mut stopping = pin!(stop.cancelled());
        let mut timer = pin!(tokio::time::sleep(Duration::ZERO));
        let mut set_to = self.now();
        let mut pulse = set_to;
        let mut is_stopped = false;
        loop {
            let now = self.now();
            let due = [self.schedule.next_due(), self.loads.next_due()];
            let due = due.into_iter().flatten().min().filter(|_| !is_stopped);
            let is_soon = due.is_some_and(|due| due < now + LONGEST_WAIT);
            match batch.hand_on(now, is_soon || !in_flight.is_empty()) {
                Ok(0) => {}
                Ok(lost) => self.shared.lateness().lose(lost as u64),
                Err(Unwanted) => return,
            }
            if due.is_none() && in_flight.is_empty() {
                break;
            }
            let looks = (!in_flight.is_empty()).then_some(pulse + PULSE);
            let wanted = [due, batch.due(), looks].into_iter().flatten().min();
            if let Some(wanted) = wanted.filter(|wanted| *wanted != set_to) {
                timer.as_mut().reset(Instant::now() + wanted.since(now));
                set_to = wanted;
            }
            let step = next_step(
                &mut in_flight,
                (!is_stopped).then_some(stopping.as_mut()),
                timer.as_mut(),
                set_to,
            );
            match step.await {
                Step::Stopped => {
                    is_stopped = true;
                    self.loads.stop();
                }
                Step::Ended(ended) => {
                    let now = self.now();
                    // After a standstill the answers are heard before the timer is.
                    self.stalls.note(set_to, now);
                    self.hear(ended, now, &mut in_flight, &mut batch);
                    self.send_due(now, &mut in_flight, &mut batch);
                }
                Step::Timer(due) => {
                    pulse = self.now();
                    // It is set anew even to the same moment.
                    set_to = Moment::ORIGIN;
                    self.stalls.note(due, pulse);
                    if !is_stopped {
                        self.start_due(pulse, &mut in_flight, &mut batch);
                    }
                }
            }
        }
        batch.close().await;
    }

    fn now(&self) -> Moment {
        self.shared.context.clock.now()
    }

    /// Starts what is due.
    fn start_due(&mut self, now: Moment, in_flight: &mut JoinSet<Ended>, batch: &mut Batch) {
        while let Some(due) = self.schedule.take_due(now) {
            self.shared.lateness().count(now.since(due.since));
            if due.missed > 0 && due.turn == Turn::Scheduled {
                let index = self.mine[due.index];
                let sample = self.missed(index, u64::from(due.missed));
                self.hand_over(index, sample, now, batch);
            }
            self.start(due, in_flight);
        }
        self.send_due(now, in_flight, batch);
    }

    /// Sends what is due at a rate, and what waited for a place that is free now. After a run has
    /// ended it is asked at the very moment of that end: what is given up has a sample to tell of it.
    fn send_due(&mut self, now: Moment, in_flight: &mut JoinSet<Ended>, batch: &mut Batch) {
        while let Some((index, start)) = self.loads.take(now) {
            if start.waited.is_zero() {
                self.shared.lateness().count(now.since(start.intended));
            }
            let assignment = Assignment {
                index,
                task: Ok(None),
                is_first: false,
                closer_look: false,
                in_a_row: 1,
                sent_after: Some(start.waited),
            };
            in_flight.spawn(Arc::clone(&self.shared).run(assignment));
        }
        while let Some((index, missed)) = self.loads.take_missed() {
            let mut sample = self.missed(index, missed);
            // It stands for one of them.
            sample.sending = Some(Sending {
                unsent: missed - 1,
                ..Sending::default()
            });
            self.hand_over(index, sample, now, batch);
        }
    }

    /// The sample of turns that were left out.
    fn missed(&self, index: usize, missed: u64) -> Sample {
        self.shared.lateness().miss(missed);
        let check = &self.shared.checks[index];
        let turns = match missed {
            1 => "a run was".to_owned(),
            several => format!("{several} runs were"),
        };
        let why = format!("{turns} left out: our own machine was too busy, or stood still");
        not_run(&self.shared.context, check, Reason::Starved, why)
    }

    /// Runs a check once; one that asks tasks, once for each of them.
    fn start(&mut self, due: Due, in_flight: &mut JoinSet<Ended>) {
        let index = self.mine[due.index];
        let is_first = match self.was_run.get_mut(due.index) {
            Some(was_run) => !std::mem::replace(was_run, true),
            None => false,
        };
        // The run before a load only asks whether its target is ready.
        let in_a_row = match self.loads.has(index) {
            true => 1,
            false => self.shared.in_a_row,
        };
        let assignment = |task| Assignment {
            index,
            task,
            is_first,
            closer_look: due.turn == Turn::CloserLook,
            in_a_row,
            sent_after: None,
        };
        let attendance = self.attendance.as_mut();
        match attendance.filter(|_| self.shared.checks[index].probe.asks_tasks()) {
            Some(attendance) => {
                for task in attendance.next_run(index) {
                    let run = Arc::clone(&self.shared).run(assignment(task.map(Some)));
                    in_flight.spawn(run);
                }
            }
            None => {
                in_flight.spawn(Arc::clone(&self.shared).run(assignment(Ok(None))));
            }
        }
    }

    /// Takes in what a run saw.
    fn hear(
        &mut self,
        ended: Ended,
        now: Moment,
        in_flight: &mut JoinSet<Ended>,
        batch: &mut Batch,
    ) {
        let Ended {
            index,
            task,
            samples,
        } = ended;
        match samples {
            Samples::One(mut sample) => {
                let check = &self.shared.checks[index];
                self.loads.ended(index, check, now, Some(&mut sample));
                if let (Some(task), Some(attendance)) = (task, &mut self.attendance) {
                    attendance.hear(index, &task, &mut sample);
                }
                if self.shared.context.control.doubts(&sample) {
                    in_flight.spawn(Arc::clone(&self.shared).examine(index, sample));
                } else {
                    self.take(index, sample, batch);
                }
            }
            Samples::Examined(sample) => self.take(index, sample, batch),
            Samples::Several(samples) => {
                let check = &self.shared.checks[index];
                self.loads.ended(index, check, now, None);
                for sample in samples {
                    self.take(index, sample, batch);
                }
            }
        }
    }

    fn take(&mut self, index: usize, mut sample: Sample, batch: &mut Batch) {
        let now = self.now();
        let check = &self.shared.checks[index];
        self.stalls.judge(&mut sample, is_timed(check));
        if let Some(look) = self.shared.closer_look
            && !self.loads.has(index)
            && look.is_wanted(check, &sample)
            && let Ok(place) = self.mine.binary_search(&index)
        {
            self.schedule.look_closer(place, sample.started, now);
        }
        self.hand_over(index, sample, now, batch);
    }

    fn hand_over(&self, index: usize, sample: Sample, now: Moment, batch: &mut Batch) {
        self.shared.context.instruments.record(index, &sample);
        batch.push(sample, now);
    }
}

impl Shared {
    fn lateness(&self) -> &Lateness {
        self.context.instruments.lateness()
    }
}

/// Whether anything is judged by how long the runs of a check took.
fn is_timed(check: &CheckPlan) -> bool {
    let mut limits = check.thresholds.iter();
    limits.any(|limit| limit.subject.is_about_time()) || !check.tolerances.is_empty()
}

/// Waits for whatever comes first.
async fn next_step(
    in_flight: &mut JoinSet<Ended>,
    mut stopping: Option<Pin<&mut impl Future<Output = ()>>>,
    mut timer: Pin<&mut Sleep>,
    set_to: Moment,
) -> Step {
    poll_fn(|context| {
        if let Some(stopping) = &mut stopping
            && stopping.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Step::Stopped);
        }
        // The runner contains panics of probes; a task is only ever cancelled with its owner.
        while let Poll::Ready(Some(ended)) = in_flight.poll_join_next(context) {
            if let Ok(ended) = ended {
                return Poll::Ready(Step::Ended(ended));
            }
        }
        timer.as_mut().poll(context).map(|()| Step::Timer(set_to))
    })
    .await
}
