//! Settings that cannot be read, and settings that cannot work.

use super::*;

#[test]
fn settings_that_cannot_work_are_named() {
    let url = "http://127.0.0.1:1/";
    let cases = [
        (
            json!({ "url": url, "expect": {} }),
            "expect",
            "an empty expectation",
        ),
        (
            json!({ "url": url, "body": "a", "json": 1 }),
            "json",
            "has one body",
        ),
        (
            json!({ "url": url, "headers": { "a b": "c" } }),
            "headers.a b",
            "not the name",
        ),
        (
            json!({ "url": url, "headers": { "a": "c\nd" } }),
            "headers.a",
            "no header can carry",
        ),
        (
            json!({ "url": url, "headers": { "content-length": "1" } }),
            "headers.content-length",
            "by the protocol",
        ),
        (
            json!({ "url": url, "headers": { "a": "1", "A": "2" } }),
            "headers.a",
            "twice",
        ),
        (
            json!({ "url": url, "body_limit": "65MiB" }),
            "body_limit",
            "not read",
        ),
        (
            json!({ "url": url, "expect": { "headers": { "a b": 1 } } }),
            "expect.headers.a b",
            "not the name",
        ),
        (
            json!({ "url": url, "tls": { "ca": "/nowhere/ca.pem" } }),
            "tls.ca",
            "cannot read",
        ),
    ];
    for (settings, path, message) in cases {
        let misfits = build(settings.clone())
            .err()
            .unwrap_or_else(|| panic!("{settings}"));
        assert_eq!(misfits.len(), 1, "{misfits:?}");
        assert_eq!(misfits[0].path.join("."), path);
        assert!(misfits[0].message.contains(message), "{misfits:?}");
    }
}

#[test]
fn settings_that_cannot_be_read_say_what_to_write() {
    let url = "http://127.0.0.1:1/";
    let cases = [
        (json!({ "url": "example.com" }), "not an address"),
        (
            json!({ "url": "ftp://example.com" }),
            "write http:// or https://",
        ),
        (json!({ "url": url, "method": "CONNECT" }), "tunnel"),
        (json!({ "url": url, "redirects": "never" }), "follow"),
        (
            json!({ "url": url, "expect": { "status": 20 } }),
            "write 200, [200, 204] or 2xx",
        ),
        (
            json!({ "url": url, "expect": { "status": "ok" } }),
            "write 200, [200, 204] or 2xx",
        ),
        (
            json!({ "url": url, "expect": { "status": [] } }),
            "expects nothing",
        ),
        (
            json!({ "url": url, "expect": { "json": { "status": 1 } } }),
            "starts with `$`",
        ),
        (
            json!({ "url": url, "expect": { "body": { "contain": 1 } } }),
            "not_contains",
        ),
    ];
    for (settings, message) in cases {
        let error = registry::build("http", settings.clone(), &Surroundings::default())
            .expect("the kind is registered")
            .err()
            .unwrap_or_else(|| panic!("{settings}"))
            .to_string();
        assert!(error.contains(message), "{settings}: {error}");
    }
}

#[test]
fn what_stands_there_and_says_nothing_is_no_default() {
    for settings in [
        json!({ "url": "http://127.0.0.1:1/", "expect": null }),
        json!({ "url": "http://127.0.0.1:1/", "expect": { "status": null } }),
        json!({ "url": "http://127.0.0.1:1/", "expect": { "json": {} } }),
        json!({ "url": "http://127.0.0.1:1/", "expect": { "json": null } }),
    ] {
        let read = registry::build("http", settings.clone(), &Surroundings::default())
            .expect("the kind is registered");
        assert!(read.is_err(), "{settings}");
    }
}

#[test]
fn the_schema_documents_every_setting() {
    let entry = registry::KINDS
        .iter()
        .find(|kind| kind.name == "http")
        .expect("it is listed");
    let mut generator = schemars::SchemaGenerator::default();
    (entry.schema)(&mut generator);
    let definitions = json!(generator.definitions());
    let settings = definitions["HttpSettings"]["properties"]
        .as_object()
        .expect("properties");
    assert!(
        settings.contains_key("url") && settings.contains_key("expect"),
        "{settings:?}"
    );
    for (name, schema) in settings {
        assert!(
            schema["description"].is_string(),
            "{name} has no description"
        );
    }
    assert!(
        definitions["Matcher"]["anyOf"].is_array(),
        "the matcher is one definition"
    );
}
