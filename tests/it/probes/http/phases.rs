//! Phases: each takes what the target made it take, none takes what another one did, and together
//! they are the whole time. Against a server that takes a known time for each step.

use super::*;
use crate::harness::stepwise_peer::{self, Pauses, StepwisePeer};

/// Long beside everything that a busy machine does by itself on loopback.
const PAUSE: Duration = Duration::from_millis(400);

const NONE: Pauses = Pauses {
    handshake: Duration::ZERO,
    reading: Duration::ZERO,
    answer: Duration::ZERO,
    body: Duration::ZERO,
};

/// A server that pauses in one step, and the phase in which that must be seen.
const IN_ONE_STEP: [(Phase, Pauses); 4] = [
    (
        Phase::Tls,
        Pauses {
            handshake: PAUSE,
            ..NONE
        },
    ),
    (
        Phase::Request,
        Pauses {
            reading: PAUSE,
            ..NONE
        },
    ),
    (
        Phase::Ttfb,
        Pauses {
            answer: PAUSE,
            ..NONE
        },
    ),
    (
        Phase::Body,
        Pauses {
            body: PAUSE,
            ..NONE
        },
    ),
];

/// A request over so many redirects; large where its sending is to take time.
fn asking(peer: &StepwisePeer, hops: u32, phase: Phase, authority: &Authority) -> Box<dyn Probe> {
    let mut settings = json!({
        "url": peer.url(&format!("/hops/{hops}")),
        "tls": { "ca": authority.ca() },
        "body_limit": "1MiB"
    });
    if phase == Phase::Request {
        settings["method"] = json!("PUT");
        // More than the buffers of both kernels and the windows of HTTP/2 hold.
        settings["body"] = json!("x".repeat(16 << 20));
    }
    probe(settings)
}

/// `slow` took at least `pause`, every other phase less than one pause, and all of them together
/// the whole time.
#[track_caller]
fn assert_in(sample: &Sample, slow: Phase, pause: Duration, told: &str) {
    assert_pass(sample);
    assert_whole(sample, told);
    for phase in Phase::ALL {
        let spent = sample.phases.get(phase).unwrap_or_default();
        if phase == slow {
            assert!(spent >= pause, "{told}: {phase:?} took {spent:?}");
        } else {
            assert!(spent < PAUSE, "{told}: {phase:?} took {spent:?} of another");
        }
    }
}

#[track_caller]
fn assert_whole(sample: &Sample, told: &str) {
    let apart = sample.latency.abs_diff(sample.phases.total());
    let allowed = Duration::from_millis(1).max(sample.latency / 100);
    assert!(apart <= allowed, "{told}: {apart:?} in no phase");
}

#[tokio::test]
async fn a_pause_is_seen_in_its_phase_alone_over_plain_http() {
    let authority = Authority::new();
    for (phase, pauses) in &IN_ONE_STEP[1..] {
        for hops in 0..2 {
            let peer = StepwisePeer::start(*pauses);
            let sample = run(&*asking(&peer, hops, *phase, &authority)).await;
            let told = format!("{phase:?} over {hops} redirects");
            assert_in(&sample, *phase, PAUSE * (hops + 1), &told);
            assert_eq!(peer.accepted(), 1, "{told}");
        }
    }
}

#[tokio::test]
async fn a_pause_is_seen_in_its_phase_alone_over_tls() {
    let authority = Authority::new();
    for (phase, pauses) in IN_ONE_STEP {
        let peer = StepwisePeer::start_tls(pauses, &authority.server(), b"http/1.1");
        let sample = run(&*asking(&peer, 0, phase, &authority)).await;
        assert_in(&sample, phase, PAUSE, &format!("{phase:?} over TLS"));
    }
}

