//! A line of a log made fit to be shown: short, on one line, and without what looks like a secret. A
//! service may log what it should not, and a report goes further than a log.

use crate::probe::wire::said::one_line;
use crate::secret::MASKED;

/// The beginning of a line, what looks like a secret masked.
pub(super) fn excerpt(line: &str) -> String {
    let beginning: String = line.chars().take(READ).collect();
    let line = one_line(&beginning);
    let mut shown: Vec<String> = Vec::new();
    let mut is_next_secret = false;
    for word in line.split(' ') {
        let masked = match is_next_secret && !is_scheme(word) {
            true => MASKED.to_owned(),
            false => without_secrets(word),
        };
        let announces = announces(word);
        is_next_secret = announces || is_next_secret && is_scheme(word);
        shown.push(masked);
    }
    let whole = shown.join(" ");
    match whole.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &whole[..end]),
        None => whole,
    }
}

/// `Authorization: Bearer x`: the scheme is none.
fn is_scheme(word: &str) -> bool {
    ["bearer", "basic", "token"].contains(&plain(word).as_str())
}

/// Whether the word that follows is a secret.
fn announces(word: &str) -> bool {
    let ends_open = word.ends_with([':', '=']) || word.ends_with("\":");
    is_scheme(word) || (ends_open && is_sensitive(word))
}

/// Letters and digits alone, in small letters.
fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn is_sensitive(name: &str) -> bool {
    let name = plain(name);
    SENSITIVE.iter().any(|part| name.contains(part))
}

/// A word without its secrets: the value of a telling name, what stands before the `@` of an address,
/// and whatever is long and random.
fn without_secrets(word: &str) -> String {
    let at = word.match_indices(['=', ':']).map(|(at, _)| at);
    let named = at
        .filter(|at| is_sensitive(&word[..*at]))
        .find(|at| word.len() > at + 1 && !word[at + 1..].starts_with("//"));
    if let Some(at) = named {
        return format!("{}{MASKED}", &word[..=at]);
    }
    let login = word.split_once("://").and_then(|(scheme, rest)| {
        let host = rest.split('/').next()?;
        let (_, host) = host.rsplit_once('@')?;
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        Some(format!("{scheme}://{MASKED}@{host}{path}"))
    });
    let word = login.unwrap_or_else(|| word.to_owned());
    let mut shown = String::new();
    let mut run = String::new();
    for character in word.chars().chain(Some('\0')) {
        if character.is_ascii_alphanumeric() || "_-+".contains(character) {
            run.push(character);
            continue;
        }
        shown.push_str(if is_random(&run) { MASKED } else { &run });
        run.clear();
        if character != '\0' {
            shown.push(character);
        }
    }
    shown
}

/// Keys and tokens are long and mix digits with letters; words are not.
fn is_random(run: &str) -> bool {
    run.len() >= RANDOM
        && run.chars().any(|c| c.is_ascii_digit())
        && run.chars().any(|c| c.is_ascii_alphabetic())
}

const SENSITIVE: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "authorization",
    "cookie",
    "session",
    "signature",
];
/// An access key of AWS has twenty characters.
const RANDOM: usize = 20;
/// A line may be a quarter of a megabyte.
const READ: usize = 400;
const SHOWN: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_masked_and_the_rest_is_not() {
        let cases = [
            (
                "ERROR GET /orders timed out after 30s",
                "ERROR GET /orders timed out after 30s",
            ),
            (
                "login failed password=canary user=jo",
                "login failed password=*** user=jo",
            ),
            (
                "Authorization: Bearer canary end",
                "Authorization: Bearer *** end",
            ),
            ("{\"api_key\":\"canary\",\"a\":1}", "{\"api_key\":***"),
            ("db_password: canary", "db_password: ***"),
            (
                "connect postgres://api:canary@db:5432/api failed",
                "connect postgres://***@db:5432/api failed",
            ),
            ("key AKIAIOSFODNN7EXAMPLE used", "key *** used"),
            ("request took 12345678 ms", "request took 12345678 ms"),
        ];
        for (line, shown) in cases {
            assert_eq!(excerpt(line), shown);
        }
        let long = excerpt(&"word ".repeat(100_000));
        assert_eq!(long.chars().count(), SHOWN + 1);
    }
}
