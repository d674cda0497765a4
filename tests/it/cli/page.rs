//! Pages for the program to probe.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::harness::http_peer::{Does, Peer, answer};

/// A page that always answers so.
pub async fn page(status: &str, body: &str) -> Peer {
    Peer::answering(answer(status, &[], body.as_bytes())).await
}

/// A page that is not ready for so many requests, and well from then on.
pub async fn ready_after(requests: usize) -> Peer {
    let asked = AtomicUsize::new(0);
    Peer::start(Does::Answers(Arc::new(move |_| {
        if asked.fetch_add(1, Ordering::SeqCst) < requests {
            answer("503 Service Unavailable", &[], b"starting")
        } else {
            answer("200 OK", &[], b"ok")
        }
    })))
    .await
}

/// A page that is well as long as somebody says so.
pub async fn page_while(well: Arc<AtomicBool>) -> Peer {
    Peer::start(Does::Answers(Arc::new(move |_| {
        if well.load(Ordering::SeqCst) {
            answer("200 OK", &[], b"ok")
        } else {
            answer("500 Internal Server Error", &[], b"no")
        }
    })))
    .await
}

/// A page that shows the whole request that it got, secrets included.
pub async fn echoing() -> Peer {
    Peer::start(Does::Answers(Arc::new(|asked| {
        let body = format!("{}\n{}", asked.head, String::from_utf8_lossy(&asked.body));
        answer("200 OK", &[], body.as_bytes())
    })))
    .await
}

/// Waits until something holds.
pub async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .expect("it comes to hold");
}