#[tokio::test]
async fn a_pause_is_seen_in_its_phase_alone_over_http_2() {
    let authority = Authority::new();
    for (phase, pauses) in IN_ONE_STEP {
        let peer = StepwisePeer::start_tls(pauses, &authority.server(), b"h2");
        let hops = u32::from(phase != Phase::Tls);
        let sample = run(&*asking(&peer, hops, phase, &authority)).await;
        let told = format!("{phase:?} over HTTP/2 and {hops} redirects");
        assert_in(&sample, phase, PAUSE * (hops + 1), &told);
        assert_eq!(peer.accepted(), 1, "{told}");
    }
}

#[tokio::test]
async fn a_full_queue_is_seen_in_connecting_alone() {
    let listener = stepwise_peer::listener(1);
    let address = listener.local_addr().unwrap();
    let queued = stepwise_peer::fill(address).await;
    let probe = probe(json!({ "url": format!("http://{address}/") }));
    // The first poll of the run asks for its connection and is not heard; only then is the queue
    // served. The second try comes a second later (RFC 6298, section 2).
    let serve = async { StepwisePeer::serve(listener, NONE, None) };
    let (sample, _peer) = futures_util::future::join(run(&*probe), serve).await;
    assert_in(&sample, Phase::Connect, PAUSE * 2, "a full queue");
    drop(queued);
}

#[tokio::test]
async fn a_kept_connection_has_phases_of_its_own_run_only() {
    let authority = Authority::new();
    let answer = Pauses {
        answer: PAUSE,
        ..NONE
    };
    for protocol in [&b"http/1.1"[..], b"h2"] {
        let peer = StepwisePeer::start_tls(answer, &authority.server(), protocol);
        let probe = probe(json!({
            "url": peer.url("/"),
            "tls": { "ca": authority.ca() },
            "connection": "keep_alive"
        }));
        for seen in 0..2 {
            let sample = run(&*probe).await;
            let told = format!("run {seen} over {}", String::from_utf8_lossy(protocol));
            assert_in(&sample, Phase::Ttfb, PAUSE, &told);
            for phase in [Phase::Connect, Phase::Tls] {
                let was = sample.phases.get(phase).is_some();
                assert_eq!(was, seen == 0, "{phase:?} in {told}");
            }
        }
        assert_eq!(peer.accepted(), 1);
    }
}

#[tokio::test]
async fn a_deadline_names_the_phase_that_it_cut_off() {
    let authority = &Authority::new();
    let certificate = &authority.server();
    let cut_off = |phase: Phase, pauses: Pauses, protocol: &'static [u8]| async move {
        // Far longer than the deadline: whoever is cut off is so in this phase.
        let times = 100;
        let pauses = Pauses {
            handshake: pauses.handshake * times,
            reading: pauses.reading * times,
            answer: pauses.answer * times,
            body: pauses.body * times,
        };
        let peer = StepwisePeer::start_tls(pauses, certificate, protocol);
        let probe = asking(&peer, 0, phase, authority);
        let sample = run_within(&*probe, Duration::from_secs(3), false).await;
        let doing = match phase {
            Phase::Tls => "during the TLS handshake",
            Phase::Request => "while sending the request",
            Phase::Ttfb => "waiting for the answer",
            _ => "while reading the answer",
        };
        assert_fault(&sample, Reason::Timeout, doing);
        assert_whole(&sample, doing);
    };
    let all = IN_ONE_STEP.into_iter().flat_map(|(phase, pauses)| {
        [&b"http/1.1"[..], b"h2"].map(|protocol| cut_off(phase, pauses, protocol))
    });
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn a_fresh_run_opens_one_connection_however_often_it_is_sent_on() {
    let authority = Authority::new();
    for tls in [None, Some(b"http/1.1".as_slice()), Some(b"h2")] {
        let peer = match tls {
            None => StepwisePeer::start(NONE),
            Some(protocol) => StepwisePeer::start_tls(NONE, &authority.server(), protocol),
        };
        let probe = probe(json!({
            "url": peer.url("/hops/3"),
            "tls": { "ca": authority.ca() },
            "connection": "fresh"
        }));
        for runs in 1..=3 {
            assert_pass(&run(&*probe).await);
            assert_eq!(peer.accepted(), runs, "{tls:?}");
        }
    }
}
