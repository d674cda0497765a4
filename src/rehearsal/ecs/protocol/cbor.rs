//! CBOR (RFC 8949) as far as AWS's RPC protocol needs it: JSON values, definite and indefinite
//! lengths, and times. Numbers that are not whole are written as doubles; a number under a name
//! that ends in `Timestamp`, and each in a list under `Timestamps`, is written as a time.

use serde_json::{Map, Number, Value};

/// A value, when the whole body is one.
pub(super) fn read(body: &[u8]) -> Option<Value> {
    let mut rest = body;
    let value = item(&mut rest, DEEPEST)?;
    rest.is_empty().then_some(value)
}

/// The bytes of a value.
pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(value, &mut bytes);
    bytes
}

fn put(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(NULL),
        Value::Bool(flag) => bytes.push(if *flag { TRUE } else { FALSE }),
        Value::Number(number) => put_number(number, bytes),
        Value::String(text) => {
            head(TEXT, text.len() as u64, bytes);
            bytes.extend(text.as_bytes());
        }
        Value::Array(items) => {
            head(ARRAY, items.len() as u64, bytes);
            for item in items {
                put(item, bytes);
            }
        }
        Value::Object(members) => {
            head(MAP, members.len() as u64, bytes);
            for (name, member) in members {
                head(TEXT, name.len() as u64, bytes);
                bytes.extend(name.as_bytes());
                match member {
                    Value::Array(times) if name.ends_with("Timestamps") => put_times(times, bytes),
                    Value::Number(_) if name.ends_with("Timestamp") => put_time(member, bytes),
                    member => put(member, bytes),
                }
            }
        }
    }
}

fn put_time(time: &Value, bytes: &mut Vec<u8>) {
    head(TAG, EPOCH_TIME, bytes);
    put(time, bytes);
}

fn put_times(times: &[Value], bytes: &mut Vec<u8>) {
    head(ARRAY, times.len() as u64, bytes);
    times.iter().for_each(|time| put_time(time, bytes));
}

fn put_number(number: &Number, bytes: &mut Vec<u8>) {
    if let Some(natural) = number.as_u64() {
        head(UNSIGNED, natural, bytes);
    } else if let Some(negative) = number.as_i64() {
        head(NEGATIVE, negative.unsigned_abs() - 1, bytes);
    } else {
        bytes.push(DOUBLE);
        bytes.extend(number.as_f64().unwrap_or_default().to_be_bytes());
    }
}

/// The head of an item: its major type and its argument, always in eight bytes.
fn head(major: u8, argument: u64, bytes: &mut Vec<u8>) {
    bytes.push(major << 5 | EIGHT_BYTES);
    bytes.extend(argument.to_be_bytes());
}

fn item(rest: &mut &[u8], depth: u8) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let first = *rest.first()?;
    *rest = rest.get(1..)?;
    let (major, short) = (first >> 5, first & 0x1f);
    if short == INDEFINITE {
        return indefinite(major, rest, depth);
    }
    let argument = argument(short, rest)?;
    match major {
        UNSIGNED => Some(Value::from(argument)),
        NEGATIVE => Some(Value::from(-1 - i64::try_from(argument).ok()?)),
        TEXT => text(argument, rest),
        ARRAY => (0..argument).map(|_| item(rest, depth)).collect(),
        MAP => {
            let members = (0..argument).map(|_| member(rest, depth));
            members.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        TAG => item(rest, depth),
        SIMPLE => simple(first, argument),
        _ => None,
    }
}

fn member(rest: &mut &[u8], depth: u8) -> Option<(String, Value)> {
    match item(rest, depth)? {
        Value::String(name) => Some((name, item(rest, depth)?)),
        _ => None,
    }
}

fn indefinite(major: u8, rest: &mut &[u8], depth: u8) -> Option<Value> {
    let mut items = Vec::new();
    let mut members = Map::new();
    while *rest.first()? != BREAK {
        match major {
            ARRAY => items.push(item(rest, depth)?),
            MAP => members.extend([member(rest, depth)?]),
            _ => return None,
        }
    }
    *rest = rest.get(1..)?;
    Some(if major == ARRAY {
        Value::Array(items)
    } else {
        Value::Object(members)
    })
}

fn argument(short: u8, rest: &mut &[u8]) -> Option<u64> {
    if short < ONE_BYTE {
        return Some(u64::from(short));
    }
    let length = 1_usize << short.checked_sub(ONE_BYTE).filter(|power| *power <= 3)?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    )
}

fn text(length: u64, rest: &mut &[u8]) -> Option<Value> {
    let (bytes, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = after;
    Some(Value::from(std::str::from_utf8(bytes).ok()?))
}

fn simple(first: u8, argument: u64) -> Option<Value> {
    match first {
        FALSE => Some(Value::Bool(false)),
        TRUE => Some(Value::Bool(true)),
        NULL => Some(Value::Null),
        FLOAT => u32::try_from(argument)
            .ok()
            .map(|bits| Value::from(f32::from_bits(bits))),
        DOUBLE => Some(Value::from(f64::from_bits(argument))),
        _ => None,
    }
}

/// The major types of RFC 8949, 3.1.
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;
/// Short arguments that say that so many bytes follow, or that no length is given.
const ONE_BYTE: u8 = 24;
const EIGHT_BYTES: u8 = 27;
const INDEFINITE: u8 = 31;
/// Whole first bytes.
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;
const FLOAT: u8 = 0xfa;
const DOUBLE: u8 = 0xfb;
const BREAK: u8 = 0xff;
/// The tag of seconds since 1970.
const EPOCH_TIME: u64 = 1;
/// No request nests deeper; a body of openings alone ends here.
const DEEPEST: u8 = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_again() {
        let value = json!({
            "names": ["a", "ü"], "count": 7, "less": -3, "share": 0.5, "none": null, "on": true,
            "updatedTimestamp": 1_795_248_000_u64, "Timestamps": [1_795_248_000_u64, 1_795_248_060_u64],
        });
        assert_eq!(read(&write(&value)), Some(value));
    }

    #[test]
    fn short_and_indefinite_forms_are_read_and_garbage_is_not() {
        let cases: [(&[u8], Option<Value>); 6] = [
            (&[0x17], Some(json!(23))),
            (&[0x18, 0x64], Some(json!(100))),
            (
                &[0xbf, 0x61, b'a', 0x9f, 1, 0xff, 0xff],
                Some(json!({ "a": [1] })),
            ),
            (&[0x62, b'a'], None),
            (&[0x01, 0x01], None),
            (&[0x81; 64], None),
        ];
        for (bytes, value) in cases {
            assert_eq!(read(bytes), value, "{bytes:02x?}");
        }
    }
}
