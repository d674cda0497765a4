//! Frames of HTTP/2: settings, headers and their compression, data, windows, resets, goodbyes.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper_fuzz::peer::{Manner, has_headers};
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
