//! Which tasks are asked one by one, for checks with `addresses: tasks`: the platform is asked again
//! and again which of them run, and whose failures count yet.
//!
//! A platform runs a task as soon as its containers do, which is before they answer. So the failures
//! of a task that never passed teach nothing while it is younger than the warm-up; unless one has
//! already gone without ever having passed, for then they die at birth. Failures of tasks that came
//! up count, also those of one that has gone meanwhile: it may have crashed. Used by `sampling`, made
//! by `watch` and `verification`.

mod proof;

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::context::Context;
use super::rollback::Order;
use super::watch::Watch;
use crate::clock::{Clock, Moment};
use crate::deploy::DeploymentTarget;
use crate::deployment::{Deployment, Task};
use crate::plan::CheckPlan;
use crate::probe::attempt::{TaskPlace, short};
use crate::quantity::human;
use crate::sample::{Fault, Outcome, Reason, Sample};

pub use proof::{discrepancy, replaced};

/// The tasks that are asked, and what is known of each.
#[derive(Debug)]
pub struct Attendance {
    known: watch::Receiver<Known>,
    whose: Whose,
    warm_up: Duration,
    clock: Arc<dyn Clock>,
    /// Since when each task is known.
    first_seen: HashMap<Arc<str>, Moment>,
    /// The tasks that have passed, each with the place of the check.
    passed: HashSet<(usize, Arc<str>)>,
    /// Whether a task has gone that never passed.
    one_died_at_birth: bool,
    /// How many runs of each check asked before, so that of very many tasks each has its turn.
    runs: HashMap<usize, usize>,
    // Dropping it ends the asking.
    _asking: Option<AbortOnDropHandle<Infallible>>,
}

/// Whose tasks are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// Those of the deployment under test.
    Deployment,
    /// All others: after its rollback those of the revision before.
    Others,
}

/// What the platform said last.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Absent as long as it has not said anything.
    tasks: Option<Arc<[Task]>>,
    /// Why it could not be asked the last time.
    trouble: Option<String>,
}

impl Watch<'_> {
    /// The tasks of the deployment under test, where a check asks them.
    pub(super) fn attendance(&self, deployment: &Deployment) -> Option<Attendance> {
        let (sender, known) = wanted(self.checks)?;
        let (target, deployment) = (Arc::clone(&self.target), deployment.clone());
        let (clock, poll) = (Arc::clone(&self.context.clock), self.options.pace.poll);
        let asking = async move { keep(&*target, &deployment, poll, &sender).await };
        let mut attendance = Attendance::new(known, Whose::Deployment, clock);
        attendance.warm_up = self.service.policy.warm_up;
        attendance._asking = Some(AbortOnDropHandle::new(tokio::spawn(asking)));
        Some(attendance)
    }
}

impl Order<'_> {
    /// The tasks of the revision that a rollback has returned to, where a check asks them; and the
    /// asking, which goes on as long as it is polled.
    pub(super) fn attendance(&self) -> (Option<Attendance>, impl Future<Output = Infallible>) {
        let (sender, attendance) = match wanted(self.checks) {
            Some((sender, known)) => {
                let clock = Arc::clone(&self.context.clock);
                let mut attendance = Attendance::new(known, Whose::Others, clock);
                attendance.warm_up = self.service.policy.warm_up;
                (Some(sender), Some(attendance))
            }
            None => (None, None),
        };
        let asking = async move {
            match sender {
                Some(sender) => keep(self.target, self.deployment, self.pace.poll, &sender).await,
                None => std::future::pending().await,
            }
        };
        (attendance, asking)
    }
}

/// A way to tell what is known, where anybody wants to know.
fn wanted(checks: &[CheckPlan]) -> Option<(watch::Sender<Known>, watch::Receiver<Known>)> {
    let is_wanted = checks.iter().any(|check| check.probe.asks_tasks());
    is_wanted.then(|| watch::channel(Known::default()))
}

/// Asks the platform again and again. While it cannot be asked, what it said last stands.
async fn keep(
    target: &dyn DeploymentTarget,
    deployment: &Deployment,
    poll: Duration,
    known: &watch::Sender<Known>,
) -> Infallible {
    loop {
        let answer = tokio::time::timeout(LONGEST_ANSWER, target.tasks(deployment)).await;
        known.send_modify(|known| match answer {
            Ok(Ok(tasks)) => {
                known.tasks = Some(tasks.into());
                known.trouble = None;
            }
            Ok(Err(error)) => known.trouble = Some(error.to_string()),
            Err(_) => {
                let longest = human(LONGEST_ANSWER);
                known.trouble = Some(format!("no answer within {longest}"));
            }
        });
        tokio::time::sleep(poll).await;
    }
}

