//! The kind `http`: one request, redirects included, and what is expected of the answer.
//!
//! Proves that the target answers as expected over a connection opened for the purpose, or over a
//! kept one where declared. It does not render pages or run scripts, and it keeps cookies only as a
//! step of a flow, or with a session.

mod carried;
mod discretion;
mod expectation;
mod kept;
mod redirect;
mod request;
mod set_cookie;
mod settings;
mod status;
mod terms;
mod version;

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use http::Method;

pub use expectation::Expectation;
pub use settings::{Address, HttpSettings, Redirects};
pub use status::{Status, StatusPart};
pub use version::Version;

use super::wire::connection::Connection;
use super::wire::exchange::{Answer, Request};
use super::wire::message::Prepared;
use super::wire::tls::{self, Tls};
use super::{
    Addresses, Attempt, ConnectionPolicy, Kind, Misfit, Probe, Readings, Replies, Surroundings,
    Target,
};
use crate::quantity;
use crate::sample::{Fault, Reason, Unit};
use kept::Kept;
use terms::{Manner, Terms};

/// The kind `http`.
#[derive(Clone, Copy, Debug)]
pub struct Http;

impl Kind for Http {
    const NAME: &'static str = "http";
    const SUMMARY: &'static str =
        "An HTTP request is answered with the expected status, headers and body";
    const READINGS: Readings = Readings {
        named: &[
            ("status", Unit::Number, "the status of the last answer"),
            (
                "body_bytes",
                Unit::Bytes,
                "the size of its body, decompressed",
            ),
            tls::READINGS[0],
            tls::READINGS[1],
            tls::READINGS[2],
            tls::READINGS[3],
            (
                "reused",
                Unit::Number,
                "1 when the connection was kept from an earlier run, 0 when it was opened for this \
                 one; absent where none are kept",
            ),
        ],
        open: false,
    };
    const OBSERVES: bool = true;
    const REPLIES: Replies = Replies::Whole;
    type Settings = HttpSettings;

    fn probe(
        settings: HttpSettings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let mut headers = request::headers(&settings, &mut misfits);
        let body = request::body(&settings, &mut headers, &mut misfits);
        if settings.body_limit > LARGEST_BODY {
            let message = format!("a body of more than {LARGEST_BODY} is not read");
            misfits.push(Misfit::at(&["body_limit"], message));
        }
        if settings.traceparent && headers.contains_key(carried::TRACEPARENT) {
            let message =
                "`traceparent: true` sends this header, with names of its own for each run";
            misfits.push(Misfit::at(&["headers", "traceparent"], message));
        }
        misfits.extend(settings.expect.iter().flat_map(Expectation::misfits));
        misfits.extend(settings.version.iter().flat_map(Version::misfits));
        let keeps = settings.connection == Some(ConnectionPolicy::KeepAlive);
        if keeps && settings.addresses != Addresses::Resolved {
            let word = settings.addresses.word();
            let message =
                format!("with `addresses: {word}` every run opens a connection of its own");
            misfits.push(Misfit::at(&["connection"], message));
        }
        let tls = Tls::for_http(settings.protocol, &settings.tls, surroundings)
            .map_err(|more| misfits.extend(more));
        let Some(tls) = tls.ok().filter(|_| misfits.is_empty()) else {
            return Err(misfits);
        };
        if settings.url.0.scheme() == "https" {
            tls.prepare();
        }
        let asked = Request {
            method: settings.method.0,
            url: settings.url.0,
            headers,
            body,
            tls,
            body_limit: settings.body_limit.0,
        };
        let expectation = settings.expect.unwrap_or_default();
        Ok(Box::new(HttpProbe {
            target: Target::of(&asked.url).filter(|_| settings.addresses == Addresses::Resolved),
            terms: Arc::new(Terms {
                asked: Prepared::new(asked),
                is_dated: expectation.is_dated(),
                expectation,
                version: settings.version,
            }),
            addresses: settings.addresses,
            redirects: settings.redirects,
            max_redirects: settings.max_redirects,
            policy: settings.connection,
            traced: settings.traceparent,
            kept: Kept::default(),
        }))
    }
}

/// The body of an answer is held in memory, for as many checks as run at once.
const LARGEST_BODY: quantity::Bytes = quantity::Bytes(64 << 20);

