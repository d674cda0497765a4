//! What stops a rollback that the findings ask for: each interlock by its name, with nothing changed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use smokejumper::cli::state;
use smokejumper::clock::WallTime;
use smokejumper::deploy::{DeployError, DeploymentTarget as _, Witness as _};
use smokejumper::deployment::{Call, RollbackOutcome, Selector};
use smokejumper::engine::guard::Guard;
use smokejumper::engine::hand::Hand;
use smokejumper::engine::logbook::Logbook;
use smokejumper::engine::record::Record;
use smokejumper::journal::{Entry, Kept};
use smokejumper::store::sqlite::{Holder, Sqlite};
use smokejumper::store::{Journal, Lease, StoreError};

use super::platform::Manner;
use super::stage::{SERVICE, Stage, outcome, stage};

/// The names of what stopped a rollback.
fn stopped_by(record: &Record) -> Vec<&'static str> {
    let rollback = record.rollback.as_ref().expect("a rollback was due");
    rollback.interlocks.iter().map(|one| one.name()).collect()
}

fn assert_refused(stage: &Stage, record: &Record, names: &[&str]) {
    assert_eq!(
        outcome(record),
        Some(RollbackOutcome::Refused),
        "{record:#?}"
    );
    assert_eq!(stopped_by(record), names);
    let because = &record.rollback.as_ref().unwrap().because;
    assert!(!because.contains('\n'), "{because}");
    assert_eq!(stage.accepted(), 0, "{because}");
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_nothing_is_rolled_back() {
    let stage = stage(Manner::Heals, true);
    // A folder where the file should be.
    std::fs::create_dir(stage.state.path().join("journal.sqlite")).expect("made");
    let record = stage.watch().await;
    assert_refused(&stage, &record, &["journal"]);
}

#[tokio::test(start_paused = true)]
async fn a_kill_switch_works_while_the_window_runs() {
    let stage = stage(Manner::Heals, false);
    stage.fall_ill_after(Duration::from_secs(100));
    let switch = stage.state.path().join("freeze");
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(90)).await;
        std::fs::write(switch, "a migration is under way\n").expect("written");
    });
    let record = stage.watch().await;
    assert_refused(&stage, &record, &["freeze"]);
    let because = &record.rollback.as_ref().unwrap().because;
    assert!(because.contains("a migration is under way"), "{because}");
}

