//! Answers of a name server to a check's question, over TCP: records of every type, names that point at
//! themselves, codes, flags. Each repeats the number of the question, or nothing of it would be read.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper_fuzz::Arena;
use smokejumper_fuzz::peer::Manner;

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "name": "example.com",
            "server": format!("127.0.0.1:{port}"),
            "transport": "tcp",
            "expect": { "records": { "contains": "192.0.2.1" }, "ttl": { "le": 300 } },
        })
    };
    let manner = Manner {
        is_asked: |sent| sent.len() > HEAD,
        repeats: numbered,
        ..Manner::default()
    };
    Arena::new("dns", settings, manner)
});

fuzz_target!(|data: &[u8]| {
    ARENA.run(data);
});

/// The message behind its length (RFC 1035, section 4.2.2), with the number of the question.
fn numbered(sent: &[u8], message: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let mut answer = length.to_be_bytes().to_vec();
    answer.extend(message);
    if let (Some(number), Some(place)) = (sent.get(2..4), answer.get_mut(2..4)) {
        place.copy_from_slice(number);
    }
    answer
}

/// A length and a header.
const HEAD: usize = 14;
