//! Frames of a WebSocket behind a handshake that was accepted: texts, fragments, pings, closes. The first
//! byte may refuse the handshake instead.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper_fuzz::peer::{Manner, is_request};
use smokejumper_fuzz::{Arena, CANARY};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "url": format!("ws://127.0.0.1:{port}/prices"),
            "headers": { "authorization": format!("Bearer {CANARY}") },
            "dialogue": [
                { "send_json": { "type": "subscribe" } },
                { "expect_json": { "$.type": "subscribed" }, "skip": 3 },
                { "expect_json": { "$.price": { "gt": 0 } }, "skip": 3 },
            ],
        })
    };
    let manner = Manner {
        is_asked: is_request,
        repeats: accepted,
        ..Manner::default()
    };
    Arena::new("websocket", settings, manner)
});

fuzz_target!(|data: &[u8]| {
    ARENA.run(data);
});

/// The frames behind an answer that accepts the key of the request (RFC 6455, section 4.2.2), unless
/// what is said begins with `!`.
fn accepted(sent: &[u8], frames: Vec<u8>) -> Vec<u8> {
    if let Some(refusal) = frames.strip_prefix(b"!") {
        return refusal.to_vec();
    }
    let sent = String::from_utf8_lossy(sent);
    let key = sent.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then(|| value.trim())
    });
    let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
    let head = format!(
        "HTTP/1.1 101 x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {accept}\r\n\r\n"
    );
    [head.as_bytes(), &frames].concat()
}
