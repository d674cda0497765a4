//! The pages in a real browser: every one of them, in light and dark, on a desk and on a phone, with the
//! keyboard, without scripts; live; and what a person orders on them.
//!
//! With `SMOKEJUMPER_SCREENSHOTS` set to a folder, what was seen is kept there as pictures.

mod chromium;
mod report;
mod scene;

use std::sync::Arc;

use serde_json::{Value, json};
use smokejumper::clock::WallTime;
use smokejumper::engine::serve::handle::{Done, Order};
use smokejumper::engine::serve::live::Live;
use smokejumper::event::Verdict;
use smokejumper::plan::server::ServerPlan;
use smokejumper::store::history::Happening;

use super::stage::{self, OWN, Stage};
pub use chromium::Visit;

/// A server in this state of things, and where it is.
async fn open(make: impl Fn(WallTime) -> Live) -> (Stage, String) {
    let shown = ["api", "web"].map(Arc::from).to_vec();
    let stage = stage::stage(ServerPlan {
        status_page: Some(shown),
        ..ServerPlan::default()
    });
    let stage = stage.await;
    let now = stage.shared.clock.wall();
    {
        let mut script = stage.script.lock().unwrap();
        script.live = make(now);
        let words = "It is done, the daemon says.".to_owned();
        script.answer = Some(Ok(Done::Said(words)));
    }
    stage.history.remember(scene::past(now));
    let url = format!("http://{}", stage.address);
    (stage, url)
}

/// Every page that shows something.
fn pages() -> Value {
    json!({
        "overview": "/",
        "overview-narrowed": "/?state=fail&service=api",
        "overview-second": "/?page=2",
        "window-open": format!("/windows/{}", scene::OPEN),
        "window-closed": format!("/windows/{}", scene::CLOSED),
        "window-file": format!("/windows/{}/report.html", scene::CLOSED),
        "check": "/checks/api-health",
        "history": "/history",
        "status": "/status",
        "sign-in": "/sign-in",
    })
}

