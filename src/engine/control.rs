//! The control checks: whether we ourselves can reach anything.
//!
//! When a run of another check could not reach its target or got no answer in time, the controls are
//! asked at once. Reaches none of them its own target either, nothing was learnt: the sample becomes
//! `Unknown` (`offline`). A wrong answer is never excused, and a control that is reached changes
//! nothing. What was looked at serves all samples of the same second, so that an outage of a
//! thousand checks costs the third party that is asked one request a second.
//!
//! Called with every sample that ended, before the judge and the recording take it in: a replay then
//! meets what the judge met.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

use super::context::Context;
use crate::clock::Moment;
use crate::event::What;
use crate::plan::ControlPlan;
use crate::probe::attempt::{self, Conditions};
use crate::quantity::human;
use crate::sample::{Fault, Outcome, Reason, Sample};

/// The control checks of a run; without any, nothing is ever excused.
#[derive(Clone, Debug, Default)]
pub struct Control(Option<Arc<Controls>>);

#[derive(Debug)]
struct Controls {
    plans: Vec<ControlPlan>,
    known: Mutex<Known>,
    waiting: AtomicUsize,
}

/// What the looks so far have shown.
#[derive(Debug, Default)]
struct Known {
    /// The newest looks, the oldest first.
    looks: VecDeque<Look>,
    /// How each control fared, in the order of declaration.
    tallies: Vec<Tally>,
}

/// One look at all controls.
#[derive(Clone, Debug)]
struct Look {
    began: Moment,
    ended: Moment,
    /// Which were not reached; absent when one was.
    missed: Option<Missed>,
}

/// That no control was reached.
#[derive(Clone, Debug)]
struct Missed {
    /// Who fails, as a sentence begins.
    who: String,
    /// Why the last one was not reached.
    reason: Reason,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    runs: u64,
    missed: u64,
    last: Option<Fault>,
}

/// The time between the starts of two looks is at least this, and what a look has shown is as old at
/// most: a third party is not to be pestered, and a network fails for longer.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// How many looks are remembered: more than are begun within the longest timeout that makes sense,
/// so that a long run meets all that happened meanwhile.
const REMEMBERED: usize = 128;
/// How many samples may wait for a look at once. Beyond that they are told unknown: to condemn by
/// them would be to guess.
const MOST_WAITING: usize = 16_384;

impl Control {
    /// The control checks that were declared.
    #[must_use]
    pub fn of(plans: &[ControlPlan]) -> Self {
        if plans.is_empty() {
            return Self::default();
        }
        let known = Known {
            tallies: vec![Tally::default(); plans.len()],
            ..Known::default()
        };
        Self(Some(Arc::new(Controls {
            plans: plans.to_vec(),
            known: Mutex::new(known),
            waiting: AtomicUsize::new(0),
        })))
    }

    /// Whether [`Control::examine`] would ask the controls about this sample: it says at once whether
    /// a sample can be handed on as it is.
    #[must_use]
    pub fn doubts(&self, sample: &Sample) -> bool {
        self.0.is_some() && is_in_doubt(sample)
    }

    /// Excuses a sample that just ended, when no control check was reached either. Takes as long as
    /// a look: `BETWEEN_LOOKS` and the longest timeout of the controls, twice at most; no slot and
    /// no connection should be held meanwhile.
    pub async fn examine(&self, context: &Context, sample: &mut Sample) {
        let Some(controls) = self.0.as_ref().filter(|_| is_in_doubt(sample)) else {
            return;
        };
        let waiting = Waiting::among(&controls.waiting);
        let missed = match waiting.number() < MOST_WAITING {
            true => controls
                .missed(context, sample)
                .await
                .map(|Missed { who, reason }| format!("{who} too ({})", reason.code())),
            false => Some("too many runs wait for the control checks".to_owned()),
        };
        if let Some(missed) = missed {
            let met = sample.fault.take().map(|fault| fault.detail);
            let detail = format!("{missed}; {}", met.unwrap_or_default());
            sample.outcome = Outcome::Unknown;
            sample.fault = Some(Fault::new(Reason::Offline, detail));
        }
    }

    /// Looks again and again while a window is watched, until the handle is dropped: an outage of our
    /// own that is over when a run's deadline comes is then known all the same.
    #[must_use]
    pub fn keep_looking(&self, context: &Context) -> Option<AbortOnDropHandle<()>> {
        let controls = Arc::clone(self.0.as_ref()?);
        let every = controls.plans.iter().map(|plan| plan.every).min()?;
        let context = context.clone();
        let looking = async move {
            loop {
                let next = context.clock.now() + every.max(BETWEEN_LOOKS);
                controls.look_again(&context).await;
                context.sleep_until(next).await;
            }
        };
        Some(AbortOnDropHandle::new(tokio::spawn(looking)))
    }

    /// What a person should know of the controls: which of them were not reached, and how often.
    pub async fn notes(&self) -> Vec<String> {
        let Some(controls) = &self.0 else {
            return Vec::new();
        };
        let known = controls.known.lock().await;
        let fared = controls.plans.iter().zip(&known.tallies);
        fared.filter_map(|(plan, tally)| tally.note(plan)).collect()
    }
}

/// Only what says that nobody was reached: a target that answered, even that it is not ready, was.
fn is_in_doubt(sample: &Sample) -> bool {
    let spoke = |fault: &Fault| fault.reason == Reason::NotReady;
    sample.outcome == Outcome::Error && !sample.fault.as_ref().is_some_and(spoke)
}