#[tokio::test(start_paused = true)]
async fn who_has_no_lease_rolls_nothing_back_that_could_hit_another() {
    let stage = stage(Manner::Heals, true);
    let file = stage.state.path().join("journal.sqlite");
    let other = Holder::seen("elsewhere", 7);
    let other = Sqlite::open(&file, other).await.expect("the journal");
    let now = stage.context.clock.wall();
    let held = other
        .lease("arn:service", now, Duration::from_secs(600))
        .await;
    assert_eq!(held, Ok(Lease::Ours));
    let record = stage.watch().await;
    assert_refused(&stage, &record, &["lease"]);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_rolled_back_once() {
    let stage = stage(Manner::DoesNotHeal, true);
    let first = stage.watch().await;
    assert_eq!(outcome(&first), Some(RollbackOutcome::RolledBackUnhealthy));
    let second = stage.watch().await;
    assert_eq!(outcome(&second), Some(RollbackOutcome::Refused));
    assert_eq!(stopped_by(&second), ["already_rolled_back"]);
    assert_eq!(stage.accepted(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_never_rolled_back() {
    let stage = stage(Manner::DoesNotHeal, true);
    stage.watch().await;
    stage.platform.deployed("arn:carrier");
    let second = stage.watch().await;
    assert_eq!(outcome(&second), Some(RollbackOutcome::Refused));
    assert_eq!(stopped_by(&second), ["is_rollback"]);
    assert_eq!(stage.accepted(), 1);
}

#[tokio::test(start_paused = true)]
async fn cooldown_and_budget_are_counted_over_runs() {
    let mut stage = stage(Manner::DoesNotHeal, true);
    stage.service.policy.rollback.cooldown = Duration::from_secs(3_600);
    stage.service.policy.rollback.budget = Some(smokejumper::decision::Budget {
        times: 1,
        span: Duration::from_secs(7_200),
    });
    stage.watch().await;
    stage.platform.deployed("arn:second");
    let second = stage.watch().await;
    assert_eq!(stopped_by(&second), ["cooldown", "budget"]);
    tokio::time::advance(Duration::from_secs(4_000)).await;
    let third = stage.watch().await;
    assert_eq!(stopped_by(&third), ["budget"], "the cooldown is over");
    tokio::time::advance(Duration::from_secs(4_000)).await;
    let fourth = stage.watch().await;
    assert_eq!(outcome(&fourth), Some(RollbackOutcome::RolledBackUnhealthy));
    assert_eq!(stage.accepted(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_first_deployments_are_only_watched_when_asked_so() {
    let mut stage = stage(Manner::Heals, true);
    stage.service.policy.rollback.shadow = 1;
    let first = stage.watch().await;
    assert_eq!(outcome(&first), Some(RollbackOutcome::DryRun));
    assert_eq!(stopped_by(&first), ["shadow"]);
    assert_eq!(stage.accepted(), 0);
    let to = &first.rollback.as_ref().unwrap().to;
    assert_eq!(
        to.as_ref().unwrap().label,
        "api:41",
        "what would have happened"
    );
    stage.platform.deployed("arn:second");
    let second = stage.watch().await;
    assert_eq!(outcome(&second), Some(RollbackOutcome::RolledBackVerified));
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_good_and_what_was_undone_is_bad() {
    let stage = stage(Manner::Heals, true);
    stage.watch().await;
    let journal = state::journal_in(stage.state.path())
        .await
        .expect("the journal");
    let kept = journal.of_service("arn:service").await.expect("read");
    let past = smokejumper::decision::Past::of(&kept);
    let labels = |of: Vec<smokejumper::deployment::Software>| -> Vec<String> {
        of.into_iter().map(|one| one.revision.label).collect()
    };
    assert_eq!(labels(past.bad()), ["api:42"]);
    assert_eq!(labels(past.good()), ["api:41"]);
    assert!(past.unfinished().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_brake_that_is_pulled_after_a_registration_leaves_nothing_changed() {
    let stage = stage(Manner::Registers, true);
    let (platform, switch) = (stage.platform.clone(), stage.state.path().join("freeze"));
    tokio::spawn(async move {
        while *platform.registered.lock().unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::fs::write(switch, "stop").expect("written");
    });
    let record = stage.watch().await;
    assert_refused(&stage, &record, &["freeze"]);
    assert!(record.rollback.as_ref().unwrap().actuator.is_none());
    assert_eq!(smokejumper::cli::exit::exit_code(&record, false, None), 12);
}

#[tokio::test]
async fn a_right_that_was_lost_to_another_is_missed_before_the_call() {
    let stage = stage(Manner::Heals, true);
    let log = Logbook::open(
        Ok(stage.journal().await),
        SERVICE,
        stage.context.clock.clone(),
    );
    let file = stage.state.path().join("journal.sqlite");
    let other = Holder::seen("elsewhere", 7);
    let other = Sqlite::open(&file, other).await.expect("the journal");
    let now = stage.context.clock.wall();
    let held = other.lease(SERVICE, now, Duration::from_secs(60)).await;
    assert_eq!(held, Ok(Lease::Ours));
    let guard = Guard::none(&stage.context, &log);
    let hand = Hand::new(&log, &guard, None, stage.context.events.clone(), Vec::new());
    let call = |operation: &str| Call {
        operation: operation.to_owned(),
        subject: "api".to_owned(),
        argument: None,
    };
    let told = hand.before(&call("UpdateService")).await;
    assert!(matches!(told, Err(DeployError::Forbidden(_))), "{told:?}");
    assert_eq!(hand.before(&call("StopServiceDeployment")).await, Ok(()));
}

/// A journal whose right to act comes free at the second time of asking, because its holder has
/// acted and died.
struct Inherited {
    below: Arc<dyn Journal>,
    asked: Mutex<u32>,
    last: Entry,
}

#[async_trait::async_trait]
impl Journal for Inherited {
    async fn append(
        &self,
        service: &str,
        window: &str,
        at: WallTime,
        entry: &Entry,
    ) -> Result<u64, StoreError> {
        self.below.append(service, window, at, entry).await
    }

    async fn of_service(&self, service: &str) -> Result<Vec<Kept>, StoreError> {
        self.below.of_service(service).await
    }

    async fn lease(&self, service: &str, now: WallTime, _: Duration) -> Result<Lease, StoreError> {
        let asked = {
            let mut asked = self.asked.lock().unwrap();
            *asked += 1;
            *asked
        };
        match asked {
            1 | 2 => Ok(Lease::Held {
                by: "another".to_owned(),
                until: now,
            }),
            3 => {
                self.append(service, "other", now, &self.last).await?;
                Ok(Lease::Ours)
            }
            _ => Ok(Lease::Ours),
        }
    }

    async fn holder(&self, _: &str, _: WallTime) -> Result<Option<(String, WallTime)>, StoreError> {
        Ok(None)
    }

    async fn release(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_last_holder_of_the_right_did_is_seen() {
    let stage = stage(Manner::Heals, true);
    let deployment = stage.platform.pin(&Selector::Current).await.unwrap();
    let opened = Entry::Opened {
        service: "api".into(),
        deployment,
        guards: Vec::new(),
    };
    stage.happened("other", vec![opened]).await;
    let call = Call {
        operation: "UpdateService".to_owned(),
        subject: "api".to_owned(),
        argument: None,
    };
    let journal = Inherited {
        below: stage.journal().await,
        asked: Mutex::new(0),
        last: Entry::Calling { call },
    };
    let record = stage.watch_with(Ok(Arc::new(journal))).await;
    assert_refused(&stage, &record, &["already_rolled_back"]);
}
