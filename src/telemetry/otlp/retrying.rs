//! After which ends of a call over gRPC another try may pass, and when the collector wants it: by the
//! status, and by the `RetryInfo` that goes with it in the trailers.
//!
//! Sources: <https://opentelemetry.io/docs/specs/otlp/#failures> for the statuses,
//! `google/rpc/status.proto` and `google/rpc/error_details.proto` for the messages.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use prost::Message;

use super::send::Refusal;
use crate::probe::wire::exchange::Answer;
use crate::sample::{Fault, Reason};

/// The trailer with details of a status, as base64.
const DETAILS: &str = "grpc-status-details-bin";
/// The name of the detail that allows another try.
const RETRY_INFO: &str = "google.rpc.RetryInfo";
/// Whoever sends it may leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a call that ended with this fault means for the message that it carried.
pub(super) fn refusal(code: Option<u16>, answer: &Answer, fault: Fault) -> Refusal {
    let asked = asked(answer);
    let may_pass = match code {
        // CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS.
        Some(1 | 4 | 10 | 11 | 14 | 15) => true,
        // RESOURCE_EXHAUSTED: only where the collector says that it will recover.
        Some(8) => asked.is_some(),
        Some(_) => false,
        // It speaks no gRPC: the reasons are those of the kind `grpc`.
        None => fault.transient || matches!(fault.reason, Reason::NotReady | Reason::Throttled),
    };
    match may_pass {
        true => Refusal::Passing {
            why: fault.detail,
            after: asked.and_then(|asked| asked.after()),
        },
        false => Refusal::Final(fault.detail),
    }
}

/// What the collector says of another try; nothing where it says nothing, or nothing that can be read.
fn asked(answer: &Answer) -> Option<RetryInfo> {
    // In the headers of an answer that has nothing else.
    let mut told = [&answer.trailers, &answer.headers].into_iter();
    let details = told.find_map(|headers| headers.get(DETAILS))?;
    let details = BASE64.decode(details.as_bytes()).ok()?;
    let details = Status::decode(&*details).ok()?.details.into_iter();
    let mut retry = details.filter(|detail| {
        let name = detail.type_url.rsplit('/').next();
        name == Some(RETRY_INFO)
    });
    RetryInfo::decode(&*retry.next()?.value).ok()
}

/// `google.rpc.Status`, as much of it as is read.
#[derive(Clone, PartialEq, Eq, Message)]
struct Status {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Eq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Eq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl RetryInfo {
    /// How long it wants to be left alone; without a word about it, the usual pauses hold.
    fn after(self) -> Option<Duration> {
        let Delay { seconds, nanos } = self.delay?;
        let seconds = u64::try_from(seconds).ok().map(Duration::from_secs)?;
        let nanos = u64::try_from(nanos).ok().map(Duration::from_nanos)?;
        Some(seconds.saturating_add(nanos))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode, Version};

    use super::*;

    fn answer(details: Option<&str>) -> Answer {
        let mut trailers = HeaderMap::new();
        if let Some(details) = details {
            trailers.insert(DETAILS, HeaderValue::from_str(details).unwrap());
        }
        Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            trailers,
            foreign_encoding: None,
            version: Version::HTTP_2,
        }
    }

    /// Whether another try may pass, and when.
    fn tried_again(code: Option<u16>, details: Option<&str>) -> (bool, Option<Duration>) {
        let fault = Fault::new(Reason::ServerFault, "so it ended");
        match refusal(code, &answer(details), fault) {
            Refusal::Passing { after, .. } => (true, after),
            Refusal::Final(why) => {
                assert_eq!(why, "so it ended");
                (false, None)
            }
        }
    }

    /// A field of bytes, as Protocol Buffers write it: its number and sort, its length, and it.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        assert!(length < 0x80, "a length of one byte");
        [&[(number << 3) | 2, length], bytes].concat()
    }

    fn detail(name: &str, value: &[u8]) -> Vec<u8> {
        let url = format!("type.googleapis.com/{name}");
        field(3, &[field(1, url.as_bytes()), field(2, value)].concat())
    }

    /// A status with the code and the words that nobody reads, and these details.
    fn status(details: &[Vec<u8>]) -> Vec<u8> {
        let head = [vec![0x08, 8], field(2, b"full")].concat();
        [head, details.concat()].concat()
    }

    #[test]
    fn what_a_collector_asks_for_is_heard_behind_other_details_and_however_it_is_padded() {
        let other = detail("google.rpc.DebugInfo", &field(2, b"why"));
        let delay = |bytes: &[u8]| detail(RETRY_INFO, &field(1, bytes));
        // 500 000 000 in groups of seven bits, the lowest first.
        let half = [0x10, 0x80, 0xca, 0xb5, 0xee, 0x01];
        let one_and_a_half = delay(&[&[0x08, 1], &half[..]].concat());
        let less_than_none = delay(&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
        let some = |millis| Some(Duration::from_millis(millis));
        for (details, expected) in [
            (vec![other.clone(), one_and_a_half], (true, some(1_500))),
            (vec![delay(&half)], (true, some(500))),
            (vec![delay(&[])], (true, some(0))),
            (vec![detail(RETRY_INFO, &[])], (true, None)),
            (vec![less_than_none], (true, None)),
            (vec![detail(RETRY_INFO, &[0xff])], (false, None)),
            (vec![other], (false, None)),
            (vec![], (false, None)),
        ] {
            let status = status(&details);
            let padded = base64::engine::general_purpose::STANDARD.encode(&status);
            for text in [&*padded, padded.trim_end_matches('=')] {
                assert_eq!(tried_again(Some(8), Some(text)), expected, "{details:?}");
                let unavailable = tried_again(Some(14), Some(text));
                assert_eq!(unavailable, (true, expected.1), "{details:?}");
                assert!(!tried_again(Some(3), Some(text)).0, "INVALID_ARGUMENT");
            }
        }
        assert_eq!(tried_again(Some(8), Some("no base64!")), (false, None));
        assert_eq!(tried_again(Some(8), None), (false, None));
    }

    #[test]
    fn the_statuses_that_allow_another_try_are_those_of_the_protocol() {
        let allowed = (0..=17).filter(|code| tried_again(Some(*code), None).0);
        assert_eq!(allowed.collect::<Vec<u16>>(), [1, 4, 10, 11, 14, 15]);
        assert_eq!(tried_again(None, None), (false, None));
        let fault = |reason| Fault::new(reason, "503");
        let between = refusal(None, &answer(None), fault(Reason::NotReady));
        assert!(matches!(between, Refusal::Passing { after: None, .. }));
    }
}
