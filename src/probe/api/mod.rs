//! What the kinds have in common that ask somebody over HTTP for one document, with GET: an endpoint
//! of metrics, the API of a provider.
//!
//! One request a run, its secrets kept out of every message. It follows no redirect, asks nothing
//! twice, and does not judge what it is answered.

mod headers;
mod refusal;
mod series;
mod shorthand;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::ACCEPT;
use url::Url;

use super::wire::connection::Connection;
use super::wire::exchange::{Answer, Request};
use super::wire::message;
use super::wire::protocol::HttpProtocol;
use super::wire::tls::{Tls, TlsSettings};
use super::{Attempt, ConnectionPolicy, Misfit, Surroundings};
use crate::clock::Moment;
use crate::quantity::Bytes;
use crate::sample::{Fault, Reason};
use crate::secret::{Mask, Secret};

pub use refusal::{refusal, secondhand_refusal};
pub use series::{Absent, Counts, Fold, Take, Told, check_name, strangers};
pub use shorthand::text_or_mapping;

/// How a document is asked for, as declared.
pub struct Declared {
    /// Where it is: `http` or `https`. Of another path where a run says so.
    pub url: Url,
    /// Headers beyond the ones that the protocol needs; they may be secrets.
    pub headers: BTreeMap<String, Secret>,
    /// What is asked for where no header says so: the value of `accept`.
    pub accept: &'static str,
    /// How certificates are checked.
    pub tls: TlsSettings,
    /// Which version of HTTP is spoken.
    pub protocol: HttpProtocol,
    /// Whether each run opens a connection of its own; without it, each does.
    pub connection: Option<ConnectionPolicy>,
    /// How large the document may be.
    pub body_limit: Bytes,
}

/// Somebody who is asked for documents.
pub struct Source {
    url: Url,
    headers: HeaderMap,
    tls: Tls,
    policy: Option<ConnectionPolicy>,
    body_limit: Bytes,
    mask: Mask,
    kept: Mutex<Option<Kept>>,
}

/// The connection of an earlier run, and since when nobody uses it.
struct Kept {
    connection: Connection,
    since: Moment,
}

/// After so long without a word who is asked, or a balancer before it, has mostly closed a connection.
const UNUSED_FOR: Duration = Duration::from_secs(120);

/// The document of an answer is held in memory, for as many checks as run at once.
pub const LARGEST_BODY: Bytes = Bytes(64 << 20);

impl Declared {
    /// Makes the source.
    ///
    /// # Errors
    /// A [`Misfit`] for every setting that cannot work.
    pub fn lower(self, surroundings: &Surroundings) -> Result<Source, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let mut headers = headers::lower(&self.headers, &mut misfits);
        if self.body_limit > LARGEST_BODY {
            let message = format!("a body of more than {LARGEST_BODY} is not read");
            misfits.push(Misfit::at(&["body_limit"], message));
        }
        let tls = Tls::for_http(self.protocol, &self.tls, surroundings)
            .map_err(|more| misfits.extend(more));
        let Some(tls) = tls.ok().filter(|_| misfits.is_empty()) else {
            return Err(misfits);
        };
        if self.url.scheme() == "https" {
            tls.prepare();
        }
        let mask = mask(&self.url, &headers);
        headers
            .entry(ACCEPT)
            .or_insert(http::HeaderValue::from_static(self.accept));
        Ok(Source {
            url: self.url,
            headers,
            tls,
            policy: self.connection,
            body_limit: self.body_limit,
            mask,
            kept: Mutex::new(None),
        })
    }
}

/// Everything that is sent and may be a credential.
fn mask(url: &Url, headers: &HeaderMap) -> Mask {
    let mask = Mask::default();
    let hide = |text: &str| {
        mask.hide(text);
        // `Bearer …`, `Basic …`: the token alone as well.
        if let Some((_, token)) = text.split_once(' ') {
            mask.hide(token);
        }
    };
    for value in headers.values() {
        hide(&String::from_utf8_lossy(value.as_bytes()));
    }
    if let Some(basic) = message::basic(url) {
        hide(&String::from_utf8_lossy(basic.as_bytes()));
    }
    if let Some(password) = url.password() {
        mask.hide(password);
        mask.hide(&String::from_utf8_lossy(&message::percent_decoded(
            password,
        )));
    }
    mask
}

