//! The talk about TLS that comes before PostgreSQL's own protocol.
//!
//! It is held here and not by the client library, so that the handshake is a phase of its own and
//! its failures mean the same as everywhere else.

use std::convert::Infallible;
use std::future::{Ready, ready};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_postgres::tls::{TlsConnect, TlsStream};
use tokio_rustls::client;

use super::target::{Encryption, Target};
use crate::probe::Attempt;
use crate::probe::wire::dial;
use crate::probe::wire::tls::TlsFacts;
use crate::sample::{Fault, Phase, Reason};

/// A stream on which PostgreSQL's protocol can begin.
pub enum Stream {
    /// Without TLS.
    Plain(TcpStream),
    /// Over TLS, and what that session is.
    Encrypted(Box<client::TlsStream<TcpStream>>, TlsFacts),
}

/// Does about TLS what the target asks for; enters [`Phase::Tls`] unless it asks for none.
///
/// # Errors
/// [`Reason::Tls`] when TLS is insisted on and not offered, [`Reason::Malformed`] when the answer
/// is not PostgreSQL's, and the faults of the connection and of the handshake.
pub async fn negotiate(
    attempt: &mut Attempt,
    mut stream: TcpStream,
    target: &Target,
) -> Result<Stream, Fault> {
    let (tls, insists) = match &target.encryption {
        Encryption::Never => return Ok(Stream::Plain(stream)),
        Encryption::WhereOffered(tls) => (tls, false),
        Encryption::Always(tls) => (tls, true),
    };
    attempt.enter(Phase::Tls);
    attempt.doing(ASKING);
    if offers_tls(&mut stream).await? {
        let (stream, facts) = tls.connect(attempt, stream, &target.host).await?;
        return Ok(Stream::Encrypted(Box::new(stream), facts));
    }
    if insists {
        return Err(Fault::new(
            Reason::Tls,
            "the server offers no TLS, and the check insists on it",
        ));
    }
    Ok(Stream::Plain(stream))
}

async fn offers_tls(stream: &mut TcpStream) -> Result<bool, Fault> {
    let broken = |error| dial::fault(&error, ASKING);
    stream.write_all(&TLS_REQUEST).await.map_err(broken)?;
    // One byte and no more: what a stranger sends after it in the clear must not be taken for
    // part of the session.
    match stream.read_u8().await.map_err(broken)? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        b'E' => Err(Fault::new(
            Reason::ServerFault,
            "the server reports an error where it should say whether it offers TLS",
        )
        .transient()),
        _ => Err(Fault::new(
            Reason::Malformed,
            "the answer is not of PostgreSQL's protocol",
        )),
    }
}

/// What is going on before the handshake, as messages say it.
const ASKING: &str = "asking the server for TLS";

/// `SSLRequest`: the length, then a number that no version of the protocol has.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Hands the client library a session that is already open, channel binding included.
pub struct Established;

impl<S: TlsStream + Unpin> TlsConnect<S> for Established {
    type Stream = S;
    type Error = Infallible;
    type Future = Ready<Result<S, Infallible>>;

    fn connect(self, stream: S) -> Self::Future {
        ready(Ok(stream))
    }
}
