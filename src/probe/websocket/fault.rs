//! What an error of the WebSocket library, or the end of a connection, says about the target.

use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::probe::wire::channel;
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason};

/// The fault that an error met with `host` stands for; `doing` says what was going on.
pub fn of(error: &Error, host: &str, doing: &str) -> Fault {
    match error {
        Error::Io(error) => channel::fault(error, host, doing),
        Error::Http(answer) => refused(answer.status().as_u16(), host),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete,
        ) => {
            let detail = format!("connection closed while {doing}");
            Fault::new(Reason::Closed, detail)
        }
        Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            let detail = format!(
                "a message of {host} is larger than allowed: {size} bytes, limit {max_size}"
            );
            Fault::new(Reason::TooLarge, detail)
        }
        Error::Capacity(CapacityError::TooManyHeaders) | Error::AttackAttempt => {
            let detail = format!("the answer of {host} to the handshake is larger than allowed");
            Fault::new(Reason::TooLarge, detail)
        }
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(error)) => {
            let error = error.to_string().to_lowercase();
            let detail = format!("no subprotocol is agreed on with {host}: {error}");
            Fault::new(Reason::Expectation, detail)
        }
        Error::Protocol(error) => malformed(host, &error.to_string(), doing),
        Error::Utf8(_) => malformed(host, "a text message is not UTF-8", doing),
        Error::Tls(_) | Error::WriteBufferFull(_) | Error::Url(_) | Error::HttpFormat(_) => {
            malformed(host, &error.to_string(), doing)
        }
    }
}

fn malformed(host: &str, what: &str, doing: &str) -> Fault {
    let what = one_line(what);
    let detail = format!("what {host} sends is no WebSocket: {what}, while {doing}");
    Fault::new(Reason::Malformed, detail)
}

/// An answer other than 101 (Switching Protocols). Redirects are not followed.
fn refused(status: u16, host: &str) -> Fault {
    let detail = format!("{host} answers the handshake with status {status}, not with 101");
    match status {
        401 | 403 => Fault::new(Reason::Unauthorized, detail),
        429 | 502..=504 => Fault::new(Reason::Status, detail).transient(),
        _ => Fault::new(Reason::Status, detail),
    }
}

/// The target closes by the protocol: with a code and a reason, or without (RFC 6455, section 7.4).
pub fn closed(frame: Option<&CloseFrame>, host: &str, doing: &str) -> Fault {
    let Some(frame) = frame else {
        let detail = format!("{host} closes without a code while {doing}");
        return Fault::new(Reason::Closed, detail);
    };
    let code = u16::from(frame.code);
    let name = match code {
        1000 => " (normal)",
        1001 => " (going away)",
        1002 => " (protocol error)",
        1003 => " (unsupported data)",
        1007 => " (invalid data)",
        1008 => " (policy violation)",
        1009 => " (message too big)",
        1010 => " (extension missing)",
        1011 => " (internal error)",
        1012 => " (service restarts)",
        1013 => " (try again later)",
        1014 => " (bad gateway)",
        _ => "",
    };
    let reason = one_line(&frame.reason);
    let reason = if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    };
    let detail = format!("{host} closes with {code}{name} while {doing}{reason}");
    Fault::new(Reason::Closed, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

    #[test]
    fn an_end_says_its_code_and_reason_on_one_line() {
        let frame = |code: u16, reason: &str| CloseFrame {
            code: CloseCode::from(code),
            reason: reason.to_owned().into(),
        };
        for (frame, expected) in [
            (None, "a.test closes without a code while x"),
            (
                Some(frame(1001, "")),
                "a.test closes with 1001 (going away) while x",
            ),
            (
                Some(frame(4401, "token\nexpired")),
                "a.test closes with 4401 while x: token expired",
            ),
        ] {
            let fault = closed(frame.as_ref(), "a.test", "x");
            assert_eq!(
                (fault.reason, fault.detail.as_str()),
                (Reason::Closed, expected)
            );
        }
    }

    #[test]
    fn a_refusal_of_the_handshake_is_told_by_its_status() {
        for (status, reason, transient) in [
            (200, Reason::Status, false),
            (301, Reason::Status, false),
            (401, Reason::Unauthorized, false),
            (403, Reason::Unauthorized, false),
            (404, Reason::Status, false),
            (503, Reason::Status, true),
        ] {
            let fault = refused(status, "a.test");
            assert_eq!(
                (fault.reason, fault.transient),
                (reason, transient),
                "{status}"
            );
        }
    }
}
