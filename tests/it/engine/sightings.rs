//! A deployment is neither missed nor judged twice: by whom and when it is seen, and what stands in the way.

use std::sync::Arc;
use std::time::Duration;

use smokejumper::cli::state;
use smokejumper::clock::WallTime;
use smokejumper::deploy::DeploymentTarget as _;
use smokejumper::deployment::{Call, Deployment, Selector, StartedRollback, Wanted};
use smokejumper::engine::serve::handle::{Done, Order, Refused};
use smokejumper::event::Action;
use smokejumper::journal::{Entry, Judged};

use super::yard::{Running, Ward, Yard};

const MINUTE: u64 = 60;

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// So many seconds before a time.
fn before(at: WallTime, seconds: u64) -> WallTime {
    WallTime::since_unix_epoch(at.unix() - Duration::from_secs(seconds))
}

async fn yard_with(ward: &Ward) -> (Yard, Running) {
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(30).await;
    (yard, running)
}

fn opened(yard: &Yard) -> usize {
    yard.kept.happened("window_opened").len()
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_does_not_say_what_is_deployed_is_asked_again_however_busy_we_are() {
    let mut ward = Ward::of("api");
    // A run every five milliseconds: something else is always due as well.
    let one = ward.checks[0].clone();
    for number in 0..100 {
        let mut other = one.clone();
        other.facts.id = smokejumper::sample::CheckId::new(&format!("api-{number}"));
        other.every = Duration::from_millis(500);
        ward.checks.push(other);
    }
    let (yard, running) = yard_with(&ward).await;
    ward.platform.hides(4);
    ward.deploy("arn:2", false);
    let window = running.window("api").await;
    assert_eq!(window.deployment.expect("pinned").id, "arn:2");
    assert!(
        running.service("api").await.unseen.is_none(),
        "it is seen again"
    );
    assert_eq!(yard.kept.happened("deployments_unseen").len(), 1);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_cannot_be_connected_to_hides_no_other_service() {
    let (api, web) = (Ward::of("api"), Ward::of("web"));
    let yard = Yard::with(vec![api.clone(), web.clone()]);
    yard.ground.out_of_reach.lock().unwrap().push("api");
    let running = yard.start().await;
    pause(30).await;
    web.deploy("arn:w2", false);
    running.window("web").await;
    let unseen = running.service("api").await.unseen;
    assert_eq!(unseen.as_deref(), Some("no credentials"));
    // It is tried again, and seen from then on.
    yard.ground.out_of_reach.lock().unwrap().clear();
    pause(5 * MINUTE).await;
    api.deploy("arn:a2", false);
    running.window("api").await;
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_came_while_the_platform_was_away_is_judged_and_what_came_long_before_us_is_not() {
    // Since when it runs when we begin; how long the bake is; whether a window is opened.
    let cases = [
        (10 * MINUTE, 5 * MINUTE, true, "just before a restart"),
        (90 * MINUTE, 5 * MINUTE, false, "long before"),
        (
            90 * MINUTE,
            120 * MINUTE,
            true,
            "its bake would not be over",
        ),
    ];
    for (age, bake, is_judged, why) in cases {
        let mut ward = Ward::of("api");
        ward.plan.policy.bake = Duration::from_secs(bake);
        let yard = Yard::with(vec![ward.clone()]);
        ward.platform.was_made(before(yard.now(), age));
        let running = yard.start().await;
        pause(60).await;
        let window = running.service("api").await.window;
        assert_eq!(window.is_some(), is_judged, "{why}");
        assert_eq!(yard.kept.happened("warned").len(), 0, "{why}");
        running.end().await;
    }
    let ward = Ward::of("api");
    let yard = Yard::with(vec![ward.clone()]);
    yard.ground.out_of_reach.lock().unwrap().push("api");
    let running = yard.start().await;
    pause(60).await;
    ward.deploy("arn:2", false);
    ward.platform.was_made(yard.now());
    pause(60 * MINUTE).await;
    yard.ground.out_of_reach.lock().unwrap().clear();
    let window = running.window("api").await;
    assert_eq!(window.deployment.expect("pinned").id, "arn:2");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_came_and_was_rolled_out_while_nobody_looked_is_said_and_can_be_judged_by_order() {
    let ward = Ward::of("api");
    let (yard, running) = yard_with(&ward).await;
    ward.deploy("arn:2", false);
    running.window("api").await;
    running.until_closed("api").await;
    running.end().await;

    ward.deploy("arn:3", false);
    ward.platform.was_made(yard.now());
    pause(60 * MINUTE).await;
    let running = yard.start().await;
    pause(30).await;
    assert!(running.service("api").await.window.is_none());
    let warned = yard.kept.happened("warned");
    let missed = warned
        .iter()
        .filter(|one| one.text.contains("while nobody looked"));
    assert_eq!(missed.count(), 1, "{warned:#?}");
    let done = running.open("api", None).await;
    assert!(matches!(done, Ok(Done::Window(_))), "{done:?}");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn who_asks_while_it_is_looked_gets_the_window_that_is_found() {
    let ward = Ward::of("api");
    let (yard, running) = yard_with(&ward).await;
    ward.platform.appears_after(Duration::from_secs(15));
    ward.deploy("arn:2", false);
    // The lookout has seen it by then, and it is being looked into.
    while *ward.platform.pins.lock().unwrap() < 2 {
        pause(1).await;
    }
    let asked = futures_util::future::join_all([
        running.open("api", None),
        running.open("api", Some("arn:2")),
        running.open("api", Some("arn:9")),
    ])
    .await;
    let open = running.window("api").await;
    let expected = Ok(Done::Window(open.id.to_string()));
    assert_eq!(asked[..2], [expected.clone(), expected]);
    assert!(matches!(asked[2], Err(Refused::Conflict(_))), "{asked:?}");
    running.until_closed("api").await;
    pause(2 * MINUTE).await;
    assert_eq!(opened(&yard), 1);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_order_over_an_older_deployment_does_not_hide_the_newer_one() {
    let ward = Ward::of("api");
    let (yard, running) = yard_with(&ward).await;
    ward.deploy("arn:3", false);
    ward.platform.hides(1);
    // The lookout has seen the newer one, and is to look into it again later.
    while running.service("api").await.unseen.is_none() {
        pause(1).await;
    }
    let done = running.open("api", Some("arn:2")).await;
    assert!(matches!(done, Ok(Done::Window(_))), "{done:?}");
    pause(2 * MINUTE).await;
    let window = running.window("api").await;
    assert_eq!(window.deployment.expect("pinned").id, "arn:3");
    running.until_closed("api").await;
    assert_eq!(opened(&yard), 2);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_what_was_judged_by_order_is_not_judged_again_by_itself() {
    let ward = Ward::of("api");
    let mut yard = Yard::with(vec![ward.clone()]);
    yard.has_journal = false;
    let running = yard.start().await;
    pause(30).await;
    ward.platform.hides(1);
    ward.deploy("arn:2", false);
    while running.service("api").await.unseen.is_none() {
        pause(1).await;
    }
    running.open("api", None).await.expect("opened");
    running.until_closed("api").await;
    pause(5 * MINUTE).await;
    assert_eq!(opened(&yard), 1);
    running.end().await;
}

/// What a run that died in mid-rollback has left in the journal.
async fn left_by_a_dead_run(yard: &Yard, ward: &Ward) {
    let deployment: Deployment = ward.platform.pin(&Selector::Current).await.expect("pinned");
    let plan = ward.platform.plan(&deployment, &Wanted::default()).await;
    let plan = plan.expect("asked").expect("planned");
    let entries = [
        Entry::Opened {
            service: "api".into(),
            deployment,
            guards: Vec::new(),
        },
        Entry::Decided {
            action: Action::RollBack,
            because: vec!["api-pulse: error_rate".to_owned()],
            judged: Judged::default(),
        },
        Entry::Intended { plan: plan.clone() },
        Entry::Calling {
            call: Call {
                operation: "UpdateService".to_owned(),
                subject: "api".to_owned(),
                argument: Some(plan.target.id.clone()),
            },
        },
        Entry::Carried {
            started: StartedRollback {
                plan,
                carrier: "arn:carrier".to_owned(),
            },
        },
    ];
    let journal = state::journal_in(yard.state.path())
        .await
        .expect("a journal");
    for entry in &entries {
        let written = journal.append("arn:api", "left", yard.now(), entry).await;
        written.expect("written");
    }
}

#[tokio::test(start_paused = true)]
async fn what_overtook_a_rollback_that_was_left_gets_a_window_of_its_own() {
    let mut ward = Ward::of("api");
    ward.platform =
        super::platform::Platform::new(super::platform::Manner::IsOvertaken, Arc::clone(&ward.ill));
    ward.platform.calls_it("arn:api");
    ward.deploy("arn:2", false);
    let yard = Yard::with(vec![ward.clone()]);
    left_by_a_dead_run(&yard, &ward).await;
    ward.deploy("arn:3", false);
    ward.platform.was_made(yard.now());
    let running = yard.start().await;
    pause(MINUTE).await;
    let window = running.window("api").await;
    assert_eq!(window.deployment.expect("pinned").id, "arn:3");
    let opened = yard.kept.happened("window_opened");
    assert_eq!(opened.len(), 2, "{opened:#?}");
    let first = opened[0].window.as_deref();
    assert_eq!(first, Some("left"), "it is gone on with under its name");
    let over = &yard.kept.over()[0];
    assert_eq!(over.rollback.as_deref(), Some("superseded"));
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_window_that_cannot_be_judged_is_tried_again_more_and_more_seldom() {
    let ward = Ward::of("api");
    let (yard, running) = yard_with(&ward).await;
    ward.platform.is_silent(u32::MAX);
    ward.deploy("arn:2", false);
    pause(3 * 60 * MINUTE).await;
    let tried = opened(&yard);
    assert!((2..40).contains(&tried), "{tried}");
    ward.platform.is_silent(0);
    while !yard
        .kept
        .over()
        .iter()
        .any(|one| one.action.as_deref() == Some("accept"))
    {
        pause(10).await;
    }
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn who_rules_upon_a_window_of_which_nothing_comes_is_told_so() {
    let ward = Ward::of("api");
    let (_yard, running) = yard_with(&ward).await;
    ward.platform.is_silent(u32::MAX);
    ward.deploy("arn:2", false);
    let open = running.window("api").await;
    let hold = Order::Hold {
        window: open.id.to_string(),
        reason: None,
    };
    let told = running.order(hold).await;
    let Err(Refused::Conflict(why) | Refused::Failed(why)) = told else {
        panic!("{told:?}");
    };
    assert!(!why.contains("the daemon is ending"), "{why}");
    running.end().await;
}
