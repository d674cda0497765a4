//! An open stream of bytes to a target, over TLS where that is asked for, and reading from it what
//! is never more than allowed. For the kinds that hold a talk of their own over it.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::bounded::{self, Overflow};
use super::session::{Facts, Sessions};
use super::tls::Tls;
use super::{dial, tls_fault};
use crate::probe::Attempt;
use crate::sample::{Fault, Reason};

/// An open stream. Dropping it closes the connection.
pub type Channel = Either<TcpStream, TlsStream<TcpStream>>;

/// Opens a channel to a port of a host and says over what the run talks: a session of `met`, where
/// it was met before.
///
/// # Errors
/// The fault of the first step that failed: name, connection, TLS.
pub async fn open(
    attempt: &mut Attempt,
    host: &str,
    port: u16,
    tls: Option<&Tls>,
    met: &Sessions,
) -> Result<Channel, Fault> {
    let stream = dial::tcp(attempt, host, port).await?;
    let mut facts = Facts::of(&stream);
    let channel = match tls {
        None => Either::Left(stream),
        Some(tls) => {
            let (stream, session) = tls.connect(attempt, stream, host).await?;
            facts.tls = Some(session);
            Either::Right(stream)
        }
    };
    attempt.over(met.share(&facts, false));
    Ok(channel)
}

/// What the target says until the delimiter, which is included; at most `most` bytes.
///
/// # Errors
/// [`Overflow`] inside the error when more comes before the delimiter, `UnexpectedEof` when the
/// target ends before it, and what the connection met.
pub async fn until(
    stream: &mut (impl AsyncBufRead + Unpin),
    delimiter: &[u8],
    most: usize,
) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    loop {
        let came = stream.fill_buf().await?;
        let count = came.len();
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let before = heard.len();
        heard.extend_from_slice(came);
        // The delimiter may lie across what came before and what came now.
        let from = before.saturating_sub(delimiter.len().saturating_sub(1));
        let end = place(&heard[from..], delimiter).map(|at| from + at + delimiter.len());
        stream.consume(end.map_or(count, |end| end - before));
        heard.truncate(end.unwrap_or(heard.len()));
        if heard.len() > most {
            return Err(io::Error::other(Overflow));
        }
        if end.is_some() {
            return Ok(heard);
        }
    }
}

/// All that the target says until it ends; at most `most` bytes.
///
/// # Errors
/// [`Overflow`] inside the error when more comes, and what the connection met.
pub async fn to_end(stream: &mut (impl AsyncBufRead + Unpin), most: usize) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    loop {
        let came = stream.fill_buf().await?;
        if came.is_empty() {
            return Ok(heard);
        }
        heard.extend_from_slice(came);
        let count = came.len();
        stream.consume(count);
        if heard.len() > most {
            return Err(io::Error::other(Overflow));
        }
    }
}

fn place(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// The fault that an error of a channel to `host` stands for; `doing` completes "connection closed
/// while …".
#[must_use]
pub fn fault(error: &io::Error, host: &str, doing: &str) -> Fault {
    if bounded::is_overflow(error) {
        let detail = format!("{host} sent more than is allowed while {doing}");
        return Fault::new(Reason::TooLarge, detail);
    }
    match tls_fault::inside(error) {
        Some(error) => tls_fault::of_session(error, host),
        None => dial::fault(error, doing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::BufReader;

    /// Reads from pieces of so many bytes.
    async fn heard(
        text: &[u8],
        piece: usize,
        delimiter: &[u8],
        most: usize,
    ) -> io::Result<Vec<u8>> {
        until(&mut BufReader::with_capacity(piece, text), delimiter, most).await
    }

    #[tokio::test]
    async fn a_delimiter_is_found_wherever_the_pieces_end() {
        for piece in 1..20 {
            let mut stream = BufReader::with_capacity(piece, &b"a\rb\r\nrest\r\n"[..]);
            for expected in [&b"a\rb\r\n"[..], b"rest\r\n"] {
                assert_eq!(until(&mut stream, b"\r\n", 64).await.unwrap(), expected);
            }
            let ended = until(&mut stream, b"\r\n", 64).await.unwrap_err();
            assert_eq!(ended.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[tokio::test]
    async fn no_more_is_read_than_is_allowed() {
        for piece in [1, 3, 64] {
            assert!(heard(b"12345\n", piece, b"\n", 6).await.is_ok());
            let error = heard(b"12345\n", piece, b"\n", 5).await.unwrap_err();
            assert_eq!(fault(&error, "a.test", "x").reason, Reason::TooLarge);
            let endless = heard(&[b'x'; 1000], piece, b"\n", 100).await.unwrap_err();
            assert!(bounded::is_overflow(&endless));
        }
    }
}
