//! What is written down of each request, and what each answer says besides.
//!
//! A request has a name (`x-request-id`): the one that it brings, where that is harmless, else a ULID.
//! One line each goes to `tracing`, after the answer's head: who asked for what, and how it went; what
//! was merely read, as pages that are live do all the time, for whoever asks for that much
//! (`smokejumper::access=debug`). The query is left out, since people put secrets there.

use std::fmt;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;

use super::auth::Caller;
use super::listener::Peer;
use super::shared::Shared;

/// The name of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The header with the name of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer name is not taken over.
const LONGEST_ID: usize = 64;

impl RequestId {
    fn of(request: &Request) -> Self {
        let brought = request.headers().get(REQUEST_ID);
        let brought = brought.and_then(|value| value.to_str().ok());
        let harmless = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let brought =
            brought.filter(|id| (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(harmless));
        Self(brought.map_or_else(|| ulid::Ulid::new().to_string().into(), Arc::from))
    }
}

/// Names a request, and writes down what became of it.
pub async fn watch(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let began = shared.clock.now();
    let id = RequestId::of(&request);
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let peer = request
        .extensions()
        .get::<Peer>()
        .and_then(|peer| peer.address);
    let mut response = next.run(request).await;
    let took = shared.clock.now().since(began);
    let caller = response.extensions_mut().remove::<Caller>();
    let status = response.status();
    // The level of a line is fixed where it stands.
    macro_rules! tell {
        ($level:ident) => {
            tracing::$level!(
                target: "smokejumper::access",
                request = %id,
                %method,
                path = %shared.mask().apply(&path),
                route = route.as_ref().map(MatchedPath::as_str),
                status = status.as_u16(),
                took_ms = took.as_secs_f64() * 1e3,
                caller = caller.as_ref().map(|caller| &*caller.name),
                peer = peer.map(tracing::field::display),
                "answered"
            )
        };
    }
    let is_read = matches!(method, Method::GET | Method::HEAD);
    match is_read && !status.is_client_error() && !status.is_server_error() {
        true => tell!(debug),
        false => tell!(info),
    }
    dress(&mut response, &id);
    response
}

/// What every answer says: its name, and that it is for this server's own pages and for now.
fn dress(response: &mut Response, id: &RequestId) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let own = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(own, HeaderValue::from_static("same-origin"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}
