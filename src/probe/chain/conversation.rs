//! The requests of one look, over one connection while the node keeps it open.
//!
//! It lives as long as the look: nothing is kept from one sample to the next, so that each sample
//! sees the connection being made. It tries nothing twice that a node may have begun to answer.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Version};
use url::Url;

use super::endpoint::Endpoint;
use crate::probe::Attempt;
use crate::probe::wire::connection::Connection;
use crate::probe::wire::exchange::{Answer, Request};
use crate::probe::wire::tls::Tls;
use crate::sample::{Fault, Reason};

/// A run of requests to one endpoint.
#[derive(Debug)]
pub struct Conversation<'a> {
    endpoint: &'a Endpoint,
    tls: &'a Tls,
    body_limit: u64,
    open: Option<Connection>,
}

impl<'a> Conversation<'a> {
    /// Prepares a conversation; connects with the first request.
    #[must_use]
    pub const fn with(endpoint: &'a Endpoint, tls: &'a Tls, body_limit: u64) -> Self {
        Self {
            endpoint,
            tls,
            body_limit,
            open: None,
        }
    }

    /// Sends JSON to the endpoint itself.
    ///
    /// # Errors
    /// The fault of the first step that failed. Any status is an answer, not a fault.
    pub async fn post(&mut self, attempt: &mut Attempt, json: Vec<u8>) -> Result<Answer, Fault> {
        let mut request = self.request(Method::POST, self.endpoint.url().clone());
        request.body = Bytes::from(json);
        let json = HeaderValue::from_static("application/json");
        request.headers.entry(CONTENT_TYPE).or_insert(json);
        self.send(attempt, &request).await
    }

    /// Asks for what lies at `path` below the endpoint.
    ///
    /// # Errors
    /// As [`Conversation::post`].
    pub async fn get(&mut self, attempt: &mut Attempt, path: &str) -> Result<Answer, Fault> {
        let request = self.request(Method::GET, self.endpoint.below(path));
        self.send(attempt, &request).await
    }

    fn request(&self, method: Method, url: Url) -> Request {
        Request {
            method,
            headers: self.endpoint.headers().clone(),
            body_limit: self.body_limit,
            ..Request::get(url, self.tls.clone())
        }
    }

    async fn send(&mut self, attempt: &mut Attempt, request: &Request) -> Result<Answer, Fault> {
        if let Some(mut kept) = self.open.take()
            && kept.is_open().await
        {
            let before = kept.bytes_read();
            match kept.send(attempt, request).await {
                // The node closed the kept connection while the request was on its way, which it
                // may do at any time: nothing was answered, and nothing is learnt from it.
                Err(fault)
                    if matches!(fault.reason, Reason::Closed | Reason::Reset)
                        && kept.bytes_read() == before => {}
                Err(fault) => return Err(fault),
                Ok(answer) => return Ok(self.keep(kept, answer)),
            }
        }
        let mut fresh = Connection::open(attempt, &request.url, self.tls).await?;
        let answer = fresh.send(attempt, request).await?;
        Ok(self.keep(fresh, answer))
    }

    fn keep(&mut self, connection: Connection, answer: Answer) -> Answer {
        if stays_open(answer.version, &answer.headers) {
            self.open = Some(connection);
        }
        answer
    }
}

fn stays_open(version: Version, headers: &HeaderMap) -> bool {
    let closes = headers.get_all(CONNECTION).iter().any(|value| {
        let value = value.as_bytes().to_ascii_lowercase();
        value.windows(5).any(|word| word == b"close")
    });
    version >= Version::HTTP_11 && !closes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_kept_only_where_the_node_keeps_it() {
        let cases = [
            (Version::HTTP_11, None, true),
            (Version::HTTP_11, Some("keep-alive"), true),
            (Version::HTTP_11, Some("Close"), false),
            (Version::HTTP_10, None, false),
            (Version::HTTP_2, None, true),
        ];
        for (version, connection, kept) in cases {
            let mut headers = HeaderMap::new();
            if let Some(value) = connection {
                headers.insert(CONNECTION, HeaderValue::from_static(value));
            }
            assert_eq!(
                stays_open(version, &headers),
                kept,
                "{version:?} {connection:?}"
            );
        }
    }
}
