//! Who asks, and what that one may do.
//!
//! A caller is known by a token (`Authorization: Bearer`), by the cookie of a page where a token was
//! shown, or by a client certificate. GET and HEAD need the scope `read`, everything else `act`: the
//! method decides, so that no handler can forget to ask. Where callers are not told apart (loopback, no
//! token, no certificates), whoever is on this machine may read, provided that the request names this
//! machine: a page from elsewhere whose name was made to lead here does not (DNS rebinding). Acting
//! takes the daemon's own token even then (`own`), since containers of one task, other users and pages
//! in a browser reach loopback too. What a browser sends by itself, cookie or certificate, acts only
//! for our own pages: the origin must be ours, and a form carries a token of ours (`form`). Nothing
//! here is told from the time that a comparison takes.

mod doors;
pub mod form;
mod limit;
mod origin;
pub mod own;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

pub use self::doors::{COOKIE, Doors, SignedIn};
use super::listener::Peer;
use super::problem::Problem;
use super::shared::Shared;
use crate::engine::serve::handle::Whose;
use crate::plan::server::Scope;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token or of the certificate; actions are written down with it.
    pub name: Arc<str>,
    /// What it may do; absent where nobody knows who it is.
    pub scope: Option<Scope>,
    /// How it is known.
    pub known: Known,
}

/// How a caller is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Not at all: nothing was shown, or nothing that we know.
    Not,
    /// It is on this machine, and nobody is told apart.
    Near,
    /// By a token in the request.
    Token,
    /// By the cookie of a page.
    Session {
        /// Which signing in it comes from.
        id: [u8; 16],
    },
    /// By a client certificate.
    Certificate,
}

impl Caller {
    /// Whether it may do what needs this scope.
    #[must_use]
    pub fn may(&self, needed: Scope) -> bool {
        self.scope.is_some_and(|scope| scope >= needed)
    }

    /// The name under which an order is written down.
    #[must_use]
    pub fn whose(&self) -> Whose {
        Whose {
            name: self.name.to_string(),
        }
    }

    /// Whether a browser shows by itself who it is, also when another page sends it here.
    #[must_use]
    pub const fn is_ambient(&self) -> bool {
        matches!(self.known, Known::Session { .. } | Known::Certificate)
    }
}

/// Finds out who asks, and lets nobody ask too much. Every request passes here.
pub async fn admit(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    match admission(&shared, &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller.clone());
            let mut response = next.run(request).await;
            response.extensions_mut().insert(caller);
            response
        }
        Err(problem) => problem.into_response(),
    }
}

fn admission(shared: &Shared, request: &Request) -> Result<Caller, Problem> {
    let settings = shared.settings();
    let peer = request.extensions().get::<Peer>().cloned();
    let peer = peer.unwrap_or_default();
    if !settings.knows_callers() {
        origin::names_this_machine(request)?;
    }
    if needed(request.method()) == Scope::Act {
        origin::is_ours(request.headers(), request.uri())?;
    }
    let wall = shared.clock.wall();
    let caller = shared
        .doors()
        .caller(&settings, request.headers(), &peer, wall);
    let now = shared.clock.now();
    shared
        .doors()
        .count(&caller, &peer, settings.rate_limit, now)?;
    Ok(caller)
}

/// Lets those through who may do what they ask for.
pub async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    match allowed(&shared, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn allowed(shared: &Shared, request: &Request) -> Result<(), Problem> {
    let needed = needed(request.method());
    let caller = request.extensions().get::<Caller>();
    let Some(caller) = caller.filter(|caller| caller.scope.is_some()) else {
        let detail = "show a token: `Authorization: Bearer TOKEN`";
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            detail,
        ));
    };
    if !caller.may(needed) {
        return Err(too_little(caller, shared.settings().knows_callers()));
    }
    if needed == Scope::Act {
        let is_api = request.uri().path().starts_with("/api/");
        if is_api && caller.is_ambient() && !is_json(request.headers()) {
            let detail = "with a cookie or a certificate, send `content-type: application/json`: \
                          pages of others cannot";
            return Err(Problem::new(StatusCode::FORBIDDEN, "foreign", detail));
        }
    }
    Ok(())
}

/// What a method needs.
fn needed(method: &Method) -> Scope {
    match *method {
        Method::GET | Method::HEAD => Scope::Read,
        _ => Scope::Act,
    }
}

fn too_little(caller: &Caller, knows_callers: bool) -> Problem {
    let name = &caller.name;
    match knows_callers {
        true => {
            let detail = format!("`{name}` may read; this needs a token of the scope `act`");
            Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
        }
        false => {
            let detail = "acting needs a token, also on this machine: that in the file `act-token` \
                          of the state folder, or one of the scope `act` declared under `server`";
            Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
        }
    }
}

/// Forms of other pages cannot have this type, and scripts of theirs must ask us first.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/json")
    })
}
