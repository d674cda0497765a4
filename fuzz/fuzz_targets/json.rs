//! Bodies under JSON expectations with every operator; nothing travels here, so that it is fast.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper::expect::{Document, JsonExpectations, shown};
use smokejumper_fuzz::line;

static EXPECTED: LazyLock<JsonExpectations> = LazyLock::new(|| {
    let expected = json!({
        "$.status": "ok",
        "$..id": { "gt": 10 },
        "$.checks[*].ms": { "each": { "lt": 100.5 } },
        "$.checks[?@.up == true].name": { "contains": "db" },
        "$.n": { "any": [{ "ge": "0x10" }, { "le": 3 }] },
        "$.list": { "len": { "gt": 2 } },
        "$.list[-1]": { "in": [1, "two", null] },
        "$.text": { "matches": "^[a-z]+(-[0-9]{1,3})?$" },
        "$['a b']": { "not": { "starts_with": "x" } },
        "$.maybe": { "exists": false },
        "$.kind": { "type": "object" },
        "$.deep[0][0][0]": { "ne": 0 },
    });
    serde_json::from_value(expected).expect("expectations")
});

fuzz_target!(|data: &[u8]| {
    let document = Document::read(data);
    let faults = EXPECTED.faults(&document);
    assert!(!faults.is_empty() || matches!(document, Document::Parsed(_)));
    faults.iter().for_each(|fault| line(fault));
    // What is observed of an answer is compared with what was: it must be the same again.
    assert_eq!(
        EXPECTED.observed(&document),
        EXPECTED.observed(&Document::read(data))
    );
    if let Document::Parsed(value) = &document {
        line(&shown(value));
    }
});
