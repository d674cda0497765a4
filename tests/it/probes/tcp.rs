//! The kind `tcp` against real servers whose protocols it does not know, and against peers that
//! misbehave.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Phase, Reason, Sample};

use crate::harness::certificates::{Authority, ServerCertificate};
use crate::harness::postgres::free_port;
use crate::harness::probing::{build, fault, passed, reading, run, run_within};
use crate::harness::python::PythonServer;
use crate::harness::redis::{PASSWORD, Redis};
use crate::harness::talk_peer::{Step, TalkPeer, begins_tls, hears, says};

/// Asks within a time that suffices on a busy machine and does not hold the tests up.
async fn ask(address: &str, dialogue: Value) -> Sample {
    let settings = json!({"address": address, "dialogue": dialogue});
    run_within(Duration::from_millis(800), "tcp", settings).await
}

#[tokio::test]
async fn a_mail_server_is_talked_to_in_its_own_words() {
    let mail = PythonServer::start("smtp.py", &[]);
    let talk = json!([
        {"expect": {"starts_with": "220 mail.test"}},
        {"send": "HELO smokejumper.test\r\n"},
        {"expect": {"starts_with": "250"}},
        {"send": "NOOP\r\n"},
        {"expect": {"matches": "^250( |$)"}, "until": "\r\n"},
        {"send": "QUIT\r\n"},
        {"expect": {"starts_with": "221"}, "to_end": true}
    ]);
    let settings = json!({"address": mail.address(), "dialogue": talk});
    let sample = run("tcp", settings).await;
    passed(&sample);
    assert!(reading(&sample, "received_bytes") > 20.0);
    for phase in [
        Phase::Dns,
        Phase::Connect,
        Phase::Request,
        Phase::Ttfb,
        Phase::Body,
    ] {
        assert!(sample.phases.get(phase).is_some(), "{phase:?}");
    }
    let sample = run(
        "tcp",
        json!({"address": mail.address(), "dialogue": [{"expect": {"starts_with": "250"}}]}),
    )
    .await;
    let detail = &fault(&sample, Reason::Expectation).detail;
    assert!(detail.starts_with("step 1: expected { starts_with: \"250\" }, got \"220 "));
}

