//! What a server says in a dialogue over TCP. It answers each question with its next line.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper_fuzz::peer::Manner;
use smokejumper_fuzz::{Arena, CANARY};

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "address": format!("127.0.0.1:{port}"),
            "dialogue": [
                { "send": format!("auth {CANARY}\r\n") },
                { "expect": { "starts_with": "OK" } },
                { "send": "stats\r\n" },
                { "expect": { "matches": "^load [0-9.]+$" } },
            ],
        })
    };
    let manner = Manner {
        parts: |data| {
            let lines = data.split_inclusive(|byte| *byte == b'\n');
            lines.map(<[u8]>::to_vec).collect()
        },
        ..Manner::default()
    };
    Arena::new("tcp", settings, manner)
});

fuzz_target!(|data: &[u8]| {
    ARENA.run(data);
});