struct HttpProbe {
    terms: Arc<Terms>,
    target: Option<Target>,
    addresses: Addresses,
    redirects: Redirects,
    max_redirects: u8,
    policy: Option<ConnectionPolicy>,
    /// Whether the names of a run in tracing systems are sent.
    traced: bool,
    kept: Kept,
}

#[async_trait]
impl Probe for HttpProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        if self.asks_tasks() && attempt.task().is_none() {
            return Err(Fault::new(Reason::NoTask, NO_TASK));
        }
        let answer = self.last_answer(attempt).await?;
        let status = f64::from(answer.status.as_u16());
        let manner = Manner {
            any_version: attempt.any_version(),
            observed: attempt.is_observed(),
            now: self.terms.is_dated.then(|| attempt.wall()),
        };
        attempt.reply(|| carried::reply(&answer));
        let found = self.terms.judge(answer, manner).await;
        if let Some(foreign) = found.foreign {
            return Err(foreign);
        }
        attempt.named(Arc::clone(&NAMES.status), status, Unit::Number);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a body is at most 64 MiB, which a float holds exactly"
        )]
        let size = found.size as f64;
        attempt.named(Arc::clone(&NAMES.body_bytes), size, Unit::Bytes);
        attempt.observe(|| found.observed);
        found.fault.map_or(Ok(()), Err)
    }

    fn asks_tasks(&self) -> bool {
        self.addresses == Addresses::Tasks
    }

    fn asks_addresses_of(&self) -> Option<&str> {
        let host = self.terms.asked.request().url.host_str();
        host.filter(|_| self.addresses == Addresses::Each)
    }

    fn target(&self) -> Option<Target> {
        self.target.clone()
    }
}

/// The names of the readings, made once for all checks and runs.
static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    status: Arc::from("status"),
    body_bytes: Arc::from("body_bytes"),
    reused: Arc::from("reused"),
});

struct Names {
    status: Arc<str>,
    body_bytes: Arc<str>,
    reused: Arc<str>,
}

/// What is said where a check asks tasks and is given none.
const NO_TASK: &str = "nobody was asked: `addresses: tasks` is for the bake of a deployment, \
                       where it is known which tasks run";

impl HttpProbe {
    /// Asks, and follows redirects as far as they are allowed.
    async fn last_answer(&self, attempt: &mut Attempt) -> Result<Answer, Fault> {
        let asked = &self.terms.asked;
        let keeps = self.keeps(attempt);
        let kept = if keeps {
            self.kept(attempt).await
        } else {
            None
        };
        let carried = carried::with_what_is_carried(attempt, asked.request(), self.traced);
        let sent = carried.as_deref().unwrap_or(asked);
        let (answer, connection) = ask(attempt, sent, kept).await?;
        carried::take_cookies(attempt, &asked.request().url, &answer.headers);
        if keeps {
            let reused = if connection.is_used_again() { 1.0 } else { 0.0 };
            attempt.named(Arc::clone(&NAMES.reused), reused, Unit::Number);
        }
        if self.terms.expectation.accepts(answer.status) || !redirect::points_elsewhere(&answer) {
            self.keep(attempt, keeps, asked.request(), connection);
            return answer.decoded(asked.request()).await;
        }
        // Seldom: every run would carry it about if it were not apart.
        Box::pin(self.follow(attempt, answer, connection)).await
    }

    async fn follow(
        &self,
        attempt: &mut Attempt,
        mut answer: Answer,
        mut connection: Connection,
    ) -> Result<Answer, Fault> {
        let mut request = self.terms.asked.request().clone();
        let mask = discretion::mask(&request);
        let keeps = self.keeps(attempt);
        let mut asked: Vec<(Method, url::Url)> = Vec::new();
        while !self.terms.expectation.accepts(answer.status)
            && let Some(next) = redirect::next(&request, &answer, self.redirects, &mask)?
        {
            let place = redirect::place(&next.url, &mask);
            let stays = redirect::same_origin(&request.url, &next.url);
            if attempt.task().is_some() && !stays {
                let detail = format!("redirected to {place}, which is no task");
                return Err(Fault::new(Reason::NoTask, detail));
            }
            let at_hand = if stays {
                still_open(connection).await
            } else {
                self.keep(attempt, keeps, &request, connection);
                None
            };
            asked.push((request.method, request.url));
            self.check(&next, &asked, &place)?;
            attempt.note(format!("redirected to {place}"));
            let carried = carried::with_what_is_carried(attempt, &next, self.traced);
            let prepared = Prepared::new(next);
            let sent = carried.as_deref().unwrap_or(&prepared);
            (answer, connection) = ask(attempt, sent, at_hand).await?;
            request = prepared.into_request();
            carried::take_cookies(attempt, &request.url, &answer.headers);
        }
        self.keep(attempt, keeps, &request, connection);
        answer.decoded(&request).await
    }

