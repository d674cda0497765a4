//! Whom the daemon tells of what: checks between windows, silences, deployments, a freeze; and that
//! nobody who is told can delay what is done.

use std::sync::atomic::Ordering;
use std::time::Duration;

use smokejumper::clock::WallTime;
use smokejumper::engine::serve::handle::{Order, Silence};
use smokejumper::notify::{Effect, Kind};

use super::yard::{Told, Ward, Yard};

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn well_for(seconds: u64, yard: &Yard) -> WallTime {
    WallTime::since_unix_epoch(yard.now().unix() + Duration::from_secs(seconds))
}

const FAILS: (Kind, Effect) = (Kind::CheckFailing, Effect::Opens);
const RECOVERS: (Kind, Effect) = (Kind::CheckRecovered, Effect::Resolves);

#[tokio::test(start_paused = true)]
async fn a_check_that_fails_between_windows_is_told_once_and_its_end_too() {
    let (ward, told) = (Ward::of("api"), Told::called("chat"));
    let yard = Yard::with(vec![ward.clone()]);
    yard.ground.tells(&[&told]);
    let running = yard.start().await;
    pause(60).await;
    assert_eq!(told.came(), []);
    ward.ill.store(true, Ordering::SeqCst);
    pause(120).await;
    assert_eq!(told.came(), [FAILS], "{:?}", told.headlines());
    let first = told.headlines().remove(0);
    assert!(first.starts_with("api: api-pulse fails on"), "{first}");
    ward.ill.store(false, Ordering::SeqCst);
    pause(900).await;
    assert_eq!(told.came(), [FAILS, RECOVERS], "{:?}", told.headlines());
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_woken_for_a_single_run_that_failed() {
    let (ward, told) = (Ward::of("api"), Told::called("chat"));
    let yard = Yard::with(vec![ward.clone()]);
    yard.ground.tells(&[&told]);
    let running = yard.start().await;
    pause(60).await;
    ward.ill.store(true, Ordering::SeqCst);
    pause(5).await;
    ward.ill.store(false, Ordering::SeqCst);
    pause(5).await;
    let shown = running.check("api-pulse").await;
    assert!(!shown.because.is_empty(), "it is shown: {shown:?}");
    pause(120).await;
    assert_eq!(told.came(), [], "{:?}", told.headlines());
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_begins_in_silence_is_told_when_the_silence_ends_and_an_end_in_silence_at_once() {
    let (ward, told) = (Ward::of("api"), Told::called("chat"));
    let yard = Yard::with(vec![ward.clone()]);
    yard.ground.tells(&[&told]);
    let running = yard.start().await;
    pause(60).await;
    let silence = |until| {
        Order::Silence(Silence {
            service: Some("api".to_owned()),
            tag: None,
            check: None,
            until,
            reason: "the database moves".to_owned(),
            stops_checks: false,
        })
    };
    let silenced = running.order(silence(well_for(200, &yard))).await;
    silenced.expect("silenced");
    ward.ill.store(true, Ordering::SeqCst);
    pause(180).await;
    assert_eq!(told.came(), [], "it is silent");
    pause(40).await;
    assert_eq!(
        told.came(),
        [FAILS],
        "the silence is over, the failure is not"
    );
    let silenced = running.order(silence(well_for(3_600, &yard))).await;
    silenced.expect("silenced");
    ward.ill.store(false, Ordering::SeqCst);
    pause(900).await;
    assert_eq!(
        told.came(),
        [FAILS, RECOVERS],
        "who was woken may sleep again"
    );
    running.end().await;
}

/// How long after a bad deployment its rollback was intended and was over.
async fn rolled_back_after(told: &Told) -> (Duration, Duration) {
    let ward = Ward::of("api");
    let yard = Yard::with(vec![ward.clone()]);
    yard.ground.tells(&[told]);
    let running = yard.start().await;
    pause(60).await;
    let deployed = yard.now();
    ward.deploy("arn:2", true);
    running.window("api").await;
    running.until_closed("api").await;
    let at = |kind| yard.kept.happened(kind)[0].at.since(deployed);
    let times = (at("rollback_intended"), at("rollback_ended"));
    running.end().await;
    times
}

#[tokio::test(start_paused = true)]
async fn a_notifier_that_hangs_delays_a_rollback_by_nothing() {
    let (prompt, hanging) = (Told::called("chat"), Told::hanging("pager"));
    let (with, without) = (
        rolled_back_after(&hanging).await,
        rolled_back_after(&prompt).await,
    );
    // Time is stopped and moves only when everyone waits: equal is equal. The two daemons look at the
    // platform at moments of chance of their own, so the delay from the look on is what counts.
    let took = |(intended, ended): (Duration, Duration)| ended - intended;
    assert_eq!(took(with), took(without));
    assert!(
        with.0.abs_diff(without.0) <= Duration::from_secs(13),
        "{with:?}, {without:?}"
    );
    assert!(!hanging.came().is_empty(), "it was tried");
    let mut kinds: Vec<Kind> = prompt.came().into_iter().map(|(kind, _)| kind).collect();
    // The monitor may have seen enough before the window opens, which then says it of the deployment.
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            Kind::CheckFailing,
            Kind::RollbackIntended,
            Kind::RollbackEnded
        ],
        "{:?}",
        prompt.headlines()
    );
}

