//! The kind `dns` against a real name server, and against servers of our own that say odd things.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Phase, Reason, Sample};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::harness::dnsmasq::Dnsmasq;
use crate::harness::name_server::{NameServer, Says};
use crate::harness::postgres::free_port;
use crate::harness::probing::{build, fault, passed, reading, run, run_within};
use crate::harness::raw_peer::{Manner, RawPeer};
use crate::harness::talk_peer::{Step, TalkPeer};

async fn ask(server: SocketAddr, name: &str, sort: &str, expect: Value) -> Sample {
    let mut settings = json!({"name": name, "type": sort, "server": server.to_string()});
    if !expect.is_null() {
        settings["expect"] = expect;
    }
    run("dns", settings).await
}

#[tokio::test]
async fn every_type_of_record_is_read_as_people_write_it() {
    let server = Dnsmasq::start().await;
    for (name, sort, records) in [
        ("api.test", "A", json!(["192.0.2.2", "192.0.2.1"])),
        ("API.test.", "A", json!(["192.0.2.1", "192.0.2.2"])),
        ("www.test", "A", json!(["192.0.2.1", "192.0.2.2"])),
        ("www.test", "CNAME", json!("api.test")),
        ("api.test", "AAAA", json!("2001:db8::1")),
        ("test", "MX", json!(["20 backup.test", "10 mail.test"])),
        ("test", "TXT", json!({"contains": "v=spf1 -all"})),
        ("_api._tcp.test", "SRV", json!(["0 5 443 api.test"])),
        ("192.0.2.7", "PTR", json!("named.test")),
        ("test", "CAA", json!("0 issue \"letsencrypt.org\"")),
    ] {
        let expect = json!({"records": records, "ttl": {"le": 300}, "authoritative": true});
        let sample = ask(server.address(), name, sort, expect).await;
        passed(&sample);
        assert!(reading(&sample, "answers") >= 1.0, "{name} {sort}");
        assert_eq!(reading(&sample, "authenticated"), 0.0);
        assert_eq!(reading(&sample, "truncated"), 0.0);
        assert_eq!(reading(&sample, "ttl"), 300.0);
        assert!(sample.phases.get(Phase::Ttfb).is_some());
    }
}

#[tokio::test]
async fn a_wrong_answer_is_told_with_what_was_expected() {
    let server = Dnsmasq::start().await;
    for (name, sort, expect, reason, detail) in [
        (
            "none.test",
            "A",
            Value::Null,
            Reason::Status,
            "127.0.0.1 answers NXDOMAIN for A records of none.test",
        ),
        (
            "elsewhere.example",
            "A",
            Value::Null,
            Reason::Status,
            "answers REFUSED",
        ),
        (
            "api.test",
            "TXT",
            Value::Null,
            Reason::Expectation,
            "there is no such record",
        ),
        (
            "api.test",
            "A",
            json!({"rcode": "NXDOMAIN"}),
            Reason::Status,
            "answers NOERROR",
        ),
        (
            "api.test",
            "A",
            json!({"records": ["192.0.2.1", "192.0.2.9"]}),
            Reason::Expectation,
            r#"records: expected ["192.0.2.1","192.0.2.9"] in any order, got ["192.0.2.1","192.0.2.2"]"#,
        ),
        (
            "api.test",
            "A",
            json!({"answers": {"ge": 3}}),
            Reason::Expectation,
            "answers: expected { ge: 3 }, got 2",
        ),
        (
            "api.test",
            "A",
            json!({"ttl": {"lt": 60}}),
            Reason::Expectation,
            "ttl: expected { lt: 60 }, got 300",
        ),
        (
            "api.test",
            "A",
            json!({"authenticated": true}),
            Reason::Expectation,
            "authenticated: expected true",
        ),
    ] {
        let sample = ask(server.address(), name, sort, expect).await;
        let told = fault(&sample, reason);
        assert!(told.detail.contains(detail), "{}", told.detail);
    }
    for (name, expect) in [
        ("none.test", json!({"rcode": "NXDOMAIN"})),
        (
            "elsewhere.example",
            json!({"rcode": {"in": ["REFUSED", "NXDOMAIN"]}}),
        ),
    ] {
        passed(&ask(server.address(), name, "A", expect).await);
    }
}

