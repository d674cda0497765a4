//! What must not be seen: which variables and keys hold secrets, and the forms in which a secret
//! travels. Everything found goes into the mask before any problem is shown.

pub mod line;
pub mod look;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};

use super::tree::{Node, Value};
use crate::secret::Mask;

/// Hides a value as it is, and the password of the URL that it may be.
pub fn hide(value: &str, mask: &Mask) {
    hide_word(value, mask);
    hide_looks(value, mask);
}

/// Hides the value of a variable if its name, or a URL in it, says that it is secret.
pub fn hide_variable(name: &str, value: &str, mask: &Mask) {
    if is_secret_variable(name) {
        hide_word(value, mask);
    }
    hide_looks(value, mask);
}

/// Hides every variable whose name says that it is secret, used or not: a target, or a library of
/// ours, may repeat what nobody referred to. Short ones are left, being words of every text.
pub fn hide_named(variables: &BTreeMap<String, String>, mask: &Mask) {
    let secret = variables.iter().filter(|(name, value)| {
        is_secret_variable(name) && value.chars().count() >= SHORTEST_UNUSED
    });
    secret.for_each(|(name, value)| hide_variable(name, value, mask));
}

/// What is shorter and not referred to is left.
const SHORTEST_UNUSED: usize = 8;

/// Hides what is written out in a tree: values under keys that name a secret, and whatever looks
/// like a secret anywhere.
pub fn hide_literals(node: &Node, mask: &Mask) {
    match &node.value {
        Value::Text(text) => hide_looks(&text.text, mask),
        Value::List(items) => items.iter().for_each(|item| hide_literals(item, mask)),
        Value::Map(entries) => {
            for entry in entries {
                if is_secret_key(&entry.key.text) {
                    hide_scalars(&entry.value, mask);
                }
                hide_literals(&entry.value, mask);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Hole => {}
    }
}

/// Hides what notifiers are declared with, whatever it comes from: who knows the address of a webhook, a
/// routing key or a token can speak for us.
pub fn hide_of_notifiers(tree: &Node, mask: &Mask) {
    let Some(section) = tree.entry("notifiers") else {
        return;
    };
    for settings in section
        .value
        .entries()
        .iter()
        .flat_map(|one| one.value.entries())
    {
        for setting in settings.value.entries() {
            match setting.key.text.as_str() {
                "url" => hide_address(&setting.value, mask),
                key if PUBLIC_SETTINGS.contains(&key) => {}
                "sign" => match setting.value.entry("secret") {
                    Some(secret) => hide_all(&secret.value, mask),
                    None => hide_all(&setting.value, mask),
                },
                // A misspelt `routing_key` is a secret as well.
                _ => hide_all(&setting.value, mask),
            }
        }
    }
}

/// The settings of notifiers that open nothing.
const PUBLIC_SETTINGS: [&str; 5] = ["method", "body", "timeout", "channel", "api"];

/// Hides an address as a whole, and what stands behind its host, which is the secret part of it.
fn hide_address(node: &Node, mask: &Mask) {
    let Value::Text(text) = &node.value else {
        return;
    };
    hide_word(&text.text, mask);
    let behind = text
        .text
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'));
    if let Some((_, path)) = behind.filter(|(_, path)| path.len() >= SHORTEST_PATH) {
        hide_word(path, mask);
        let last = path
            .rsplit('/')
            .next()
            .filter(|last| last.len() >= SHORTEST_PATH);
        last.into_iter().for_each(|last| hide_word(last, mask));
    }
}

/// A shorter path is a word like any other.
const SHORTEST_PATH: usize = 16;

/// Every scalar below a node.
fn hide_all(node: &Node, mask: &Mask) {
    hide_scalars(node, mask);
    node.entries()
        .iter()
        .for_each(|entry| hide_all(&entry.value, mask));
}

/// Whether a variable's name says that its value is secret.
#[must_use]
pub fn is_secret_variable(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    // The shell's current folder (POSIX): hidden, it would garble every path in every message.
    name != "PWD"
        && ENDINGS.iter().any(|ending| {
            let before = name.strip_suffix(ending);
            before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
        })
}

/// Whether a key's name says that its value is secret.
#[must_use]
pub fn is_secret_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', ' '], "_");
    KEYS.contains(&name.as_str())
        || KEY_ENDINGS.iter().any(|ending| name.ends_with(ending))
        || (name.ends_with("_key") && !PUBLIC_KEYS.iter().any(|public| name.ends_with(public)))
}

const ENDINGS: [&str; 15] = [
    "TOKEN",
    "KEY",
    "APIKEY",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PWD",
    "DSN",
    "CREDENTIAL",
    "CREDENTIALS",
    "DATABASE_URL",
    "COOKIE",
];

const KEYS: [&str; 8] = [
    "pwd",
    "authorization",
    "proxy_authorization",
    "x_auth",
    "cookie",
    "set_cookie",
    "credential",
    "credentials",
];

const KEY_ENDINGS: [&str; 7] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "secretkey",
];

