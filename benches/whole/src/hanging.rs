//! Peers that accept and then say nothing, for as long as somebody waits.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::Outcome;

/// A port on which nobody ever answers. Dropping it hangs up.
#[derive(Debug)]
pub struct Hanging {
    port: u16,
    task: JoinHandle<()>,
}

impl Hanging {
    /// Begins to accept.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            let mut held = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                // Read what comes, so that the other side sees a peer that takes its request, and
                // let go of the socket when it gives up.
                held.spawn(async move {
                    tokio::io::copy(&mut stream, &mut tokio::io::sink())
                        .await
                        .ok();
                });
                while held.try_join_next().is_some() {}
            }
        });
        Ok(Self { port, task })
    }

    /// Where it listens, on the first host.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.task.abort();
    }
}