    fn check(
        &self,
        next: &Request,
        asked: &[(Method, url::Url)],
        place: &str,
    ) -> Result<(), Fault> {
        let known = |(method, url): &(Method, url::Url)| *method == next.method && *url == next.url;
        if asked.iter().any(known) {
            let detail = format!("redirected in a circle, back to {place}");
            return Err(Fault::new(Reason::Redirect, detail));
        }
        if asked.len() > usize::from(self.max_redirects) {
            let most = self.max_redirects;
            let detail = format!("redirected more than {most} times, the last time to {place}");
            return Err(Fault::new(Reason::Redirect, detail));
        }
        Ok(())
    }

    fn keeps(&self, attempt: &Attempt) -> bool {
        attempt.policy(self.policy, ConnectionPolicy::Fresh) == ConnectionPolicy::KeepAlive
    }

    /// A connection of an earlier run that the target still keeps open.
    async fn kept(&self, attempt: &mut Attempt) -> Option<Connection> {
        if !self.terms.asked.request().method.is_idempotent() {
            // A connection that was closed since must be known as such before the request is sent:
            // it may not be sent twice. The runtime looks at its sockets meanwhile.
            tokio::task::yield_now().await;
        }
        let mut was_closed = false;
        while let Some(kept) = self.kept.take(attempt.opened_since(), attempt.now()) {
            if let Some(mut kept) = still_open(kept).await {
                kept.used_again(attempt, &self.terms.asked.request().tls);
                return Some(kept);
            }
            was_closed = true;
        }
        if was_closed {
            attempt.note(OPENED_ANEW);
        }
        None
    }

    /// Keeps a connection to where every run begins, for the next one.
    fn keep(&self, attempt: &Attempt, keeps: bool, asked: &Request, connection: Connection) {
        if keeps && redirect::same_origin(&self.terms.asked.request().url, &asked.url) {
            self.kept.put(connection, attempt.now());
        }
    }
}

/// The connection, unless the target has closed it.
async fn still_open(mut connection: Connection) -> Option<Connection> {
    connection.is_open().await.then_some(connection)
}

/// Sends one request, over the connection `at_hand` where there is one.
///
/// A kept connection may be closed by the target at any time, which says nothing about its health:
/// another one is opened, once, where the request never left or where nothing came back and asking
/// again changes nothing (RFC 9110, section 9.2.2).
async fn ask(
    attempt: &mut Attempt,
    prepared: &Prepared,
    at_hand: Option<Connection>,
) -> Result<(Answer, Connection), Fault> {
    let request = prepared.request();
    if let Some(mut kept) = at_hand {
        let before = (kept.bytes_read(), kept.bytes_written());
        match kept.send_prepared(attempt, prepared).await {
            Ok(answer) => return Ok((answer, kept)),
            Err(fault) if may_ask_again(&fault, request, before, &kept) => {}
            Err(fault) => return Err(fault),
        }
        if kept.is_used_again() {
            attempt.note(OPENED_ANEW);
        }
    }
    let mut opened = Connection::open(attempt, &request.url, &request.tls).await?;
    let answer = opened.send_prepared(attempt, prepared).await?;
    Ok((answer, opened))
}

/// What is noted of a connection that the target closed between two runs.
const OPENED_ANEW: &str = "the kept connection was closed and has been opened anew";

/// `before` is how many bytes had come and left over the connection.
fn may_ask_again(fault: &Fault, request: &Request, before: (u64, u64), kept: &Connection) -> bool {
    // Over HTTP/2 the target says that it leaves: that is no beginning of an answer.
    let came = kept.bytes_read() > before.0 && !kept.is_turned_away();
    let left = kept.bytes_written() > before.1;
    matches!(fault.reason, Reason::Closed | Reason::Reset)
        && !came
        && (request.method.is_idempotent() || !left)
}
