//! A TCP peer that speaks no protocol and misbehaves in one way.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// What the peer does with whoever connects.
#[derive(Clone, Debug)]
pub enum Manner {
    /// It listens to everything and never says a word.
    Hang,
    /// It resets the connection after the first bytes.
    Reset,
    /// It closes the connection after the first bytes.
    Close,
    /// It answers the first bytes with these, then says nothing more.
    Say(Vec<u8>),
    /// It answers the first bytes with these, then sends the last ones for ever.
    Flood(Vec<u8>, Vec<u8>),
    /// It answers the first bytes with these, then sends the last ones byte by byte for ever, each
    /// long before a deadline that would begin anew with it.
    Drip(Vec<u8>, Vec<u8>),
    /// It says whatever it hears.
    Echo,
    /// It answers the first bytes with the first text, the next bytes with the second, and so on.
    Converse(Vec<Vec<u8>>),
    /// It speaks first: says the first text at once, answers the first bytes with the second, and so
    /// on.
    Greet(Vec<Vec<u8>>),
    /// It speaks first, and after the first bytes resets the connection, or closes it.
    GreetAndLeave(Vec<u8>, bool),
}

/// A peer on a free port of loopback, until it is dropped.
pub struct RawPeer {
    port: u16,
    left: Arc<Semaphore>,
    task: JoinHandle<()>,
}

impl RawPeer {
    /// Starts a peer.
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let left = Arc::new(Semaphore::new(0));
        let task = tokio::spawn(serve(listener, manner, Arc::clone(&left)));
        Self { port, left, task }
    }

    /// The port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
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

impl Drop for RawPeer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, manner: Manner, left: Arc<Semaphore>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection is accepted");
        // Whatever the other side does to the connection is the test's business, not an error.
        treat(stream, &manner).await.ok();
        left.add_permits(1);
    }
}

async fn treat(mut stream: TcpStream, manner: &Manner) -> std::io::Result<()> {
    match manner {
        Manner::Hang => {}
        Manner::Reset => {
            hear(&mut stream).await?;
            // Closing with zero linger discards what is unsent and resets.
            return stream.set_zero_linger();
        }
        Manner::Close => return hear(&mut stream).await.map(drop),
        Manner::Say(text) => {
            hear(&mut stream).await?;
            stream.write_all(text).await?;
        }
        Manner::Flood(text, endless) => {
            hear(&mut stream).await?;
            stream.write_all(text).await?;
            loop {
                stream.write_all(endless).await?;
            }
        }
        Manner::Drip(text, endless) => {
            hear(&mut stream).await?;
            stream.write_all(text).await?;
            for byte in endless.iter().cycle() {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Manner::Echo => {
            let mut heard = [0; 4096];
            loop {
                let length = stream.read(&mut heard).await?;
                if length == 0 {
                    return Ok(());
                }
                stream.write_all(&heard[..length]).await?;
            }
        }
        Manner::Greet(texts) => {
            for (at, text) in texts.iter().enumerate() {
                if at > 0 {
                    hear(&mut stream).await?;
                }
                stream.write_all(text).await?;
            }
        }
        Manner::GreetAndLeave(text, resets) => {
            stream.write_all(text).await?;
            hear(&mut stream).await?;
            return if *resets {
                stream.set_zero_linger()
            } else {
                Ok(())
            };
        }
        Manner::Converse(texts) => {
            for text in texts {
                hear(&mut stream).await?;
                stream.write_all(text).await?;
            }
        }
    }
    while hear(&mut stream).await? > 0 {}
    Ok(())
}

/// Takes what the other side says next; nothing when it has left.
async fn hear(stream: &mut TcpStream) -> std::io::Result<usize> {
    stream.read(&mut [0; 4096]).await
}
