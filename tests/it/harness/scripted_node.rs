//! A peer that speaks just enough HTTP/1.1 to answer as a test says, or to misbehave: the odd
//! nodes of the chain kinds. It counts what it was asked, and ends when it is dropped.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What came in.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The path and query.
    pub path: String,
    /// The head, as it came: request line and headers.
    pub head: String,
    /// The body.
    pub body: String,
}

/// What goes out.
#[derive(Clone, Debug)]
pub enum Play {
    /// An answer with this status, content type and body.
    Answer(u16, &'static str, String),
    /// An answer after which the connection is closed without a word about it.
    AnswerAndClose(String),
    /// The beginning of an answer that announces more, then the end of the connection.
    BreakOff(String),
    /// Nothing, for ever.
    Hang,
    /// The connection is reset.
    Reset,
    /// These bytes instead of HTTP, then the end.
    Garbage(&'static [u8]),
    /// A body of so many bytes of JSON text.
    Endless(usize),
}

impl Play {
    /// An answer of status 200 in JSON.
    pub fn json(body: impl ToString) -> Self {
        Self::Answer(200, "application/json", body.to_string())
    }
}

/// The peer.
pub struct ScriptedNode {
    /// Where it listens: `127.0.0.1:port`.
    pub place: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<Mutex<usize>>,
    task: JoinHandle<()>,
}

impl ScriptedNode {
    /// Starts a peer that answers as `script` says.
    pub async fn start(script: impl Fn(&Asked) -> Play + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let place = listener.local_addr().expect("it is bound").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let script: Arc<dyn Fn(&Asked) -> Play + Send + Sync> = Arc::new(script);
        let (log, count) = (Arc::clone(&asked), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            let mut serving = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                *count.lock().expect("nobody panicked") += 1;
                serving.spawn(serve(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self {
            place,
            asked,
            connections,
            task,
        }
    }

    /// Its address with nothing behind the port.
    pub fn url(&self) -> String {
        format!("http://{}", self.place)
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panicked").clone()
    }

    /// How many connections it took so far.
    pub fn connections(&self) -> usize {
        *self.connections.lock().expect("nobody panicked")
    }
}

impl Drop for ScriptedNode {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address at which nobody listens.
pub async fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("it is bound").to_string()
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<dyn Fn(&Asked) -> Play + Send + Sync>,
    log: Arc<Mutex<Vec<Asked>>>,
) {
    while let Some(asked) = read(&mut stream).await {
        log.lock().expect("nobody panicked").push(asked.clone());
        match script(&asked) {
            Play::Answer(status, kind, body) => {
                let answer = answer(status, kind, &body);
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Play::AnswerAndClose(body) => {
                let answer = answer(200, "application/json", &body);
                // Whether the peer still reads is its own matter.
                drop(stream.write_all(answer.as_bytes()).await);
                return;
            }
            Play::BreakOff(body) => {
                let answer = answer(200, "application/json", &format!("{body}, and more"));
                let begun = answer.trim_end_matches(", and more");
                // Whether the peer still reads is its own matter.
                drop(stream.write_all(begun.as_bytes()).await);
                return;
            }
            Play::Hang => std::future::pending().await,
            Play::Reset => {
                stream.set_zero_linger().expect("linger can be set");
                return;
            }
            Play::Garbage(bytes) => {
                drop(stream.write_all(bytes).await);
                return;
            }
            Play::Endless(size) => return drip(&mut stream, size).await,
        }
    }
}

fn answer(status: u16, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} As Said\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// A body whose length is not announced, so that only the reader's own limit ends it.
async fn drip(stream: &mut TcpStream, size: usize) {
    let head = "HTTP/1.1 200 As Said\r\ncontent-type: application/json\r\n\r\n\"";
    if stream.write_all(head.as_bytes()).await.is_err() {
        return;
    }
    let block = [b'x'; 65_536];
    let mut sent = 0;
    while sent < size && stream.write_all(&block).await.is_ok() {
        sent += block.len();
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let named = name.eq_ignore_ascii_case("content-length");
        named.then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    while bytes.len() < end + length.unwrap_or(0) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[end..].to_vec()).ok()?;
    let path = head.split_whitespace().nth(1)?.to_owned();
    Some(Asked { path, head, body })
}
