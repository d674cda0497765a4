//! A relay before a server that keeps no account of who asks: it counts the answers that pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A relay on a free port of loopback, until it is dropped.
pub struct Relay {
    port: u16,
    answers: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Relay {
    /// Starts a relay to a port of loopback.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = listener.local_addr().expect("it is bound").port();
        let answers = Arc::new(AtomicUsize::new(0));
        let mut serving = JoinSet::new();
        let counted = Arc::clone(&answers);
        serving.spawn(async move {
            let mut relayed = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                relayed.spawn(relay(client, port, Arc::clone(&counted)));
            }
        });
        Self {
            port: own,
            answers,
            _serving: serving,
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many pieces of answers went back to the clients.
    pub fn answers(&self) -> usize {
        self.answers.load(Ordering::SeqCst)
    }
}

async fn relay(client: TcpStream, port: u16, answers: Arc<AtomicUsize>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = tokio::io::copy(&mut from_client, &mut to_server);
    let answering = async {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut piece).await {
            if to_client.write_all(&piece[..length]).await.is_err() {
                break;
            }
            answers.fetch_add(1, Ordering::SeqCst);
        }
    };
    // Either side's end ends the connection.
    tokio::select! {
        _ = asking => {}
        () = answering => {}
    }
}