impl Attendance {
    fn new(known: watch::Receiver<Known>, whose: Whose, clock: Arc<dyn Clock>) -> Self {
        Self {
            known,
            whose,
            warm_up: Duration::ZERO,
            clock,
            first_seen: HashMap::new(),
            passed: HashSet::new(),
            one_died_at_birth: false,
            runs: HashMap::new(),
            _asking: None,
        }
    }

    /// Waits until the platform has answered once, for a short while.
    pub(super) async fn begin(&mut self, context: &Context) {
        let answered = self
            .known
            .wait_for(|known| known.tasks.is_some() || known.trouble.is_some());
        tokio::select! {
            // Whoever asks lives as long as this; an end is told by the samples.
            _ = answered => {}
            () = tokio::time::sleep(LONGEST_START) => {}
            () = context.stop.cancelled() => {}
        }
    }

    /// Whom the next run of the check at `index` asks; of a task that cannot be asked, or where
    /// there is none, why.
    pub(super) fn next_run(&mut self, index: usize) -> Vec<Result<TaskPlace, String>> {
        let known = self.known.borrow_and_update().clone();
        let Some(tasks) = known.tasks else {
            let why = known.trouble.unwrap_or_else(|| "no answer yet".to_owned());
            return vec![Err(format!("it cannot be seen which tasks run: {why}"))];
        };
        let ours =
            |task: &&Task| task.running && task.of_deployment == (self.whose == Whose::Deployment);
        let tasks: Vec<&Task> = tasks.iter().filter(ours).collect();
        self.note(&tasks);
        if tasks.is_empty() {
            return vec![Err(match self.whose {
                Whose::Deployment => "no task of the deployment under test runs".to_owned(),
                Whose::Others => "no task of another deployment runs".to_owned(),
            })];
        }
        let runs = self.runs.entry(index).or_default();
        let first = runs.wrapping_mul(MOST_ASKED) % tasks.len();
        *runs = runs.wrapping_add(1);
        let asked = tasks.iter().cycle().skip(first);
        asked
            .take(tasks.len().min(MOST_ASKED))
            .map(|task| place(task))
            .collect()
    }

    /// Notes who is there for the first time, and who has gone.
    fn note(&mut self, tasks: &[&Task]) {
        let now = self.clock.now();
        let is_there = |id: &Arc<str>| tasks.iter().any(|task| *task.id == **id);
        let passed = &self.passed;
        let has_passed = |id: &Arc<str>| passed.iter().any(|(_, known)| known == id);
        let gone = self.first_seen.keys().filter(|id| !is_there(id));
        self.one_died_at_birth |= gone.into_iter().any(|id| !has_passed(id));
        self.first_seen.retain(|id, _| is_there(id));
        self.passed.retain(|(_, id)| is_there(id));
        for task in tasks {
            if !self.first_seen.contains_key(&*task.id) {
                self.first_seen.insert(Arc::from(&*task.id), now);
            }
        }
    }

    /// Hears a sample of a task for the check at `index`; one that does not count becomes one from
    /// which nothing is learnt.
    pub(super) fn hear(&mut self, index: usize, task: &TaskPlace, sample: &mut Sample) {
        match sample.outcome {
            Outcome::Pass => {
                self.passed.insert((index, Arc::clone(&task.id)));
            }
            Outcome::Fail | Outcome::Error if self.is_starting(index, task, sample.started) => {
                sample.outcome = Outcome::Unknown;
                let seen = sample.fault.take().map(|fault| fault.detail);
                let detail = format!("{} (it is starting)", seen.unwrap_or_default());
                sample.fault = Some(Fault::new(Reason::NoTask, detail));
            }
            Outcome::Fail | Outcome::Error | Outcome::Unknown => {}
        }
    }

    fn is_starting(&self, index: usize, task: &TaskPlace, at: Moment) -> bool {
        let since = self.first_seen.get(&task.id);
        !self.one_died_at_birth
            && !self.passed.contains(&(index, Arc::clone(&task.id)))
            && since.is_some_and(|since| at.since(*since) < self.warm_up)
    }
}

fn place(task: &Task) -> Result<TaskPlace, String> {
    let name = short(&task.id);
    let address = task.address.as_deref().ok_or_else(|| {
        format!(
            "task {name} has no address of its own, as in bridge and host networks: ask by name"
        )
    })?;
    Ok(TaskPlace {
        id: Arc::from(&*task.id),
        address: address
            .parse()
            .map_err(|_| format!("the address of task {name} cannot be read"))?,
    })
}

/// A platform that takes longer is asked anew.
const LONGEST_ANSWER: Duration = Duration::from_secs(20);
/// The first samples wait so long for the first answer: longer would cost the other checks theirs.
const LONGEST_START: Duration = Duration::from_secs(5);
/// One run of a check asks at most so many tasks; of more, each in its turn.
const MOST_ASKED: usize = 50;

#[cfg(test)]
mod tests;
