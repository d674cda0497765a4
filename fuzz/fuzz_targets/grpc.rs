//! Frames of HTTP/2 around answers of `grpc.health.v1`: lengths, messages, trailers, statuses.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper_fuzz::peer::{Manner, has_headers};
use smokejumper_fuzz::{Arena, CANARY};

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "address": format!("127.0.0.1:{port}"),
            "service": "shop.v1.Orders",
            "metadata": { "authorization": format!("Bearer {CANARY}") },
        })
    };
    let manner = Manner {
        is_asked: has_headers,
        ..Manner::default()
    };
    Arena::new("grpc", settings, manner)
});

fuzz_target!(|data: &[u8]| {
    ARENA.run(data);
});
