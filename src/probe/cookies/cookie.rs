//! One cookie as a server sets it: the header `set-cookie`, read as RFC 6265, section 5.2 says.

/// A cookie with its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cookie {
    /// The name.
    pub name: String,
    /// The value, without the quotes that some servers put around it.
    pub value: String,
    /// `Domain`, without a leading dot, in lower case.
    pub domain: Option<String>,
    /// `Path`.
    pub path: Option<String>,
    /// `SameSite`, in lower case.
    pub same_site: Option<String>,
    /// `Max-Age`, in seconds; at most zero deletes the cookie.
    pub max_age: Option<i64>,
    /// `Expires`, as it is written.
    pub expires: Option<String>,
    /// `Secure`
    pub secure: bool,
    /// `HttpOnly`
    pub http_only: bool,
}

impl Cookie {
    /// Reads the value of a header `set-cookie`; absent where it names no cookie.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let name = name.trim();
        if name.is_empty() {
            return None;
        }
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.trim().trim_matches('"').to_owned(),
            ..Self::default()
        };
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            cookie.note(key.trim(), value.trim());
        }
        Some(cookie)
    }

    /// Takes one attribute; of several of one name the last one counts, one that is not known says
    /// nothing.
    fn note(&mut self, key: &str, value: &str) {
        let text = || (!value.is_empty()).then(|| value.to_owned());
        match key.to_ascii_lowercase().as_str() {
            "domain" => {
                self.domain = text().map(|text| text.trim_start_matches('.').to_ascii_lowercase());
            }
            "path" => self.path = text().filter(|path| path.starts_with('/')),
            "samesite" => self.same_site = text().map(|text| text.to_ascii_lowercase()),
            "max-age" => self.max_age = value.parse().ok().or(self.max_age),
            "expires" => self.expires = text(),
            "secure" => self.secure = true,
            "httponly" => self.http_only = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_with_its_attributes() {
        let header = "sid=\"a=b\"; Path=/app; Domain=.API.test; Max-Age=3600; Secure; HttpOnly; \
                      SameSite=Lax; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Priority=High";
        let cookie = Cookie::parse(header).unwrap();
        let expected = Cookie {
            name: "sid".to_owned(),
            value: "a=b".to_owned(),
            domain: Some("api.test".to_owned()),
            path: Some("/app".to_owned()),
            same_site: Some("lax".to_owned()),
            max_age: Some(3_600),
            expires: Some("Thu, 01 Jan 1970 00:00:00 GMT".to_owned()),
            secure: true,
            http_only: true,
        };
        assert_eq!(cookie, expected);
    }

    #[test]
    fn what_is_odd_is_read_as_far_as_it_goes() {
        for header in ["", "=x", " ; Secure", "sid"] {
            assert_eq!(Cookie::parse(header), None, "{header}");
        }
        let cookie = Cookie::parse("a=;max-age=soon;path=app;domain=;secure=no").unwrap();
        assert_eq!((cookie.name.as_str(), cookie.value.as_str()), ("a", ""));
        assert_eq!(
            (cookie.max_age, &cookie.path, &cookie.domain),
            (None, &None, &None)
        );
        assert!(cookie.secure);
    }
}
