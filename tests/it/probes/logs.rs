//! The kind `logs` over CloudWatch Logs, as the stand-in has it, and over files.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::probe::attempt::Conditions;
use smokejumper::probe::{Probe, Surroundings, registry};
use smokejumper::sample::{Reason, Sample};

use super::cloud::Cloud;
use crate::harness::probing::{build, fault, passed, reading, run_under};

const MINUTE: Duration = Duration::from_secs(60);

fn group(more: &Value) -> Value {
    let mut settings = json!({"group": "/ecs/api", "pattern": "?ERROR ?timeout"});
    let whole = settings.as_object_mut().expect("a mapping");
    whole.extend(more.as_object().expect("a mapping").clone());
    settings
}

#[tokio::test]
async fn lines_since_the_window_was_opened_are_counted_and_earlier_ones_are_not() {
    let cloud = Cloud::set().await;
    let (control, clock) = (cloud.stage.control(), &cloud.stage.clock);
    control.log("/ecs/api", "api/1", &["ERROR of the version before"]);
    clock.pass(MINUTE);
    control.log("/ecs/api", "api/2", &["started", "GET /orders 200"]);
    let probe = cloud.probe("logs", group(&json!({})));
    let sample = cloud.run_in_window(&*probe, Duration::from_secs(30)).await;
    passed(&sample);
    assert_eq!(reading(&sample, "matches"), 0.0);

    clock.pass(MINUTE);
    control.log(
        "/ecs/api",
        "api/2",
        &["ERROR password=canary timeout of the bank"],
    );
    clock.pass(Duration::from_secs(30));
    let sample = cloud.run_in_window(&*probe, 2 * MINUTE).await;
    let met = fault(&sample, Reason::Expectation);
    assert_eq!(
        met.detail,
        "matching lines in 2m: expected 0, got 1; the last: ERROR password=*** timeout of the bank"
    );
    assert_eq!(reading(&sample, "matches_per_minute"), 0.5);

    let some = group(&json!({"expect": {"matches": {"le": 2}, "per_minute": {"lt": 1}}}));
    let probe = cloud.probe("logs", some);
    passed(&cloud.run_in_window(&*probe, 2 * MINUTE).await);
    let long = group(&json!({"since": "10m", "expect": {"matches": 2}}));
    let sample = cloud.ask("logs", long).await;
    passed(&sample);
}

#[tokio::test]
async fn a_regular_expression_counts_among_what_aws_finds() {
    let cloud = Cloud::set().await;
    let control = cloud.stage.control();
    control.log(
        "/ecs/api",
        "api/1",
        &["ERROR 17", "ERROR x", "timeout 5", "fine 1"],
    );
    control.log("/ecs/api", "worker/1", &["ERROR 18"]);
    for (more, matches, lines) in [
        (json!({"matches": "[0-9]$"}), 3.0, 4.0),
        (
            json!({"matches": "[0-9]$", "stream_prefix": "api/"}),
            2.0,
            3.0,
        ),
        (json!({"stream_prefix": "worker/"}), 1.0, 1.0),
        (
            json!({"group": "arn:aws:logs:eu-west-1:0:log-group:/ecs/api"}),
            4.0,
            4.0,
        ),
    ] {
        let mut settings = group(&more);
        settings["expect"] = json!({"matches": {"ge": 0}});
        let sample = cloud.ask("logs", settings).await;
        passed(&sample);
        assert_eq!(reading(&sample, "matches"), matches, "{more}");
        assert_eq!(reading(&sample, "lines"), lines, "{more}");
    }
}

#[tokio::test]
async fn nothing_is_learnt_where_no_line_is_written_or_none_can_be_there_yet() {
    let cloud = Cloud::set().await;
    let sample = cloud.ask("logs", group(&json!({}))).await;
    let met = fault(&sample, Reason::NoData);
    assert!(
        met.detail.contains("ResourceNotFoundException"),
        "{}",
        met.detail
    );

    cloud.stage.control().log("/ecs/api", "api/1", &["ERROR"]);
    cloud.stage.clock.pass(10 * MINUTE);
    let sample = cloud.ask("logs", group(&json!({}))).await;
    let met = fault(&sample, Reason::NoData);
    assert!(met.detail.contains("no line at all"), "{}", met.detail);
    passed(
        &cloud
            .ask("logs", group(&json!({"may_be_silent": true})))
            .await,
    );

    let probe = cloud.probe("logs", group(&json!({})));
    let sample = cloud.run_in_window(&*probe, Duration::from_secs(5)).await;
    let met = fault(&sample, Reason::NoData);
    assert!(met.detail.contains("may come 10s late"), "{}", met.detail);
}

