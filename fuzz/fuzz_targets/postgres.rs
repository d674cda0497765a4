//! Messages of a PostgreSQL server: authentication, parameters, notices, rows of every type, errors.
//! It waits to be asked after each message that says that it is ready, as a server does.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper_fuzz::peer::Manner;
use smokejumper_fuzz::{Arena, CANARY};

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "url": format!("postgres://smoke:{CANARY}@127.0.0.1:{port}/app?sslmode=disable"),
            "query": "select count(*) as waiting, now() as at, true as up",
            "expect": { "rows": 1 },
        })
    };
    let manner = Manner {
        parts: turns,
        ..Manner::default()
    };
    Arena::new("postgres", settings, manner)
});

fuzz_target!(|data: &[u8]| {
    ARENA.run(data);
});

/// Parts that end with ReadyForQuery: its letter, its length of five, a state.
fn turns(data: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for at in 0..data.len().saturating_sub(READY.len()) {
        if at >= start && data[at..].starts_with(READY) {
            let end = at + READY.len() + 1;
            parts.push(data[start..end].to_vec());
            start = end;
        }
    }
    parts.push(data[start..].to_vec());
    parts
}

const READY: &[u8] = b"Z\0\0\0\x05";
