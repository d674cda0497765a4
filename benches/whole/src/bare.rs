//! The yardstick for what could be: a hyper client with one task and one timer a check, which asks,
//! reads the answer and forgets it. It judges nothing, records nothing and has no deadlines.
//!
//! It runs in a process of its own, so that its CPU and memory can be told from the benchmark's:
//! the benchmark starts itself again with the arguments of [`Bare`].

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::nginx::HOSTS;
use crate::{Outcome, Trouble};

/// What the client does.
#[derive(Clone, Debug)]
pub struct Bare {
    /// How many checks there are.
    pub checks: usize,
    /// How often each asks.
    pub every: Duration,
    /// Whether each keeps its connection.
    pub kept: bool,
    /// The port on every host; on the first alone where `spread` is not set.
    pub port: u16,
    /// Whether the checks are spread over all hosts.
    pub spread: bool,
    /// What is asked for.
    pub path: String,
}

fn hung_up(ended: hyper::Result<()>) -> Trouble {
    ended.map_or_else(Trouble::from, |()| "the server hung up".into())
}

/// The first argument of a benchmark that is the client.
pub const ROLE: &str = "bare-client";

impl Bare {
    /// The arguments that start the benchmark as this client.
    pub fn arguments(&self) -> Vec<String> {
        vec![
            ROLE.to_owned(),
            self.checks.to_string(),
            self.every.as_micros().to_string(),
            self.kept.to_string(),
            self.port.to_string(),
            self.spread.to_string(),
            self.path.clone(),
        ]
    }

    /// Reads the arguments behind the role.
    ///
    /// # Errors
    /// When they are not those of [`Bare::arguments`].
    pub fn read(arguments: &[String]) -> Outcome<Self> {
        let [checks, every, kept, port, spread, path] = arguments else {
            return Err("the bare client is started by the benchmark alone".into());
        };
        Ok(Self {
            checks: checks.parse()?,
            every: Duration::from_micros(every.parse()?),
            kept: kept.parse()?,
            port: port.parse()?,
            spread: spread.parse()?,
            path: path.clone(),
        })
    }

    /// Asks until it is ended from outside.
    pub async fn run(self) -> Outcome<()> {
        let start = Instant::now();
        let mut checks = JoinSet::new();
        for place in 0..u32::try_from(self.checks)? {
            let first = start + self.every * place / u32::try_from(self.checks)?;
            checks.spawn(self.clone().check(place as usize, first));
        }
        while let Some(ended) = checks.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn check(self, place: usize, first: Instant) -> Result<(), Trouble> {
        let host = HOSTS[if self.spread { place % HOSTS.len() } else { 0 }];
        let mut turn = first;
        loop {
            tokio::time::sleep_until(turn).await;
            let stream = TcpStream::connect((host, self.port)).await?;
            stream.set_nodelay(true)?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            let mut connection = pin!(connection);
            loop {
                let asking = self.ask(&mut sender, host);
                tokio::select! {
                    asked = asking => asked?,
                    ended = &mut connection => return Err(hung_up(ended)),
                }
                turn += self.every;
                if !self.kept {
                    break;
                }
                tokio::select! {
                    () = tokio::time::sleep_until(turn) => {}
                    ended = &mut connection => return Err(hung_up(ended)),
                }
            }
        }
    }

    async fn ask(&self, sender: &mut SendRequest<Empty<Bytes>>, host: &str) -> Outcome<()> {
        let request = http::Request::get(&self.path)
            .header("host", host)
            .body(Empty::new())?;
        let mut body = sender.send_request(request).await?.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok(())
    }
}
