//! The request that opens a WebSocket (RFC 6455, section 4.1), made once at load, and the connection
//! that comes of it.

use http::header::{
    AUTHORIZATION, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE, USER_AGENT,
};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use url::Url;

use super::fault;
use super::settings::Settings;
use super::talk::Talk;
use crate::probe::wire::channel;
use crate::probe::wire::message::basic;
use crate::probe::wire::protocol::HttpProtocol;
use crate::probe::wire::session::Sessions;
use crate::probe::wire::tls::Tls;
use crate::probe::{Attempt, Misfit, Surroundings};
use crate::quantity::Bytes;
use crate::sample::{Fault, Phase};
use crate::secret::Mask;

/// How a connection is opened.
pub struct Handshake {
    /// Where to.
    pub url: Url,
    /// Hides what is sent.
    pub mask: Mask,
    headers: HeaderMap,
    tls: Option<Tls>,
    limit: usize,
    met: Sessions,
}

impl Handshake {
    /// Reads the settings.
    ///
    /// # Errors
    /// A [`Misfit`] for each that cannot work.
    pub fn read(settings: Settings, surroundings: &Surroundings) -> Result<Self, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let url = settings.url.0.clone();
        let mask = Mask::default();
        let headers = headers(&settings, &mask, &mut misfits);
        if settings.limit > LARGEST || settings.limit.0 == 0 {
            let message = format!("a message may have from 1B to {LARGEST}");
            misfits.push(Misfit::at(&["limit"], message));
        }
        let tls = Tls::for_http(HttpProtocol::Http1, &settings.tls, surroundings);
        let tls = tls.map_err(|more| misfits.extend(more));
        let tls = tls.ok().filter(|_| url.scheme() == "wss");
        if let Some(tls) = &tls {
            match tls.server_name(url.host_str().unwrap_or_default()) {
                Ok(_) => tls.prepare(),
                Err(fault) => misfits.push(Misfit::at(&["url"], fault.detail)),
            }
        }
        if !misfits.is_empty() {
            return Err(misfits);
        }
        Ok(Self {
            url,
            mask,
            headers,
            tls,
            limit: usize::try_from(settings.limit.0).unwrap_or(usize::MAX),
            met: Sessions::default(),
        })
    }

    /// Opens a connection and agrees on the protocol.
    ///
    /// # Errors
    /// The fault of the first step that failed: name, connection, TLS, handshake.
    pub async fn open(&self, attempt: &mut Attempt) -> Result<Talk<'_>, Fault> {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or_default();
        let channel = channel::open(attempt, host, port, self.tls.as_ref(), &self.met).await?;
        attempt.enter(Phase::Ttfb);
        attempt.doing(OPENING);
        let mut request = http::Request::new(());
        *request.uri_mut() = self.uri();
        *request.headers_mut() = self.headers.clone();
        if let Ok(key) = HeaderValue::try_from(generate_key()) {
            request.headers_mut().insert(SEC_WEBSOCKET_KEY, key);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(self.limit))
            .max_frame_size(Some(self.limit));
        let opened = client_async_with_config(request, channel, Some(config)).await;
        let (stream, _) = opened.map_err(|error| fault::of(&error, host, OPENING))?;
        Ok(Talk::new(stream, host))
    }

    /// The address without what is sent apart from it.
    fn uri(&self) -> http::Uri {
        let path = match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        };
        let whole = format!("{}://{}{path}", self.url.scheme(), authority(&self.url));
        // A parsed URL has no character that a request cannot carry; else the target refuses `/`.
        whole.parse().unwrap_or_default()
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn headers(settings: &Settings, mask: &Mask, misfits: &mut Vec<Misfit>) -> HeaderMap {
    let url = &settings.url.0;
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.headers {
        let mut wrong = |message: String| misfits.push(Misfit::at(&["headers", name], message));
        let Ok(key) = HeaderName::try_from(name.as_str()) else {
            wrong(format!("`{name}` is not the name of a header"));
            continue;
        };
        if key.as_str().starts_with("sec-websocket-") || OURS.contains(&key.as_str()) {
            wrong(format!("`{name}` is set by the protocol"));
            continue;
        }
        // The value may be a secret: it is not repeated, and never printed by the client.
        let Ok(mut sent) = HeaderValue::try_from(value.reveal()) else {
            wrong(format!(
                "the value of `{name}` has characters that no header can carry"
            ));
            continue;
        };
        sent.set_sensitive(true);
        mask.hide(value.reveal());
        // `Bearer …`: the token alone as well.
        if let Some((_, token)) = value.reveal().split_once(' ') {
            mask.hide(token);
        }
        headers.insert(key, sent);
    }
    if let Some(password) = url.password() {
        mask.hide(password);
    }
    if let Some(basic) = basic(url) {
        headers.entry(AUTHORIZATION).or_insert(basic);
    }
    match HeaderValue::try_from(authority(url)) {
        Ok(host) => drop(headers.insert(HOST, host)),
        Err(_) => misfits.push(Misfit::at(&["url"], "the host cannot be sent in a request")),
    }
    offer(&settings.subprotocols, &mut headers, misfits);
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(WHO_ASKS));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers
}

fn offer(subprotocols: &[String], headers: &mut HeaderMap, misfits: &mut Vec<Misfit>) {
    let is_token = |name: &String| {
        let sign = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        !name.is_empty() && name.chars().all(sign)
    };
    if let Some(odd) = subprotocols.iter().find(|name| !is_token(name)) {
        let message = format!("`{odd}` is not the name of a subprotocol");
        misfits.push(Misfit::at(&["subprotocols"], message));
        return;
    }
    if let Ok(all) = HeaderValue::try_from(subprotocols.join(", "))
        && !all.is_empty()
    {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, all);
    }
}

/// What is going on before the first message, as messages of ours say it.
const OPENING: &str = "opening the WebSocket";
/// Headers that the protocol sets.
const OURS: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "transfer-encoding",
    "upgrade",
];

const WHO_ASKS: &str = concat!("smokejumper/", env!("CARGO_PKG_VERSION"));

/// The largest message that is read.
const LARGEST: Bytes = Bytes(16 << 20);
/// How much is read at once: most messages are smaller, and each run has such a buffer.
const BUFFER: usize = 16 << 10;
