//! Who is asked, and whose answer counts: tasks at their own addresses, answers of one version.

use super::*;
use smokejumper::probe::attempt::{Place, TaskPlace};

/// A run that asks the task on loopback.
async fn ask_task(probe: &dyn Probe) -> Sample {
    let conditions = Conditions {
        fresh: true,
        place: Some(Place::Task(TaskPlace {
            id: Arc::from("0a1b2c3d4e5f"),
            address: [127, 0, 0, 1].into(),
        })),
        ..Conditions::default()
    };
    run_under(probe, Duration::from_secs(20), conditions).await
}

#[tokio::test]
async fn a_task_is_asked_at_its_address_under_the_name_that_was_declared() {
    let peer = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let port = peer.address().port();
    // A name that no resolver knows (RFC 6761).
    let url = format!("http://api.invalid:{port}/health");
    let sample = ask_task(&*probe(json!({ "url": url, "addresses": "tasks" }))).await;
    assert_pass(&sample);
    assert_eq!(sample.phases.get(Phase::Dns), None);
    let asked = &peer.asked()[0];
    assert_eq!(asked.path(), "/health");
    assert_eq!(asked.header("host"), Some(&*format!("api.invalid:{port}")));
}

#[tokio::test]
async fn the_certificate_of_a_task_is_checked_for_the_declared_name() {
    let authority = Authority::new();
    let settings = |host: &str, peer: &Peer| {
        let url = format!("https://{host}:{}/", peer.address().port());
        json!({ "url": url, "addresses": "tasks", "tls": { "ca": authority.ca() } })
    };
    let ok = Does::Answers(Arc::new(|_| answer("200 OK", &[], b"ok")));
    let peer = Peer::start_tls(ok.clone(), &authority.server()).await;
    assert_pass(&ask_task(&*probe(settings("localhost", &peer))).await);
    let peer = Peer::start_tls(ok, &authority.server()).await;
    let sample = ask_task(&*probe(settings("api.invalid", &peer))).await;
    assert_fault(&sample, Reason::Certificate, "task 0a1b2c3d…: ");
}

#[tokio::test]
async fn what_a_task_lacks_names_the_task() {
    let peer = Peer::answering(answer("500 Oops", &[], b"")).await;
    let url = peer.url("/");
    let sample = ask_task(&*probe(json!({ "url": url, "addresses": "tasks" }))).await;
    assert_fault(
        &sample,
        Reason::Status,
        "task 0a1b2c3d…: expected status 2xx, got 500",
    );
}

#[tokio::test]
async fn where_no_task_is_known_nobody_is_asked_under_the_name() {
    let peer = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let sample = run(&*probe(
        json!({ "url": peer.url("/"), "addresses": "tasks" }),
    ))
    .await;
    assert_fault(&sample, Reason::NoTask, "nobody was asked");
    assert_eq!(sample.outcome, Outcome::Unknown);
    assert!(peer.asked().is_empty());
}

#[tokio::test]
async fn a_redirect_to_somewhere_else_leads_to_no_task() {
    let elsewhere = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let target = elsewhere.url("/");
    let to_elsewhere = answer("301 Moved", &[&format!("location: {target}")], b"");
    let peer = Peer::answering(to_elsewhere).await;
    let settings = json!({ "url": peer.url("/"), "addresses": "tasks" });
    assert_fault(
        &ask_task(&*probe(settings)).await,
        Reason::NoTask,
        "which is no task",
    );
    assert!(elsewhere.asked().is_empty());
    let within = |asked: &Asked| match asked.path() {
        "/" => answer("302 Found", &["location: /there"], b""),
        _ => answer("200 OK", &[], b"ok"),
    };
    let peer = Peer::start(Does::Answers(Arc::new(within))).await;
    let settings = json!({ "url": peer.url("/"), "addresses": "tasks" });
    assert_pass(&ask_task(&*probe(settings)).await);
}

