//! Frames of HTTP/2: settings, headers and their compression, data, windows, resets, goodbyes.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper_fuzz::peer::Manner;
use smokejumper_fuzz::{Arena, CANARY};

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "url": format!("http://127.0.0.1:{port}/health"),
            "protocol": "http2",
            "headers": { "x-api-key": CANARY },
            "body_limit": "64KiB",
            "expect": { "status": 200, "json": { "$.status": "ok" } },
        })
    };
    let manner = Manner {
        is_asked: has_headers,
        ..Manner::default()
    };
    Arena::new("http", settings, manner)
});

fuzz_target!(|data: &[u8]| {
    ARENA.run(data);
});

/// Whether the request has come: a frame of type HEADERS behind the preface (RFC 9113, sections 3.4
/// and 4.1). Whatever is said of its stream before that is an error of its own.
fn has_headers(sent: &[u8]) -> bool {
    let mut rest = sent.get(PREFACE..).unwrap_or_default();
    while let [a, b, c, kind, tail @ ..] = rest {
        if *kind == HEADERS {
            return true;
        }
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        rest = tail.get(FLAGS_AND_STREAM + length..).unwrap_or_default();
    }
    false
}

const PREFACE: usize = 24;
const HEADERS: u8 = 1;
const FLAGS_AND_STREAM: usize = 5;
