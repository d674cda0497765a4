//! One question and its answer over UDP or TCP (RFC 1035, section 4.2; RFC 7766).
//!
//! A datagram may be lost, which TCP would mend by itself: the same question is sent again after a
//! second, as long as the run lasts, and how often is a reading. An answer that was cut off is asked
//! for over TCP. Nobody else is asked.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::proto::op::Message;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use super::question::{Heard, Numbered, Question};
use super::server::Place;
use crate::probe::Attempt;
use crate::probe::wire::dial;
use crate::sample::{Fault, Phase, Reason, Unit};

/// Over what is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// UDP, and TCP where the answer does not fit a datagram.
    #[default]
    Auto,
    /// UDP only: an answer that does not fit is a failure.
    Udp,
    /// TCP from the beginning.
    Tcp,
}

/// Asks once and returns the answer, whatever it says.
///
/// # Errors
/// [`Reason::Malformed`] for what is no answer to the question, [`Reason::TooLarge`] for one that
/// does not fit where only UDP is allowed, and what the network met.
pub async fn ask(
    attempt: &mut Attempt,
    question: &Question,
    place: &Place,
    transport: Transport,
) -> Result<Message, Fault> {
    let asked = question.numbered().map_err(|error| {
        Fault::new(
            Reason::Malformed,
            format!("the question cannot be asked: {error}"),
        )
    })?;
    let told = |heard| told(heard, place.name());
    if transport == Transport::Tcp {
        return told(over_tcp(attempt, question, &asked, place).await?);
    }
    let answer = told(over_udp(attempt, question, &asked, place).await?)?;
    let truncated = answer.metadata.truncation;
    attempt.reading("truncated", if truncated { 1.0 } else { 0.0 }, Unit::Number);
    match (truncated, transport) {
        (false, _) => Ok(answer),
        (true, Transport::Udp) => {
            let detail = format!(
                "the answer of {} does not fit a datagram, and the check declares `transport: udp`",
                place.name()
            );
            Err(Fault::new(Reason::TooLarge, detail))
        }
        (true, Transport::Auto | Transport::Tcp) => {
            told(over_tcp(attempt, question, &asked, place).await?)
        }
    }
}

fn told(heard: Heard, server: &str) -> Result<Message, Fault> {
    let why = match heard {
        Heard::Answer(message) => return Ok(*message),
        Heard::Foreign => "it carries the number of another question".to_owned(),
        Heard::Malformed(why) => why,
    };
    let detail = format!("what {server} sends is no answer: {why}");
    Err(Fault::new(Reason::Malformed, detail))
}

async fn over_udp(
    attempt: &mut Attempt,
    question: &Question,
    asked: &Numbered,
    place: &Place,
) -> Result<Heard, Fault> {
    let doing = format!("asking {} over UDP", place.name());
    let failed = |error: io::Error| dial::fault(&error, &doing);
    place.enter(attempt, Phase::Request);
    let any: SocketAddr = match place.address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await.map_err(failed)?;
    // The kernel then lets in what comes from there alone, and tells when nobody listens.
    socket.connect(place.address).await.map_err(failed)?;
    socket.send(&asked.bytes).await.map_err(failed)?;
    place.enter(attempt, Phase::Ttfb);
    let mut repeated = 0_u32;
    let mut buffer = vec![0; LARGEST];
    let heard = loop {
        let listened = listen(&socket, &mut buffer, question, asked);
        match tokio::time::timeout(PATIENCE, listened).await {
            Ok(heard) => break heard,
            Err(_) => match socket.send(&asked.bytes).await {
                Ok(_) => repeated += 1,
                Err(error) => break Err(error),
            },
        }
        attempt.latest("repeated", f64::from(repeated), Unit::Number);
    };
    attempt.latest("repeated", f64::from(repeated), Unit::Number);
    heard.map_err(failed)
}

/// Waits for a datagram under the question's number; others are passed over: whoever sends them
/// must not be able to answer in the server's place, nor to keep it from answering.
async fn listen(
    socket: &UdpSocket,
    buffer: &mut [u8],
    question: &Question,
    asked: &Numbered,
) -> io::Result<Heard> {
    loop {
        let length = socket.recv(buffer).await?;
        match question.heard(asked, &buffer[..length]) {
            Heard::Foreign => {}
            heard => return Ok(heard),
        }
    }
}

async fn over_tcp(
    attempt: &mut Attempt,
    question: &Question,
    asked: &Numbered,
    place: &Place,
) -> Result<Heard, Fault> {
    let doing = format!("asking {} over TCP", place.name());
    let failed = |error: io::Error| dial::fault(&error, &doing);
    place.enter(attempt, Phase::Connect);
    let mut stream = TcpStream::connect(place.address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    place.enter(attempt, Phase::Request);
    let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let length = u16::try_from(asked.bytes.len()).map_err(too_long);
    let mut framed = length.map_err(failed)?.to_be_bytes().to_vec();
    framed.extend_from_slice(&asked.bytes);
    stream.write_all(&framed).await.map_err(failed)?;
    place.enter(attempt, Phase::Ttfb);
    let length = stream.read_u16().await.map_err(failed)?;
    place.enter(attempt, Phase::Body);
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await.map_err(failed)?;
    Ok(question.heard(asked, &message))
}

/// How long an answer is waited for before the question is sent again.
const PATIENCE: Duration = Duration::from_secs(1);
/// The largest datagram there is.
const LARGEST: usize = 65_535;
