//! Compressed bodies: the first byte chooses how the answer says that it is encoded.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper::sample::{Outcome, Reason};
use smokejumper_fuzz::Arena;
use smokejumper_fuzz::peer::{Manner, is_request};

const ENCODINGS: [&str; 6] = [
    "gzip",
    "deflate",
    "gzip, gzip",
    "gzip, deflate",
    "identity, x-gzip",
    "br",
];
/// What a decompressed body may have.
const LIMIT: f64 = 65_536.0;

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "url": format!("http://127.0.0.1:{port}/"),
            "body_limit": "64KiB",
            "expect": { "status": 200, "json": { "$.status": { "exists": true } } },
        })
    };
    let manner = Manner {
        parts: |data| vec![answer(data)],
        is_asked: is_request,
        ..Manner::default()
    };
    Arena::new("http", settings, manner)
});

fuzz_target!(|data: &[u8]| {
    let sample = ARENA.run(data);
    let size = sample
        .readings
        .iter()
        .find(|reading| &*reading.name == "body_bytes");
    assert!(size.is_none_or(|size| size.value <= LIMIT), "{size:?}");
    let reason = sample.fault.as_ref().map(|fault| fault.reason);
    let expected = [Reason::Expectation, Reason::TooLarge, Reason::Malformed];
    assert!(
        sample.outcome == Outcome::Pass || reason.is_some_and(|reason| expected.contains(&reason)),
        "a whole answer is judged: {:?}",
        sample.fault
    );
});

fn answer(data: &[u8]) -> Vec<u8> {
    let (chosen, body) = data.split_first().unwrap_or((&0, &[]));
    let encoding = ENCODINGS[usize::from(*chosen) % ENCODINGS.len()];
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
