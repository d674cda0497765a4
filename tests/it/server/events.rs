//! The stream of events: nothing is lost between two connections, a gap is told, a stream ends with the
//! server.

use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use smokejumper::store::history::Batch;
use tokio::net::TcpStream;

use super::stage::{CANARY, Stage, happening, open};

/// No event takes longer: the whole stage is on this machine.
const SOON: Duration = Duration::from_secs(20);

/// One who listens.
struct Listener {
    body: Incoming,
    text: String,
}

/// An event as it came.
#[derive(Debug, PartialEq)]
struct Heard {
    id: String,
    event: String,
    data: Value,
}

impl Listener {
    async fn join(stage: &Stage, query: &str, last: Option<&str>) -> Self {
        let stream = TcpStream::connect(stage.address).await.expect("it listens");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("HTTP");
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(Method::GET)
            .uri(format!("/api/v1/events{query}"))
            .header("host", stage.address.to_string());
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        let answer = sender.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut listener = Self {
            body: answer.into_body(),
            text: String::new(),
        };
        let greeting = listener.block().await.expect("a greeting");
        assert!(greeting.starts_with("retry: "), "{greeting}");
        listener
    }

    /// The next lines up to a blank one; nothing at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            let frame = tokio::time::timeout(SOON, self.body.frame())
                .await
                .expect("in time")?;
            let data = frame.expect("a whole frame").into_data().expect("data");
            self.text
                .push_str(std::str::from_utf8(&data).expect("text"));
        }
    }

    async fn next(&mut self) -> Option<Heard> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_default().to_owned()
            };
            let data = field("data: ");
            if !data.is_empty() {
                return Some(Heard {
                    id: field("id: "),
                    event: field("event: "),
                    data: serde_json::from_str(&data).expect("JSON"),
                });
            }
        }
    }

    async fn numbers(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            let heard = self.next().await.expect("an event");
            assert_eq!(heard.event, "", "{heard:?}");
            assert_eq!(heard.data["id"], Value::from(heard.id));
            numbers.push(heard.data["facts"]["number"].as_u64().expect("a number"));
        }
        numbers
    }
}

#[tokio::test]
async fn who_listens_hears_what_happens_without_secrets() {
    let stage = open().await;
    let mut listener = Listener::join(&stage, "", None).await;
    stage.happens(happening(100, "check_judged", Some("api")));
    let heard = listener.next().await.expect("an event");
    assert_eq!(heard.data["text"], "check_judged with ***");
    assert_eq!(heard.data["facts"]["url"], "http://u:***@h/");
    assert!(!format!("{heard:?}").contains(CANARY));
    assert_eq!(heard.data["service"], "api");
}

#[tokio::test]
async fn who_comes_back_hears_what_it_missed() {
    let stage = open().await;
    let mut listener = Listener::join(&stage, "", None).await;
    stage.happens(happening(100, "decided", Some("api")));
    let last = listener.next().await.expect("an event").id;
    drop(listener);
    for number in 101..110 {
        stage.happens(happening(number, "decided", Some("api")));
    }
    let mut again = Listener::join(&stage, "", Some(&last)).await;
    stage.happens(happening(110, "decided", Some("api")));
    assert_eq!(again.numbers(10).await, (101..=110).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_comes_back_to_another_process_hears_what_the_history_has() {
    let stage = open().await;
    // These were told before this server began.
    let past = |number: u64| happening(number, "decided", Some("api"));
    stage.history.remember(Batch {
        happenings: (1_000..2_200).map(past).collect(),
        ..Batch::default()
    });
    let last = past(1_004).id;
    let mut again = Listener::join(&stage, "", Some(&last)).await;
    stage.happens(past(2_200));
    assert_eq!(
        again.numbers(1_196).await,
        (1_005..=2_200).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn who_was_away_too_long_is_told_of_the_gap() {
    let stage = open().await;
    let past = |number: u64| happening(number, "decided", Some("api"));
    stage.history.remember(Batch {
        happenings: (1_000..7_000).map(past).collect(),
        ..Batch::default()
    });
    let mut again = Listener::join(&stage, "", Some(&past(1_000).id)).await;
    let gap = again.next().await.expect("an event");
    assert_eq!((&*gap.event, &*gap.id), ("missed", ""));
    let first = again.numbers(1).await[0];
    assert!(first > 1_001, "{first}");
    let rest = again.numbers(6_999 - first as usize).await;
    assert_eq!(rest.last(), Some(&6_999));
}

#[tokio::test]
async fn only_what_is_asked_for_is_told() {
    let stage = open().await;
    let mut of_worker = Listener::join(&stage, "?service=worker", None).await;
    let mut decided = Listener::join(&stage, "?kind=decided", None).await;
    stage.happens(happening(100, "decided", Some("api")));
    stage.happens(happening(101, "check_judged", Some("worker")));
    stage.happens(happening(102, "decided", Some("worker")));
    assert_eq!(of_worker.numbers(2).await, [101, 102]);
    assert_eq!(decided.numbers(2).await, [100, 102]);
    let after = happening(100, "decided", None).id;
    let mut again = Listener::join(&stage, &format!("?kind=decided&after={after}"), None).await;
    assert_eq!(again.numbers(1).await, [102]);
}

#[tokio::test]
async fn a_listener_that_reads_nothing_holds_nobody_up_and_is_told_what_it_missed() {
    let stage = open().await;
    let mut slow = Listener::join(&stage, "", None).await;
    let mut quick = Listener::join(&stage, "", None).await;
    // More than fits into the buffers of the connection and of the feed.
    let mut padded = happening(0, "decided", Some("api"));
    padded.text = "x".repeat(16_000);
    let count = 2_500_u64;
    let mut heard = 0;
    for number in 0..count {
        let mut next = padded.clone();
        next.facts = serde_json::json!({ "number": number });
        stage.handle.tell(next);
        heard += quick.numbers(1).await.len() as u64;
    }
    assert_eq!(heard, count);
    let (mut told, mut missed) = (0, 0);
    while told + missed < count {
        let event = slow.next().await.expect("an event");
        match &*event.event {
            "missed" => missed += event.data["missed"].as_u64().expect("a number"),
            _ => told += 1,
        }
    }
    assert!(missed > 0, "all {told} were held for one who reads nothing");
    assert_eq!(told + missed, count);
}

#[tokio::test]
async fn listeners_are_bounded() {
    let stage = open().await;
    let mut listeners = Vec::new();
    for _ in 0..128 {
        listeners.push(Listener::join(&stage, "", None).await);
    }
    let answer = stage.get("/api/v1/events").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "10");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(stage.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_stream_ends_with_the_server() {
    let mut stage = open().await;
    let mut listener = Listener::join(&stage, "", None).await;
    stage.stop.cancel();
    let serving = stage.serving.take().expect("it serves");
    tokio::time::timeout(SOON, serving)
        .await
        .expect("in time")
        .expect("it did not panic");
    assert_eq!(listener.next().await, None);
    assert!(TcpStream::connect(stage.address).await.is_err());
}
