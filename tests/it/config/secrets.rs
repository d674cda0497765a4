//! A secret is in no message, whatever is wrong around it.

use smokejumper::config::{Sources, load};
use smokejumper::plan::compile_with;

use super::{environment, shown, toy};

/// Each text is wrong somewhere near a secret that contains the word `canary`.
const WRONG: [&str; 16] = [
    // Parsed, with a problem on the line of the secret.
    "checks:\n  db:\n    postgres: { url: \"postgres://app:canary-1@db/app\", query: 5, qeury: 6 }\n",
    "checks:\n  db:\n    postgres: { url: [\"postgres://app:can%61ry-canary@db\"], query: select 1 }\n",
    "checks:\n  web:\n    http: { url: x, headers: { authorization: Bearer canary-2, a: [b] } }\n",
    "checks:\n  web:\n    http: { url: x, headers: { X-Api-Key: \"canary 3\" }, metod: canary 3 }\n",
    "checks:\n  web:\n    http: { url: \"${SMOKE_PASSWORD}\" }\n",
    "checks:\n  web:\n    http: { url: https://x, method: \"${SMOKE_PASSWORD}\" }\n    every: ${SMOKE_PASSWORD}\n",
    "checks:\n  web:\n    http: { url: \"${file:secret}\" }\n    timeout: ${file:secret}\n",
    "checks:\n  web:\n    http: { url: \"${API_KEY:-canary-default-of-a-variable}\" }\n    every: ${API_KEY:-canary-default-of-a-variable}\n",
    "services: { api: { policy: \"${SMOKE_PASSWORD}\" } }\nchecks: { web: { http: { url: https://x } } }\n",
    "checks:\n  web:\n    http: { url: https://x }\n    tags: [\"${SMOKE_PASSWORD}\", \"${SMOKE_PASSWORD}\"]\n    thresholds: { p95: { critical: \"${SMOKE_PASSWORD}\" } }\n",
    // Not parsed: only the look of the line says what is secret.
    "checks:\n  db:\n    postgres: { url: postgres://app:canary-4@db/app, query: \"select\n",
    "checks:\n  db: { password: canary-5, url: ${X} }\n",
    "checks:\n  db:\n    password: \"canary-6\n     and canary-7\n  more\n",
    "checks:\n  db:\n    password: canary-8: canary-9\n",
    "checks:\n  db:\n    token: |\n      canary-10\n   - canary-11\n",
    "checks:\n  db: { url: \"${DB_PASSWORD:?canary-12}\", password: 'canary-13' }\n",
];

#[test]
fn no_message_shows_a_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(
        folder.path().join("secret"),
        "canary-in-file-that-is-longer-than-any-excerpt-of-a-message\n",
    )
    .expect("a file");
    for text in WRONG {
        std::fs::write(folder.path().join("a.yaml"), text).expect("a file");
        let loaded = load(&Sources {
            folder: folder.path().to_owned(),
            paths: vec!["a.yaml".into()],
            environment: environment(),
            ..Sources::default()
        });
        let compiled = compile_with(&loaded.document, &toy::Toys);
        let told = shown(&loaded, &compiled);
        assert!(!told.is_empty(), "{text:?} is right");
        for secret in ["canary", "Y2FuYXJ5"] {
            assert!(!told.contains(secret), "{text}\n{told}");
        }
        let debugged = format!("{loaded:?}");
        assert!(!debugged.contains("Mask(["), "{debugged}");
    }
}

#[test]
fn the_mask_knows_what_was_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "checks:\n  db:\n    postgres: { url: \"${DATABASE_URL}\", query: select 1 }\n  web:\n    http: { url: https://x, headers: { Cookie: \"session=canary-cookie; a=b\" } }\n";
    std::fs::write(folder.path().join("a.yaml"), text).expect("a file");
    let loaded = load(&Sources {
        folder: folder.path().to_owned(),
        paths: vec!["a.yaml".into()],
        environment: environment(),
        ..Sources::default()
    });
    for secret in [
        "canary-in-url",
        "canary-cookie",
        "session=canary-cookie; a=b",
    ] {
        assert_eq!(loaded.mask.apply(secret), "***", "{secret}");
    }
    assert_eq!(
        loaded.mask.apply("https://example.org"),
        "https://example.org"
    );
}

#[test]
fn a_url_without_a_user_hides_its_password_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in [
        "postgres://:canary-1@host/db",
        "redis://:canary-1@host:6379/0",
        "redis://:canary-1@host",
    ] {
        let text = format!("checks:\n  it:\n    redis: {{ url: \"{url}\" }}\n");
        std::fs::write(folder.path().join("a.yaml"), text).expect("a file");
        let loaded = load(&Sources {
            folder: folder.path().to_owned(),
            paths: vec!["a.yaml".into()],
            ..Sources::default()
        });
        let told = "it: expected \"\", got ' ' of 12 (canary-1)";
        let shown = "it: expected \"\", got ' ' of 12 (***)";
        assert_eq!(loaded.mask.apply(told), shown, "{url}");
    }
}
