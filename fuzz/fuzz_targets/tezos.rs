//! Answers of a Tezos node: whether it is bootstrapped, headers, identifiers of chains, errors. Each
//! line is the body of one answer.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper_fuzz::peer::{Manner, as_json_answers, is_request};
use smokejumper_fuzz::{Arena, CANARY};

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "url": format!("http://127.0.0.1:{port}/key/{CANARY}"),
            "headers": { "x-api-key": CANARY },
            "expect": { "head_age": { "lt": "90s" } },
        })
    };
    let manner = Manner {
        parts: as_json_answers,
        is_asked: is_request,
        ..Manner::default()
    };
    Arena::new("tezos", settings, manner)
});

fuzz_target!(|data: &[u8]| {
    ARENA.run(data);
});