/// Keys of tables and of messages, which open nothing.
const PUBLIC_KEYS: [&str; 6] = [
    "primary_key",
    "foreign_key",
    "partition_key",
    "public_key",
    "sort_key",
    "routing_key",
];

/// Words of the language and of the reports. Masking one of them would garble every output, and a
/// password that is one of them is no secret.
const PUBLIC_WORDS: [&str; 26] = [
    "test",
    "user",
    "admin",
    "smoke",
    "password",
    "http",
    "https",
    "postgres",
    "postgresql",
    "redis",
    "tezos",
    "true",
    "false",
    "null",
    "none",
    "pass",
    "fail",
    "warn",
    "hold",
    "accept",
    "critical",
    "warning",
    "inconclusive",
    "default",
    "service",
    "check",
];

fn hide_word(value: &str, mask: &Mask) {
    if !PUBLIC_WORDS.contains(&value.trim()) && !is_filled_in_later(value) {
        mask.hide(value);
    }
}

/// Whether a value is nothing but what is filled in at run time, `Bearer {{ token }}`: the secret comes
/// then, and what is written says only where it goes.
fn is_filled_in_later(value: &str) -> bool {
    let mut rest = value;
    let mut written = String::new();
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((_, after)) = after.split_once("}}") else {
            return false;
        };
        written.push_str(before);
        rest = after;
    }
    written.push_str(rest);
    value.contains("{{")
        && SCHEMES
            .iter()
            .chain(&[""])
            .any(|scheme| scheme.trim() == written.trim())
}

/// What stands before the credentials of a header.
const SCHEMES: [&str; 3] = ["Bearer ", "Basic ", "Token "];

/// Scalars under a secret key; also the parts of `Bearer …` and of cookies, which travel alone.
fn hide_scalars(node: &Node, mask: &Mask) {
    match &node.value {
        Value::Text(text) => {
            hide_word(&text.text, mask);
            for scheme in SCHEMES {
                if let Some(credentials) = text.text.strip_prefix(scheme) {
                    hide_word(credentials, mask);
                }
            }
            for cookie in text.text.split(';').filter(|_| text.text.contains('=')) {
                if let Some((_, value)) = cookie.split_once('=') {
                    hide_word(value, mask);
                }
            }
        }
        Value::Number(number) => hide_word(number, mask),
        Value::List(items) => items.iter().for_each(|item| hide_scalars(item, mask)),
        Value::Null | Value::Bool(_) | Value::Map(_) | Value::Hole => {}
    }
}

/// Hides what looks like a secret in a text: URLs' passwords, `password=…`, `"password": "…"`.
fn hide_looks(text: &str, mask: &Mask) {
    look::userinfo(text).for_each(|found| hide_userinfo(text, &found, mask));
    let pairs = look::pairs(text).map(|range| &text[range]);
    let values = text
        .lines()
        .flat_map(|line| line::values(line).map(|range| &line[range]));
    for value in pairs.chain(values) {
        let value = value.trim().trim_matches(['"', '\'']);
        hide_word(value, mask);
        hide_word(&percent_decoded(value), mask);
    }
}