impl Source {
    /// Where the document is, as declared.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The host of that address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The text without what we sent: whoever answers may repeat it.
    #[must_use]
    pub fn masked(&self, text: &str) -> String {
        self.mask.apply(text)
    }

    /// Asks for the document at `url`, which is of the declared origin. Any status is an answer.
    ///
    /// # Errors
    /// The fault of the first step that failed, without our secrets.
    pub async fn get(&self, attempt: &mut Attempt, url: &Url) -> Result<Answer, Fault> {
        let mut talk = self.talk(attempt);
        let answer = talk.get(attempt, url).await?;
        talk.end(attempt);
        Ok(answer)
    }

    /// Begins a talk of several requests in one run.
    #[must_use]
    pub fn talk(&self, attempt: &Attempt) -> Talk<'_> {
        let keeps =
            attempt.policy(self.policy, ConnectionPolicy::Fresh) == ConnectionPolicy::KeepAlive;
        Talk {
            source: self,
            keeps,
            open: None,
        }
    }

    /// The connection of an earlier run, where it leads to what runs now and still stands.
    async fn take(&self, attempt: &Attempt) -> Option<Connection> {
        let kept = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Kept {
            mut connection,
            since,
        } = kept?;
        let is_young = connection.opened() >= attempt.opened_since()
            && attempt.now().since(since) <= UNUSED_FOR;
        (is_young && connection.is_open().await).then_some(connection)
    }

    /// Runs of one check seldom overlap: one connection is kept, and any beyond it is closed.
    fn keep(&self, attempt: &Attempt, connection: Connection) {
        let since = attempt.now();
        let kept = Kept { connection, since };
        let former = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(kept);
        // Closing it is work of the system, for which no other run waits.
        drop(former);
    }
}

/// The requests of one run, over one connection while who is asked keeps it open.
pub struct Talk<'a> {
    source: &'a Source,
    keeps: bool,
    open: Option<Connection>,
}

impl Talk<'_> {
    /// As [`Source::get`].
    ///
    /// # Errors
    /// As [`Source::get`].
    pub async fn get(&mut self, attempt: &mut Attempt, url: &Url) -> Result<Answer, Fault> {
        let asked = self.ask(attempt, url).await;
        asked.map_err(|mut fault| {
            fault.detail = self.source.masked(&fault.detail);
            fault
        })
    }

    async fn ask(&mut self, attempt: &mut Attempt, url: &Url) -> Result<Answer, Fault> {
        let source = self.source;
        let request = Request {
            headers: source.headers.clone(),
            body_limit: source.body_limit.0,
            ..Request::get(url.clone(), source.tls.clone())
        };
        if let Some(mut open) = self.at_hand(attempt).await {
            let before = open.bytes_read();
            match open.send(attempt, &request).await {
                Ok(answer) => {
                    self.open = Some(open);
                    return Ok(answer);
                }
                // Whoever answers may close a kept connection at any time, which says nothing of it.
                Err(fault)
                    if matches!(fault.reason, Reason::Closed | Reason::Reset)
                        && open.bytes_read() == before => {}
                Err(fault) => return Err(fault),
            }
        }
        let mut opened = Connection::open(attempt, &request.url, &source.tls).await?;
        let answer = opened.send(attempt, &request).await?;
        self.open = Some(opened);
        Ok(answer)
    }

    /// The connection of the request before, or of an earlier run.
    async fn at_hand(&mut self, attempt: &mut Attempt) -> Option<Connection> {
        if let Some(mut open) = self.open.take() {
            return open.is_open().await.then_some(open);
        }
        if !self.keeps {
            return None;
        }
        let mut kept = self.source.take(attempt).await?;
        kept.used_again(attempt, &self.source.tls);
        Some(kept)
    }

    /// Ends the talk; leaves the connection to a later run where the check keeps them.
    pub fn end(mut self, attempt: &Attempt) {
        if let Some(open) = self.open.take().filter(|_| self.keeps) {
            self.source.keep(attempt, open);
        }
    }
}

/// Whom a source is asked under, for limits that hold for a target.
#[must_use]
pub fn target(source: &Source) -> Option<super::Target> {
    super::Target::of(&source.url)
}

/// The words of an answer's body that explain a refusal, in one bounded line without our secrets.
#[must_use]
pub fn said(source: &Source, body: &[u8]) -> String {
    let text = source.masked(&String::from_utf8_lossy(body));
    super::wire::said::one_line(&text)
}
