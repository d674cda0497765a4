//! The kind `websocket`: the handshake, a talk in messages, and a connection that stays open.
//!
//! It proves that the target takes a WebSocket connection (RFC 6455) with the declared headers and
//! subprotocol, answers messages as expected, returns pings, and does not close for as long as is
//! declared. Over TLS with `wss://`.
//!
//! It does not prove that the connection stays open for longer than that, nor does it follow
//! redirects or keep cookies. Messages are not compressed.

mod dialogue;
mod fault;
mod handshake;
mod settings;
mod talk;

use std::time::Duration;

use async_trait::async_trait;

use self::dialogue::{Dialogue, Step};
use self::handshake::Handshake;
use self::settings::Settings;
use self::talk::Talk;
use super::wire::tls::READINGS;
use super::{Attempt, Kind, Misfit, Probe, Readings, Replies, Reply, Surroundings, Target};
use crate::quantity::human;
use crate::sample::{Fault, Phase, Reason, Unit};

/// The kind `websocket`.
#[derive(Clone, Copy, Debug)]
pub struct WebSocket;

struct WebSocketProbe {
    handshake: Handshake,
    dialogue: Dialogue,
    ping: bool,
    stays_open: Option<Duration>,
}

impl Kind for WebSocket {
    const NAME: &'static str = "websocket";
    const SUMMARY: &'static str =
        "a WebSocket connection opens, answers messages as expected and stays open";
    const READINGS: Readings = Readings {
        named: &[
            MESSAGES,
            PONG,
            OPEN,
            READINGS[0],
            READINGS[1],
            READINGS[2],
            READINGS[3],
        ],
        open: false,
    };
    const REPLIES: Replies = Replies::Body;
    type Settings = Settings;

    fn probe(
        mut settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let lines = settings.dialogue.take().unwrap_or_default();
        let (ping, stays_open) = (settings.ping, settings.stays_open.map(|span| span.0));
        let handshake =
            Handshake::read(settings, surroundings).map_err(|more| misfits.extend(more));
        let dialogue = Dialogue::read(lines).map_err(|more| misfits.extend(more));
        let (Ok(handshake), Ok(dialogue), true) = (handshake, dialogue, misfits.is_empty()) else {
            return Err(misfits);
        };
        dialogue.hide(&handshake.mask);
        Ok(Box::new(WebSocketProbe {
            handshake,
            dialogue,
            ping,
            stays_open,
        }))
    }
}

/// What a run can tell besides its session.
const MESSAGES: (&str, Unit, &str) = (
    "messages",
    Unit::Number,
    "how many messages came while the connection was watched, those that were passed over included",
);
const PONG: (&str, Unit, &str) = (
    "pong",
    Unit::Seconds,
    "how long the answer to our ping took, with `ping: true`",
);
const OPEN: (&str, Unit, &str) = (
    "open_for",
    Unit::Seconds,
    "how long the connection was seen to stay open, with `stays_open`",
);

#[async_trait]
impl Probe for WebSocketProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let asked = self.ask(attempt).await;
        // The target may repeat what it was sent.
        asked.map_err(|mut fault| {
            fault.detail = self.handshake.mask.apply(&fault.detail);
            fault
        })
    }

    fn hears(&self) -> bool {
        let mut steps = self.dialogue.steps.iter();
        steps.any(|step| matches!(step, Step::Hear(_)))
    }

    fn lasts(&self) -> Duration {
        self.stays_open.unwrap_or_default()
    }

    fn target(&self) -> Option<Target> {
        Target::of(&self.handshake.url)
    }
}

impl WebSocketProbe {
    async fn ask(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let mut talk = self.handshake.open(attempt).await?;
        let mut ended = self.converse(attempt, &mut talk).await;
        if ended.is_ok() && self.ping {
            ended = ping(attempt, &mut talk).await;
        }
        attempt.stop();
        if ended.is_ok()
            && let Some(span) = self.stays_open
        {
            ended = stay(attempt, &mut talk, span).await;
        }
        attempt.reading(MESSAGES.0, f64::from(talk.messages()), MESSAGES.1);
        if ended.is_ok() {
            talk.leave().await;
        }
        ended
    }

    async fn converse(&self, attempt: &mut Attempt, talk: &mut Talk<'_>) -> Result<(), Fault> {
        for (number, step) in (1..).zip(&self.dialogue.steps) {
            match step {
                Step::Send(sort, payload) => {
                    attempt.enter(Phase::Request);
                    talk.send(sort.message(payload), number).await?;
                }
                Step::Hear(wish) => {
                    attempt.enter(Phase::Ttfb);
                    let doing = format!("waiting for the message of step {number}");
                    let now = attempt.wall_if(wish.is_dated());
                    attempt.doing(doing.clone());
                    let mut passed_over = 0;
                    loop {
                        let message = talk.next(&doing).await?;
                        match wish.judge(number, &message, &self.handshake.mask, now) {
                            Err(_) if passed_over < wish.skip => passed_over += 1,
                            judged => {
                                attempt.reply(|| Reply::of(message.into_data()));
                                break judged?;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Sends a ping and waits until it is returned; messages meanwhile are the target's own business.
async fn ping(attempt: &mut Attempt, talk: &mut Talk<'_>) -> Result<(), Fault> {
    attempt.enter(Phase::Ttfb);
    attempt.doing(talk::PINGING);
    let before = attempt.now();
    talk.ping(PAYLOAD).await?;
    let took = attempt.now().since(before);
    attempt.reading(PONG.0, took.as_secs_f64(), PONG.1);
    Ok(())
}

/// Listens for as long as the connection has to stay open. None of that is the target's latency.
async fn stay(attempt: &mut Attempt, talk: &mut Talk<'_>, span: Duration) -> Result<(), Fault> {
    let left = attempt.remaining();
    if left <= span {
        let (left, span) = (human(left), human(span));
        let detail = format!(
            "what came before took so long that {left} were left to see it stay open for {span}"
        );
        return Err(Fault::new(Reason::Timeout, detail));
    }
    let before = attempt.now();
    let closed = tokio::time::timeout(span, talk.listen(span)).await;
    let open = attempt.now().since(before);
    attempt.reading(OPEN.0, open.as_secs_f64(), OPEN.1);
    closed.unwrap_or(Ok(()))
}

/// What our pings carry.
const PAYLOAD: &[u8] = b"smokejumper";