/// Hides what a URL says before its host: as written, decoded, and as HTTP would send it.
fn hide_userinfo(text: &str, found: &look::Userinfo, mask: &Mask) {
    let secret = &text[found.secret()];
    hide_word(secret, mask);
    hide_word(&percent_decoded(secret), mask);
    let [user, password] = [&found.user, &found.password].map(|range| &text[range.clone()]);
    // A user's name is often a word like any other; servers quote it in their complaints.
    if !PUBLIC_WORDS.contains(&user) {
        mask.hide_in_quotes(&percent_decoded(user));
    }
    let pair = format!("{}:{}", percent_decoded(user), percent_decoded(password));
    for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE] {
        mask.hide(&engine.encode(&pair));
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_say_what_is_secret() {
        for name in [
            "API_TOKEN",
            "TOKEN",
            "SSH_KEY",
            "CLIENT_SECRET",
            "PGPASSWORD_PASSWORD",
            "DB_PASS",
            "DB_PWD",
            "SENTRY_DSN",
            "DATABASE_URL",
            "TEST_DATABASE_URL",
            "api_token",
        ] {
            assert!(is_secret_variable(name), "{name}");
        }
        for name in [
            "BASE_URL",
            "MONKEY",
            "TOKENS_PATH",
            "REGION",
            "COMPASS",
            "PWD",
        ] {
            assert!(!is_secret_variable(name), "{name}");
        }
    }

    #[test]
    fn names_of_keys_say_what_is_secret() {
        for name in [
            "password",
            "X-Api-Key",
            "Authorization",
            "cookie",
            "client_secret",
            "$.token",
            "X-Auth-Key",
            "access_key",
        ] {
            assert!(is_secret_key(name), "{name}");
        }
        for name in ["url", "key", "primary_key", "tags", "username"] {
            assert!(!is_secret_key(name), "{name}");
        }
    }

    #[test]
    fn the_password_of_a_url_is_hidden_in_every_form() {
        let mask = Mask::default();
        hide_variable("REDIS_URL", "redis://user:c%40nary-1@host:6379/0", &mask);
        for form in ["c%40nary-1", "c@nary-1", "dXNlcjpjQG5hcnktMQ=="] {
            assert_eq!(mask.apply(&format!("<{form}>")), "<***>", "{form}");
        }
        assert_eq!(mask.apply("redis://user:x@host"), "redis://user:x@host");
    }

    #[test]
    fn a_user_that_a_url_leaves_out_hides_nothing() {
        for url in [
            "postgres://:canary-1@host/db",
            "redis://:canary-1@host:6379/0",
            "redis://%20:canary-1@host",
            "https://:canary-1@host/",
        ] {
            let mask = Mask::default();
            hide_variable("TARGET", url, &mask);
            for plain in ["expected \"\", got \" \"", "user '' is unknown", "`` ``"] {
                assert_eq!(mask.apply(plain), plain, "{url}");
            }
            assert_eq!(mask.apply("said canary-1"), "said ***", "{url}");
        }
        let mask = Mask::default();
        hide_variable("TARGET", "redis://:canary-1@host", &mask);
        assert_eq!(mask.apply("Basic OmNhbmFyeS0x"), "Basic ***");
        for nothing in ["", " ", "https://:@host/", "https://@host/", "password=''"] {
            let mask = Mask::default();
            hide_variable("API_TOKEN", nothing, &mask);
            hide(nothing, &mask);
            let plain = "got \"\", ' ' and ``";
            assert_eq!(mask.apply(plain), plain, "{nothing:?}");
        }
    }

    #[test]
    fn what_looks_like_a_secret_in_a_text_is_hidden_everywhere() {
        for text in [
            "https://host/?api_key=canary",
            "password=canary&user=u",
            "{\"user\": \"u\", \"password\": \"canary\"}",
            "https://canary@host/",
        ] {
            let mask = Mask::default();
            hide_variable("BODY", text, &mask);
            assert_eq!(mask.apply("the canary sings"), "the *** sings", "{text}");
        }
    }

    #[test]
    fn words_of_our_own_are_not_masked() {
        let mask = Mask::default();
        hide("postgres://postgres:postgres@localhost/app", &mask);
        assert_eq!(mask.apply("kind postgres"), "kind postgres");
    }
}
