//! Answers of an Ethereum-like node: envelopes, quantities, blocks, progress of syncing, complaints.
//! Each line is the body of one answer.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper_fuzz::peer::{Manner, as_json_answers, is_request};
use smokejumper_fuzz::{Arena, CANARY};

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "url": format!("http://127.0.0.1:{port}/v3/{CANARY}"),
            "headers": { "x-api-key": CANARY },
            "chain_id": 1,
            "expect": { "head_age": { "lt": "90s" }, "head": { "ge": 16 } },
        })
    };
    let manner = Manner {
        parts: as_json_answers,
        is_asked: is_request,
        ..Manner::default()
    };
    Arena::new("evm", settings, manner)
});

fuzz_target!(|data: &[u8]| {
    ARENA.run(data);
});
