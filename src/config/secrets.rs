//! What must not be seen: which variables and keys hold secrets, and the forms in which a secret
//! travels. Everything found goes into the mask before any problem is shown.

pub mod line;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};

use super::tree::{Node, Value};
use crate::secret::Mask;

/// Hides a value as it is, and the password of the URL that it may be.
pub fn hide(value: &str, mask: &Mask) {
    hide_word(value, mask);
    hide_userinfo(value, mask);
}

/// Hides the value of a variable if its name, or a URL in it, says that it is secret.
pub fn hide_variable(name: &str, value: &str, mask: &Mask) {
    if is_secret_variable(name) {
        hide_word(value, mask);
    }
    hide_userinfo(value, mask);
}

/// Hides what is written out in a tree: values under keys that name a secret, and the passwords of
/// URLs anywhere.
pub fn hide_literals(node: &Node, mask: &Mask) {
    match &node.value {
        Value::Text(text) => hide_userinfo(&text.text, mask),
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

/// Whether a variable's name says that its value is secret.
#[must_use]
pub fn is_secret_variable(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ENDINGS.iter().any(|ending| {
        let before = name.strip_suffix(ending);
        before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
    })
}

/// Whether a key's name says that its value is secret.
#[must_use]
pub fn is_secret_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', ' '], "_");
    KEYS.contains(&name.as_str())
        || ["password", "secret", "token", "api_key", "apikey"]
            .iter()
            .any(|ending| name.ends_with(ending))
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

const KEYS: [&str; 11] = [
    "passwd",
    "passphrase",
    "pwd",
    "authorization",
    "proxy_authorization",
    "x_auth",
    "cookie",
    "set_cookie",
    "private_key",
    "access_key",
    "credentials",
];

/// Words of the language and of the reports. Masking one of them would garble every output, and a
/// password that is one of them is no secret.
const PUBLIC_WORDS: [&str; 21] = [
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
    if !PUBLIC_WORDS.contains(&value.trim()) {
        mask.hide(value);
    }
}

/// Scalars under a secret key; also the parts of `Bearer …` and of cookies, which travel alone.
fn hide_scalars(node: &Node, mask: &Mask) {
    match &node.value {
        Value::Text(text) => {
            hide_word(&text.text, mask);
            for scheme in ["Bearer ", "Basic ", "Token "] {
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

/// Hides the password of every URL in a text: as written, decoded, and as HTTP would send it.
fn hide_userinfo(text: &str, mask: &Mask) {
    for range in line::userinfo(text) {
        let password = &text[range.clone()];
        let decoded = percent_decoded(password);
        hide_word(password, mask);
        hide_word(&decoded, mask);
        let before = &text[..range.start.saturating_sub(1)];
        let user = before.rsplit_once("://").map_or(before, |(_, user)| user);
        let pair = format!("{}:{decoded}", percent_decoded(user));
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE] {
            mask.hide(&engine.encode(&pair));
        }
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
            "SENTRY_DSN",
            "DATABASE_URL",
            "TEST_DATABASE_URL",
            "api_token",
        ] {
            assert!(is_secret_variable(name), "{name}");
        }
        for name in ["BASE_URL", "MONKEY", "TOKENS_PATH", "REGION", "COMPASS"] {
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
    fn words_of_our_own_are_not_masked() {
        let mask = Mask::default();
        hide("postgres://postgres:postgres@localhost/app", &mask);
        assert_eq!(mask.apply("kind postgres"), "kind postgres");
    }
}
