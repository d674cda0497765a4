//! A node behind TLS: what its certificate says is read whether or not it is accepted.

use std::sync::Arc;

use serde_json::json;
use smokejumper::sample::Reason;

use crate::harness::certificates::Authority;
use crate::harness::http_peer::{Does, Peer, answer};
use crate::harness::probing::{fault, reading, run};

#[tokio::test]
async fn the_days_of_a_node_s_certificate_are_read_also_when_it_has_expired() {
    let authority = Authority::new();
    let ok = Does::Answers(Arc::new(|_| answer("503 Service Unavailable", &[], b"")));
    for (certificate, reason, expired) in [
        (authority.expired(), Reason::Certificate, true),
        (authority.server(), Reason::Status, false),
    ] {
        let peer = Peer::start_tls(ok.clone(), &certificate).await;
        let tls = json!({ "ca": authority.ca() });
        let sample = run("evm", json!({ "url": peer.url("/"), "tls": tls })).await;
        fault(&sample, reason);
        assert_eq!(reading(&sample, "cert_days") < 0.0, expired);
        assert_eq!(reading(&sample, "chain_days") < 0.0, expired);
        assert_eq!(sample.session.is_none(), expired);
    }
}
