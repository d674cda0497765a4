//! A TCP peer of our own that follows a script: what it says first, what it waits for, where TLS
//! begins, and how it misbehaves. For protocols in which the server may speak first.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use super::certificates::ServerCertificate;

/// One step of the script.
#[derive(Clone)]
pub enum Step {
    /// It says this.
    Says(Vec<u8>),
    /// It waits until it has heard this, wherever in what it hears.
    Hears(Vec<u8>),
    /// It says this one byte at a time, with a pause after each.
    Drips(Vec<u8>, Duration),
    /// It says this for ever.
    Floods(Vec<u8>),
    /// It resets the connection.
    Resets,
    /// It closes the connection.
    Closes,
    /// It begins TLS with these settings.
    BeginsTls(Arc<rustls::ServerConfig>),
}

/// Says a text.
pub fn says(text: &str) -> Step {
    Step::Says(text.as_bytes().to_vec())
}

/// Waits for a text.
pub fn hears(text: &str) -> Step {
    Step::Hears(text.as_bytes().to_vec())
}

/// Begins TLS and shows a certificate.
pub fn begins_tls(certificate: &ServerCertificate) -> Step {
    Step::BeginsTls(certificate.server_config(&[]))
}

/// A running peer; dropping it ends it. When the script is over it listens until the other side
/// leaves.
pub struct TalkPeer {
    port: u16,
    left: Arc<Semaphore>,
    task: JoinHandle<()>,
}

impl TalkPeer {
    /// Starts one that does the same with whoever connects.
    pub async fn start(script: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let left = Arc::new(Semaphore::new(0));
        let told = Arc::clone(&left);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("no delay");
                // However the other side leaves is the test's business.
                follow(stream, &script).await.ok();
                told.add_permits(1);
            }
        });
        Self { port, left, task }
    }

    /// Where it is, by name.
    pub fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// Waits until a connection has ended; fails the test when none does.
    pub async fn sees_the_connection_end(&self) {
        let left = tokio::time::timeout(Duration::from_secs(5), self.left.acquire());
        left.await
            .expect("the connection ends within five seconds")
            .expect("the peer is alive")
            .forget();
    }
}

impl Drop for TalkPeer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Stream = Either<TcpStream, TlsStream<TcpStream>>;

async fn follow(stream: TcpStream, script: &[Step]) -> std::io::Result<()> {
    let mut stream: Stream = Either::Left(stream);
    for step in script {
        match step {
            Step::Says(text) => {
                stream.write_all(text).await?;
                stream.flush().await?;
            }
            Step::Hears(text) => {
                let mut heard = Vec::new();
                while !heard.windows(text.len()).any(|window| window == text) {
                    heard.push(stream.read_u8().await?);
                }
            }
            Step::Drips(text, pause) => {
                for byte in text {
                    stream.write_all(&[*byte]).await?;
                    stream.flush().await?;
                    tokio::time::sleep(*pause).await;
                }
            }
            Step::Floods(text) => loop {
                stream.write_all(text).await?;
            },
            Step::Resets => {
                let inner = match &stream {
                    Either::Left(stream) => stream,
                    Either::Right(stream) => stream.get_ref().0,
                };
                // Closing with zero linger discards what is unsent and resets.
                return inner.set_zero_linger();
            }
            Step::Closes => return Ok(()),
            Step::BeginsTls(config) => {
                let Either::Left(plain) = stream else {
                    panic!("TLS begins once");
                };
                let acceptor = TlsAcceptor::from(Arc::clone(config));
                stream = Either::Right(acceptor.accept(plain).await?);
            }
        }
    }
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
