//! The daemon: windows by themselves, several at once, what people order, reloads, silences, restarts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use smokejumper::clock::WallTime;
use smokejumper::engine::serve::handle::{Done, Order, Refused, Silence};
use smokejumper::event::{Action, Verdict};
use smokejumper::verdict::{Comparable, Tolerance};

use super::yard::{Ward, Yard};

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn ids(yard: &Yard) -> Vec<(String, Option<String>, Option<String>)> {
    let over = yard.kept.over().into_iter();
    over.map(|one| (one.service.to_string(), one.action, one.rollback))
        .collect()
}

fn text(one: &str) -> Option<String> {
    Some(one.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_bad_deployment_is_seen_within_one_poll_and_rolled_back_by_itself() {
    let ward = Ward::of("api");
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(60).await;
    let quiet = running.service("api").await;
    assert_eq!(
        (quiet.verdict, quiet.window.is_none()),
        (Verdict::Pass, true)
    );
    assert_eq!(running.check("api-pulse").await.verdict, Verdict::Pass);
    let deployed = yard.now();
    ward.deploy("arn:2", true);
    let window = running.window("api").await;
    // Ten seconds between two looks, a fifth more by chance.
    let seen_after = window.opened.since(deployed);
    assert!(seen_after <= Duration::from_secs(13), "{seen_after:?}");
    running.until_closed("api").await;
    let over = yard.kept.over();
    assert_eq!(
        ids(&yard),
        [(
            "api".into(),
            text("roll_back"),
            text("rolled_back_verified")
        )]
    );
    assert_eq!(over[0].id, window.id);
    assert_eq!(over[0].verdict, Some(Verdict::Fail));
    assert!(
        over[0]
            .detected_after
            .is_some_and(|after| after < Duration::from_secs(300))
    );
    assert!(over[0].report.is_some());
    assert_eq!(*ward.platform.accepted.lock().unwrap(), 1);
    pause(300).await;
    assert_eq!(
        yard.kept.over().len(),
        1,
        "no second window over the same deployment"
    );
    assert_eq!(
        running.service("api").await.verdict,
        Verdict::Pass,
        "the one before is well"
    );
    let instruments = running.handle.instruments();
    let meter = instruments.service("api").expect("counted");
    assert_eq!(meter.rollbacks().len(), 1);
    assert_eq!(
        meter
            .decisions()
            .iter()
            .find(|one| one.0 == Action::RollBack)
            .unwrap()
            .1,
        1
    );
    running.end().await;
    let kinds = [
        "window_opened",
        "deployment_pinned",
        "decided",
        "rollback_intended",
        "rollback_ended",
        "window_closed",
    ];
    for kind in kinds {
        assert_eq!(yard.kept.happened(kind).len(), 1, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_a_window_is_open_nothing_is_probed_twice_and_its_samples_are_kept_with_it() {
    let ward = Ward::of("api");
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(31).await;
    ward.deploy("arn:2", false);
    let window = running.window("api").await;
    pause(20).await;
    let before = yard.kept.samples().len();
    pause(100).await;
    let samples = yard.kept.samples();
    let during = &samples[before..];
    // One check every five seconds.
    assert!((19..=21).contains(&during.len()), "{}", during.len());
    assert!(
        during
            .iter()
            .all(|one| one.window == Some(Arc::clone(&window.id)))
    );
    assert!(samples[..4].iter().all(|one| one.window.is_none()));
    let now = running.window("api").await;
    assert!(now.samples > 0 && now.ends.is_some(), "{now:?}");
    running.until_closed("api").await;
    assert_eq!(ids(&yard), [("api".into(), text("accept"), None)]);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn windows_of_several_services_run_side_by_side_each_by_its_policy() {
    let (api, mut web) = (Ward::of("api"), Ward::of("web"));
    web.plan.policy.rollback.arm = false;
    let yard = Yard::with(vec![api.clone(), web.clone()]);
    let running = yard.start().await;
    pause(30).await;
    api.deploy("arn:a2", true);
    web.deploy("arn:w2", true);
    running.window("api").await;
    running.window("web").await;
    running.until_closed("api").await;
    running.until_closed("web").await;
    let mut over = ids(&yard);
    over.sort();
    assert_eq!(
        over,
        [
            (
                "api".into(),
                text("roll_back"),
                text("rolled_back_verified")
            ),
            ("web".into(), text("roll_back"), text("refused")),
        ]
    );
    assert_eq!(*web.platform.accepted.lock().unwrap(), 0, "it is not armed");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn services_that_fail_on_the_same_dependency_are_held_and_a_single_one_is_rolled_back() {
    let wards = ["api", "web"].map(|name| Ward::of(name).depending_on("db.internal:5432"));
    let alone = Ward::of("jobs").depending_on("jobs.internal:80");
    let mut all = wards.to_vec();
    all.push(alone.clone());
    let yard = Yard::with(all);
    let running = yard.start().await;
    pause(30).await;
    for ward in wards.iter().chain([&alone]) {
        ward.deploy("arn:2", true);
    }
    for name in ["api", "web", "jobs"] {
        running.window(name).await;
    }
    for name in ["api", "web", "jobs"] {
        running.until_closed(name).await;
    }
    let mut over = ids(&yard);
    over.sort();
    let expected = [
        ("api".into(), text("hold"), None),
        (
            "jobs".into(),
            text("roll_back"),
            text("rolled_back_verified"),
        ),
        ("web".into(), text("hold"), None),
    ];
    assert_eq!(over, expected);
    let told = yard.kept.happened("decided");
    let common = told.iter().filter(|one| one.text.contains("common cause"));
    assert_eq!(common.count(), 2, "{told:#?}");
    assert!(told.iter().any(|one| one.text.contains("db.internal:5432")));
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_deployment_supersedes_the_window_and_gets_one_of_its_own() {
    let ward = Ward::of("api");
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(30).await;
    ward.deploy("arn:2", false);
    let first = running.window("api").await;
    pause(60).await;
    ward.deploy("arn:3", false);
    pause(60).await;
    let second = running.window("api").await;
    assert_ne!(first.id, second.id);
    assert_eq!(second.deployment.unwrap().id, "arn:3");
    running.until_closed("api").await;
    let over = ids(&yard);
    assert_eq!(over[0], ("api".into(), text("none"), text("superseded")));
    assert_eq!(over[1], ("api".into(), text("accept"), None));
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_person_accepts_holds_and_rolls_back_an_open_window() {
    let window = |window: &str| window.to_owned();
    let reason = text("the numbers are known");
    let cases = [
        ("accept", None, 0),
        ("hold", None, 0),
        ("roll_back", text("rolled_back_verified"), 1),
    ];
    for (action, rollback, accepted) in cases {
        let ward = Ward::of("api");
        let yard = Yard::with(vec![ward.clone()]);
        let running = yard.start().await;
        pause(30).await;
        ward.deploy("arn:2", false);
        let open = running.window("api").await;
        pause(20).await;
        let (window, reason) = (window(&open.id), reason.clone());
        let order = match action {
            "accept" => Order::Accept { window, reason },
            "hold" => Order::Hold { window, reason },
            _ => Order::RollBack { window, reason },
        };
        let done = running.order(order.clone()).await.expect(action);
        assert_eq!(done, Done::Said(format!("window {}: {action}", open.id)));
        running.until_closed("api").await;
        assert_eq!(ids(&yard), [("api".into(), text(action), rollback)]);
        assert_eq!(
            *ward.platform.accepted.lock().unwrap(),
            accepted,
            "{action}"
        );
        let decided = &yard.kept.happened("decided")[0];
        assert!(
            decided
                .text
                .contains("ordered by ops: the numbers are known"),
            "{decided:?}"
        );
        assert_eq!(yard.kept.happened("ordered")[0].facts["by"], "ops");
        let again = running.order(order).await.unwrap_err();
        assert!(
            matches!(again, Refused::Unknown(_) | Refused::Conflict(_)),
            "{again:?}"
        );
        running.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_undone_by_an_order_while_it_still_runs() {
    let ward = Ward::of("api");
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(30).await;
    ward.deploy("arn:2", false);
    let closed = running.window("api").await;
    running.until_closed("api").await;
    assert_eq!(ids(&yard), [("api".into(), text("accept"), None)]);
    let undo = |window: &str| Order::RollBack {
        window: window.to_owned(),
        reason: text("the shop sells nothing"),
    };
    let unknown = running.order(undo("01NOBODY")).await;
    assert!(matches!(unknown, Err(Refused::Unknown(_))), "{unknown:?}");
    let done = running.order(undo(&closed.id)).await;
    assert_eq!(
        done,
        Ok(Done::Said("rolling back api:42 -> api:41".to_owned()))
    );
    pause(120).await;
    let over = yard.kept.over();
    assert_eq!(over.len(), 2);
    assert_eq!(over[1].rollback, text("rolled_back_verified"));
    assert_ne!(over[1].id, closed.id, "it has a window of its own");
    assert_eq!(*ward.platform.accepted.lock().unwrap(), 1);
    assert_eq!(
        running.check("api-pulse").await.verdict,
        Verdict::Pass,
        "it is probed again"
    );
    let again = running.order(undo(&closed.id)).await;
    assert!(
        matches!(again, Err(Refused::Conflict(_))),
        "once is enough: {again:?}"
    );
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn how_a_service_was_before_its_deployment_comes_from_the_history_by_itself() {
    let mut ward = Ward::of("api");
    let errors = Tolerance {
        subject: Comparable::Errors,
        warning: Some(0.1),
        critical: None,
    };
    ward.checks[0].tolerances = Arc::new([errors]);
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(600).await;
    ward.deploy("arn:2", false);
    running.window("api").await;
    running.until_closed("api").await;
    let warned = yard.kept.happened("warned");
    let compared = warned
        .iter()
        .find(|one| one.text.contains("is compared with"));
    assert!(compared.is_some(), "{warned:#?}");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_freeze_stops_a_rollback_that_is_ordered_and_says_who_pulled_it() {
    let ward = Ward::of("api");
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(30).await;
    let freeze = |on| Order::Freeze {
        service: None,
        on,
        reason: text("sale of the year"),
    };
    running.order(freeze(true)).await.expect("frozen");
    let frozen = running.live().await.freeze.expect("it shows");
    assert_eq!(
        (frozen.by.as_deref(), frozen.reason.as_str()),
        (Some("ops"), "sale of the year")
    );
    assert!(yard.kill_switch().exists());
    ward.deploy("arn:2", true);
    running.window("api").await;
    running.until_closed("api").await;
    assert_eq!(
        ids(&yard),
        [("api".into(), text("roll_back"), text("refused"))]
    );
    assert_eq!(*ward.platform.accepted.lock().unwrap(), 0);
    running.order(freeze(false)).await.expect("thawed");
    assert_eq!(running.live().await.freeze, None);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_opens_a_window_over_what_runs_and_gets_the_same_one_twice() {
    let ward = Ward::of("api");
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(30).await;
    let open = |service: &str| Order::Open {
        service: service.to_owned(),
        deployment: None,
    };
    let Done::Window(id) = running.order(open("api")).await.expect("opened") else {
        panic!("a window");
    };
    assert_eq!(*running.window("api").await.id, *id);
    assert_eq!(running.order(open("api")).await, Ok(Done::Window(id)));
    let unknown = running.order(open("apy")).await;
    assert!(matches!(unknown, Err(Refused::Unknown(_))), "{unknown:?}");
    running.until_closed("api").await;
    pause(60).await;
    assert_eq!(ids(&yard), [("api".into(), text("accept"), None)]);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_open_when_it_ends_is_gone_on_with_by_the_next_run_and_what_was_judged_is_not() {
    let ward = Ward::of("api");
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(30).await;
    ward.deploy("arn:2", false);
    let left = running.window("api").await;
    pause(60).await;
    running.end().await;
    assert_eq!(yard.kept.happened("window_left").len(), 1);
    assert!(yard.kept.over().is_empty(), "it is not over");

    let running = yard.start().await;
    let next = running.window("api").await;
    assert_ne!(left.id, next.id, "its bake begins anew");
    assert_eq!(next.deployment.unwrap().id, "arn:2");
    running.until_closed("api").await;
    let over = yard.kept.over();
    assert_eq!(
        over[0].id, left.id,
        "the history knows that the first is over"
    );
    assert_eq!(over[0].verdict, Some(Verdict::Inconclusive));
    assert_eq!(over[1].action, text("accept"));
    running.end().await;

    let running = yard.start().await;
    pause(120).await;
    assert!(
        running.service("api").await.window.is_none(),
        "it was judged already"
    );
    running.end().await;
    assert_eq!(yard.kept.over().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_what_is_declared_as_before_and_refuses_what_is_wrong() {
    let mut ward = Ward::of("api");
    let mut other = ward.checks[0].clone();
    other.facts.id = smokejumper::sample::CheckId::new("api-other");
    ward.checks.push(other);
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(120).await;
    let before = running.check("api-pulse").await;
    assert_eq!(before.verdict, Verdict::Pass);

    *yard.ground.reads.lock().unwrap() = Err("unknown key `htp`".to_owned());
    let refused = running.order(Order::Reload).await;
    assert_eq!(
        refused,
        Err(Refused::Senseless("unknown key `htp`".to_owned()))
    );
    let live = running.live().await;
    assert_eq!(
        live.configuration.refused.as_deref(),
        Some("unknown key `htp`")
    );
    assert_eq!(live.checks.len(), 2);
    assert_eq!(yard.kept.happened("configuration_refused").len(), 1);

    *yard.ground.reads.lock().unwrap() = Ok(());
    let mut changed = ward.clone();
    changed.checks[1].every = Duration::from_secs(7);
    yard.ground.declare(vec![changed]);
    let count = yard.kept.samples().len();
    // A file has changed: it is noticed without an order.
    yard.ground.files.fetch_add(1, Ordering::SeqCst);
    pause(10).await;
    let loaded = yard.kept.happened("configuration_loaded");
    assert_eq!(loaded.len(), 1);
    assert!(
        loaded[0]
            .text
            .contains("0 checks new, 1 check changed, 0 checks gone"),
        "{loaded:?}"
    );
    let live = running.live().await;
    assert_eq!(live.configuration.refused, None);
    let after = running.check("api-pulse").await;
    assert_eq!(
        (after.verdict, after.since),
        (before.verdict, before.since),
        "its state stays"
    );
    assert!(after.recent.len() > before.recent.len());
    let anew = running.check("api-other").await;
    assert_eq!(anew.every, Duration::from_secs(7));
    assert!(
        anew.recent.len() <= 3,
        "what is declared otherwise begins anew"
    );
    pause(30).await;
    let own = |one: &&smokejumper::store::history::Seen| one.sample.check.as_str() == "api-pulse";
    let samples = yard.kept.samples();
    let started: Vec<Duration> = samples[count - 4..]
        .iter()
        .filter(own)
        .map(|one| one.sample.started.since_origin())
        .collect();
    let gaps = started.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(
        gaps.clone()
            .all(|gap| gap.abs_diff(Duration::from_secs(5)) < Duration::from_millis(50)),
        "its turns stay: {:?}",
        gaps.collect::<Vec<_>>()
    );
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_open_window_goes_on_under_what_it_was_opened_with_though_its_service_is_gone() {
    let (api, web) = (Ward::of("api"), Ward::of("web"));
    let yard = Yard::with(vec![api.clone(), web.clone()]);
    let running = yard.start().await;
    pause(30).await;
    web.deploy("arn:2", true);
    running.window("web").await;
    yard.ground.declare(vec![api]);
    running.order(Order::Reload).await.expect("read");
    assert_eq!(
        running.live().await.services.len(),
        2,
        "it is shown as long as its window is open"
    );
    pause(400).await;
    assert_eq!(running.live().await.services.len(), 1);
    assert_eq!(
        ids(&yard),
        [(
            "web".into(),
            text("roll_back"),
            text("rolled_back_verified")
        )]
    );
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_silence_mutes_or_stops_what_it_is_about_and_survives_a_restart() {
    let ward = Ward::of("api");
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    pause(30).await;
    let until = |minutes: u64| {
        WallTime::since_unix_epoch(yard.now().unix() + Duration::from_secs(minutes * 60))
    };
    let silence = |until, stops_checks| {
        Order::Silence(Silence {
            service: text("api"),
            tag: None,
            check: None,
            until,
            reason: "moving house".to_owned(),
            stops_checks,
        })
    };
    let past = running.order(silence(yard.now(), false)).await;
    assert!(matches!(past, Err(Refused::Senseless(_))), "{past:?}");
    running
        .order(silence(until(10), false))
        .await
        .expect("silenced");
    ward.ill.store(true, Ordering::SeqCst);
    pause(60).await;
    let judged = yard.kept.happened("check_judged");
    assert!(!judged.is_empty());
    assert!(
        judged.iter().all(|one| one.facts["muted"] == true),
        "{judged:#?}"
    );
    running.end().await;

    let running = yard.start().await;
    assert_eq!(running.live().await.silences.len(), 1, "it is remembered");
    pause(600).await;
    assert!(running.live().await.silences.is_empty(), "it is over");
    let done = running.order(silence(until(60), true)).await;
    let Ok(Done::Silence(id)) = done else {
        panic!("{done:?}");
    };
    pause(6).await;
    let count = yard.kept.samples().len();
    pause(60).await;
    assert_eq!(yard.kept.samples().len(), count, "nothing is probed");
    running
        .order(Order::Lift { silence: id })
        .await
        .expect("lifted");
    pause(60).await;
    assert!(yard.kept.samples().len() > count, "it is probed again");
    running.end().await;
}
