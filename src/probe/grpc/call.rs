//! How a call ended: by a status of gRPC in the trailers (or in the headers, where nothing else
//! came), or by a status of HTTP from somebody in between who speaks no gRPC.

use http::HeaderMap;

use super::message;
use crate::probe::wire::exchange::Answer;
use crate::probe::wire::message::percent_decoded;
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason};
use crate::secret::Mask;

/// The end of a call.
pub struct Ended {
    /// The status code, where there is one.
    pub code: Option<u16>,
    /// The message of the answer, or why there is none.
    pub message: Result<Vec<u8>, Fault>,
}

/// Reads how the call to `host` ended.
pub fn ended(answer: &Answer, host: &str, mask: &Mask) -> Ended {
    let headers = [&answer.trailers, &answer.headers];
    let told = headers
        .into_iter()
        .find(|headers| headers.contains_key(STATUS));
    let Some(told) = told else {
        return Ended {
            code: None,
            message: Err(without_status(answer, host)),
        };
    };
    let code = text(told, STATUS).and_then(|code| code.parse::<u16>().ok());
    let message = match code {
        Some(0) => message::unframed(&answer.body)
            .map(<[u8]>::to_vec)
            .map_err(|why| malformed(host, &why)),
        Some(code) => Err(refusal(code, host, &said(told, mask))),
        None => Err(malformed(host, "its status is no number")),
    };
    Ended { code, message }
}

fn without_status(answer: &Answer, host: &str) -> Fault {
    let status = answer.status.as_u16();
    // As clients of gRPC do ("HTTP to gRPC Status Code Mapping").
    let reason = match status {
        200 => return malformed(host, "it ends without a status of gRPC"),
        401 | 403 => Reason::Unauthorized,
        404 => Reason::UnsupportedMethod,
        502..=504 => Reason::NotReady,
        _ => Reason::Status,
    };
    let detail = format!("{host} answers with the HTTP status {status} and no status of gRPC");
    let fault = Fault::new(reason, detail);
    // Too many requests: whoever refuses ours for that refuses those of users.
    if status == 429 {
        fault.transient()
    } else {
        fault
    }
}

fn malformed(host: &str, why: &str) -> Fault {
    Fault::new(Reason::Malformed, format!("the answer of {host}: {why}"))
}

/// The fault that a status other than OK stands for.
fn refusal(code: u16, host: &str, said: &str) -> Fault {
    let name = NAMES.get(usize::from(code));
    let name = name.map_or_else(|| format!("status {code}"), |name| (*name).to_owned());
    let (reason, hint) = match code {
        // DEADLINE_EXCEEDED: what was left of our time was over there as well.
        4 => (Reason::Timeout, ""),
        5 => (Reason::Status, ": it knows no service of this name"),
        7 | 16 => (Reason::Unauthorized, ""),
        12 => (
            Reason::UnsupportedMethod,
            ": it does not speak the health protocol",
        ),
        14 => (Reason::NotReady, ""),
        _ => (Reason::ServerFault, ""),
    };
    let said = if said.is_empty() {
        String::new()
    } else {
        format!(" ({said})")
    };
    let fault = Fault::new(reason, format!("{host} answers {name}{hint}{said}"));
    // RESOURCE_EXHAUSTED, of memory or of a quota, and ABORTED: another try may well pass (the
    // documentation of the codes says so).
    if matches!(code, 8 | 10) {
        fault.transient()
    } else {
        fault
    }
}

/// What the server adds in words: percent-encoded, and masked before it is cut.
fn said(told: &HeaderMap, mask: &Mask) -> String {
    let words = percent_decoded(&text(told, MESSAGE).unwrap_or_default());
    one_line(&mask.apply(&String::from_utf8_lossy(&words)))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

const STATUS: &str = "grpc-status";
const MESSAGE: &str = "grpc-message";

/// The status codes by their numbers.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderValue, StatusCode, Version};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (
                http::HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        };
        pairs.iter().map(pair).collect()
    }

    fn ended_with(
        status: u16,
        in_headers: HeaderMap,
        body: &'static [u8],
        trailers: HeaderMap,
    ) -> Ended {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: in_headers,
            body: Bytes::from_static(body),
            trailers,
            foreign_encoding: None,
            version: Version::HTTP_2,
        };
        let mask = Mask::default();
        mask.hide("canary");
        ended(&answer, "a.test", &mask)
    }

    #[test]
    fn each_status_is_told_by_whose_fault_it_is() {
        for (code, reason) in [
            (1, Reason::ServerFault),
            (2, Reason::ServerFault),
            (4, Reason::Timeout),
            (5, Reason::Status),
            (7, Reason::Unauthorized),
            (8, Reason::ServerFault),
            (12, Reason::UnsupportedMethod),
            (13, Reason::ServerFault),
            (14, Reason::NotReady),
            (16, Reason::Unauthorized),
            (99, Reason::ServerFault),
        ] {
            let text = code.to_string();
            let told = headers(&[("grpc-status", &text), ("grpc-message", "no%20canary")]);
            // In the trailers, or in the headers of an answer that has nothing else.
            for (head, tail) in [(HeaderMap::new(), told.clone()), (told, HeaderMap::new())] {
                let ended = ended_with(200, head, b"", tail);
                assert_eq!(ended.code, Some(code));
                let fault = ended.message.unwrap_err();
                assert_eq!(fault.reason, reason, "{code}");
                assert!(fault.detail.ends_with("(no ***)"), "{}", fault.detail);
            }
        }
    }

    #[test]
    fn whoever_speaks_no_grpc_is_told_by_its_http_status() {
        for (status, reason) in [
            (200, Reason::Malformed),
            (204, Reason::Status),
            (401, Reason::Unauthorized),
            (404, Reason::UnsupportedMethod),
            (429, Reason::Status),
            (503, Reason::NotReady),
            (500, Reason::Status),
        ] {
            let ended = ended_with(status, HeaderMap::new(), b"<html>", HeaderMap::new());
            assert_eq!(ended.code, None);
            assert_eq!(ended.message.unwrap_err().reason, reason, "{status}");
        }
    }

    #[test]
    fn an_answer_has_one_whole_message() {
        let ok = headers(&[("grpc-status", "0")]);
        let ended = ended_with(200, HeaderMap::new(), b"\0\0\0\0\x02\x08\x01", ok.clone());
        assert_eq!(ended.message.unwrap(), b"\x08\x01");
        let broken = ended_with(200, HeaderMap::new(), b"\0\0", ok);
        assert_eq!(broken.message.unwrap_err().reason, Reason::Malformed);
        let odd = headers(&[("grpc-status", "fine")]);
        let odd = ended_with(200, HeaderMap::new(), b"", odd);
        assert_eq!(odd.message.unwrap_err().reason, Reason::Malformed);
    }
}
