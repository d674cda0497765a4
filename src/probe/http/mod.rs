//! The kind `http`: one request, redirects included, and what is expected of the answer.
//!
//! Proves that the target answers as expected over a connection opened for the purpose, or over a
//! kept one where declared. It does not render pages, run scripts or keep cookies.

mod discretion;
mod expectation;
mod redirect;
mod request;
mod settings;
mod version;

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use http::Method;

pub use expectation::{Expectation, Status, StatusPart};
pub use settings::{Address, Addresses, HttpSettings, Redirects};
pub use version::Version;

use super::wire::connection::Connection;
use super::wire::exchange::{Answer, Request};
use super::wire::tls::{self, Tls};
use super::{Attempt, ConnectionPolicy, Kind, Misfit, Probe, Readings, Surroundings};
use crate::quantity;
use crate::sample::{Fault, Reason, Unit};

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
        ],
        open: false,
    };
    const OBSERVES: bool = true;
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
        misfits.extend(settings.expect.iter().flat_map(Expectation::misfits));
        misfits.extend(settings.version.iter().flat_map(Version::misfits));
        let keeps = settings.connection == Some(ConnectionPolicy::KeepAlive);
        if keeps && settings.addresses == Addresses::Tasks {
            let message = "with `addresses: tasks` every run opens a connection of its own";
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
        Ok(Box::new(HttpProbe {
            request: Request {
                method: settings.method.0,
                url: settings.url.0,
                headers,
                body,
                tls,
                body_limit: settings.body_limit.0,
            },
            expectation: settings.expect.unwrap_or_default(),
            version: settings.version,
            addresses: settings.addresses,
            redirects: settings.redirects,
            max_redirects: settings.max_redirects,
            policy: settings.connection,
            idle: Mutex::new(None),
        }))
    }
}

/// The body of an answer is held in memory, for as many checks as run at once.
const LARGEST_BODY: quantity::Bytes = quantity::Bytes(64 << 20);

struct HttpProbe {
    request: Request,
    expectation: Expectation,
    version: Option<Version>,
    addresses: Addresses,
    redirects: Redirects,
    max_redirects: u8,
    policy: Option<ConnectionPolicy>,
    /// The connection kept between runs. A run takes it out and puts it back when it is whole.
    idle: Mutex<Option<Connection>>,
}

#[async_trait]
impl Probe for HttpProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        if self.asks_tasks() && attempt.task().is_none() {
            return Err(Fault::new(Reason::NoTask, NO_TASK));
        }
        let answer = self.last_answer(attempt).await?;
        // Nothing of an answer that does not count may be taken for the target's. One that names no
        // version and is wrong besides counts: whoever cannot answer cannot name itself either.
        if let Some(version) = self.version.as_ref().filter(|_| !attempt.any_version()) {
            let is_wrong = || self.expectation.fault(&answer).is_some();
            if version.is_named(&answer) || !is_wrong() {
                self.told(&answer, |answer| version.fault(answer))?;
            }
        }
        attempt.reading("status", f64::from(answer.status.as_u16()), Unit::Number);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a body is at most 64 MiB, which a float holds exactly"
        )]
        let size = answer.body.len() as f64;
        attempt.reading("body_bytes", size, Unit::Bytes);
        attempt.observe(|| {
            let masked = discretion::masked(&answer, &discretion::mask(&self.request));
            self.expectation.observed(&masked)
        });
        self.told(&answer, |answer| self.expectation.fault(answer))
    }

    fn asks_tasks(&self) -> bool {
        self.addresses == Addresses::Tasks
    }
}

/// What is said where a check asks tasks and is given none.
const NO_TASK: &str = "nobody was asked: `addresses: tasks` is for the bake of a deployment, \
                       where it is known which tasks run";

impl HttpProbe {
    /// Judges the answer as it is, and words what it lacks by the answer without what we sent.
    fn told(&self, answer: &Answer, fault: impl Fn(&Answer) -> Option<Fault>) -> Result<(), Fault> {
        let Some(found) = fault(answer) else {
            return Ok(());
        };
        let masked = discretion::masked(answer, &discretion::mask(&self.request));
        let worded = fault(&masked).map(|fault| fault.detail);
        Err(Fault {
            detail: worded.unwrap_or_else(|| "the answer differs where it repeats us".to_owned()),
            ..found
        })
    }

    /// Asks, and follows redirects as far as they are allowed.
    async fn last_answer(&self, attempt: &mut Attempt) -> Result<Answer, Fault> {
        let mut request = self.request.clone();
        let mask = discretion::mask(&request);
        let mut connection = self.take_idle(attempt);
        let mut asked: Vec<(Method, url::Url)> = Vec::new();
        loop {
            let kept = connection.take();
            let (answer, used) = ask(attempt, &request, kept, asked.is_empty()).await?;
            let next = if self.expectation.accepts(answer.status) {
                None
            } else {
                redirect::next(&request, &answer, self.redirects, &mask)?
            };
            connection = Some(used);
            let Some(next) = next else {
                self.put_idle(attempt, connection);
                return Ok(answer);
            };
            let place = redirect::place(&next.url, &mask);
            if attempt.task().is_some() && next.url.origin() != request.url.origin() {
                let detail = format!("redirected to {place}, which is no task");
                return Err(Fault::new(Reason::NoTask, detail));
            }
            asked.push((request.method, request.url));
            self.check(&next, &asked, &place)?;
            attempt.note(format!("redirected to {place}"));
            request = next;
        }
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

    fn take_idle(&self, attempt: &Attempt) -> Option<Connection> {
        if !self.keeps(attempt) {
            return None;
        }
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn keeps(&self, attempt: &Attempt) -> bool {
        attempt.policy(self.policy, ConnectionPolicy::Fresh) == ConnectionPolicy::KeepAlive
    }

    fn put_idle(&self, attempt: &Attempt, connection: Option<Connection>) {
        if self.keeps(attempt) {
            *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = connection;
        }
    }
}

/// Sends one request, over the connection at hand where that serves the address. That one may be
/// `from_before`, kept by an earlier run.
///
/// A kept connection may have been closed by the target at any time, which says nothing about
/// its health: it is opened anew once, when it is found closed before the request was sent, or
/// when nothing came back and asking again changes nothing (RFC 9110, section 9.2.2).
async fn ask(
    attempt: &mut Attempt,
    request: &Request,
    kept: Option<Connection>,
    from_before: bool,
) -> Result<(Answer, Connection), Fault> {
    if let Some(mut kept) = kept.filter(|kept| kept.serves(&request.url)) {
        if kept.is_open().await {
            let before = kept.bytes_read();
            if from_before {
                kept.used_again(attempt, &request.tls);
            }
            match kept.send(attempt, request).await {
                Ok(answer) => return Ok((answer, kept)),
                Err(fault) if may_ask_again(&fault, request, kept.bytes_read() - before) => {}
                Err(fault) => return Err(fault),
            }
        }
        if from_before {
            attempt.note("the kept connection was closed and has been opened anew");
        }
    }
    let mut opened = Connection::open(attempt, &request.url, &request.tls).await?;
    let answer = opened.send(attempt, request).await?;
    Ok((answer, opened))
}

fn may_ask_again(fault: &Fault, request: &Request, came: u64) -> bool {
    matches!(fault.reason, Reason::Closed | Reason::Reset)
        && came == 0
        && request.method.is_idempotent()
}
