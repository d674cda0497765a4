//! Scrapes in the formats of Prometheus and OpenMetrics: names, labels, escapes, numbers, histograms. Two
//! that follow each other are compared, as in the product.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper::sample::Reason;
use smokejumper_fuzz::peer::{Manner, as_text_answer, is_request};
use smokejumper_fuzz::{Arena, CANARY};

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "url": format!("http://127.0.0.1:{port}/metrics"),
            "headers": { "authorization": format!("Bearer {CANARY}") },
            "read": {
                "users": "active_users{app=\"web\"}",
                "rate": { "rate": "http_requests_total" },
                "failed": {
                    "ratio": {
                        "of": "http_requests_total{status=~\"5..\"}",
                        "over": "http_requests_total",
                    },
                },
                "users_p95": { "quantile": 0.95, "histogram": "http_request_duration_seconds" },
            },
        })
    };
    let manner = Manner {
        parts: as_text_answer,
        is_asked: is_request,
        ..Manner::default()
    };
    // The series may not be there, or never move.
    Arena::new("metrics", settings, manner).excusing(&[Reason::NoData])
});

fuzz_target!(|data: &[u8]| {
    ARENA.run(data);
});
