//! An HTTP server of our own that takes as long as it is told to, and counts how much is asked of it
//! at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Says how long a request takes that came so long after the first.
pub type Takes = dyn Fn(Duration) -> Duration + Send + Sync;

/// A running server; dropping it ends it and its connections.
pub struct SlowPeer {
    address: SocketAddr,
    seen: Arc<Seen>,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    first: OnceCell<Instant>,
    asked: AtomicUsize,
    at_once: AtomicUsize,
    peak: AtomicUsize,
}

impl SlowPeer {
    /// Starts a server.
    pub async fn start(takes: impl Fn(Duration) -> Duration + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a local address");
        let seen = Arc::new(Seen::default());
        let takes: Arc<Takes> = Arc::new(takes);
        let mut serving = JoinSet::new();
        let shared = Arc::clone(&seen);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, takes) = (Arc::clone(&shared), Arc::clone(&takes));
                connections.spawn(async move { answer_all(stream, &seen, &*takes).await });
            }
        });
        Self {
            address,
            seen,
            _serving: serving,
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// How many requests came.
    pub fn asked(&self) -> usize {
        self.seen.asked.load(Ordering::SeqCst)
    }

    /// How many were under way at most.
    pub fn peak(&self) -> usize {
        self.seen.peak.load(Ordering::SeqCst)
    }
}

/// Answers until the other side has had enough.
async fn answer_all(mut stream: TcpStream, seen: &Seen, takes: &Takes) {
    let mut head = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut head).await {
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        head.clear();
        let now = Instant::now();
        let first = *seen.first.get_or_init(|| async { now }).await;
        seen.asked.fetch_add(1, Ordering::SeqCst);
        let at_once = seen.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        seen.peak.fetch_max(at_once, Ordering::SeqCst);
        tokio::time::sleep(takes(now - first)).await;
        // Before the answer: whoever has it may ask again at once.
        seen.at_once.fetch_sub(1, Ordering::SeqCst);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}
