//! Packets of a MySQL server: its greeting, logins, OK, errors, rows in text. It speaks first, and all at
//! once: the client reads what it needs when it gets there.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper::sample::Reason;
use smokejumper_fuzz::peer::Manner;
use smokejumper_fuzz::{Arena, CANARY};

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "url": format!("mysql://smoke:{CANARY}@127.0.0.1:{port}/app?ssl-mode=disabled"),
            "query": "select count(*) as waiting, now() as at from jobs",
            "expect": { "rows": 1 },
        })
    };
    let manner = Manner {
        is_asked: |_| true,
        ..Manner::default()
    };
    // That a right is missing is the server's to say.
    Arena::new("mysql", settings, manner).excusing(&[Reason::NotPermitted])
});

fuzz_target!(|data: &[u8]| {
    ARENA.run(data);
});
