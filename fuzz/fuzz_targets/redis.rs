//! Replies of a Redis server (RESP 2 and 3) to AUTH, SELECT, PING and INFO, and the text of INFO.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper_fuzz::peer::Manner;
use smokejumper_fuzz::{Arena, CANARY};

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "url": format!("redis://smoke:{CANARY}@127.0.0.1:{port}/2"),
            "expect": { "info": { "role": "master", "db0.keys": { "gt": 3 }, "loading": 0 } },
        })
    };
    Arena::new("redis", settings, Manner::default())
});

fuzz_target!(|data: &[u8]| {
    ARENA.run(data);
});
