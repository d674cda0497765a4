//! Slack: by an incoming webhook, which posts to one channel and nothing else, or by a bot's token
//! (`chat.postMessage`), with which all messages about one deployment stand in one thread.
//!
//! It never reads what people answer. Slack says most of what is wrong with status 200 and `ok: false`:
//! `answer` sorts that by who can mend it.

mod answer;
mod blocks;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use self::answer::Posted;
use super::exchange::{self, Exchange, Message};
use super::{Channel, Misfit, Notice, Notifier, Unsent};
use crate::quantity::Span;
use crate::secret::Secret;

/// The channel.
#[derive(Clone, Copy, Debug)]
pub struct Slack;

/// Messages to a channel of Slack: by `url`, or by `token` and `channel`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackSettings {
    /// The address of an incoming webhook. It is a secret: whoever knows it can post.
    pub url: Option<Secret>,
    /// A bot's token, `xoxb-…`, with the scope `chat:write`: messages about one deployment then stand in
    /// one thread.
    pub token: Option<Secret>,
    /// The channel for the bot's messages: its identifier, as C0123456789, or its name, as #incidents.
    pub channel: Option<String>,
    /// Where the API is, for what speaks it elsewhere (`https://slack-gov.com/api`); without it,
    /// `https://slack.com/api`.
    pub api: Option<String>,
    /// How long one message may take; without it, 10s.
    pub timeout: Option<Span>,
}

/// Where the API is.
const API: &str = "https://slack.com/api";

impl Channel for Slack {
    const NAME: &'static str = "slack";
    const SUMMARY: &'static str = "Messages to a channel of Slack, by a webhook or by a bot.";
    type Settings = SlackSettings;

    fn notifier(settings: SlackSettings) -> Result<Arc<dyn Notifier>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let way = way(&settings, &mut misfits);
        let deadline = exchange::deadline(settings.timeout, &mut misfits);
        match way {
            Some(way) if misfits.is_empty() => Ok(Arc::new(Poster {
                exchange: Exchange::within(deadline),
                way,
            })),
            _ => Err(misfits),
        }
    }
}

fn way(settings: &SlackSettings, misfits: &mut Vec<Misfit>) -> Option<Way> {
    match (&settings.url, &settings.token) {
        (Some(url), None) => {
            if settings.channel.is_some() {
                let misfit = Misfit::at(
                    &["channel"],
                    "a webhook posts to the channel that it was made for",
                );
                misfits
                    .push(misfit.hint("remove it, or give a bot's `token` instead of the `url`"));
            }
            exchange::address(url.reveal(), &["url"], misfits).map(Way::Webhook)
        }
        (None, Some(token)) => bot(settings, token, misfits),
        (Some(_), Some(_)) => {
            let misfit = Misfit::at(
                &["token"],
                "there are two ways to post, a webhook and a bot",
            );
            misfits.push(misfit.hint("keep `url`, or `token` with `channel`"));
            None
        }
        (None, None) => {
            let misfit = Misfit::at(&[], "there is no way to post");
            let hint = "give the `url` of an incoming webhook, or a bot's `token` and a `channel`";
            misfits.push(misfit.hint(hint));
            None
        }
    }
}

fn bot(settings: &SlackSettings, token: &Secret, misfits: &mut Vec<Misfit>) -> Option<Way> {
    let authorization = HeaderValue::from_str(&format!("Bearer {}", token.reveal().trim()));
    let authorization = authorization.ok().map(|mut value| {
        value.set_sensitive(true);
        value
    });
    if authorization.is_none() {
        misfits.push(Misfit::at(
            &["token"],
            "this is no token: it has signs that no header can carry",
        ));
    }
    let channel = settings
        .channel
        .clone()
        .filter(|name| !name.trim().is_empty());
    if channel.is_none() {
        let misfit = Misfit::at(&["channel"], "the bot is not told where to post");
        misfits.push(misfit.hint("add `channel: \"#incidents\"`, or the channel's identifier"));
    }
    let api = settings.api.as_deref().unwrap_or(API);
    let url = exchange::address(
        &format!("{}/chat.postMessage", api.trim_end_matches('/')),
        &["api"],
        misfits,
    );
    Some(Way::Bot {
        url: url?,
        authorization: authorization?,
        channel: channel?,
        threads: Mutex::default(),
    })
}

struct Poster {
    exchange: Exchange,
    way: Way,
}

enum Way {
    Webhook(Url),
    Bot {
        url: Url,
        authorization: HeaderValue,
        channel: String,
        threads: Mutex<Threads>,
    },
}

/// The first message of each thread of late.
#[derive(Default)]
struct Threads(VecDeque<(String, String)>);

/// As many threads are known; what belongs to an older one begins a new one.
const MOST_THREADS: usize = 200;

impl Threads {
    fn find(&self, thread: &str) -> Option<String> {
        let found = self.0.iter().find(|(name, _)| name == thread);
        found.map(|(_, first)| first.clone())
    }

    fn begin(&mut self, thread: &str, first: String) {
        if self.find(thread).is_none() {
            self.0.push_back((thread.to_owned(), first));
            if self.0.len() > MOST_THREADS {
                self.0.pop_front();
            }
        }
    }

    fn forget(&mut self, thread: &str) {
        self.0.retain(|(name, _)| name != thread);
    }
}

#[async_trait]
impl Notifier for Poster {
    async fn send(&self, notice: &Notice) -> Result<(), Unsent> {
        let mut body = blocks::message(notice);
        match &self.way {
            Way::Webhook(url) => {
                let message = Message::json(url.clone(), &body);
                answer::of_webhook(&self.exchange.send(message).await?)
            }
            Way::Bot {
                url,
                authorization,
                channel,
                threads,
            } => {
                let thread = lock(threads).find(&notice.thread);
                body["channel"] = json!(channel);
                body["unfurl_links"] = json!(false);
                if let Some(first) = &thread {
                    body["thread_ts"] = json!(first);
                    // What is urgent, and the end of it, must be seen by who does not follow the thread.
                    body["reply_broadcast"] = json!(blocks::is_for_all(notice));
                }
                let mut message = Message::json(url.clone(), &body);
                message.headers.insert(AUTHORIZATION, authorization.clone());
                match answer::of_bot(&self.exchange.send(message).await?)? {
                    Posted::As(first) => lock(threads).begin(&notice.thread, first),
                    Posted::ThreadLost => {
                        lock(threads).forget(&notice.thread);
                        let why = "the first message of the thread is gone; a new thread is begun";
                        return Err(Unsent::Passing(why.to_owned()));
                    }
                }
                Ok(())
            }
        }
    }

    fn deadline(&self) -> Duration {
        self.exchange.deadline()
    }
}

fn lock(threads: &Mutex<Threads>) -> std::sync::MutexGuard<'_, Threads> {
    threads.lock().unwrap_or_else(PoisonError::into_inner)
}
