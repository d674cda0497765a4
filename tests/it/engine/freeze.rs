//! The freeze of one service: before a window, within one, over a restart, and beside that of all.

use std::time::Duration;

use smokejumper::engine::serve::handle::{Done, Order, Refused};
use smokejumper::event::Action;
use smokejumper::notify::{Effect, Kind};

use super::yard::{Running, Told, Ward, Yard};

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

async fn freeze(running: &Running, service: Option<&str>, on: bool) -> Result<Done, Refused> {
    let order = Order::Freeze {
        service: service.map(str::to_owned),
        on,
        reason: on.then(|| "sale of the year".to_owned()),
    };
    running.order(order).await
}

/// The service, what was decided, and how the rollback ended.
fn over(yard: &Yard) -> Vec<(String, String, String)> {
    let over = yard.kept.over().into_iter();
    let text = Option::unwrap_or_default;
    let mut over: Vec<_> = over
        .map(|one| {
            (
                one.service.to_string(),
                text(one.action),
                text(one.rollback),
            )
        })
        .collect();
    over.sort();
    over
}

fn row(service: &str, rollback: &str) -> (String, String, String) {
    let action = Action::RollBack.name();
    (service.to_owned(), action.to_owned(), rollback.to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_rollbacks_of_one_service_are_stopped_and_those_of_another_are_not() {
    let (api, web) = (Ward::of("api"), Ward::of("web"));
    let yard = Yard::with(vec![api.clone(), web.clone()]);
    let running = yard.start().await;
    pause(30).await;
    let done = freeze(&running, Some("api"), true).await;
    let text = "ops stops the rollbacks of api on this machine: sale of the year";
    assert_eq!(done, Ok(Done::Said(text.to_owned())));
    let live = running.live().await;
    assert_eq!(live.freeze, None);
    let shown = live.services[0].freeze.clone().expect("it shows");
    assert_eq!(
        (shown.by.as_deref(), &*shown.reason),
        (Some("ops"), "sale of the year")
    );
    assert_eq!(live.services[1].freeze, None);
    let told = &yard.kept.happened("frozen")[0];
    assert_eq!(told.service.as_deref(), Some("api"));

    api.deploy("arn:a2", true);
    web.deploy("arn:w2", true);
    running.window("api").await;
    running.until_closed("api").await;
    running.until_closed("web").await;
    pause(60).await;
    let expected = [row("api", "refused"), row("web", "rolled_back_verified")];
    assert_eq!(over(&yard), expected);
    let ended = yard.kept.happened("rollback_ended");
    let refused = ended.iter().find(|one| one.facts["outcome"] == "refused");
    let text = &refused.expect("it was refused").text;
    assert!(
        text.contains("freeze") && text.contains("sale of the year, by ops"),
        "{text}"
    );
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_open_already_obeys_at_once() {
    let api = Ward::of("api");
    let yard = Yard::with(vec![api.clone()]);
    let running = yard.start().await;
    pause(30).await;
    api.deploy("arn:2", false);
    let open = running.window("api").await;
    pause(60).await;
    freeze(&running, Some("api"), true).await.expect("frozen");
    let order = Order::RollBack {
        window: open.id.to_string(),
        reason: None,
    };
    running.order(order).await.expect("it is decided");
    running.until_closed("api").await;
    assert_eq!(over(&yard), [row("api", "refused")]);
    assert_eq!(*api.platform.accepted.lock().unwrap(), 0);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn it_is_kept_over_a_restart_until_it_is_lifted() {
    let api = Ward::of("api");
    let yard = Yard::with(vec![api.clone(), Ward::of("web")]);
    let running = yard.start().await;
    pause(30).await;
    freeze(&running, Some("api"), true).await.expect("frozen");
    running.end().await;

    let running = yard.start().await;
    pause(30).await;
    assert!(running.service("api").await.freeze.is_some());
    freeze(&running, None, true).await.expect("frozen");
    let done = freeze(&running, Some("api"), false).await;
    let text = "ops allows rollbacks of api again; those of all services are stopped still";
    assert_eq!(done, Ok(Done::Said(text.to_owned())));
    assert_eq!(running.service("api").await.freeze, None);
    freeze(&running, Some("web"), true).await.expect("frozen");
    let done = freeze(&running, None, false).await;
    let text = "ops allows rollbacks again; those of web are stopped still";
    assert_eq!(done, Ok(Done::Said(text.to_owned())));
    api.deploy("arn:2", true);
    running.window("api").await;
    running.until_closed("api").await;
    assert_eq!(over(&yard), [row("api", "rolled_back_verified")]);
    let unknown = freeze(&running, Some("apy"), true).await;
    assert_eq!(
        unknown,
        Err(Refused::Unknown("there is no service apy".to_owned()))
    );
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

/// What happened of this kind, with its service.
fn happened(yard: &Yard, kind: &str) -> Vec<(Option<String>, String)> {
    let all = yard.kept.happened(kind).into_iter();
    all.map(|one| (one.service.map(|name| name.to_string()), one.text))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_by_hand_is_told_and_shown_and_so_is_its_end() {
    let told = Told::called("chat");
    let yard = Yard::with(vec![Ward::of("api"), Ward::of("web")]);
    yard.ground.tells(&[&told]);
    let running = yard.start().await;
    pause(30).await;
    for (service, file) in [
        (None, yard.kill_switch()),
        (Some("api"), yard.state.path().join("frozen/api")),
    ] {
        let heard = told.came().len();
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(&file, "audit\n").expect("written");
        until(&told, heard + 1).await;
        std::fs::remove_file(&file).expect("removed");
        until(&told, heard + 2).await;
        let expected = [
            (Kind::Frozen, Effect::Opens),
            (Kind::Thawed, Effect::Resolves),
        ];
        assert_eq!(told.came()[heard..], expected, "{:?}", told.headlines());
        let (line, end) = match service {
            None => (
                "all rollbacks are stopped: audit",
                "rollbacks are allowed again",
            ),
            Some(_) => (
                "api: its rollbacks are stopped: audit",
                "api: its rollbacks are allowed again",
            ),
        };
        assert_eq!(told.headlines()[heard..], [line, end]);
        let shown = file.display();
        let which = match service {
            None => "all rollbacks on this machine",
            Some(_) => "the rollbacks of api on this machine",
        };
        let text = format!("{shown} stops {which}: audit");
        let service = service.map(str::to_owned);
        let last = |kind| happened(&yard, kind).pop();
        assert_eq!(last("frozen"), Some((service.clone(), text)));
        let of = service.as_ref().map(|name| format!(" of {name}"));
        let of = of.unwrap_or_default();
        let text = format!("rollbacks{of} are allowed again: {shown} is gone");
        assert_eq!(last("thawed"), Some((service, text)));
    }
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_ordered_is_told_once_and_one_that_was_pulled_before_the_start_to_people() {
    let told = Told::called("chat");
    let yard = Yard::with(vec![Ward::of("api")]);
    yard.ground.tells(&[&told]);
    let file = yard.state.path().join("frozen/api");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    std::fs::write(&file, "audit\n").expect("written");
    let running = yard.start().await;
    until(&told, 1).await;
    assert_eq!(told.headlines(), ["api: its rollbacks are stopped: audit"]);
    assert_eq!(happened(&yard, "frozen"), [], "it was so before");
    freeze(&running, Some("api"), false).await.expect("thawed");
    freeze(&running, None, true).await.expect("frozen");
    freeze(&running, None, false).await.expect("thawed");
    // Long enough for the files to be looked at, however slow the disk: another change is seen after it.
    std::fs::write(yard.kill_switch(), "by hand\n").expect("written");
    until(&told, 5).await;
    let expected = [
        "api: its rollbacks are stopped: audit",
        "api: its rollbacks are allowed again by ops",
        "all rollbacks are stopped by ops: sale of the year",
        "rollbacks are allowed again by ops",
        "all rollbacks are stopped: by hand",
    ];
    assert_eq!(told.headlines(), expected);
    assert_eq!(happened(&yard, "frozen").len(), 2);
    assert_eq!(happened(&yard, "thawed").len(), 2);
    running.end().await;
}
