//! A watch and the replay of its recording come to the same, whatever happens: with time paused, a
//! window takes no time, so many are watched.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use smokejumper::decision::{Choice, Permission, Rule, When};
use smokejumper::deployment::Standing;
use smokejumper::engine::record::Record;
use smokejumper::engine::recorded::{Recording, Roster};
use smokejumper::engine::replay::{Replay, Replayed};
use smokejumper::engine::streams;
use smokejumper::engine::tape::Tape;
use smokejumper::plan::{CheckPlan, ServicePlan};
use smokejumper::report::samples::Lines;
use smokejumper::sample::CheckId;
use smokejumper::secret::Mask;
use smokejumper::verdict::Verdict;

use super::platform::{Manner, pulse};
use super::stage::{Stage, stage};

/// Watches, and keeps what the judge met.
async fn recorded(mut stage: Stage) -> (Record, String, Stage) {
    let (tape, mut taping) = Tape::queue();
    stage.context.tape = Some(tape);
    let record = stage.watch().await;
    stage.context.tape = None;
    let writing = tokio::task::spawn_blocking(move || {
        let mut lines = Lines::new(Mask::default());
        let next = || taping.wait().map(|taped| lines.line(&taped).expect("JSON"));
        std::iter::from_fn(next).collect::<String>()
    });
    (record, writing.await.expect("written"), stage)
}

fn replayed(service: &ServicePlan, checks: &[CheckPlan], text: &str) -> Replayed {
    let roster = Roster::new(checks, checks.iter().map(|check| &check.facts.id));
    let mut recording = Recording::new("r.ndjson", text.as_bytes(), &roster);
    let replay = Replay { service, checks };
    replay
        .judge(&mut recording, Vec::new(), |_| {})
        .expect("readable")
}

/// The record of a replay with the moments of the watch, so that both can be compared whole.
fn same(record: &Record, replayed: &Replayed, start: Duration) {
    let mut assessment = replayed.assessment.clone();
    for finding in &mut assessment.findings {
        for reason in &mut finding.reasons {
            reason.first_bad = reason.first_bad.map(|moment| moment + start);
        }
        let summary = &mut finding.summary;
        summary.first_bad = summary.first_bad.map(|moment| moment + start);
        summary.last = summary.last.map(|moment| moment + start);
        // Whether another try may mend a fault is nothing that a verdict rests on.
        if let Some(fault) = &mut summary.last_fault {
            let watched = record.assessment.findings.iter();
            let mut faults = watched.filter_map(|finding| finding.summary.last_fault.as_ref());
            fault.transient = faults.any(|fault| fault.transient);
        }
    }
    assert_eq!(assessment, record.assessment);
    assert_eq!(replayed.decision, record.decision);
}

/// When the window of a paused watch begins: nothing happens before the bake.
const START: Duration = Duration::ZERO;

fn named(name: &str, stage: &Stage) -> CheckPlan {
    let mut check = pulse(&stage.ill);
    check.facts.id = CheckId::new(name);
    check.facts.tags = vec![Arc::from(name)];
    check
}

#[tokio::test(start_paused = true)]
async fn a_watch_and_its_replay_come_to_the_same() {
    for (ill, heals, verdict, why) in [
        (false, None, Verdict::Pass, "healthy to the end"),
        (true, None, Verdict::Fail, "an outage, decided early"),
        (
            true,
            Some(7),
            Verdict::Pass,
            "ill for two samples, forgiven",
        ),
        (true, Some(32), Verdict::Warn, "ill at the start"),
    ] {
        let stage = stage(Manner::Heals, ill);
        if let Some(seconds) = heals {
            stage.heal_after(Duration::from_secs(seconds));
        }
        let (record, text, stage) = recorded(stage).await;
        assert_eq!(record.assessment.verdict, verdict, "{why}");
        let replayed = replayed(&stage.service, &stage.checks, &text);
        same(&record, &replayed, START);
        assert_eq!(
            replayed.samples,
            text.lines().count() as u64,
            "{why}: every one is judged"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn rules_and_several_checks_replay_alike() {
    let permissions = [Permission::Armed, Permission::NotArmed];
    let choices = [Choice::Hold, Choice::Alert, Choice::Rollback];
    let cases = choices.map(|then| permissions.map(|permission| (then, permission)));
    for (then, permission) in cases.into_iter().flatten() {
        let mut stage = stage(Manner::Heals, true);
        stage.permission = permission;
        stage.checks = ["a", "b", "c"].map(|name| named(name, &stage)).to_vec();
        stage.service.policy.rules = vec![Rule {
            when: When {
                tags: vec![Arc::from("b")],
                ..When::default()
            },
            then,
            because: Some("as it is written".to_owned()),
        }];
        let (record, text, stage) = recorded(stage).await;
        same(
            &record,
            &replayed(&stage.service, &stage.checks, &text),
            START,
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_outlasts_the_bake_is_replayed_over_the_same_window() {
    let stage = stage(Manner::Heals, false);
    stage.platform.stands(Standing::InFlight);
    let platform = Arc::clone(&stage.platform);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(321_234)).await;
        platform.stands(Standing::Completed);
    });
    let (record, text, mut stage) = recorded(stage).await;
    assert!(
        text.lines().count() > 61,
        "there are samples after the bake"
    );
    let mut said = None;
    while let Ok(event) = stage.events.try_recv() {
        if let smokejumper::event::What::Warned(text) = event.what {
            said = said.or(text.split_once("--for ").map(|(_, lasts)| lasts.to_owned()));
        }
    }
    let lasts = said.expect("what a replay needs is said");
    let millis = lasts
        .strip_suffix("ms")
        .and_then(|millis| millis.parse().ok());
    stage.service.policy.bake = Duration::from_millis(millis.expect("milliseconds"));
    same(
        &record,
        &replayed(&stage.service, &stage.checks, &text),
        START,
    );
}

#[tokio::test(start_paused = true)]
async fn the_order_of_the_results_does_not_depend_on_the_threads() {
    let (_, ill, _) = recorded(stage(Manner::Heals, true)).await;
    let (_, well, stage) = recorded(stage(Manner::Heals, false)).await;
    let folder = tempfile::tempdir().expect("a folder");
    for stream in 0..30 {
        let text = if stream % 3 == 0 { &ill } else { &well };
        std::fs::write(folder.path().join(format!("{stream:02}.ndjson")), text).expect("written");
    }
    std::fs::write(folder.path().join("30.ndjson"), "nonsense").expect("written");
    std::fs::write(folder.path().join("29.baseline.ndjson"), "").expect("written");
    let streams = streams::streams(folder.path()).expect("read");
    assert_eq!(streams.len(), 31);
    assert!(streams[29].baseline.is_some() && streams[28].baseline.is_none());
    let replay = Replay {
        service: &stage.service,
        checks: &stage.checks,
    };
    let roster = Roster::new(&stage.checks, []);
    let judged = |threads| {
        let threads = NonZero::new(threads).expect("some");
        format!("{:?}", streams::judge(replay, &roster, &streams, threads))
    };
    let alone = judged(1);
    for threads in [2, 7, 100] {
        assert_eq!(judged(threads), alone, "{threads}");
    }
}
