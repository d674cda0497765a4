//! The two messages of the health protocol, and the frame around a message: a flag, its length, and
//! it (gRPC over HTTP/2, "Length-Prefixed-Message"). Written by hand: one text out, one number in.

use bytes::Bytes;

/// The health of a service that serves.
pub const SERVING: &str = "SERVING";

/// The request for the health of a service: field 1, a text; left out where it is empty.
pub fn check(service: &str) -> Vec<u8> {
    if service.is_empty() {
        return Vec::new();
    }
    let mut bytes = vec![TEXT_ONE];
    let mut length = service.len();
    while length >= 0x80 {
        bytes.push(0x80 | low_bits(length));
        length >>= 7;
    }
    bytes.push(low_bits(length));
    bytes.extend_from_slice(service.as_bytes());
    bytes
}

/// The lowest seven bits.
fn low_bits(number: usize) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}

/// A message in its frame, which says whether it is compressed.
pub fn framed(message: &[u8], is_compressed: bool) -> Bytes {
    // A service's name is no four gibibytes long; one that is would be refused by any server.
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut bytes = vec![u8::from(is_compressed)];
    bytes.extend(length.to_be_bytes());
    bytes.extend_from_slice(message);
    bytes.into()
}

/// The message inside the only frame of an answer.
///
/// # Errors
/// What is wrong with the frame, as it completes "the answer of a.test: ".
pub fn unframed(body: &[u8]) -> Result<&[u8], String> {
    let Some((head, message)) = body.split_at_checked(5) else {
        return Err(format!("{} bytes are no message of gRPC", body.len()));
    };
    if head[0] != 0 {
        return Err("it is compressed, which was not offered".to_owned());
    }
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    if usize::try_from(length).is_ok_and(|length| length == message.len()) {
        Ok(message)
    } else {
        let came = message.len();
        Err(format!(
            "a message of {length} bytes is announced, and {came} are there"
        ))
    }
}

/// The health in an answer: field 1, a number. A server leaves out a zero, which is UNKNOWN.
///
/// # Errors
/// What is wrong with the message.
pub fn status(message: &[u8]) -> Result<String, String> {
    let broken = || "it is no answer of the health protocol".to_owned();
    let mut rest = message;
    let mut status = 0;
    while !rest.is_empty() {
        let (key, after) = number(rest).ok_or_else(broken)?;
        // The lowest three bits say how the field is written (Protocol Buffers, "Message
        // Structure"); fields that are not known are passed over.
        rest = match key & 7 {
            0 => {
                let (value, after) = number(after).ok_or_else(broken)?;
                if key == NUMBER_ONE {
                    status = value;
                }
                after
            }
            1 => after.get(8..).ok_or_else(broken)?,
            2 => {
                let (length, after) = number(after).ok_or_else(broken)?;
                let length = usize::try_from(length).map_err(|_| broken())?;
                after.get(length..).ok_or_else(broken)?
            }
            5 => after.get(4..).ok_or_else(broken)?,
            _ => return Err(broken()),
        };
    }
    let known = usize::try_from(status).ok().and_then(|at| NAMES.get(at));
    Ok(known.map_or_else(|| format!("STATUS_{status}"), |name| (*name).to_owned()))
}

/// A number of up to ten bytes, seven bits in each, the lowest first; and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

/// The health by its number, `grpc.health.v1.HealthCheckResponse.ServingStatus`.
const NAMES: [&str; 4] = ["UNKNOWN", SERVING, "NOT_SERVING", "SERVICE_UNKNOWN"];
/// The key of field 1 as a number, and as a text.
const NUMBER_ONE: u64 = 0x08;
const TEXT_ONE: u8 = 0x0a;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_asked_for_by_its_name() {
        assert_eq!(check(""), b"");
        assert_eq!(check("shop"), b"\x0a\x04shop");
        let long = "x".repeat(300);
        assert_eq!(check(&long)[..3], [0x0a, 0xac, 0x02]);
        assert_eq!(framed(b"ab", false)[..], *b"\0\0\0\0\x02ab");
    }

    #[test]
    fn the_health_is_read_and_fields_to_come_are_passed_over() {
        for (message, expected) in [
            (&b""[..], Ok("UNKNOWN")),
            (b"\x08\x01", Ok("SERVING")),
            (b"\x08\x02", Ok("NOT_SERVING")),
            (b"\x08\x03", Ok("SERVICE_UNKNOWN")),
            (b"\x08\xac\x02", Ok("STATUS_300")),
            (
                b"\x12\x02hi\x08\x01\x19........\x25....\x30\x05",
                Ok("SERVING"),
            ),
            (b"\x08", Err(())),
            (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", Err(())),
            (b"\x12\x05hi", Err(())),
            (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f", Err(())),
            (b"\x0b", Err(())),
            (b"<html>", Err(())),
        ] {
            let read = status(message).map_err(drop);
            assert_eq!(
                read.as_deref(),
                expected.as_ref().map(|it| *it),
                "{message:?}"
            );
        }
    }

    #[test]
    fn a_frame_holds_one_message_and_nothing_else() {
        assert_eq!(unframed(b"\0\0\0\0\x02\x08\x01"), Ok(&b"\x08\x01"[..]));
        assert_eq!(unframed(b"\0\0\0\0\0"), Ok(&b""[..]));
        for broken in [
            &b""[..],
            b"\0\0\0",
            b"\x01\0\0\0\x02\x08\x01",
            b"\0\0\0\0\x03\x08\x01",
            b"\0\0\0\0\x01\x08\x01",
            b"\0\xff\xff\xff\xff\x08\x01",
        ] {
            assert!(unframed(broken).is_err(), "{broken:?}");
        }
    }
}
