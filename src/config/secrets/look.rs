//! Secrets in any text, found by their look alone: what a URL says before its host, and
//! `password=…`.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::secret::{MASKED, united};

/// Who a URL says to be.
#[derive(Debug, PartialEq, Eq)]
pub struct Userinfo {
    /// The user's name; a token, where there is nothing else.
    pub user: Range<usize>,
    /// The password; empty where there is none.
    pub password: Range<usize>,
}

impl Userinfo {
    /// What of it opens a door: the password, or a token.
    #[must_use]
    pub fn secret(&self) -> Range<usize> {
        if self.password.is_empty() {
            self.user.clone()
        } else {
            self.password.clone()
        }
    }

    /// All of it, which is not shown: whoever knows the user's name knows half.
    #[must_use]
    pub const fn whole(&self) -> Range<usize> {
        let end = if self.password.end > self.user.end {
            self.password.end
        } else {
            self.user.end
        };
        self.user.start..end
    }
}

/// The text with everything masked that looks like a secret.
#[must_use]
pub fn masked(text: &str) -> String {
    let mut masked = text.to_owned();
    for range in united(places(text).collect()).into_iter().rev() {
        masked.replace_range(range, MASKED);
    }
    masked
}

/// The ranges of a text that look like secrets.
pub fn places(text: &str) -> impl Iterator<Item = Range<usize>> {
    userinfo(text).map(|found| found.whole()).chain(pairs(text))
}

/// What the URLs of a text say before their hosts.
pub fn userinfo(text: &str) -> impl Iterator<Item = Userinfo> {
    text.match_indices("://").filter_map(|(at, mark)| {
        let start = at + mark.len();
        let end = end_of(text, start, |c| c.is_whitespace() || "\"'`<>".contains(c));
        let at_sign = start + at_sign(&text[start..end])?;
        let colon = text[start..at_sign].find(':').map(|colon| start + colon);
        let (user, password) = match colon {
            Some(colon) => (start..colon, colon + 1..at_sign),
            None if lone_user_is_secret(&text[..at]) => (start..at_sign, at_sign..at_sign),
            None => return None,
        };
        let found = Userinfo { user, password };
        // A reference is not the secret itself.
        let secret = &text[found.secret()];
        (!secret.is_empty() && !secret.starts_with("${")).then_some(found)
    })
}

/// Where the userinfo of an address ends. A password with an unescaped `/`, `?` or `#` in it makes
/// no valid address, and is a secret all the same.
fn at_sign(address: &str) -> Option<usize> {
    let authority = &address[..end_of(address, 0, |c| "/?#".contains(c))];
    if let Some(at_sign) = authority.rfind('@') {
        return Some(at_sign);
    }
    let (_, port) = authority.split_once(':')?;
    let is_address = authority.starts_with('[')
        || port.starts_with("${")
        || port.bytes().all(|byte| byte.is_ascii_digit());
    if is_address { None } else { address.rfind('@') }
}

/// Whether a name without a password is one itself: servers of these schemes take tokens so.
fn lone_user_is_secret(before: &str) -> bool {
    let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
    scheme.is_some_and(|scheme| ["http", "https", "redis", "rediss"].contains(&scheme))
}

fn end_of(text: &str, start: usize, ends: impl Fn(char) -> bool) -> usize {
    text[start..]
        .find(ends)
        .map_or(text.len(), |length| start + length)
}

#[expect(
    clippy::expect_used,
    reason = "constant patterns, compiled by the tests below"
)]
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"([A-Za-z_][\w.-]*)=([^\s&"'`,;<>{}…[:cntrl:]]+|"[^"]*"?|'[^']*'?)"#)
        .expect("a valid pattern")
});

/// The values of `name=value` whose names say that they are secret: in queries, forms, connection
/// strings and assignments.
pub fn pairs(text: &str) -> impl Iterator<Item = Range<usize>> {
    PAIR.captures_iter(text).filter_map(|found| {
        let (name, value) = (found.get(1)?.as_str(), found.get(2)?);
        let secret = super::is_secret_key(name) || super::is_secret_variable(name);
        let quotes = usize::from(value.as_str().starts_with(['"', '\'']));
        let end =
            value.end() - usize::from(quotes == 1 && value.as_str()[1..].ends_with(['"', '\'']));
        let range = value.start() + quotes..end;
        (secret && !range.is_empty()).then_some(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_masked() {
        let cases = [
            ("http://u:canary@h/p", "http://***@h/p"),
            ("redis://:can@ary@h/0", "redis://***@h/0"),
            ("http://u:can/ary@h/p", "http://***@h/p"),
            ("postgres://u:can#ary?@h/p", "postgres://***@h/p"),
            ("https://canary@h/", "https://***@h/"),
            ("redis://canary@h/", "redis://***@h/"),
            ("postgres://app@h/db", "postgres://app@h/db"),
            ("http://h:80/a@b", "http://h:80/a@b"),
            ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
            ("http://h/a@b", "http://h/a@b"),
            ("http://u:${PW}@h", "http://u:${PW}@h"),
            ("http://h:${PORT}/a@b", "http://h:${PORT}/a@b"),
            (
                "a http://u:canary@h and http://v:canary@h",
                "a http://***@h and http://***@h",
            ),
            ("http://h/?api_key=canary&x=1", "http://h/?api_key=***&x=1"),
            (
                "host=db password='can ary' user=u",
                "host=db password='***' user=u",
            ),
            ("API_TOKEN=canary", "API_TOKEN=***"),
            ("user=u", "user=u"),
            ("token=", "token="),
            ("token=can…", "token=***…"),
            ("give `--var API_TOKEN=…`", "give `--var API_TOKEN=…`"),
        ];
        for (text, expected) in cases {
            assert_eq!(masked(text), expected);
        }
    }
}