#[tokio::test]
async fn more_pages_than_a_run_reads_fail_or_say_nothing() {
    let cloud = Cloud::set().await;
    let many = vec!["ERROR"; 3_500];
    cloud.stage.control().log("/ecs/api", "api/1", &many);
    let sample = cloud.ask("logs", group(&json!({}))).await;
    fault(&sample, Reason::Expectation);
    assert_eq!(reading(&sample, "matches"), 3_000.0);
    let sample = cloud
        .ask(
            "logs",
            group(&json!({"expect": {"matches": {"lt": 9_999}}})),
        )
        .await;
    let met = fault(&sample, Reason::NoData);
    assert!(met.detail.contains("30 pages"), "{}", met.detail);
}

#[tokio::test]
async fn a_cloud_that_hangs_resets_or_sends_garbage_teaches_nothing() {
    let cloud = Cloud::set().await;
    cloud.stage.control().log("/ecs/api", "api/1", &["fine"]);
    let probe = cloud.probe("logs", group(&json!({})));
    for (trouble, reason, detail) in [
        (
            "throttled",
            Reason::Throttled,
            "AWS throttles logs:FilterLogEvents",
        ),
        ("denied", Reason::SourceDenied, "allow it to the role"),
        ("expired", Reason::SourceDenied, "renew them"),
        ("fails", Reason::SourceDown, "logs:FilterLogEvents"),
        ("garbage", Reason::SourceDown, "logs:FilterLogEvents"),
        ("resets", Reason::SourceDown, "logs:FilterLogEvents"),
        (
            "hangs",
            Reason::SourceDown,
            "CloudWatch Logs: no whole answer within 2s",
        ),
    ] {
        let sample = cloud.in_trouble(&*probe, "FilterLogEvents", trouble).await;
        let met = fault(&sample, reason);
        assert!(met.detail.contains(detail), "{trouble}: {}", met.detail);
    }
    passed(&cloud.run(&*probe, MINUTE, Conditions::default()).await);
    fault(
        &cloud.refused("logs", group(&json!({}))).await,
        Reason::SourceDown,
    );
}

/// A check of a file, in a folder.
fn follows(folder: &Path, more: &Value) -> Box<dyn Probe> {
    let mut settings = json!({"file": "app.log", "matches": "ERROR"});
    let whole = settings.as_object_mut().expect("a mapping");
    whole.extend(more.as_object().expect("a mapping").clone());
    let surroundings = Surroundings {
        folder: folder.to_owned(),
        ..Surroundings::default()
    };
    registry::build("logs", settings, &surroundings)
        .expect("the kind is known")
        .expect("the settings are well-formed")
        .expect("the settings can work")
}

fn write(folder: &Path, text: &str) {
    let path = folder.join("app.log");
    let file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(path);
    file.expect("opened")
        .write_all(text.as_bytes())
        .expect("written");
}

async fn look(probe: &dyn Probe) -> Sample {
    run_under(Conditions::default(), MINUTE, probe).await
}

#[tokio::test]
async fn a_file_is_followed_from_the_first_look_on_through_rotation() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "ERROR of yesterday\n");
    let probe = follows(folder.path(), &json!({}));
    fault(&look(&*probe).await, Reason::NoData);
    write(folder.path(), "fine\n");
    let sample = look(&*probe).await;
    passed(&sample);
    assert_eq!(reading(&sample, "lines"), 1.0);

    write(folder.path(), "ERROR token=canary\n");
    std::fs::rename(
        folder.path().join("app.log"),
        folder.path().join("app.log.1"),
    )
    .expect("put aside");
    write(folder.path(), "ERROR again: canary/password=canary\n");
    let sample = look(&*probe).await;
    let met = fault(&sample, Reason::Expectation);
    assert!(
        met.detail.contains("got 2; the last: ERROR again"),
        "{}",
        met.detail
    );
    assert!(!met.detail.contains("=canary"), "{}", met.detail);

    let all = follows(
        folder.path(),
        &json!({"from": "beginning", "expect": {"matches": 1}}),
    );
    passed(&look(&*all).await);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_teaches_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let probe = follows(folder.path(), &json!({}));
    let met = look(&*probe).await;
    assert!(fault(&met, Reason::NoData).detail.contains("is not there"));
    std::fs::create_dir(folder.path().join("app.log")).expect("created");
    let met = look(&*probe).await;
    assert!(
        fault(&met, Reason::SourceDown)
            .detail
            .contains("it is no file")
    );
}

#[test]
fn settings_that_cannot_work_are_all_named() {
    for (settings, number) in [
        (json!({}), 1),
        (json!({"file": "a", "group": "b", "matches": "x"}), 1),
        (json!({"file": "a"}), 1),
        (json!({"group": "a"}), 1),
        (
            json!({"file": "a", "matches": "(", "since": "5m", "region": "x"}),
            3,
        ),
        (
            json!({"group": "a", "pattern": "x", "from": "end", "endpoint": "x"}),
            2,
        ),
    ] {
        let Err(misfits) = build("logs", settings.clone()) else {
            panic!("{settings} is accepted")
        };
        assert_eq!(misfits.len(), number, "{settings}: {misfits:?}");
    }
}