impl Controls {
    /// Why no control was reached when this sample ended or while it ran; nothing where one was.
    async fn missed(&self, context: &Context, sample: &Sample) -> Option<Missed> {
        let ended = sample.started + sample.latency;
        let mut known = self.known.lock().await;
        match known.answer(sample.started, ended) {
            Some(look) => look.missed.clone(),
            None => self.look(context, &mut known).await,
        }
    }

    async fn look_again(&self, context: &Context) {
        let mut known = self.known.lock().await;
        self.look(context, &mut known).await;
    }

    /// Asks all controls side by side, until one is reached, and says why none was.
    async fn look(&self, context: &Context, known: &mut Known) -> Option<Missed> {
        if let Some(last) = known.looks.back() {
            context.sleep_until(last.began + BETWEEN_LOOKS).await;
        }
        let began = context.clock.now();
        let runs = self.plans.iter().enumerate();
        let mut running: FuturesUnordered<_> = runs
            .map(|(place, plan)| async move { (place, run(context, plan).await) })
            .collect();
        let mut missed = None;
        while let Some((place, fault)) = running.next().await {
            let is_reached = fault.is_none();
            known.tallies[place].count(fault.as_ref());
            if is_reached {
                missed = None;
                break;
            }
            missed = fault.map(|fault| Missed {
                who: self.who_fails(place),
                reason: fault.reason,
            });
        }
        drop(running);
        let look = Look {
            began,
            ended: context.clock.now(),
            missed: missed.clone(),
        };
        tell(context, known.looks.back(), &look);
        known.keep(look);
        missed
    }

    fn who_fails(&self, place: usize) -> String {
        let id = &self.plans[place].id;
        match self.plans.len() {
            1 => format!("the control check {id} fails"),
            count => format!("each of {count} control checks, {id} the last, fails"),
        }
    }
}

/// Runs a control once, over new connections and outside the slots, which others may have filled.
pub(super) async fn sample(context: &Context, plan: &ControlPlan) -> Sample {
    let conditions = Conditions {
        fresh: true,
        any_version: true,
        resolver: plan.resolver.clone(),
        ..Conditions::default()
    };
    let clock = Arc::clone(&context.clock);
    attempt::run(&*plan.probe, &plan.id, clock, plan.timeout, conditions).await
}

/// Runs a control once: nothing when its target was reached.
async fn run(context: &Context, plan: &ControlPlan) -> Option<Fault> {
    let sample = sample(context, plan).await;
    match sample.outcome {
        Outcome::Pass | Outcome::Fail => None,
        Outcome::Error | Outcome::Unknown => sample.fault.filter(|fault| !answered(fault.reason)),
    }
}

/// Whether somebody answered all the same: that they limit us, say, or serve something else.
const fn answered(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NotReady
            | Reason::Throttled
            | Reason::WrongChain
            | Reason::ChainHalted
            | Reason::NoReference
            | Reason::OtherVersion
    )
}

/// Says when the controls are no longer reached, and when they are again.
fn tell(context: &Context, before: Option<&Look>, look: &Look) {
    let were_reached = before.is_none_or(|before| before.missed.is_none());
    let text = match (&look.missed, were_reached) {
        (Some(Missed { who, reason }), true) => format!(
            "{who} ({}): until that is over, what cannot be reached counts as unknown",
            reason.code()
        ),
        (None, false) => "the control check is reached again".to_owned(),
        (Some(_), false) | (None, true) => return,
    };
    context.events.emit(What::Warned(text));
}

impl Known {
    /// The look that says how it was when a run ended: one that missed while the run went on, or one
    /// that was begun within the run and is not too old.
    fn answer(&self, began: Moment, ended: Moment) -> Option<&Look> {
        let meanwhile = |look: &&Look| look.ended >= began;
        let missed = |look: &&Look| look.missed.is_some();
        let mut looks = self.looks.iter().rev();
        looks
            .find(|look| meanwhile(look) && missed(look))
            .or_else(|| {
                let fresh = began.max(ended - BETWEEN_LOOKS);
                self.looks.back().filter(|look| look.began >= fresh)
            })
    }

    fn keep(&mut self, look: Look) {
        if self.looks.len() == REMEMBERED {
            self.looks.pop_front();
        }
        self.looks.push_back(look);
    }
}

impl Tally {
    fn count(&mut self, fault: Option<&Fault>) {
        self.runs += 1;
        if let Some(fault) = fault {
            self.missed += 1;
            self.last = Some(fault.clone());
        }
    }

    fn note(&self, plan: &ControlPlan) -> Option<String> {
        let last = self.last.as_ref()?;
        let (id, missed, runs) = (&plan.id, self.missed, self.runs);
        let never = match missed == runs {
            true => "; it never worked here: while it does not, no outage is told from our own",
            false => "",
        };
        let (within, last) = (human(plan.timeout), &last.detail);
        Some(format!(
            "the control check {id} was not reached {missed} of {runs} times within {within}, \
             last: {last}{never}"
        ))
    }
}

/// A sample that waits, counted as long as this lives.
struct Waiting<'a> {
    all: &'a AtomicUsize,
    number: usize,
}

impl<'a> Waiting<'a> {
    fn among(all: &'a AtomicUsize) -> Self {
        let number = all.fetch_add(1, Ordering::Relaxed);
        Self { all, number }
    }

    const fn number(&self) -> usize {
        self.number
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
