//! What a probe was answered, for whoever asked for it: a flow that captures values of it, a session
//! that looks whether it has expired. A value only; a kind that can give one says so with
//! [`Kind::REPLIES`](super::Kind::REPLIES).

use bytes::Bytes;

/// An answer as it came, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The status, where the protocol has one.
    pub status: Option<u16>,
    /// The headers in the order in which they came, names in lower case; bytes beyond ASCII are read
    /// as Latin-1.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Bytes,
}

/// How much of what it was answered a kind can say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replies {
    /// Nothing.
    #[default]
    Nothing,
    /// A text or bytes.
    Body,
    /// A status, headers and a body.
    Whole,
}

impl Reply {
    /// An answer that is nothing but a body.
    #[must_use]
    pub fn of(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    /// The values of a header, in the order in which they came.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self
            .headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }
}
