//! A bake whose check asks each task by itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use smokejumper::deployment::{Images, Revision, RollbackOutcome, Task};
use smokejumper::event::{Action, Verdict, What};
use smokejumper::probe::{Attempt, Probe};
use smokejumper::sample::{Fault, Outcome, Reason};

use super::platform::Manner;
use super::stage::{Stage, outcome, stage};

/// A check that asks each task: the ones named here never answer well.
struct Each {
    bad: &'static [&'static str],
    /// Whether answers are of another version than the one under test.
    other_version: bool,
}

#[async_trait]
impl Probe for Each {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let task = attempt.task().expect("it is told whom to ask");
        if self.bad.contains(&&*task.id) {
            return Err(Fault::new(Reason::Refused, "connection refused"));
        }
        if self.other_version && !attempt.any_version() {
            return Err(Fault::new(
                Reason::OtherVersion,
                "answered by another version",
            ));
        }
        Ok(())
    }

    fn asks_tasks(&self) -> bool {
        true
    }
}

fn task(id: &str, of_deployment: bool) -> Task {
    let label = if of_deployment { "api:42" } else { "api:41" };
    Task {
        id: id.into(),
        revision: Revision {
            id: format!("arn:{label}"),
            label: label.into(),
        },
        images: Images::new(),
        of_deployment,
        running: true,
        address: Some("10.0.0.1".into()),
    }
}

fn four() -> Vec<Task> {
    ["t1", "t2", "t3", "t4"].map(|id| task(id, true)).to_vec()
}

/// A bake over tasks that are known from the start.
fn asking(probe: Each, tasks: Vec<Task>) -> Stage {
    let mut stage = stage(Manner::Heals, false);
    stage.checks[0].probe = Arc::new(probe);
    stage.platform.runs(tasks);
    stage
}

#[tokio::test(start_paused = true)]
async fn one_bad_task_of_four_condemns_and_is_named() {
    let bad = Each {
        bad: &["t3"],
        other_version: false,
    };
    let mut stage = asking(bad, four());
    // After the rollback the tasks are those of the revision before.
    stage
        .platform
        .runs_after_rollback(vec![task("o1", false), task("o2", false)]);
    let record = stage.watch().await;
    assert_eq!(record.decision.action, Action::RollBack);
    assert_eq!(outcome(&record), Some(RollbackOutcome::RolledBackVerified));
    let finding = &record.assessment.findings[0];
    let told = finding.reasons.iter().map(|reason| reason.text.as_str());
    let told: Vec<&str> = told.collect();
    assert!(told.iter().any(|text| text.contains("task t3")), "{told:?}");
    let mut asked = 0;
    while let Ok(event) = stage.events.try_recv() {
        if let What::Sampled(sample) = event.what {
            asked += 1;
            let detail = sample.fault.map(|fault| fault.detail);
            assert_eq!(sample.outcome == Outcome::Pass, detail.is_none());
            assert!(detail.is_none_or(|detail| detail.starts_with("task t3: ")));
        }
    }
    assert!(asked > 0);
}

#[tokio::test(start_paused = true)]
async fn four_good_tasks_pass() {
    let good = Each {
        bad: &[],
        other_version: false,
    };
    let stage = asking(good, four());
    let record = stage.watch().await;
    assert_eq!(record.decision.action, Action::Accept);
    let samples = record.assessment.findings[0].summary.samples;
    let runs = stage.service.policy.bake.as_secs() / stage.checks[0].every.as_secs();
    assert!(samples >= 4 * runs, "four a run: {samples} in {runs} runs");
}

#[tokio::test(start_paused = true)]
async fn tasks_without_an_address_teach_nothing_and_it_is_said_why() {
    let good = Each {
        bad: &[],
        other_version: false,
    };
    let bridged = four().into_iter().map(|task| Task {
        address: None,
        ..task
    });
    let record = asking(good, bridged.collect()).watch().await;
    assert_eq!(record.assessment.verdict, Verdict::Inconclusive);
    assert_eq!(record.decision.action, Action::Hold);
    let told = &record.assessment.findings[0].reasons[0].text;
    assert!(told.contains("no address of its own"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_bake_in_which_another_version_answers_throughout_is_inconclusive() {
    let other = Each {
        bad: &[],
        other_version: true,
    };
    let record = asking(other, four()).watch().await;
    assert_eq!(record.assessment.verdict, Verdict::Inconclusive);
    assert_eq!(record.decision.action, Action::Hold);
    let told = &record.assessment.findings[0].reasons[0].text;
    assert!(told.contains("another version"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn after_a_rollback_any_version_proves_it() {
    let stage = asking(
        Each {
            bad: &["t1", "t2", "t3", "t4"],
            other_version: true,
        },
        four(),
    );
    stage
        .platform
        .runs_after_rollback(vec![task("o1", false), task("o2", false)]);
    let record = stage.watch().await;
    assert_eq!(outcome(&record), Some(RollbackOutcome::RolledBackVerified));
}

#[tokio::test(start_paused = true)]
async fn tasks_that_start_late_are_not_blamed_for_starting() {
    let mut stage = stage(Manner::Heals, true);
    stage.service.policy.warm_up = Duration::from_secs(20);
    let ill = Arc::clone(&stage.ill);
    stage.checks[0].probe = Arc::new(Starting(ill));
    stage.platform.runs(four());
    stage.heal_after(Duration::from_secs(15));
    let record = stage.watch().await;
    assert_eq!(
        record.decision.action,
        Action::Accept,
        "{:?}",
        record.assessment
    );
}

/// A check of tasks that refuse as long as the service is ill.
struct Starting(Arc<std::sync::atomic::AtomicBool>);

#[async_trait]
impl Probe for Starting {
    async fn run(&self, _: &mut Attempt) -> Result<(), Fault> {
        if self.0.load(Ordering::SeqCst) {
            return Err(Fault::new(Reason::Refused, "connection refused"));
        }
        Ok(())
    }

    fn asks_tasks(&self) -> bool {
        true
    }
}
