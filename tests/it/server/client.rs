//! A small HTTP client, one connection a request: what it shows is what came over the wire.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// Its body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }

    /// One of its headers.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("text"))
    }
}

/// A request that is being made up.
pub struct Asking {
    request: http::request::Builder,
    body: Bytes,
}

impl Asking {
    /// A request for a path.
    pub fn new(method: Method, path: &str) -> Self {
        Self {
            request: Request::builder().method(method).uri(path),
            body: Bytes::new(),
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// Sends it to a server in the clear.
    pub async fn to(self, address: std::net::SocketAddr) -> Answer {
        let stream = TcpStream::connect(address).await.expect("it listens");
        self.over(stream, &address.to_string())
            .await
            .expect("an answer")
    }

    /// Sends it over a connection.
    pub async fn over(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        host: &str,
    ) -> hyper::Result<Answer> {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let mut request = self.request;
        if !request
            .headers_ref()
            .is_some_and(|headers| headers.contains_key("host"))
        {
            request = request.header("host", host);
        }
        let request = request.body(Full::new(self.body)).expect("a request");
        let answer = sender.send_request(request).await?;
        let (head, body) = answer.into_parts();
        let whole = body.collect().await?.to_bytes();
        connection.abort();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(whole.to_vec()).expect("text"),
        })
    }
}
