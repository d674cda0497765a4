//! The cookies that a flow or a session keeps from one request to the next, as RFC 6265 has a client
//! do: by host, path and `Secure`, until they are deleted or their time is over.
//!
//! It knows no list of public suffixes: a server that sets a cookie for a whole top-level domain
//! reaches nobody here but the hosts that the same flow asks. Called by the kinds that speak HTTP.

mod cookie;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use url::{Host, Url};

use crate::clock::WallTime;
pub use cookie::Cookie;

/// Cookies that are kept; whoever holds the same jar shares them.
#[derive(Default)]
pub struct Cookies(Mutex<Vec<Kept>>);

struct Kept {
    cookie: Cookie,
    /// The host that it goes to.
    host: String,
    /// Whether hosts below that one get it as well.
    below: bool,
    path: String,
    /// When it is over; absent where it lasts as long as the jar.
    until: Option<WallTime>,
}

impl Cookies {
    /// Takes what the answer to a request of `url` sets. A cookie for a host that `url` is no part of
    /// is passed over, as is one too many or too long to keep.
    pub fn take(&self, url: &Url, header: &str, now: WallTime) {
        let Some(cookie) = Cookie::parse(header).filter(|_| header.len() <= LONGEST) else {
            return;
        };
        let Some(host) = url.host_str().map(str::to_ascii_lowercase) else {
            return;
        };
        let (domain, below) = match &cookie.domain {
            Some(domain) if belongs(&host, domain, url) => (domain.clone(), true),
            Some(_) => return,
            None => (host, false),
        };
        let path = cookie.path.clone().unwrap_or_else(|| folder(url.path()));
        let until = end(&cookie, now);
        let mut kept = self.kept();
        kept.retain(|known| {
            known.cookie.name != cookie.name || known.host != domain || known.path != path
        });
        let is_over = until.is_some_and(|until| until <= now);
        if !is_over && kept.len() < MOST {
            kept.push(Kept {
                cookie,
                host: domain,
                below,
                path,
                until,
            });
        }
    }

    /// The header `cookie` of a request of `url`, those of longer paths first (RFC 6265, section 5.4);
    /// absent where none goes there.
    #[must_use]
    pub fn header(&self, url: &Url, now: WallTime) -> Option<String> {
        let kept = self.kept();
        let mut going: Vec<&Kept> = kept.iter().filter(|one| one.goes_to(url, now)).collect();
        going.sort_by_key(|one| std::cmp::Reverse(one.path.len()));
        let pairs = going.iter().map(|one| {
            let Cookie { name, value, .. } = &one.cookie;
            format!("{name}={value}")
        });
        let pairs: Vec<String> = pairs.collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The values of all cookies, which are credentials more often than not.
    #[must_use]
    pub fn values(&self) -> Vec<String> {
        let kept = self.kept();
        kept.iter().map(|one| one.cookie.value.clone()).collect()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept().is_empty()
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the values.
        write!(f, "Cookies({})", self.kept().len())
    }
}

impl Kept {
    fn goes_to(&self, url: &Url, now: WallTime) -> bool {
        let host = url.host_str().unwrap_or_default();
        let is_there = host.eq_ignore_ascii_case(&self.host)
            || (self.below && belongs(&host.to_ascii_lowercase(), &self.host, url));
        let path = url.path();
        let is_below = path.strip_prefix(self.path.as_str()).is_some_and(|rest| {
            rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/')
        });
        is_there
            && is_below
            && (!self.cookie.secure || url.scheme() == "https")
            && self.until.is_none_or(|until| until > now)
    }
}

/// Whether a host is a domain or lies below it (RFC 6265, section 5.1.3); an address is nobody's part.
fn belongs(host: &str, domain: &str, url: &Url) -> bool {
    let is_name = matches!(url.host(), Some(Host::Domain(_)));
    let below = || {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.'))
    };
    host == domain || (is_name && domain.contains('.') && below())
}

/// The path for which a cookie is meant that names none (RFC 6265, section 5.1.4).
fn folder(path: &str) -> String {
    match path.rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(last) => path[..last].to_owned(),
    }
}

/// When a cookie is over: `Max-Age` goes before `Expires`.
fn end(cookie: &Cookie, now: WallTime) -> Option<WallTime> {
    if let Some(seconds) = cookie.max_age {
        let span = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        return Some(WallTime::since_unix_epoch(now.unix().saturating_add(span)));
    }
    let written = cookie.expires.as_ref()?.replace('-', " ");
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let seconds = parser.parse_timestamp(written.trim()).ok()?.as_second();
    let span = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    Some(WallTime::since_unix_epoch(span))
}