#[tokio::test]
async fn a_password_is_sent_and_shown_to_nobody() {
    let server = Redis::start().await;
    let address = format!("localhost:{}", server.port());
    let login = format!("AUTH {PASSWORD}\r\n");
    let sample = ask(
        &address,
        json!([
            {"send": login},
            {"expect": "+OK"},
            {"send": {"hex": "50 49 4e 47 0d 0a"}},
            {"expect": "2b504f4e470d0a", "length": 7, "as": "hex"}
        ]),
    )
    .await;
    passed(&sample);
    assert_eq!(reading(&sample, "received_bytes"), 12.0);
    let wrong = ask(
        &address,
        json!([{"send": "AUTH canary-of-another\r\n"}, {"expect": "+OK"}]),
    )
    .await;
    let detail = &fault(&wrong, Reason::Expectation).detail;
    assert!(detail.contains("WRONGPASS"), "{detail}");
    let echoed = ask(
        &address,
        json!([{"send": "SURPRISE canary-of-another\r\n"}, {"expect": "+OK"}]),
    )
    .await;
    fault(&echoed, Reason::Expectation);
    for sample in [sample, wrong, echoed] {
        let shown = format!("{sample:?}");
        assert!(
            !shown.contains("canary") && !shown.contains(PASSWORD),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_peer_that_repeats_what_it_was_sent_does_not_make_us_repeat_it() {
    let long = format!("{}canary-secret", "x".repeat(70));
    for said in ["LOGIN canary-secret", "you said canary-secret", &long] {
        let said = format!("{said}\r\n");
        let peer = TalkPeer::start(vec![hears("\r\n"), says(&said)]).await;
        let talk = json!([{"send": "LOGIN canary-secret\r\n"}, {"expect": "OK"}]);
        let sample = ask(&peer.address(), talk).await;
        let detail = &fault(&sample, Reason::Expectation).detail;
        assert!(
            detail.contains("***") && !detail.contains("canary"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn a_connection_alone_says_that_somebody_listens() {
    let peer = TalkPeer::start(Vec::new()).await;
    let sample = run("tcp", json!({"address": peer.address()})).await;
    passed(&sample);
    assert!(sample.readings.is_empty(), "{:?}", sample.readings);
    assert!(sample.phases.get(Phase::Connect).is_some());
    peer.sees_the_connection_end().await;
    let nobody = format!("127.0.0.1:{}", free_port());
    let sample = run("tcp", json!({"address": nobody})).await;
    assert!(fault(&sample, Reason::Refused).transient);
}

#[tokio::test]
async fn over_tls_the_same_is_said_behind_a_certificate() {
    let authority = Authority::new();
    let talk = json!([{"send": "PING\n"}, {"expect": "PONG"}]);
    let settings = |peer: &TalkPeer, tls: Value| json!({"address": peer.address(), "tls": tls, "dialogue": talk});
    let script = |certificate: &ServerCertificate| {
        vec![begins_tls(certificate), hears("PING\n"), says("PONG\n")]
    };
    let peer = TalkPeer::start(script(&authority.server())).await;
    let sample = run("tcp", settings(&peer, json!({"ca": authority.ca()}))).await;
    passed(&sample);
    assert!(reading(&sample, "cert_days") > 30.0);
    let session = sample.session.as_deref().expect("it is known");
    assert_eq!(session.tls.as_ref().expect("over TLS").version, "TLSv1.3");
    let sample = run("tcp", settings(&peer, json!({}))).await;
    fault(&sample, Reason::Certificate);
    let peer = TalkPeer::start(script(&authority.expired())).await;
    let sample = run("tcp", settings(&peer, json!({"ca": authority.ca()}))).await;
    fault(&sample, Reason::Certificate);
    assert!(reading(&sample, "cert_days") < 0.0);
    let plain = TalkPeer::start(vec![hears("\n"), says("PONG\n")]).await;
    let sample = run("tcp", settings(&plain, json!({}))).await;
    fault(&sample, Reason::Tls);
}

#[tokio::test]
async fn a_peer_that_misbehaves_is_called_what_it_is() {
    let line = json!([{"send": "canary\n"}, {"expect": {"exists": true}}]);
    let exact = json!([{"send": "canary\n"}, {"expect": {"exists": true}, "length": 4}]);
    let all = json!([{"send": "canary\n"}, {"expect": {"exists": true}, "to_end": true}]);
    let drip = Step::Drips(vec![b'x'; 1000], Duration::from_millis(20));
    for (script, talk, reason) in [
        (vec![], &line, Reason::Timeout),
        (vec![hears("\n")], &exact, Reason::Timeout),
        (vec![hears("\n"), Step::Resets], &line, Reason::Reset),
        (vec![hears("\n"), Step::Closes], &line, Reason::Closed),
        (
            vec![hears("\n"), says("half"), Step::Closes],
            &line,
            Reason::Closed,
        ),
        (
            vec![hears("\n"), says("hal"), Step::Closes],
            &exact,
            Reason::Closed,
        ),
        (vec![hears("\n"), says("never")], &all, Reason::Timeout),
        (vec![drip], &line, Reason::Timeout),
        (
            vec![Step::Floods(vec![b'x'; 65_536])],
            &line,
            Reason::TooLarge,
        ),
        (
            vec![Step::Floods(vec![b'\n'; 65_536])],
            &all,
            Reason::TooLarge,
        ),
        (
            vec![Step::Says(b"\xff\xfe\n".to_vec())],
            &line,
            Reason::Malformed,
        ),
        (
            vec![Step::Says(b"\xff\xfe\xfd\xfc".to_vec())],
            &exact,
            Reason::Malformed,
        ),
    ] {
        let peer = TalkPeer::start(script).await;
        let sample = ask(&peer.address(), talk.clone()).await;
        let told = fault(&sample, reason);
        assert!(!told.detail.contains("canary"), "{told:?}");
        peer.sees_the_connection_end().await;
    }
}

#[test]
fn settings_that_cannot_work_are_all_named() {
    let misfits = build(
        "tcp",
        json!({
            "address": "a.test",
            "limit": "2MiB",
            "dialogue": [{"send": "canary"}, {}, {"expect": "a", "length": 0}]
        }),
    );
    let misfits = misfits.err().expect("it cannot work");
    let paths: Vec<String> = misfits.iter().map(|it| it.path.join(".")).collect();
    assert_eq!(
        paths,
        ["address", "limit", "dialogue.1", "dialogue.2.length"]
    );
    assert!(!format!("{misfits:?}").contains("canary"));
    let probe = build("tcp", json!({"address": "a.test:25"})).expect("it can work");
    let target = probe.target().expect("it asks one place");
    assert_eq!(&*target.name, "tcp://a.test:25");
}