#[tokio::test(start_paused = true)]
async fn who_is_declared_anew_knows_what_the_one_before_was_told() {
    let (ward, first, other) = (
        Ward::of("api"),
        Told::called("chat"),
        Told::called("another"),
    );
    let yard = Yard::with(vec![ward.clone()]);
    yard.ground.tells(&[&first]);
    let running = yard.start().await;
    pause(60).await;
    ward.ill.store(true, Ordering::SeqCst);
    pause(120).await;
    assert_eq!(first.came(), [FAILS]);
    let again = Told::called("chat");
    yard.ground.tells(&[&again, &other]);
    running.order(Order::Reload).await.expect("read");
    ward.ill.store(false, Ordering::SeqCst);
    pause(900).await;
    assert_eq!(first.came(), [FAILS], "it is not declared any more");
    assert_eq!(again.came(), [RECOVERS], "{:?}", again.headlines());
    assert_eq!(
        other.came(),
        [FAILS, RECOVERS],
        "who is new hears what is wrong already"
    );
    running.end().await;
    let third = Told::called("chat");
    yard.ground.tells(&[&third]);
    let restarted = yard.start().await;
    pause(60).await;
    assert_eq!(third.came(), [], "all is well, and who was told knows it");
    restarted.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_trouble_that_ends_while_the_daemon_is_down_is_told_to_who_knew_of_it() {
    let (ward, first) = (Ward::of("api"), Told::called("chat"));
    let yard = Yard::with(vec![ward.clone()]);
    yard.ground.tells(&[&first]);
    let running = yard.start().await;
    pause(60).await;
    ward.ill.store(true, Ordering::SeqCst);
    pause(120).await;
    running.end().await;
    ward.ill.store(false, Ordering::SeqCst);
    let again = Told::called("chat");
    yard.ground.tells(&[&again]);
    let running = yard.start().await;
    pause(120).await;
    assert_eq!((first.came(), again.came()), (vec![FAILS], vec![RECOVERS]));
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_freeze_by_whatever_hand_is_told_and_its_end() {
    let (ward, told) = (Ward::of("api"), Told::called("chat"));
    let yard = Yard::with(vec![ward]);
    yard.ground.tells(&[&told]);
    let running = yard.start().await;
    pause(10).await;
    std::fs::write(yard.kill_switch(), "audit\n").expect("written");
    // The file is looked at on a thread of its own, beside the stopped time.
    until(&told, 1).await;
    std::fs::remove_file(yard.kill_switch()).expect("removed");
    until(&told, 2).await;
    let expected = [
        (Kind::Frozen, Effect::Opens),
        (Kind::Thawed, Effect::Resolves),
    ];
    assert_eq!(told.came(), expected, "{:?}", told.headlines());
    running.end().await;
}

async fn until(told: &Told, count: usize) {
    for _ in 0..1_000 {
        if told.came().len() >= count {
            return;
        }
        pause(1).await;
    }
    panic!("{count} notices never came: {:?}", told.headlines());
}

#[tokio::test(start_paused = true)]
async fn what_was_told_of_a_deployment_that_was_held_is_over_when_another_is_accepted() {
    let (mut ward, told) = (Ward::of("api"), Told::called("chat"));
    ward.plan.policy.rollback.arm = false;
    let yard = Yard::with(vec![ward.clone()]);
    yard.ground.tells(&[&told]);
    let running = yard.start().await;
    pause(60).await;
    ward.deploy("arn:2", true);
    running.window("api").await;
    running.until_closed("api").await;
    ward.deploy("arn:3", false);
    let window = running.window("api").await;
    assert_eq!(window.deployment.expect("known").id, "arn:3");
    running.until_closed("api").await;
    pause(60).await;
    let came = told.came();
    let over = came.iter().filter(|(kind, _)| *kind == Kind::Superseded);
    assert_eq!(over.count(), 1, "{:?}", told.headlines());
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_cannot_be_asked_is_told_when_it_lasts_and_its_end() {
    let (ward, told) = (Ward::of("api"), Told::called("chat"));
    let yard = Yard::with(vec![ward]);
    yard.ground.tells(&[&told]);
    let is_blind = |is| yard.ground.is_blind.store(is, Ordering::SeqCst);
    let running = yard.start().await;
    pause(60).await;
    is_blind(true);
    pause(115).await;
    let shown = running.service("api").await.unseen;
    assert_eq!(
        shown.as_deref(),
        Some("rate exceeded"),
        "it is shown at once"
    );
    is_blind(false);
    pause(300).await;
    assert_eq!(told.came(), [], "a blink: {:?}", told.headlines());
    is_blind(true);
    pause(400).await;
    let unseen = (Kind::DeploymentsUnseen, Effect::Opens);
    assert_eq!(told.came(), [unseen], "{:?}", told.headlines());
    is_blind(false);
    pause(300).await;
    let seen = (Kind::DeploymentsSeen, Effect::Resolves);
    assert_eq!(told.came(), [unseen, seen], "{:?}", told.headlines());
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_to_decide_because_the_daemon_is_restarted() {
    let (ward, told) = (Ward::of("api"), Told::called("chat"));
    let yard = Yard::with(vec![ward.clone()]);
    yard.ground.tells(&[&told]);
    let running = yard.start().await;
    pause(60).await;
    ward.deploy("arn:2", false);
    running.window("api").await;
    pause(60).await;
    running.end().await;
    let came = told.came();
    let asked = came.iter().filter(|(kind, _)| *kind == Kind::Held);
    assert_eq!(asked.count(), 0, "{:?}", told.headlines());
}
