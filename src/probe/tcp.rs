//! The kind `tcp`: a connection to a port, and a talk over it of sending and expecting.
//!
//! It proves that the port takes connections in time and, with a `dialogue`, that whoever listens
//! answers what is sent as expected: text or bytes, up to a delimiter, of a given length, or to the
//! end. Over TLS where `tls` stands.
//!
//! Without a dialogue it does not prove that anybody is behind the port: the kernel, a load
//! balancer or a proxy takes connections for services that are down. It does not know any protocol;
//! where there is a kind for one, that kind says more.

mod dialogue;
mod settings;

use async_trait::async_trait;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use self::dialogue::{Dialogue, End, Step};
use self::settings::Settings;
use super::wire::address::place_name;
use super::wire::channel::{self, Channel};
use super::wire::session::Sessions;
use super::wire::tls::{READINGS, Tls};
use super::{Attempt, Kind, Misfit, Probe, Readings, Replies, Reply, Surroundings, Target};
use crate::sample::{Fault, Phase, Unit};

/// The kind `tcp`.
#[derive(Clone, Copy, Debug)]
pub struct Tcp;

struct TcpProbe {
    host: String,
    port: u16,
    tls: Option<Tls>,
    dialogue: Dialogue,
    met: Sessions,
}

impl Kind for Tcp {
    const NAME: &'static str = "tcp";
    const SUMMARY: &'static str = "a port takes connections and answers what is sent as expected";
    const READINGS: Readings = Readings {
        named: &[RECEIVED, READINGS[0], READINGS[1], READINGS[2], READINGS[3]],
        open: false,
    };
    const REPLIES: Replies = Replies::Body;
    type Settings = Settings;

    fn probe(
        settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let host = settings.address.host.clone();
        let port = settings.address.written_port();
        let port = port.map_err(|misfit| misfits.push(misfit));
        let tls = settings.tls.as_ref().map(|tls| Tls::new(tls, surroundings));
        let tls = tls.transpose().map_err(|more| misfits.extend(more));
        if let Ok(Some(tls)) = &tls {
            match tls.server_name(&host) {
                Ok(_) => tls.prepare(),
                Err(fault) => misfits.push(Misfit::at(&["address"], fault.detail)),
            }
        }
        let dialogue = Dialogue::read(settings).map_err(|more| misfits.extend(more));
        let (Ok(port), Ok(tls), Ok(dialogue), true) = (port, tls, dialogue, misfits.is_empty())
        else {
            return Err(misfits);
        };
        Ok(Box::new(TcpProbe {
            host,
            port,
            tls,
            dialogue,
            met: Sessions::default(),
        }))
    }
}

/// The reading of a talk.
const RECEIVED: (&str, Unit, &str) = (
    "received_bytes",
    Unit::Bytes,
    "how many bytes of what was received belong to the dialogue; absent without one",
);

#[async_trait]
impl Probe for TcpProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let (host, port) = (self.host.as_str(), self.port);
        let channel = channel::open(attempt, host, port, self.tls.as_ref(), &self.met).await?;
        let talked = if self.dialogue.steps.is_empty() {
            Ok(())
        } else {
            self.talk(attempt, BufReader::new(channel)).await
        };
        attempt.stop();
        talked
    }

    fn hears(&self) -> bool {
        self.dialogue.hears()
    }

    fn target(&self) -> Option<Target> {
        Some(Target {
            name: place_name("tcp", &self.host, self.port).into(),
            at_once: None,
        })
    }
}

impl TcpProbe {
    async fn talk(
        &self,
        attempt: &mut Attempt,
        mut stream: BufReader<Channel>,
    ) -> Result<(), Fault> {
        let now = attempt.wall_if(self.dialogue.is_dated());
        let mut received = 0;
        let mut said = Vec::new();
        let mut ended = Ok(());
        for (number, step) in (1..).zip(&self.dialogue.steps) {
            ended = match step {
                Step::Send(payload) => {
                    self.send(attempt, &mut stream, number, payload.bytes())
                        .await
                }
                Step::Hear(wish) => {
                    let heard = self.hear(attempt, &mut stream, number, &wish.end).await;
                    heard.and_then(|heard| {
                        received += heard.len();
                        wish.add_to(&mut said, &heard);
                        self.dialogue.judge(number, wish, &heard, now)
                    })
                }
            };
            if ended.is_err() {
                break;
            }
        }
        let (name, unit, _) = RECEIVED;
        // At most a hundred answers of a mebibyte.
        let received = u32::try_from(received).map_or(f64::INFINITY, f64::from);
        attempt.reading(name, received, unit);
        attempt.reply(|| Reply::of(said));
        ended
    }

    async fn send(
        &self,
        attempt: &mut Attempt,
        stream: &mut BufReader<Channel>,
        number: usize,
        bytes: &[u8],
    ) -> Result<(), Fault> {
        attempt.enter(Phase::Request);
        let sent = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        sent.await
            .map_err(|error| channel::fault(&error, &self.host, &format!("sending step {number}")))
    }

    async fn hear(
        &self,
        attempt: &mut Attempt,
        stream: &mut BufReader<Channel>,
        number: usize,
        end: &End,
    ) -> Result<Vec<u8>, Fault> {
        let most = self.dialogue.limit;
        let doing = || format!("waiting for the answer of step {number}");
        let failed = |error: std::io::Error| channel::fault(&error, &self.host, &doing());
        attempt.enter(Phase::Ttfb);
        attempt.doing(doing());
        stream.fill_buf().await.map_err(failed)?;
        attempt.enter(Phase::Body);
        attempt.doing(format!("reading the answer of step {number}"));
        let heard = match end {
            End::Delimiter(delimiter) => channel::until(stream, delimiter, most).await,
            End::Length(length) => {
                let mut heard = vec![0; *length];
                stream.read_exact(&mut heard).await.map(|_| heard)
            }
            End::Close => channel::to_end(stream, most).await,
        };
        heard.map_err(failed)
    }
}
