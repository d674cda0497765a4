//! The wire: AWS JSON 1.1 over HTTP on loopback, as the real SDK speaks it.
//!
//! Requests must be signed in form, for the service `ecs` and the stand-in's region; the signature
//! itself is not checked. Bodies and headers are bounded, and so is the time a connection may take
//! to send them.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::control::Control;
use super::fault::Fault;
use super::operations::Refusal;

/// What a request is answered with.
#[derive(Debug)]
pub(super) enum Reply {
    Done(Value),
    Error {
        status: StatusCode,
        code: &'static str,
        message: String,
    },
    Html,
    Reset,
    Never,
}

impl Reply {
    pub(super) fn refused(refusal: &Refusal) -> Self {
        Self::Error {
            status: StatusCode::BAD_REQUEST,
            code: refusal.code,
            message: refusal.message.clone(),
        }
    }

    pub(super) fn of_fault(fault: &Fault) -> Self {
        let (status, code, message) = match fault {
            Fault::Throttle => (
                StatusCode::BAD_REQUEST,
                "ThrottlingException",
                "Rate exceeded",
            ),
            Fault::ServerError => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "ServerException",
                "Service Unavailable. Please try again later.",
            ),
            Fault::InvalidAction => (
                StatusCode::BAD_REQUEST,
                "InvalidAction",
                "The action is not known.",
            ),
            Fault::AccessDenied => (
                StatusCode::BAD_REQUEST,
                "AccessDeniedException",
                "User: arn:aws:iam::000000000000:user/rehearsal is not authorized to perform it.",
            ),
            Fault::Refuse(code) => (StatusCode::BAD_REQUEST, *code, "It is refused."),
            Fault::Html => return Self::Html,
            Fault::Reset | Fault::DoneThenReset => return Self::Reset,
            Fault::Hang | Fault::DoneThenHang | Fault::Altered(_) | Fault::Meanwhile(_) => {
                return Self::Never;
            }
        };
        Self::Error {
            status,
            code,
            message: message.to_owned(),
        }
    }
}

impl From<Result<Value, Refusal>> for Reply {
    fn from(result: Result<Value, Refusal>) -> Self {
        match result {
            Ok(value) => Self::Done(value),
            Err(refusal) => Self::refused(&refusal),
        }
    }
}

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
    let reply = match read(request, &control.region()).await {
        Ok((operation, input)) => control.answer(&operation, input),
        Err(refusal) => Reply::refused(&refusal),
    };
    Ok(match reply {
        Reply::Done(value) => write(StatusCode::OK, AWS_JSON, value.to_string()),
        Reply::Error {
            status,
            code,
            message,
        } => {
            let body = json!({ "__type": code, "message": message });
            write(status, AWS_JSON, body.to_string())
        }
        Reply::Html => write(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/html",
            "<html><body><h1>Internal Server Error</h1></body></html>".to_owned(),
        ),
        // Hyper closes the connection then.
        Reply::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
        Reply::Never => std::future::pending().await,
    })
}

/// The operation and its parameters.
async fn read(request: Request<Incoming>, region: &str) -> Result<(String, Value), Refusal> {
    let text = |name: &str| {
        let value = request.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    if request.method() != Method::POST || request.uri().path() != "/" {
        return Err(refusal("UnknownOperationException", "POST to / only."));
    }
    if text("content-type") != AWS_JSON {
        return Err(refusal("SerializationException", "Not AWS JSON 1.1."));
    }
    let target = text("x-amz-target");
    let operation = target
        .strip_prefix(TARGET)
        .ok_or_else(|| refusal("UnknownOperationException", "No operation of ECS."))?
        .to_owned();
    check_signature(&text("authorization"), region)?;
    let body = tokio::time::timeout(
        PATIENCE,
        Limited::new(request.into_body(), LARGEST).collect(),
    );
    let body = match body.await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) | Err(_) => {
            return Err(refusal(
                "SerializationException",
                "The body is too long or late.",
            ));
        }
    };
    match serde_json::from_slice(&body) {
        Ok(input @ Value::Object(_)) => Ok((operation, input)),
        _ => Err(refusal(
            "SerializationException",
            "The body is no JSON object.",
        )),
    }
}

/// Looks at the form of the signature: the algorithm and the scope of the credential.
fn check_signature(authorization: &str, region: &str) -> Result<(), Refusal> {
    let scope = authorization
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .and_then(|rest| rest.split("Credential=").nth(1))
        .and_then(|rest| rest.split(',').next())
        .ok_or_else(|| {
            refusal(
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            )
        })?;
    if scope.ends_with(&format!("/{region}/ecs/aws4_request")) {
        return Ok(());
    }
    Err(Refusal::new(
        "InvalidSignatureException",
        format!("Credential should be scoped to the service ecs in {region}."),
    ))
}

fn write(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    headers.insert(
        "x-amzn-requestid",
        header::HeaderValue::from_static("stand-in"),
    );
    response
}

fn refusal(code: &'static str, message: &str) -> Refusal {
    Refusal::new(code, message.to_owned())
}

const AWS_JSON: &str = "application/x-amz-json-1.1";
const TARGET: &str = "AmazonEC2ContainerServiceV20141113.";
/// Far above any request of ECS.
const LARGEST: usize = 1 << 20;
/// How long a request's head, and then its body, may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// Far above what a rehearsal opens.
const MOST_CONNECTIONS: usize = 256;
