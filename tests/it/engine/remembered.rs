//! The yardstick that nobody prepared: what the history knows from before a deployment.

use std::sync::Arc;
use std::time::Duration;

use smokejumper::clock::{Moment, WallTime};
use smokejumper::engine::before::from_history;
use smokejumper::event::Verdict;
use smokejumper::plan::CheckPlan;
use smokejumper::sample::{Outcome, Phases, Sample};
use smokejumper::store::history::{Batch, History as _, Seen, StoredWindow};
use smokejumper::store::sqlite::history::SqliteHistory;

use smokejumper::verdict::{Before, Comparable, Tolerance};

use super::platform::Manner;
use super::stage::stage;

const BEGIN: u64 = 1_800_000_000;

fn at(second: u64) -> WallTime {
    WallTime::since_unix_epoch(Duration::from_secs(BEGIN + second))
}

/// What is known of the time before a deployment an hour after the beginning.
async fn known(history: &SqliteHistory, checks: &[CheckPlan]) -> Vec<Before> {
    let mut all = vec![Before::default(); checks.len()];
    // A quarter of a minute before it does not count.
    let created = at(3_615);
    from_history(history, checks, created, &mut all)
        .await
        .unwrap();
    all
}

#[tokio::test]
async fn a_yardstick_is_made_of_the_calm_times_before_the_deployment() {
    let mut checks = stage(Manner::Heals, false).checks;
    checks[0].tolerances = [Tolerance {
        subject: Comparable::Errors,
        warning: Some(0.1),
        critical: Some(0.5),
    }]
    .into();
    let checks = checks;
    let (id, service) = (&checks[0].facts.id, &checks[0].facts.service);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.sqlite");
    let history = SqliteHistory::open(&file).await.unwrap();
    let found = known(&history, &checks).await;
    assert!(
        found.iter().all(|before| before.is_empty()),
        "nothing is known"
    );

    // An hour, every ten seconds; what ran in the window fails, and takes a second.
    let open = 1_000..2_000;
    let seen = |second: u64| {
        let is_open = open.contains(&second);
        Seen {
            at: at(second),
            service: Arc::clone(service),
            window: is_open.then(|| Arc::from("01W")),
            sample: Sample {
                check: id.clone(),
                started: Moment::ORIGIN,
                latency: Duration::from_millis(if is_open { 1_000 } else { 10 }),
                phases: Phases::default(),
                outcome: if is_open {
                    Outcome::Fail
                } else {
                    Outcome::Pass
                },
                fault: None,
                readings: Vec::new(),
                notes: Vec::new(),
                retries: 0,
                closer_look: false,
                sending: None,
                session: None,
                trace: None,
            },
        }
    };
    let window = StoredWindow {
        id: Arc::from("01W"),
        service: Arc::clone(service),
        opened: at(open.start),
        closed: Some(at(open.end)),
        verdict: Some(Verdict::Fail),
        revision: None,
        action: Some("roll_back".to_owned()),
        rollback: Some("rolled_back_verified".to_owned()),
        detected_after: None,
        report: None,
    };
    let batch = Batch {
        samples: (0..4_000).step_by(10).map(seen).collect(),
        windows: vec![window.clone()],
        ..Batch::default()
    };
    history.keep(&batch).await.unwrap();
    let found = known(&history, &checks).await;
    let before = &found[0];
    assert_eq!(
        (before.len(), before.bad()),
        (260, 0),
        "without the window, and none of later"
    );
    let slow = before.latency(0.95).unwrap();
    assert!(slow.seen < Duration::from_millis(100), "{slow:?}");

    let stayed = Batch {
        windows: vec![StoredWindow {
            action: Some("hold".to_owned()),
            rollback: None,
            ..window
        }],
        ..Batch::default()
    };
    history.keep(&stayed).await.unwrap();
    let found = known(&history, &checks).await;
    assert_eq!(
        found[0].len(),
        100,
        "what followed a failure that stayed is no yardstick"
    );
}
