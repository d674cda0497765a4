//! `/api/v1/events`: what happens, as it happens (server-sent events).
//!
//! Each event has the name of its happening. A listener that comes back says the last one that it heard
//! (`Last-Event-ID`, which browsers send by themselves) and hears what followed: out of the feed, else
//! out of the history. What happened in the same millisecond may come twice; what cannot be told any
//! more is told as a gap. A stream ends after a while, so that who may listen is asked again.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::Instant;
use utoipa::IntoParams;

use super::ask::Asked;
use super::errors::AskErrors;
use crate::sample::CheckId;
use crate::server::feed::{MISSED, Told};
use crate::server::problem::Problem;
use crate::server::shared::Shared;
use crate::store::history::Page;

/// Which events are asked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichEvents {
    /// Only those about this service.
    service: Option<String>,
    /// Only those of this window.
    window: Option<String>,
    /// Only those about this check.
    check: Option<String>,
    /// Only those of this kind.
    #[param(example = "decided")]
    kind: Option<String>,
    /// Those that followed the one of this name, where `Last-Event-ID` cannot be sent.
    #[param(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    after: Option<String>,
}

impl WhichEvents {
    fn means(&self, told: &Told) -> bool {
        let fits = |wanted: &Option<String>, own: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| own == Some(wanted))
        };
        told.kind == MISSED
            || fits(&self.service, told.service.as_deref())
                && fits(&self.window, told.window.as_deref())
                && fits(&self.check, told.check.as_ref().map(CheckId::as_str))
                && fits(&self.kind, Some(told.kind))
    }

    fn page(&self, before: Option<String>) -> Page {
        Page {
            service: self.service.as_deref().map(Arc::from),
            window: self.window.as_deref().map(Arc::from),
            check: self.check.as_deref().map(CheckId::new),
            kinds: self.kind.iter().cloned().collect(),
            before,
            limit: AT_ONCE,
        }
    }
}

/// So many happenings are read out of the history at once.
const AT_ONCE: usize = 500;
/// So many are told to one who was away; who missed more is told so.
const MOST_TOLD: usize = 5_000;
/// When nothing happens, the connection is kept alive this often.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// So long is one stream; browsers come back by themselves.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// How soon a browser comes back, in milliseconds, and that the stream has begun.
const GREETING: &str = "retry: 2000\n: listening\n\n";
/// The first part of a ULID, which is its time.
const TIME: usize = 10;

/// What happens, as server-sent events: each with its name as `id` and a `HappeningView` as `data`
#[utoipa::path(
    get, path = "/api/v1/events", tag = "now",
    params(
        WhichEvents,
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was heard.",
            pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")
    ),
    responses(
        (status = OK, description = "The stream. An event of the type `missed` says how many could not be told.",
            body = String, content_type = "text/event-stream"),
        AskErrors
    )
)]
pub async fn events(
    State(shared): State<Shared>,
    Asked(which): Asked<WhichEvents>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = last_heard(&which, &headers)?;
    let place = shared.feed().listeners().try_acquire_owned().map_err(|_| {
        let detail = "too many are listening already";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many", detail).after(AGAIN)
    })?;
    let joined = shared.feed().join();
    let backlog = match &after {
        Some(after) => missed(&shared, &which, after, joined.recent).await?,
        None => VecDeque::new(),
    };
    let listener = Listener {
        which,
        greeting: Some(GREETING),
        backlog,
        live: joined.live,
        ends: Instant::now() + LONGEST,
        stop: shared.ending(),
        _place: place,
    };
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
    ];
    let body = stream::unfold(listener, |mut listener| async move {
        let next = listener.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(next)), listener))
    });
    Ok((headers, Body::from_stream(body)).into_response())
}

/// After so many seconds a place may be free.
const AGAIN: u64 = 10;

fn last_heard(which: &WhichEvents, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let header = headers
        .get("last-event-id")
        .map(|id| id.to_str().unwrap_or("?").to_owned());
    let after = header
        .filter(|id| !id.is_empty())
        .or_else(|| which.after.clone());
    match after {
        Some(after) if ulid::Ulid::from_string(&after).is_err() => Err(Problem::senseless(
            "`Last-Event-ID` is the `id` of an event",
        )),
        after => Ok(after),
    }
}

/// What one has missed who heard something last.
async fn missed(
    shared: &Shared,
    which: &WhichEvents,
    after: &str,
    recent: Vec<Arc<Told>>,
) -> Result<VecDeque<Arc<Told>>, Problem> {
    let meant = |told: &Arc<Told>| which.means(told);
    if let Some(place) = recent.iter().position(|told| told.id == after) {
        return Ok(recent.into_iter().skip(place + 1).filter(meant).collect());
    }
    // What is kept of the feed, and before it what only the history knows.
    let told: HashSet<&str> = recent.iter().map(|told| &*told.id).collect();
    let (mut past, is_whole) = from_history(shared, which, after, &told).await?;
    if !is_whole {
        past.push_front(Arc::new(Told::missed(0)));
    }
    let follows = |told: &Arc<Told>| told.kind == MISSED || told.id[..] >= after[..TIME];
    past.extend(
        recent
            .iter()
            .filter(|told| follows(told) && which.means(told))
            .cloned(),
    );
    Ok(past)
}

/// What followed something, the oldest first, and whether that is all of it.
async fn from_history(
    shared: &Shared,
    which: &WhichEvents,
    after: &str,
    told: &HashSet<&str>,
) -> Result<(VecDeque<Arc<Told>>, bool), Problem> {
    let (mut past, mut before, mask) = (VecDeque::new(), None, shared.mask());
    while past.len() < MOST_TOLD {
        let page = which.page(before);
        let found = shared.history.happenings(&page).await?;
        let (count, last) = (found.len(), found.last().map(|last| last.id.clone()));
        for happening in found {
            if happening.id.get(..TIME) < after.get(..TIME) {
                return Ok((past, true));
            }
            if happening.id != after && !told.contains(&*happening.id) {
                past.push_front(Arc::new(Told::of(&happening, &mask)));
            }
        }
        if count < AT_ONCE {
            return Ok((past, true));
        }
        before = last;
    }
    Ok((past, false))
}

/// One who listens.
struct Listener {
    which: WhichEvents,
    greeting: Option<&'static str>,
    backlog: VecDeque<Arc<Told>>,
    live: Receiver<Arc<Told>>,
    ends: Instant,
    stop: tokio_util::sync::CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// What is sent next; nothing at the end.
    async fn next(&mut self) -> Option<String> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting.to_owned());
        }
        if let Some(told) = self.backlog.pop_front() {
            return Some(event(&told));
        }
        let heartbeat = Instant::now() + HEARTBEAT;
        loop {
            let heard = tokio::select! {
                heard = self.live.recv() => heard,
                () = tokio::time::sleep_until(heartbeat.min(self.ends)) => {
                    return (Instant::now() < self.ends).then(|| ": alive\n\n".to_owned());
                }
                () = self.stop.cancelled() => return None,
            };
            match heard {
                Ok(told) if self.which.means(&told) => return Some(event(&told)),
                Ok(_) => {}
                Err(RecvError::Lagged(count)) => return Some(event(&Told::missed(count))),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// An event as it is sent: a gap has a type of its own and no name, so that a listener that comes back
/// still says what it heard last.
fn event(told: &Told) -> String {
    match told.kind {
        MISSED => format!("event: missed\ndata: {}\n\n", told.data),
        _ => format!("id: {}\ndata: {}\n\n", told.id, told.data),
    }
}
