//! Where a target is and who we are there, read from a connection URL: `scheme://user:pass@host:port/path?key=value`.
//!
//! Serves the kinds whose targets are declared in this way. A message about a URL that cannot be
//! used names the part that is wrong and never shows the URL: it holds a password.

use std::collections::BTreeMap;

use url::{Host, Url};

use crate::probe::Misfit;
use crate::secret::Secret;

/// The parts of a connection URL, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The scheme, in lower case.
    pub scheme: String,
    /// The name or the IP address; an IPv6 address without its brackets.
    pub host: String,
    /// The port, where the URL names one.
    pub port: Option<u16>,
    /// The user, where the URL names one.
    pub user: Option<String>,
    /// The password, where the URL has one.
    pub password: Option<Secret>,
    /// What follows the port, without the first slash; empty when nothing does.
    pub path: String,
    /// The parameters after the question mark.
    pub parameters: BTreeMap<String, String>,
}

impl Address {
    /// Reads a URL that must have one of these schemes.
    ///
    /// # Errors
    /// A [`Misfit`] at `url` for text that is no URL, another scheme, a host that is missing or
    /// more than one, a parameter given twice, and a fragment.
    pub fn parse(text: &str, schemes: &[&str]) -> Result<Self, Misfit> {
        let wrong = |message: &str| Misfit::at(&["url"], message);
        let form = format!("write {}://user:password@host:port/…", schemes[0]);
        let url = Url::parse(text.trim())
            .map_err(|error| wrong(&format!("the text is no URL: {error}")).hint(form.clone()))?;
        if !schemes.contains(&url.scheme()) {
            let message = format!("the URL must begin with {}://", schemes.join(":// or "));
            return Err(wrong(&message).hint(form));
        }
        if url.fragment().is_some() {
            return Err(wrong("the URL has a part after `#`")
                .hint("write a `#` of the password as %23, a `/` as %2F, a `@` as %40"));
        }
        let mut parameters = BTreeMap::new();
        for (key, value) in url.query_pairs() {
            if parameters.insert(key.to_string(), value.into()).is_some() {
                return Err(wrong(&format!("the URL says `{key}` twice")));
            }
        }
        Ok(Self {
            scheme: url.scheme().to_owned(),
            host: host(&url).ok_or_else(|| wrong("the URL must name one host").hint(form))?,
            port: url.port(),
            user: Some(decoded(url.username())?).filter(|user| !user.is_empty()),
            password: url
                .password()
                .map(decoded)
                .transpose()?
                .map(|p| Secret::new(&p)),
            path: decoded(url.path().trim_start_matches('/'))?,
            parameters,
        })
    }
}

fn host(url: &Url) -> Option<String> {
    let host = match url.host()? {
        Host::Domain(name) => decoded(name).ok()?,
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    (!host.is_empty() && !host.contains([',', '/'])).then_some(host)
}

fn decoded(text: &str) -> Result<String, Misfit> {
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| Misfit::at(&["url"], "a part of the URL is no UTF-8 once decoded"))
}

/// The name of a place that is asked, without who asks: `redis://cache.test:6379`.
#[must_use]
pub fn place_name(scheme: &str, host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("{scheme}://[{host}]:{port}")
    } else {
        format!("{scheme}://{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found_and_decoded() {
        let url = "postgres://ann%40home:p%40ss%2F%23@[::1]:5433/my%20db?a=1&b=x%2Fy";
        let address = Address::parse(url, &["postgres"]).unwrap();
        assert_eq!(address.user.as_deref(), Some("ann@home"));
        assert_eq!(address.password, Some(Secret::new("p@ss/#")));
        assert_eq!((address.host.as_str(), address.port), ("::1", Some(5433)));
        assert_eq!(address.path, "my db");
        assert_eq!(address.parameters["b"], "x/y");
    }

    #[test]
    fn what_is_absent_is_absent() {
        let address = Address::parse("redis://cache", &["redis", "rediss"]).unwrap();
        assert_eq!(address.host, "cache");
        assert_eq!(
            (address.port, address.user, address.password),
            (None, None, None)
        );
        assert_eq!((address.path.as_str(), address.parameters.len()), ("", 0));
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_being_shown() {
        for (url, part) in [
            ("host=db password=canary1", "no URL"),
            (
                "mysql://u:canary1@db",
                "must begin with postgres:// or postgresql://",
            ),
            ("postgres://u:canary1@/db", "empty host"),
            ("postgres://u:canary1@a,b/db", "one host"),
            ("postgres://u:canary1@%2Fvar%2Frun/db", "one host"),
            ("postgres://u:canary1#x@db/db", ""),
            ("postgres://u:canary1@db:notaport/db", "no URL"),
            ("postgres://u:canary1@db?a=1&a=2", "`a` twice"),
            ("postgres://u:canary1@db/x#y", "after `#`"),
            ("postgres://u:canary1%ff@db", "UTF-8"),
        ] {
            let misfit = Address::parse(url, &["postgres", "postgresql"]).unwrap_err();
            assert!(misfit.message.contains(part), "{url}: {misfit:?}");
            assert!(!format!("{misfit:?}").contains("canary1"), "{misfit:?}");
        }
    }
}
