//! Bodies under JSON expectations with every operator; nothing travels here, so that it is fast.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper::expect::{Document, JsonExpectations, shown};
use smokejumper_fuzz::line;

/// Each by itself: of several, those after the first that is not met are not evaluated.
static EXPECTED: LazyLock<Vec<JsonExpectations>> = LazyLock::new(|| {
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
    let each = expected.as_object().expect("a mapping").iter();
    each.map(|(path, matcher)| {
        let alone = json!({ path.as_str(): matcher });
        serde_json::from_value(alone).expect("an expectation")
    })
    .collect()
});

fuzz_target!(|data: &[u8]| {
    let document = Document::read(data);
    let again = Document::read(data);
    for expected in EXPECTED.iter() {
        let unmet = expected.first_unmet(&document, None);
        assert!(unmet.is_some() || matches!(document, Document::Parsed(_)));
        unmet.iter().for_each(|unmet| line(&unmet.text));
        // What is observed of an answer is compared with what was: it must be the same again.
        assert_eq!(expected.observed(&document), expected.observed(&again));
    }
    if let Document::Parsed(value) = &document {
        line(&shown(value));
    }
});
