//! The wire: HTTP on loopback, in the protocol of the service that a request is signed for.
//!
//! Requests must be signed in form, for a service that the stand-in speaks for and for its region;
//! the signature itself is not checked. Bodies and headers are bounded, and so is the time a
//! connection may take to send them.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::aws;
use super::control::Control;
use super::operations::Refusal;
use super::protocol::{Head, Protocol};
use super::reply::Reply;

/// Accepts connections until it is dropped; its connections end with it.
pub(super) async fn serve(listener: TcpListener, control: Control) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < MOST_CONNECTIONS => {
                    connections.spawn(converse(stream, control.clone()));
                }
                Ok(_) => tracing::debug!("too many connections to the ECS stand-in"),
                Err(error) => tracing::debug!(%error, "the ECS stand-in could not accept"),
            },
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection to the ECS stand-in broke");
                }
            }
        }
    }
}

async fn converse(stream: TcpStream, control: Control) {
    // Answers are small: waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY for the ECS stand-in");
    }
    let service = service_fn(move |request| {
        let control = control.clone();
        async move { respond(request, &control).await }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the ECS stand-in ended early");
    }
}

async fn respond(
    request: Request<Incoming>,
    control: &Control,
) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = tokio::time::timeout(PATIENCE, Limited::new(body, LARGEST).collect());
    // A body that is too long or late is no body.
    let body = match body.await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) | Err(_) => Bytes::new(),
    };
    control
        .respond(&parts, &body)
        .await
        .map(|response| response.map(Full::new))
}

impl Control {
    /// Answers a request as the server does. A hang never ends.
    ///
    /// # Errors
    /// A connection that is reset.
    pub async fn respond(&self, parts: &Parts, body: &[u8]) -> io::Result<Response<Bytes>> {
        let asked = signed_for(parts, &self.region()).and_then(|service| {
            let (operation, input) = read(parts, body, service)?;
            Ok((service, operation, input))
        });
        let (service, operation, (reply, request)) = match asked {
            Ok((service, operation, input)) => {
                let answered = self.answer(service, &operation, input);
                (service, operation, answered)
            }
            Err(refusal) => {
                let answered = (Reply::refused(&refusal), self.number_request());
                (&aws::ECS, String::new(), answered)
            }
        };
        let mut response = write(service.protocol, &operation, reply, &request).await?;
        if let Ok(date) = header::HeaderValue::from_str(&self.date()) {
            response.headers_mut().insert(header::DATE, date);
        }
        Ok(response)
    }
}

/// The service that a request is meant for, when its signature has the right form.
fn signed_for(parts: &Parts, region: &str) -> Result<&'static aws::Service, Refusal> {
    let scope = text(parts, "authorization")
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .and_then(|rest| rest.split("Credential=").nth(1))
        .and_then(|rest| rest.split(',').next())
        .ok_or_else(|| {
            refusal(
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            )
        })?;
    // key/date/region/service/aws4_request
    let scope: Vec<&str> = scope.split('/').collect();
    let service = match scope.as_slice() {
        [_, _, signed, service, "aws4_request"] if *signed == region => aws::service(service),
        _ => None,
    };
    service.ok_or_else(|| {
        Refusal::new(
            "InvalidSignatureException",
            format!("Credential should be scoped to a service that is here, in {region}."),
        )
    })
}

/// The operation and its parameters.
fn read(parts: &Parts, body: &[u8], service: &aws::Service) -> Result<(String, Value), Refusal> {
    if parts.method != Method::POST {
        return Err(refusal("UnknownOperationException", "POST only."));
    }
    let head = Head {
        path: parts.uri.path().to_owned(),
        content_type: text(parts, "content-type").to_owned(),
        target: text(parts, "x-amz-target").to_owned(),
    };
    service.protocol.read(&head, body)
}

fn text<'a>(parts: &'a Parts, name: &str) -> &'a str {
    let value = parts.headers.get(name);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

async fn write(
    protocol: Protocol,
    operation: &str,
    mut reply: Reply,
    request: &str,
) -> io::Result<Response<Bytes>> {
    while let Reply::Late(span, later) = reply {
        tokio::time::sleep(span).await;
        reply = *later;
    }
    let (status, (kind, body)) = match reply {
        Reply::Done(value) => (StatusCode::OK, protocol.write(operation, &value)),
        Reply::Error {
            status,
            code,
            message,
        } => (status, protocol.refuse(status, code, &message)),
        Reply::Html => (
            StatusCode::INTERNAL_SERVER_ERROR,
            ("text/html", HTML.as_bytes().to_vec()),
        ),
        // Hyper closes the connection then.
        Reply::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
        Reply::Never | Reply::Late(..) => std::future::pending().await,
    };
    let mut response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind)
        .header("x-amzn-requestid", request);
    if let Some(name) = protocol.header() {
        response = response.header("smithy-protocol", name);
    }
    response.body(Bytes::from(body)).map_err(io::Error::other)
}

fn refusal(code: &'static str, message: &str) -> Refusal {
    Refusal::new(code, message.to_owned())
}

const HTML: &str = "<html><body><h1>Internal Server Error</h1></body></html>";
/// Far above any request of ECS.
const LARGEST: usize = 1 << 20;
/// How long a request's head, and then its body, may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// Far above what a rehearsal opens.
const MOST_CONNECTIONS: usize = 256;
