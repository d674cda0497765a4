//! The kind `tls` against peers that hang, reset, babble, flood and drip, before and inside TLS.

use std::time::Duration;

use serde_json::json;
use smokejumper::sample::Reason;

use crate::harness::probing::run_within;
use crate::harness::raw_peer::{Manner, RawPeer};
use crate::harness::talk_peer::{Step, TalkPeer, says};

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_called_what_it_is() {
    for (manner, reason) in [
        (Manner::Hang, Reason::Timeout),
        (Manner::Reset, Reason::Reset),
        (Manner::Close, Reason::Closed),
        (
            Manner::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            Reason::Tls,
        ),
        (Manner::Say(vec![0xff; 4096]), Reason::Tls),
        // The beginning of a record that never becomes whole.
        (Manner::Say(vec![0x16, 3, 3, 0x40, 0]), Reason::Timeout),
        // A fatal alert: handshake failure.
        (Manner::Say(vec![0x15, 3, 3, 0, 2, 2, 40]), Reason::Tls),
        (Manner::Flood(Vec::new(), vec![b'x'; 65_536]), Reason::Tls),
    ] {
        let peer = RawPeer::start(manner.clone()).await;
        let settings = json!({"address": format!("127.0.0.1:{}", peer.port())});
        let sample = run_within(Duration::from_millis(500), "tls", settings).await;
        let told = sample.fault.as_ref().expect("there is no session");
        assert_eq!(told.reason, reason, "{manner:?}: {told:?}");
        peer.sees_the_connection_end().await;
    }
}

#[tokio::test]
async fn a_server_that_never_gets_to_tls_is_left() {
    let drip = Step::Drips(b"220-slow\r\n".repeat(100), Duration::from_millis(20));
    for (script, reason) in [
        (Vec::new(), Reason::Timeout),
        (vec![Step::Resets], Reason::Reset),
        (vec![Step::Closes], Reason::Closed),
        (vec![drip], Reason::Timeout),
        (vec![says("220-never the last\r\n")], Reason::Timeout),
        (
            vec![Step::Floods(b"220-x\r\n".repeat(1000))],
            Reason::TooLarge,
        ),
        (vec![Step::Floods(vec![b'2'; 65_536])], Reason::TooLarge),
        (vec![Step::Floods(vec![0xff; 1])], Reason::TooLarge),
        (vec![Step::Floods(b"\xff\r\n".to_vec())], Reason::Malformed),
    ] {
        let peer = TalkPeer::start(script).await;
        let settings = json!({"address": peer.address(), "starttls": "smtp"});
        let sample = run_within(Duration::from_millis(500), "tls", settings).await;
        let told = sample.fault.as_ref().expect("there is no session");
        assert_eq!(told.reason, reason, "{told:?}");
        peer.sees_the_connection_end().await;
    }
}