#[tokio::test]
async fn an_answer_that_fits_no_datagram_is_asked_for_over_tcp() {
    let server = Dnsmasq::start().await;
    for (transport, truncated) in [("auto", Some(1.0)), ("tcp", None), ("udp", Some(1.0))] {
        let settings = json!({
            "name": "long.test",
            "type": "TXT",
            "server": server.address().to_string(),
            "transport": transport,
            "expect": {"answers": 20}
        });
        let sample = run("dns", settings).await;
        let told = sample.readings.iter().find(|it| &*it.name == "truncated");
        assert_eq!(told.map(|it| it.value), truncated);
        if transport == "udp" {
            let detail = &fault(&sample, Reason::TooLarge).detail;
            assert!(detail.contains("does not fit a datagram"), "{detail}");
            continue;
        }
        passed(&sample);
        assert_eq!(reading(&sample, "answers"), 20.0);
        assert!(sample.phases.get(Phase::Connect).is_some());
    }
    // The same from a server that never says it whole over UDP.
    let odd = NameServer::start().await;
    let address = "192.0.2.3".parse().expect("an address");
    odd.says("cut.test", Says::CutOff(vec![address]), Says::NoRecord);
    let sample = ask(
        odd.address(),
        "cut.test",
        "A",
        json!({"records": "192.0.2.3"}),
    )
    .await;
    passed(&sample);
    assert_eq!(odd.asked_over_tcp("cut.test"), 1);
}

