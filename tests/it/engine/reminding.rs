//! Of what the daemon reminds people, how often, and when it does not.

use std::sync::atomic::Ordering;
use std::time::Duration;

use smokejumper::clock::WallTime;
use smokejumper::engine::serve::handle::{Order, Silence};
use smokejumper::plan::Selection;

use super::yard::{Running, Told, Ward, Yard};

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

const TEN_MINUTES: Option<Duration> = Some(Duration::from_secs(600));
const FOUR_HOURS: Option<Duration> = Some(Duration::from_secs(4 * 3_600));

/// How often somebody was reminded of something so far.
fn reminders(told: &Told, of: &str) -> usize {
    let begins = format!("still not over: {of}");
    let headlines = told.headlines().into_iter();
    headlines.filter(|line| line.starts_with(&begins)).count()
}

fn heard(told: &Told, part: &str) -> usize {
    let headlines = told.headlines().into_iter();
    headlines.filter(|line| line.contains(part)).count()
}

async fn silence(yard: &Yard, running: &Running, seconds: u64, stops_checks: bool) {
    let until = yard.now().unix() + Duration::from_secs(seconds);
    let silence = Silence {
        service: Some("api".to_owned()),
        tag: None,
        check: None,
        until: WallTime::since_unix_epoch(until),
        reason: "the database moves".to_owned(),
        stops_checks,
    };
    let silenced = running.order(Order::Silence(silence)).await;
    silenced.expect("silenced");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_reminded_in_silence_and_everybody_after_it_of_what_is_there_still() {
    for stops_checks in [false, true] {
        let (ward, told) = (Ward::of("api"), Told::called("chat"));
        let yard = Yard::with(vec![ward.clone()]);
        yard.ground.reminds(&[&told], TEN_MINUTES);
        let running = yard.start().await;
        ward.ill.store(true, Ordering::SeqCst);
        pause(1_000).await;
        assert_eq!(reminders(&told, "api: api-pulse fails"), 1);
        silence(&yard, &running, 3_600, stops_checks).await;
        pause(3_600).await;
        assert_eq!(reminders(&told, "api"), 1, "{:?}", told.headlines());
        pause(600).await;
        assert_eq!(reminders(&told, "api"), 2, "{:?}", told.headlines());
        pause(600).await;
        assert_eq!(reminders(&told, "api"), 3, "as often as before");
        silence(&yard, &running, 3_600, stops_checks).await;
        ward.ill.store(false, Ordering::SeqCst);
        pause(3_600 + 900).await;
        assert_eq!(reminders(&told, "api"), 3, "{:?}", told.headlines());
        assert_eq!(heard(&told, "has recovered"), 1, "{:?}", told.headlines());
        running.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_what_was_done_about_a_deployment_people_are_reminded_in_silence_too() {
    let (mut ward, told) = (Ward::of("api"), Told::called("chat"));
    ward.plan.policy.rollback.arm = false;
    let yard = Yard::with(vec![ward.clone()]);
    yard.ground.reminds(&[&told], TEN_MINUTES);
    let running = yard.start().await;
    pause(60).await;
    ward.deploy("arn:2", true);
    running.window("api").await;
    running.until_closed("api").await;
    ward.ill.store(false, Ordering::SeqCst);
    silence(&yard, &running, 7_200, false).await;
    pause(3_000).await;
    let count = reminders(&told, "api: api:42 was NOT rolled back");
    // The first may have been told some minutes before.
    assert!((4..=5).contains(&count), "{:?}", told.headlines());
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn how_often_they_are_is_what_was_read_last_for_open_troubles_too() {
    let (ward, told) = (Ward::of("api"), Told::called("chat"));
    let yard = Yard::with(vec![ward.clone()]);
    yard.ground.reminds(&[&told], FOUR_HOURS);
    let running = yard.start().await;
    ward.ill.store(true, Ordering::SeqCst);
    pause(3_600).await;
    assert_eq!((heard(&told, "fails"), reminders(&told, "api")), (1, 0));
    for (repeat, expected) in [(TEN_MINUTES, 6), (FOUR_HOURS, 6), (None, 6)] {
        yard.ground.reminds(&[&told], repeat);
        running.order(Order::Reload).await.expect("read");
        pause(3_500).await;
        let headlines = told.headlines();
        assert_eq!(
            reminders(&told, "api"),
            expected,
            "{repeat:?}: {headlines:?}"
        );
    }
    running.end().await;
    // And after a restart, of what was told before it.
    yard.ground.reminds(&[&told], TEN_MINUTES);
    let running = yard.start().await;
    pause(900).await;
    assert_eq!(reminders(&told, "api"), 7, "{:?}", told.headlines());
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_selected_stays_as_it_is_and_what_is_not_declared_is_over() {
    let wards = ["api", "web", "old"].map(Ward::of);
    let told = Told::called("chat");
    let yard = Yard::with(wards.to_vec());
    yard.ground.reminds(&[&told], TEN_MINUTES);
    for ward in &wards {
        ward.ill.store(true, Ordering::SeqCst);
    }
    let running = yard.start().await;
    pause(300).await;
    assert_eq!(heard(&told, "fails"), 3, "{:?}", told.headlines());
    running.end().await;

    let [api, web, _] = wards;
    yard.ground.declare(vec![api, web.clone()]);
    *yard.ground.selection.lock().unwrap() = Selection {
        only: vec!["api-*".to_owned()],
        ..Selection::default()
    };
    let running = yard.start().await;
    pause(1_000).await;
    let all = told.headlines();
    assert_eq!(
        heard(&told, "old: old-pulse is not declared any more"),
        1,
        "{all:?}"
    );
    assert_eq!(
        (reminders(&told, "api"), reminders(&told, "web")),
        (1, 0),
        "{all:?}"
    );
    assert_eq!(all.len(), 5, "{all:?}");
    running.end().await;

    *yard.ground.selection.lock().unwrap() = Selection::default();
    let running = yard.start().await;
    pause(1_000).await;
    assert_eq!(
        heard(&told, "fails"),
        3 + 3,
        "those who know it are reminded"
    );
    assert_eq!((reminders(&told, "api"), reminders(&told, "web")), (2, 1));
    web.ill.store(false, Ordering::SeqCst);
    pause(900).await;
    assert_eq!(heard(&told, "web: web-pulse has recovered"), 1);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_service_that_is_gone_is_over_once_its_window_is() {
    let (mut api, web) = (Ward::of("api"), Ward::of("web"));
    api.plan.policy.rollback.arm = false;
    let told = Told::called("chat");
    let yard = Yard::with(vec![api.clone(), web.clone()]);
    yard.ground.reminds(&[&told], TEN_MINUTES);
    let running = yard.start().await;
    pause(60).await;
    api.deploy("arn:2", true);
    running.window("api").await;
    yard.ground.declare(vec![web]);
    running.order(Order::Reload).await.expect("read");
    pause(3_000).await;
    let all = told.headlines();
    assert_eq!(
        heard(&told, "the service is not declared any more"),
        1,
        "{all:?}"
    );
    assert_eq!(reminders(&told, "api"), 0, "{all:?}");
    running.end().await;
}
