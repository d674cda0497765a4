//! What earlier runs left, in every state in which it may be found: what is gone on with, what is
//! judged anew, and what is over.

use std::time::Duration;

use smokejumper::cli::exit::exit_code;
use smokejumper::deploy::DeploymentTarget as _;
use smokejumper::deployment::{Call, RollbackOutcome, Selector, StartedRollback, Wanted};
use smokejumper::engine::before::Source;
use smokejumper::event::Action;
use smokejumper::journal::{Entry, Judged};
use smokejumper::store::sqlite::{Holder, Sqlite};
use smokejumper::store::{Journal as _, Lease};

use super::platform::Manner;
use super::stage::{SERVICE, Stage, outcome, stage};

/// The entries of a rollback, as its run would have written them.
struct Entries {
    opened: Entry,
    ordered: Entry,
    decided: Entry,
    intended: Entry,
    calling: Entry,
    carried: Entry,
}

async fn entries(stage: &Stage) -> Entries {
    let deployment = stage.platform.pin(&Selector::Current).await.unwrap();
    let plan = stage.platform.plan(&deployment, &Wanted::default()).await;
    let plan = plan.unwrap().unwrap();
    Entries {
        opened: Entry::Opened {
            service: "api".into(),
            deployment: deployment.clone(),
            guards: Vec::new(),
        },
        ordered: Entry::Ordered {
            service: "api".into(),
            deployment,
            reason: None,
            overridden: Vec::new(),
        },
        decided: Entry::Decided {
            action: Action::RollBack,
            because: vec!["pulse: error_rate".to_owned()],
            judged: Judged::default(),
        },
        intended: Entry::Intended { plan: plan.clone() },
        calling: Entry::Calling {
            call: Call {
                operation: "UpdateService".to_owned(),
                subject: "api".to_owned(),
                argument: Some(plan.target.id.clone()),
            },
        },
        carried: Entry::Carried {
            started: StartedRollback {
                plan,
                carrier: "arn:carrier".to_owned(),
            },
        },
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_was_not_begun_needs_evidence_of_its_own() {
    let stopped = || Entry::Stopped {
        interlocks: vec![("verifier".to_owned(), "verifier: we were ill".to_owned())],
    };
    for (name, age) in [
        ("decided", 0),
        ("stopped", 0),
        ("forbidden", 0),
        ("old", 700),
        ("by hand", 0),
    ] {
        let stage = stage(Manner::Heals, false);
        let known = entries(&stage).await;
        let left = match name {
            "decided" => vec![known.opened, known.decided],
            "stopped" => vec![known.opened, known.decided, stopped()],
            "forbidden" => vec![known.opened, known.decided, known.intended, stopped()],
            "by hand" => vec![known.ordered, known.intended],
            _ => vec![known.opened, known.decided, known.intended],
        };
        stage.happened("left", left).await;
        tokio::time::advance(Duration::from_secs(age)).await;
        let record = stage.watch().await;
        assert_eq!(stage.accepted(), 0, "{name}: {record:#?}");
        assert_eq!(record.decision.action, Action::Accept, "{name}");
        assert!(stage.past().await.unfinished().is_none(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_by_hand_that_was_begun_is_seen_through_as_one_by_hand() {
    let stage = stage(Manner::Heals, true);
    let known = entries(&stage).await;
    let left = vec![known.ordered, known.intended, known.calling];
    stage.happened("left", left).await;
    let record = stage.watch().await;
    assert_eq!(outcome(&record), Some(RollbackOutcome::RolledBackVerified));
    assert_eq!(record.decision.because, ["ordered by hand"]);
    let past = stage.past().await;
    let bad: Vec<String> = past
        .bad()
        .into_iter()
        .map(|one| one.revision.label)
        .collect();
    assert_eq!(bad, ["api:42"], "a person has judged it");
    assert!(past.unfinished().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_begun_rollback_that_was_overtaken_hides_no_newer_deployment() {
    let stage = stage(Manner::IsOvertaken, false);
    let known = entries(&stage).await;
    let left = vec![
        known.opened,
        known.decided,
        known.intended,
        known.calling,
        known.carried,
    ];
    stage.happened("left", left).await;
    stage.platform.deployed("arn:newer");
    let record = stage.watch().await;
    assert_eq!(record.deployment.as_ref().unwrap().id, "arn:newer");
    assert_eq!(exit_code(&record, false, None), 0, "{record:#?}");
    let note = &record.warnings[0];
    assert!(
        note.contains("had begun was overtaken: somebody deployed api:43"),
        "{note}"
    );
}

#[tokio::test(start_paused = true)]
async fn several_windows_of_one_deployment_are_gone_on_with_once() {
    let stage = stage(Manner::Heals, true);
    let known = entries(&stage).await;
    let first = vec![
        known.opened.clone(),
        known.decided,
        known.intended,
        known.calling,
        known.carried,
    ];
    stage.happened("first", first).await;
    stage.happened("second", vec![known.opened]).await;
    let record = stage.watch().await;
    assert_eq!(
        record.decision.because,
        ["pulse: error_rate"],
        "{record:#?}"
    );
    assert!(stage.past().await.all_unfinished().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_right_of_one_that_died_a_moment_ago_is_waited_for() {
    let stage = stage(Manner::Heals, true);
    let known = entries(&stage).await;
    let left = vec![known.opened, known.decided, known.intended, known.calling];
    stage.happened("left", left).await;
    let file = stage.state.path().join("journal.sqlite");
    let dead = Sqlite::open(&file, Holder::seen("elsewhere", 7))
        .await
        .expect("the journal");
    let now = stage.context.clock.wall();
    let held = dead.lease(SERVICE, now, Duration::from_secs(60)).await;
    assert_eq!(held, Ok(Lease::Ours));
    let record = stage.watch().await;
    assert_eq!(record.window, "left", "{record:#?}");
    assert_eq!(outcome(&record), Some(RollbackOutcome::RolledBackVerified));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_could_not_be_planned_when_told_to_stop_is_left() {
    let stage = stage(Manner::NeverPlans, true);
    stage.stop_after(Duration::from_secs(120));
    let record = stage.watch().await;
    assert!(record.rollback.as_ref().unwrap().left, "{record:#?}");
    assert!(stage.past().await.unfinished().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_bake_that_is_repeated_hides_the_next_deployment_from_nobody() {
    let mut stage = stage(Manner::Heals, false);
    stage.before = Source::Live;
    stage.stop_after(Duration::from_secs(100));
    let first = stage.watch().await;
    assert!(first.interrupted, "as a pipeline that was cancelled");
    stage.context.stop = Default::default();
    let platform = stage.platform.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        platform.deployed("arn:next");
    });
    let second = stage.watch().await;
    assert_eq!(second.deployment.as_ref().unwrap().id, "arn:next");
    assert_eq!(second.decision.action, Action::Accept, "{second:#?}");
    assert_ne!(second.window, first.window);
    assert!(stage.past().await.unfinished().is_none());
}