/// A server that makes of each datagram what `answers` says; the number counts them.
struct Datagrams {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Datagrams {
    async fn start(answers: impl Fn(usize, &[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("it is bound");
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let came = AtomicUsize::new(0);
            let mut packet = [0; 1500];
            while let Ok((length, asker)) = socket.recv_from(&mut packet).await {
                let number = came.fetch_add(1, Ordering::Relaxed);
                for answer in answers(number, &packet[..length]) {
                    socket.send_to(&answer, asker).await.ok();
                }
            }
        });
        Self {
            address,
            _serving: serving,
        }
    }
}

/// An answer of one address to a question without EDNS, with these flags.
fn answer(question: &[u8], flags: [u8; 2]) -> Vec<u8> {
    let mut bytes = question.to_vec();
    bytes[2..12].copy_from_slice(&[flags[0], flags[1], 0, 1, 0, 1, 0, 0, 0, 0]);
    bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
    bytes
}

/// Response, recursion desired and available; and the same, authenticated.
const PLAIN: [u8; 2] = [0x81, 0x80];
const AUTHENTICATED: [u8; 2] = [0x81, 0xa0];

async fn ask_without_edns(server: SocketAddr, expect: Value) -> Sample {
    let mut settings = json!({"name": "a.test", "server": server.to_string(), "edns": false});
    if !expect.is_null() {
        settings["expect"] = expect;
    }
    run("dns", settings).await
}

#[tokio::test]
async fn what_the_server_calls_authenticated_is_told_as_seen() {
    let asked = Arc::new(AtomicUsize::new(0));
    let flags = Arc::clone(&asked);
    let server = Datagrams::start(move |_, question| {
        flags.store(usize::from(question[3]), Ordering::Relaxed);
        vec![answer(question, AUTHENTICATED)]
    })
    .await;
    let expect = json!({"authenticated": true, "authoritative": false});
    let sample = ask_without_edns(server.address, expect).await;
    passed(&sample);
    assert_eq!(reading(&sample, "authenticated"), 1.0);
    // The question says that we want to know.
    assert_eq!(asked.load(Ordering::Relaxed), 0x20);
}

#[tokio::test]
async fn a_lost_datagram_is_sent_again_and_counted() {
    let server = Datagrams::start(|number, question| match number {
        0 => Vec::new(),
        _ => vec![answer(question, PLAIN)],
    })
    .await;
    let sample = ask_without_edns(server.address, Value::Null).await;
    passed(&sample);
    assert_eq!(reading(&sample, "repeated"), 1.0);
}

#[tokio::test]
async fn nobody_else_can_answer_in_the_servers_place() {
    let server = Datagrams::start(|_, question| {
        let mut foreign = answer(question, PLAIN);
        foreign[0] ^= 1;
        vec![foreign, Vec::new(), vec![0xff], answer(question, PLAIN)]
    })
    .await;
    let sample = ask_without_edns(server.address, json!({"records": "192.0.2.1"})).await;
    passed(&sample);
}

#[tokio::test]
async fn a_server_that_says_nothing_sensible_is_called_what_it_is() {
    let odd = NameServer::start().await;
    for (name, says) in [
        ("garbage.test", Says::Garbage),
        ("failing.test", Says::ServerFailure),
        ("silent.test", Says::Nothing),
        ("empty.test", Says::NoRecord),
    ] {
        odd.says(name, says.clone(), says);
    }
    let stolen = "192.0.2.66".parse().expect("an address");
    odd.says("stolen.test", Says::AnothersAddress(stolen), Says::NoRecord);
    for (name, reason, transient) in [
        ("garbage.test", Reason::Malformed, false),
        ("failing.test", Reason::ServerFault, true),
        ("silent.test", Reason::Timeout, true),
        ("empty.test", Reason::Expectation, false),
        ("stolen.test", Reason::Expectation, false),
        ("unknown.test", Reason::Status, false),
    ] {
        let settings = json!({"name": name, "server": odd.address().to_string()});
        let sample = run_within(Duration::from_millis(700), "dns", settings).await;
        let told = fault(&sample, reason);
        assert_eq!(told.transient, transient, "{name}: {told:?}");
    }
    let nobody = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let sample = ask(nobody, "a.test", "A", Value::Null).await;
    fault(&sample, Reason::Refused);
}

#[tokio::test]
async fn over_tcp_a_peer_that_misbehaves_is_called_what_it_is() {
    let long = Step::Drips(vec![0xff; 1000], Duration::from_millis(20));
    let dripping = TalkPeer::start(vec![long]).await;
    let settings = json!({"name": "a.test", "server": dripping.address(), "transport": "tcp"});
    let sample = run_within(Duration::from_millis(500), "dns", settings).await;
    fault(&sample, Reason::Timeout);
    dripping.sees_the_connection_end().await;
    for (manner, reason) in [
        (Manner::Hang, Reason::Timeout),
        (Manner::Reset, Reason::Reset),
        (Manner::Close, Reason::Closed),
        (Manner::Say(vec![0, 0]), Reason::Malformed),
        (Manner::Say(vec![0, 4, 1, 2, 3, 4]), Reason::Malformed),
        (Manner::Say(vec![0, 40, 1, 2]), Reason::Timeout),
        (
            Manner::Flood(Vec::new(), vec![0xff; 65_536]),
            Reason::Malformed,
        ),
    ] {
        let peer = RawPeer::start(manner.clone()).await;
        let server = format!("127.0.0.1:{}", peer.port());
        let settings = json!({"name": "a.test", "server": server, "transport": "tcp"});
        let sample = run_within(Duration::from_millis(500), "dns", settings).await;
        let told = sample.fault.as_ref().expect("there is no answer");
        assert_eq!(told.reason, reason, "{manner:?}: {told:?}");
        peer.sees_the_connection_end().await;
    }
}

#[tokio::test]
async fn the_systems_own_resolver_is_nobodys_fault() {
    // Whatever resolver this machine has, or none: a name that cannot exist (RFC 6761) is either
    // said not to, or nothing is learnt.
    let settings = json!({"name": "smokejumper.invalid"});
    let sample = run_within(Duration::from_secs(2), "dns", settings).await;
    let told = sample.fault.as_ref().expect("there is no such name");
    let fits = matches!(
        (told.reason, sample.outcome),
        (Reason::Status, Outcome::Fail) | (_, Outcome::Unknown)
    );
    assert!(fits, "{sample:?}");
}

#[test]
fn settings_that_cannot_work_are_all_named() {
    for (settings, path) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "192.0.2.1"}), "name"),
        (json!({"name": "a..test"}), "name"),
        (
            json!({"name": "a.test", "edns": false, "dnssec": true}),
            "dnssec",
        ),
        (json!({"name": "a.test", "expect": {}}), "expect"),
    ] {
        let misfits = build("dns", settings.clone())
            .err()
            .expect("it cannot work");
        assert_eq!(misfits[0].path, [path], "{settings}");
    }
    let settings = json!({"name": "a.test", "server": "smoke:canary@ns.test"});
    let surroundings = smokejumper::probe::Surroundings::default();
    let read = smokejumper::probe::registry::build("dns", settings, &surroundings);
    let refused = read
        .expect("the kind is known")
        .err()
        .expect("a user is no part of it");
    assert!(!refused.to_string().contains("canary"), "{refused}");
    let probe = build("dns", json!({"name": "a.test", "server": "ns.test"})).expect("it can work");
    let target = probe.target().expect("it asks one place");
    assert_eq!(&*target.name, "dns://ns.test:53");
}
