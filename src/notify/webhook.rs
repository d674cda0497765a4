//! A webhook: one HTTP request of any form, filled in from templates, so that it can speak to whatever
//! has no channel of its own. Without a template the body is the whole notice as JSON.
//!
//! What is written is tried at load with two made-up notices, so that a mistake is found then and not at
//! night. `template` says what may be named.

mod signature;
mod template;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use schemars::JsonSchema;
use serde::Deserialize;

use self::signature::{SignSettings, Signature};
use self::template::{Template, Trouble};
use super::exchange::{self, Exchange, Message};
use super::{Channel, Misfit, Notice, Notifier, Unsent};
use crate::quantity::Span;
use crate::secret::Secret;

/// The channel.
#[derive(Clone, Copy, Debug)]
pub struct Webhook;

/// One HTTP request for each notice.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// The address, which may be a template. It is taken for a secret.
    pub url: Secret,
    /// The method; without it, POST.
    pub method: Option<String>,
    /// Headers, whose values may be templates; they are taken for secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// The body, a template; without it, the whole notice as JSON. A text in JSON is written with
    /// `tojson`, as `{"text": {{ headline | tojson }}}`.
    pub body: Option<String>,
    /// A header with a signature of the body, by which the other side knows that we sent it.
    pub sign: Option<SignSettings>,
    /// How long one request may take; without it, 10s.
    pub timeout: Option<Span>,
}

impl Channel for Webhook {
    const NAME: &'static str = "webhook";
    const SUMMARY: &'static str = "One HTTP request, filled in from templates.";
    type Settings = WebhookSettings;

    fn notifier(settings: WebhookSettings) -> Result<Arc<dyn Notifier>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let deadline = exchange::deadline(settings.timeout, &mut misfits);
        let method = method(settings.method.as_deref(), &mut misfits);
        let form = Form {
            method,
            url: template(settings.url.reveal(), &["url"], &mut misfits),
            headers: headers(&settings.headers, &mut misfits),
            body: settings
                .body
                .as_deref()
                .map(|text| template(text, &["body"], &mut misfits)),
            sign: settings
                .sign
                .as_ref()
                .and_then(|sign| Signature::of(sign, &mut misfits)),
        };
        if misfits.is_empty() {
            form.try_out(&mut misfits);
        }
        if !misfits.is_empty() {
            return Err(misfits);
        }
        Ok(Arc::new(Caller {
            exchange: Exchange::within(deadline),
            form,
        }))
    }
}

fn method(text: Option<&str>, misfits: &mut Vec<Misfit>) -> Method {
    let text = text.unwrap_or("POST").trim();
    let known = Method::from_bytes(text.as_bytes()).ok();
    let known = known.filter(|_| text.chars().all(|c| c.is_ascii_uppercase()));
    known.unwrap_or_else(|| {
        let misfit = Misfit::at(&["method"], format!("`{text}` is no method of HTTP"));
        misfits.push(misfit.hint("write it in capitals, as POST or PUT"));
        Method::POST
    })
}

fn template(text: &str, path: &[&str], misfits: &mut Vec<Misfit>) -> Template {
    Template::of(text).unwrap_or_else(|trouble| {
        misfits.push(misfit(path, trouble));
        Template::plain("")
    })
}

fn misfit(path: &[&str], trouble: Trouble) -> Misfit {
    let mut misfit = Misfit::at(path, trouble.message);
    misfit.found = trouble.found;
    misfit.hint = trouble.hint;
    misfit
}

fn headers(
    declared: &BTreeMap<String, Secret>,
    misfits: &mut Vec<Misfit>,
) -> Vec<(HeaderName, Template)> {
    let mut headers = Vec::with_capacity(declared.len());
    for (name, value) in declared {
        let path = ["headers", name.as_str()];
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(header) => headers.push((header, template(value.reveal(), &path, misfits))),
            Err(_) => misfits.push(Misfit::at(
                &path,
                format!("`{name}` is no name of a header"),
            )),
        }
    }
    headers
}

/// What a request looks like.
struct Form {
    method: Method,
    url: Template,
    headers: Vec<(HeaderName, Template)>,
    body: Option<Template>,
    sign: Option<Signature>,
}

impl Form {
    /// The request for a notice.
    fn filled(&self, notice: &Notice) -> Result<Message, (Vec<String>, Trouble)> {
        let at = |path: &[&str]| path.iter().map(|&part| part.to_owned()).collect::<Vec<_>>();
        let url = self
            .url
            .fill(notice)
            .map_err(|trouble| (at(&["url"]), trouble))?;
        let mut misfits = Vec::new();
        let Some(url) = exchange::address(&url, &["url"], &mut misfits) else {
            return Err((at(&["url"]), Trouble::new("this is no address of HTTP")));
        };
        let body = match &self.body {
            Some(body) => body
                .fill(notice)
                .map_err(|trouble| (at(&["body"]), trouble))?,
            None => template::whole(notice),
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &self.headers {
            let path = || at(&["headers", name.as_str()]);
            let value = value.fill(notice).map_err(|trouble| (path(), trouble))?;
            // No header carries a line break, and what is told may have one.
            let value: String = value
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            let value = HeaderValue::from_bytes(value.trim().as_bytes());
            let value = value.map_err(|_| (path(), Trouble::new("no header can carry this")))?;
            headers.insert(name.clone(), value);
        }
        if let Some(sign) = &self.sign {
            let (name, value) = sign.over(body.as_bytes());
            headers.insert(name, value);
        }
        Ok(Message {
            method: self.method.clone(),
            url,
            headers,
            body: Bytes::from(body),
        })
    }

    /// Fills it in with notices of which one has all that a notice can have, and one the least.
    fn try_out(&self, misfits: &mut Vec<Misfit>) {
        for notice in template::made_up() {
            let message = match self.filled(&notice) {
                Ok(message) => message,
                Err((path, trouble)) => {
                    let path: Vec<&str> = path.iter().map(String::as_str).collect();
                    misfits.push(misfit(&path, trouble));
                    return;
                }
            };
            let kind = message.headers.get(CONTENT_TYPE);
            let is_json =
                kind.is_some_and(|kind| kind.as_bytes().windows(4).any(|part| part == b"json"));
            let read = serde_json::from_slice::<serde::de::IgnoredAny>(&message.body);
            if let Err(error) = read
                && is_json
                && self.body.is_some()
            {
                let message = format!("filled in, this is no JSON: {error}");
                let misfit = Misfit::at(&["body"], message);
                misfits.push(misfit.hint(
                    "write texts as {{ headline | tojson }}, without quotes of your own; \
                     or declare another content-type under `headers`",
                ));
                return;
            }
        }
    }
}

struct Caller {
    exchange: Exchange,
    form: Form,
}

#[async_trait]
impl Notifier for Caller {
    async fn send(&self, notice: &Notice) -> Result<(), Unsent> {
        let message = self.form.filled(notice).map_err(|(path, trouble)| {
            let (at, why) = (path.join("."), trouble.message);
            Unsent::Refused(format!("the template of `{at}` cannot be filled in: {why}"))
        })?;
        self.exchange.send(message).await?.judged()
    }

    fn deadline(&self) -> Duration {
        self.exchange.deadline()
    }
}
