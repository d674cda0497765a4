//! Every kind that speaks over a TCP connection of its own, held against the same troubles: nobody
//! listens, a peer that hangs, resets, closes, drips what it may say without end, says back whatever it
//! hears, shows an expired certificate. None may outlast its deadline, be called anything but what it
//! is, or show a secret. What else a kind's own protocol can get wrong stands in the kind's own file.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason, Sample};

use crate::harness::certificates::Authority;
use crate::harness::looking::reading;
use crate::harness::probing::{fault, run_within};
use crate::harness::raw_peer::{Manner, RawPeer};
use crate::harness::scripted_node::closed_port;
use crate::harness::talk_peer::{Step, TalkPeer, begins_tls};

/// How one kind is asked, and how what it is told may begin.
struct Wire {
    kind: &'static str,
    /// The settings for a peer at this port, with secrets in every place that takes one.
    settings: fn(u16) -> Value,
    /// A proper beginning of an answer that goes on with `drip`, byte by byte.
    begins: &'static [u8],
    drip: &'static [u8],
    /// Whether the server speaks first.
    greets: bool,
}

const HTTP: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{\"result\":\"";

fn node(port: u16) -> Value {
    let url = format!("http://canary-user:canary-pass@127.0.0.1:{port}/canary-path?k=canary-query");
    json!({"url": url, "headers": {"x-api-key": "canary-header"}})
}

const WIRES: &[Wire] = &[
    Wire {
        kind: "tcp",
        settings: |port| {
            let dialogue = json!([{"send": "canary-word\n"}, {"expect": {"matches": "^OK"}}]);
            json!({"address": format!("127.0.0.1:{port}"), "dialogue": dialogue})
        },
        begins: b"O",
        drip: b"K",
        greets: false,
    },
    Wire {
        kind: "tls",
        settings: |port| json!({"address": format!("127.0.0.1:{port}")}),
        // A record of 16 KiB of a handshake.
        begins: b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc",
        drip: b"\0",
        greets: false,
    },
    Wire {
        kind: "tls",
        settings: |port| json!({"address": format!("127.0.0.1:{port}"), "starttls": "smtp"}),
        begins: b"220 ",
        drip: b"x",
        greets: true,
    },
    Wire {
        kind: "tls",
        settings: |port| json!({"address": format!("127.0.0.1:{port}"), "starttls": "imap"}),
        begins: b"* OK ",
        drip: b"x",
        greets: true,
    },
    Wire {
        kind: "dns",
        settings: |port| {
            let server = format!("127.0.0.1:{port}");
            json!({"name": "a.test", "server": server, "transport": "tcp"})
        },
        begins: b"\x40\0",
        drip: b"\0",
        greets: false,
    },
    Wire {
        kind: "websocket",
        settings: |port| {
            let url = format!("ws://canary-user:canary-pass@127.0.0.1:{port}/?k=canary-query");
            json!({"url": url, "headers": {"x-api-key": "canary-header"}})
        },
        begins: b"HTTP/1.1 101 Go\r\nx: ",
        drip: b"y",
        greets: false,
    },
    Wire {
        kind: "grpc",
        settings: |port| {
            let address = format!("127.0.0.1:{port}");
            json!({"address": address, "metadata": {"authorization": "Bearer canary-token"}})
        },
        // The settings of HTTP/2, then a frame of 16 KiB of a type that nobody knows.
        begins: b"\0\0\0\x04\0\0\0\0\0\0\x40\0\xfa\0\0\0\0\0",
        drip: b"\0",
        greets: false,
    },
    Wire {
        kind: "postgres",
        settings: |port| {
            let url = format!("postgres://canary-user:canary-pass@127.0.0.1:{port}/x");
            json!({"url": url + "?sslmode=disable"})
        },
        // A notice of 16 KiB.
        begins: b"N\0\0\x40\0S",
        drip: b"x",
        greets: false,
    },
    Wire {
        kind: "mysql",
        settings: |port| json!({"url": format!("mysql://canary-user:canary-pass@127.0.0.1:{port}/x")}),
        // A greeting of 8 KiB.
        begins: b"\0\x20\0\0\x0a",
        drip: b"8",
        greets: true,
    },
    Wire {
        kind: "redis",
        settings: |port| json!({"url": format!("redis://canary-user:canary-pass@127.0.0.1:{port}")}),
        begins: b"+",
        drip: b"x",
        greets: false,
    },
    Wire {
        kind: "evm",
        settings: node,
        begins: HTTP,
        drip: b"x",
        greets: false,
    },
    Wire {
        kind: "tezos",
        settings: node,
        begins: HTTP,
        drip: b"x",
        greets: false,
    },
    Wire {
        kind: "solana",
        settings: node,
        begins: HTTP,
        drip: b"x",
        greets: false,
    },
    Wire {
        kind: "bitcoin",
        settings: node,
        begins: HTTP,
        drip: b"x",
        greets: false,
    },
];

/// Asks a peer at this port for half a second.
async fn ask(wire: &Wire, port: u16) -> Sample {
    let half = Duration::from_millis(500);
    let sample = run_within(half, wire.kind, (wire.settings)(port)).await;
    let shown = format!("{sample:?}");
    assert!(!shown.contains("canary"), "{shown}");
    sample
}

#[tokio::test]
async fn nobody_listens() {
    for wire in WIRES {
        let place = closed_port().await;
        let port = place.rsplit(':').next().expect("a port");
        let sample = ask(wire, port.parse().expect("a port")).await;
        assert!(fault(&sample, Reason::Refused).transient, "{}", wire.kind);
    }
}

#[tokio::test]
async fn a_peer_that_hangs_is_left_at_the_deadline() {
    for wire in WIRES {
        let peer = RawPeer::start(Manner::Hang).await;
        let sample = ask(wire, peer.port()).await;
        fault(&sample, Reason::Timeout);
        peer.sees_the_connection_end().await;
    }
}

#[tokio::test]
async fn a_peer_that_resets_or_closes_is_told_apart() {
    for wire in WIRES.iter().filter(|wire| !wire.greets) {
        for (manner, reason) in [
            (Manner::Reset, Reason::Reset),
            (Manner::Close, Reason::Closed),
        ] {
            let peer = RawPeer::start(manner).await;
            let sample = ask(wire, peer.port()).await;
            let met = sample.fault.as_ref().map(|fault| fault.reason);
            // Who closes before it has read all that was sent resets the connection.
            let fits = met == Some(reason) || met == Some(Reason::Reset);
            assert!(fits, "{}: {sample:?}", wire.kind);
            assert_eq!(sample.outcome, Outcome::Error);
        }
    }
}

#[tokio::test]
async fn a_peer_that_drips_is_left_at_the_deadline() {
    for wire in WIRES {
        let (raw, talk);
        let port = if wire.greets {
            let drip = Step::Drips(wire.drip.repeat(1_000), Duration::from_millis(20));
            talk = TalkPeer::start(vec![Step::Says(wire.begins.to_vec()), drip]).await;
            let address = talk.address();
            let port = address.rsplit(':').next().expect("a port");
            port.parse().expect("a port")
        } else {
            let (begins, drip) = (wire.begins.to_vec(), wire.drip.to_vec());
            raw = RawPeer::start(Manner::Drip(begins, drip)).await;
            raw.port()
        };
        let sample = ask(wire, port).await;
        let told = fault(&sample, Reason::Timeout);
        assert!(told.detail.contains("timed out"), "{told:?}");
        assert!(sample.latency >= Duration::from_millis(500), "{sample:?}");
    }
}

#[tokio::test]
async fn a_peer_that_says_back_whatever_it_hears_gets_no_pass_and_shows_no_secret() {
    for wire in WIRES {
        let peer = RawPeer::start(Manner::Echo).await;
        let sample = ask(wire, peer.port()).await;
        let told = sample.fault.as_ref().expect("an echo is no answer");
        assert_ne!(told.reason, Reason::Panic, "{}: {told:?}", wire.kind);
        let blamed = matches!(sample.outcome, Outcome::Fail | Outcome::Error);
        assert!(blamed, "{}: {sample:?}", wire.kind);
    }
}

#[tokio::test]
async fn an_expired_certificate_is_told_with_its_days() {
    let authority = Authority::new();
    let peer = TalkPeer::start(vec![begins_tls(&authority.expired())]).await;
    let (address, tls) = (peer.address(), json!({"ca": authority.ca()}));
    let secretly = |scheme: &str| format!("{scheme}://canary-user:canary-pass@{address}");
    let talk = json!([{"send": "canary"}, {"expect": "OK"}]);
    let token = json!({"authorization": "Bearer canary-token"});
    for (kind, settings) in [
        (
            "tcp",
            json!({"address": address, "tls": tls, "dialogue": talk}),
        ),
        ("tls", json!({"address": address, "tls": tls})),
        ("websocket", json!({"url": secretly("wss"), "tls": tls})),
        (
            "grpc",
            json!({"address": address, "tls": tls, "metadata": token}),
        ),
        ("redis", json!({"url": secretly("rediss"), "tls": tls})),
        ("evm", json!({"url": secretly("https"), "tls": tls})),
        ("tezos", json!({"url": secretly("https"), "tls": tls})),
        ("solana", json!({"url": secretly("https"), "tls": tls})),
        ("bitcoin", json!({"url": secretly("https"), "tls": tls})),
    ] {
        let sample = run_within(Duration::from_secs(5), kind, settings).await;
        let told = fault(&sample, Reason::Certificate);
        assert!(
            told.dated && told.detail.contains("expired"),
            "{kind}: {told:?}"
        );
        let days = reading(&sample, "cert_days");
        assert!(days.is_some_and(|days| days < 0.0), "{kind}: {days:?}");
        assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
    }
}