fn faults(seen: &Value) -> Vec<String> {
    let views = seen.as_array().expect("a list of views");
    assert!(!views.is_empty());
    let fault = |view: &Value| {
        let is_good = view["status"] == 200
            && view["wrong"] == json!([])
            && view["violations"] == json!([])
            && view["wide"].as_i64() == Some(0);
        (!is_good).then(|| format!("{view:#}"))
    };
    views.iter().filter_map(fault).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_sound_in_light_and_dark_on_a_desk_and_on_a_phone() {
    let (_stage, url) = open(scene::live).await;
    let seen = Visit::start("pages", &url, &json!({ "pages": pages() }))
        .ends()
        .await;
    assert_eq!(faults(&seen), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_us_is_shown_on_every_page() {
    let (_stage, url) = open(scene::troubled).await;
    let told = json!({ "pages": { "troubled": "/" } });
    let seen = Visit::start("pages", &url, &told).ends().await;
    assert_eq!(faults(&seen), [""; 0]);
    let plain = Visit::start("plain", &url, &told).ends().await;
    let text = plain["troubled"].as_str().unwrap();
    for part in [
        "release day",
        "the disk is full",
        "did you mean `http`?",
        "migration",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_can_be_read_without_a_script() {
    let (_stage, url) = open(scene::live).await;
    let seen = Visit::start("plain", &url, &json!({ "pages": pages() }))
        .ends()
        .await;
    for (page, parts) in [
        (
            "overview",
            [
                "error rate 12.1 %",
                "if it ended now: roll back",
                "75 checks, page 1 of 2",
            ],
        ),
        ("overview-second", ["page 2 of 2", "page-69", "Services"]),
        (
            "window-open",
            [
                "api:41 → api:42",
                "left; if it ended now",
                "FAIL api-health",
            ],
        ),
        (
            "window-closed",
            [
                "rolled back and verified",
                "fatal: out of memory",
                "true rate 5 %",
            ],
        ),
        (
            "check",
            [
                "expected status 200, got 503",
                "Percentiles",
                "https://api.example/health",
            ],
        ),
        ("history", ["api:40", "rolled back and verified", "1m35s"]),
        (
            "status",
            ["Something does not work as it should.", "disturbed", "web"],
        ),
    ] {
        let text = seen[page].as_str().unwrap_or_default();
        for part in parts {
            assert!(text.contains(part), "{page}: {part}: {text}");
        }
    }
    let status = seen["status"].as_str().unwrap();
    for internal in ["worker", "api-health", "api:42", "AccessDenied"] {
        assert!(!status.contains(internal), "{internal}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_follows_what_happens() {
    let (stage, url) = open(scene::live).await;
    let told = json!({ "path": "/", "text": "error rate 99 % over 80 samples" });
    let mut visit = Visit::start("live", &url, &told);
    assert_eq!(visit.says().await["ready"], true);
    let happening = Happening {
        id: "01KAKZ5M00EVENT0000000000A".to_owned(),
        at: WallTime::default(),
        service: Some("web".into()),
        window: None,
        check: Some(smokejumper::sample::CheckId::new("cache")),
        kind: "check_judged",
        text: "FAIL cache".to_owned(),
        facts: json!({ "from": "pass", "to": "fail" }),
    };
    {
        let mut script = stage.script.lock().unwrap();
        script.live.checks[3].verdict = Verdict::Fail;
        script.live.checks[3].because = "error rate 99 % over 80 samples".to_owned();
    }
    stage.handle.tell(happening);
    let seen = visit.ends().await;
    assert_eq!(seen["same"], true, "the page was not loaded again");
    assert_eq!(seen["wrong"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_orders_after_signing_in_and_being_asked_and_nobody_else_does() {
    for (script, path, fields, question) in [
        (
            true,
            format!("/windows/{}/rollback", scene::OPEN),
            json!({ "reason": "it is slow" }),
            "last good revision",
        ),
        (
            false,
            format!("/windows/{}/hold", scene::OPEN),
            json!({ "reason": "" }),
            "nothing is changed",
        ),
        (
            false,
            "/freeze".to_owned(),
            json!({ "reason": "release day" }),
            "No deployment is rolled back",
        ),
        (
            false,
            "/silence?tag=database".to_owned(),
            json!({ "reason": "migration", "long": "30m" }),
            "Silence alerts",
        ),
    ] {
        let (stage, url) = open(scene::live).await;
        let told = json!({ "path": path, "token": OWN, "fields": fields, "script": script });
        let seen = Visit::start("act", &url, &told).ends().await;
        let says = |what: &str| seen[what].as_str().unwrap_or_default();
        assert!(says("asked").contains("/sign-in?next="), "{seen}");
        assert!(says("refused").contains("Nobody has this token."), "{seen}");
        assert!(says("question").contains(question), "{seen}");
        assert!(
            says("done").contains("It is done, the daemon says."),
            "{seen}"
        );
        let cookie = &seen["cookies"][0];
        assert_eq!(
            (&cookie["httpOnly"], &cookie["sameSite"]),
            (&json!(true), &json!("Strict"))
        );
        assert_eq!(seen["bare"], 403, "a form that is not ours: {seen}");
        assert_eq!(seen["foreign"], 403, "a page of somebody else: {seen}");
        let orders = std::mem::take(&mut stage.script.lock().unwrap().orders);
        assert_eq!(orders.len(), 1, "{orders:?}");
        let (by, order) = &orders[0];
        assert_eq!(by.name, "this machine");
        match order {
            Order::RollBack { window, reason } => {
                assert_eq!(
                    (window.as_str(), reason.as_deref()),
                    (scene::OPEN, Some("it is slow"))
                );
            }
            Order::Hold { reason, .. } => assert_eq!(*reason, None),
            Order::Freeze { on, .. } => assert!(on),
            Order::Silence(silence) => assert_eq!(silence.tag.as_deref(), Some("database")),
            other => panic!("nobody ordered {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_reaches_everything_and_one_sees_where_it_is() {
    let (_stage, url) = open(scene::live).await;
    let seen = Visit::start("keyboard", &url, &json!({})).ends().await;
    assert_eq!(seen["first"], "Skip to the content");
    assert_eq!(seen["main"], "main");
    let outlines = seen["outlines"].as_array().unwrap();
    assert!(outlines.iter().all(|shown| *shown == true), "{seen}");
}

/// So many bytes are on the wire for a page with all that it needs, the first time.
const HEAVIEST: u64 = 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_light() {
    let (_stage, url) = open(scene::live).await;
    let seen = Visit::start("weight", &url, &json!({ "pages": pages() }))
        .ends()
        .await;
    println!("{seen:#}");
    for (page, weight) in seen.as_object().unwrap() {
        let bytes = weight["bytes"].as_f64().unwrap() as u64;
        assert!(bytes < HEAVIEST, "{page}: {bytes} bytes");
    }
}
