//! Answers of HTTP/1: status lines, headers, lengths, chunks, trailers, redirects, JSON bodies, to a
//! check that sends a secret.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper_fuzz::peer::{Manner, is_request};
use smokejumper_fuzz::{Arena, CANARY};

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "url": format!("http://smoke:{CANARY}@127.0.0.1:{port}/health?q=1"),
            "headers": { "x-api-key": CANARY },
            "body_limit": "64KiB",
            "max_redirects": 2,
            "redirects": "same_host",
            "expect": {
                "status": [200, 204],
                "headers": { "content-type": { "contains": "json" } },
                "json": { "$.status": "ok", "$.checks[*].ms": { "each": { "lt": 100 } } },
                "body": { "not_contains": "error" },
            },
        })
    };
    let manner = Manner {
        is_asked: is_request,
        ..Manner::default()
    };
    Arena::new("http", settings, manner)
});

fuzz_target!(|data: &[u8]| {
    ARENA.run(data);
});