#[tokio::test]
async fn only_answers_of_the_version_under_test_count() {
    let old = answer("500 Oops", &["x-version: 1"], b"{\"version\": 1}");
    let new = answer("500 Oops", &["x-version: 2"], b"{\"version\": 2}");
    // A proxy that reaches nobody cannot name who did not answer.
    let silent = answer("502 Bad Gateway", &[], b"<html>");
    let nameless = answer("200 OK", &[], b"{}");
    for version in [
        json!({ "header": "x-version", "is": "2" }),
        json!({ "json": "$.version", "is": "2" }),
    ] {
        let cases = [
            (&old, Reason::OtherVersion, "answered by another version"),
            (
                &nameless,
                Reason::OtherVersion,
                "not known which version answered 200",
            ),
            (&silent, Reason::Status, "got 502"),
            (&new, Reason::Status, "got 500"),
        ];
        for (answer, reason, part) in cases {
            let peer = Peer::answering(answer.clone()).await;
            let probe = probe(json!({ "url": peer.url("/"), "version": version }));
            let sample = run(&*probe).await;
            assert_fault(&sample, reason, part);
            // Nothing of an answer that does not count is read.
            let is_read = reading(&sample, "status").is_some();
            assert_eq!(is_read, reason == Reason::Status, "{part}");
            let conditions = Conditions {
                any_version: true,
                ..Conditions::default()
            };
            let sample = run_under(&*probe, Duration::from_secs(20), conditions).await;
            let is_well = answer.starts_with(b"HTTP/1.1 200");
            let expected = match is_well {
                true => Outcome::Pass,
                false => Outcome::Fail,
            };
            assert_eq!(sample.outcome, expected, "any version counts: {sample:?}");
        }
    }
}

#[tokio::test]
async fn a_version_that_repeats_a_secret_is_masked() {
    let echo = |asked: &Asked| {
        let version = format!("x-version: {}", asked.header("x-api-key").unwrap_or(""));
        answer("200 OK", &[&version], b"ok")
    };
    let peer = Peer::start(Does::Answers(Arc::new(echo))).await;
    let sample = run(&*probe(json!({
        "url": peer.url("/"),
        "headers": { "x-api-key": "canary-header" },
        "version": { "header": "x-version", "is": "2" }
    })))
    .await;
    assert_fault(&sample, Reason::OtherVersion, "another version");
    assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
}

#[test]
fn settings_that_cannot_work_together_are_named() {
    let url = "http://127.0.0.1:1/";
    let cases = [
        (
            json!({ "url": url, "addresses": "tasks", "connection": "keep_alive" }),
            "connection",
        ),
        (
            json!({ "url": url, "addresses": "each", "connection": "keep_alive" }),
            "connection",
        ),
        (json!({ "url": url, "version": { "is": "1" } }), "version"),
        (
            json!({ "url": url, "version": { "header": "a b", "is": "1" } }),
            "version.header",
        ),
    ];
    for (settings, path) in cases {
        let misfits = build(settings.clone()).err();
        let misfits = misfits.unwrap_or_else(|| panic!("{settings}"));
        assert_eq!(misfits[0].path.join("."), path);
    }
}

#[test]
fn who_is_asked_is_told_without_secrets_and_only_where_it_is_one_place() {
    for (kind, settings, told) in [
        (
            "http",
            json!({ "url": "https://u:p@api.test/x?key=k" }),
            Some("https://api.test:443"),
        ),
        (
            "http",
            json!({ "url": "http://[::1]:8080/" }),
            Some("http://[::1]:8080"),
        ),
        (
            "http",
            json!({ "url": "http://api.test/", "addresses": "tasks" }),
            None,
        ),
        (
            "evm",
            json!({ "url": "http://node.test:8545/key" }),
            Some("http://node.test:8545"),
        ),
        (
            "tezos",
            json!({ "url": "https://node.test/key" }),
            Some("https://node.test:443"),
        ),
        (
            "tezos",
            json!({ "endpoints": ["http://a.test", "http://b.test"] }),
            None,
        ),
    ] {
        let built = registry::build(kind, settings.clone(), &Surroundings::default());
        let probe = built
            .expect("registered")
            .expect("readable")
            .expect("works");
        let target = probe.target().map(|target| target.name.to_string());
        assert_eq!(target.as_deref(), told, "{kind} {settings}");
    }
}