/// More cookies than these are kept of nobody (RFC 6265, section 6.1: at least 50 for each domain).
const MOST: usize = 200;
/// A longer header sets no cookie (RFC 6265, section 6.1: at least 4096 bytes for each cookie).
const LONGEST: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> WallTime {
        WallTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn a_cookie_goes_where_it_is_meant_for() {
        let cases = [
            (
                "a=1",
                "https://api.test/x/y",
                "https://api.test/x/z",
                Some("a=1"),
            ),
            ("a=1", "https://api.test/x/y", "https://api.test/xx", None),
            (
                "a=1; Path=/",
                "https://api.test/x/y",
                "https://api.test/",
                Some("a=1"),
            ),
            (
                "a=1; Path=/",
                "https://api.test/",
                "https://www.api.test/",
                None,
            ),
            (
                "a=1; Path=/; Domain=api.test",
                "https://api.test/",
                "https://www.api.test/",
                Some("a=1"),
            ),
            (
                "a=1; Path=/; Domain=api.test",
                "https://www.api.test/",
                "https://api.test/",
                Some("a=1"),
            ),
            (
                "a=1; Path=/; Domain=other.test",
                "https://api.test/",
                "https://other.test/",
                None,
            ),
            (
                "a=1; Path=/; Domain=test",
                "https://api.test/",
                "https://other.test/",
                None,
            ),
            (
                "a=1; Path=/; Domain=0.0.1",
                "http://127.0.0.1/",
                "http://127.0.0.1/",
                None,
            ),
            (
                "a=1; Path=/; Secure",
                "https://api.test/",
                "http://api.test/",
                None,
            ),
            (
                "a=1; Path=/",
                "http://127.0.0.1:1/",
                "http://127.0.0.1:2/",
                Some("a=1"),
            ),
            (
                "a=1; Path=/; Max-Age=0",
                "https://api.test/",
                "https://api.test/",
                None,
            ),
            (
                "a=1; Path=/; Max-Age=60",
                "https://api.test/",
                "https://api.test/",
                Some("a=1"),
            ),
            (
                "a=1; Path=/; Expires=Thu, 01-Jan-1970 00:00:00 GMT",
                "https://api.test/",
                "https://api.test/",
                None,
            ),
            (
                "a=1; Path=/; Expires=Thu, 01 Jan 2099 00:00:00 GMT",
                "https://api.test/",
                "https://api.test/",
                Some("a=1"),
            ),
        ];
        for (set, from, to, sent) in cases {
            let cookies = Cookies::default();
            cookies.take(&url(from), set, at(1_800_000_000));
            let header = cookies.header(&url(to), at(1_800_000_001));
            assert_eq!(header.as_deref(), sent, "{set} of {from} to {to}");
        }
    }

    #[test]
    fn a_cookie_is_replaced_deleted_and_outlived() {
        let (here, cookies) = (url("https://api.test/"), Cookies::default());
        cookies.take(&here, "a=1; Max-Age=10", at(100));
        cookies.take(&here, "b=2; Path=/deep", at(100));
        cookies.take(&here, "a=3; Max-Age=10", at(105));
        assert_eq!(cookies.header(&here, at(112)).as_deref(), Some("a=3"));
        let deep = url("https://api.test/deep/x");
        assert_eq!(cookies.header(&deep, at(112)).as_deref(), Some("b=2; a=3"));
        assert_eq!(cookies.header(&deep, at(115)).as_deref(), Some("b=2"));
        cookies.take(&deep, "b=; Path=/deep; Max-Age=-1", at(116));
        assert_eq!(cookies.header(&deep, at(116)), None);
    }

    #[test]
    fn what_is_kept_is_bounded_and_does_not_print_itself() {
        let (here, cookies) = (url("https://api.test/"), Cookies::default());
        for number in 0..MOST * 2 {
            cookies.take(&here, &format!("c{number}=canary"), at(1));
        }
        cookies.take(&here, &format!("long={}", "x".repeat(LONGEST)), at(1));
        assert_eq!(cookies.values().len(), MOST);
        assert_eq!(format!("{cookies:?}"), format!("Cookies({MOST})"));
    }
}
