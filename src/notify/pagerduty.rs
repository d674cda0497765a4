//! PagerDuty: events of its Events API, version 2. A trouble triggers an incident under a key of its own,
//! a person who took it in hand acknowledges it, its end resolves it.
//!
//! What is no trouble is not sent: a pager has no way to say it. Its severities are its own words.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::exchange::{self, Answer, Exchange, Message};
use super::notice::cut;
use super::{Channel, Effect, Misfit, Notice, Notifier, Severity, Unsent};
use crate::clock::WallTime;
use crate::quantity::Span;
use crate::secret::Secret;

/// The channel.
#[derive(Clone, Copy, Debug)]
pub struct PagerDuty;

/// Incidents of PagerDuty.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PagerDutySettings {
    /// The integration key of an "Events API v2" integration: 32 characters. A secret.
    pub routing_key: Secret,
    /// Where events go; without it, `https://events.pagerduty.com/v2/enqueue`. In the service region of
    /// Europe: `https://events.eu.pagerduty.com/v2/enqueue`.
    pub url: Option<String>,
    /// How long one event may take; without it, 10s.
    pub timeout: Option<Span>,
}

/// Where events go.
const EVENTS: &str = "https://events.pagerduty.com/v2/enqueue";
/// How long a routing key is.
const KEY: usize = 32;
/// How long a summary may be.
const SUMMARY: usize = 1_024;
/// How long the key of an incident may be.
const DEDUP_KEY: usize = 255;
/// How large an event may be (512 KB), with room for what is counted otherwise.
const LARGEST: usize = 500_000;

impl Channel for PagerDuty {
    const NAME: &'static str = "pagerduty";
    const SUMMARY: &'static str = "Incidents of PagerDuty: triggered, acknowledged and resolved.";
    type Settings = PagerDutySettings;

    fn notifier(settings: PagerDutySettings) -> Result<Arc<dyn Notifier>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let key = settings.routing_key.reveal().trim();
        if key.len() != KEY || !key.chars().all(|c| c.is_ascii_alphanumeric()) {
            let message = format!("this is no routing key: it has {KEY} letters and digits");
            let misfit = Misfit::at(&["routing_key"], message);
            misfits
                .push(misfit.hint("it is the integration key of an `Events API v2` integration"));
        }
        let url = settings.url.as_deref().unwrap_or(EVENTS);
        let url = exchange::address(url, &["url"], &mut misfits);
        let deadline = exchange::deadline(settings.timeout, &mut misfits);
        match url {
            Some(url) if misfits.is_empty() => Ok(Arc::new(Pager {
                exchange: Exchange::within(deadline),
                url,
                routing_key: Secret::new(key),
            })),
            _ => Err(misfits),
        }
    }
}

struct Pager {
    exchange: Exchange,
    url: Url,
    routing_key: Secret,
}

#[async_trait]
impl Notifier for Pager {
    async fn send(&self, notice: &Notice) -> Result<(), Unsent> {
        let Some(mut event) = event(notice) else {
            return Ok(());
        };
        event["routing_key"] = json!(self.routing_key.reveal());
        let answer = self
            .exchange
            .send(Message::json(self.url.clone(), &event))
            .await?;
        judged(&answer)
    }

    fn deadline(&self) -> Duration {
        self.exchange.deadline()
    }

    fn takes(&self, notice: &Notice) -> bool {
        notice.effect != Effect::Tells
    }
}

/// 202 is the only answer that means that it was taken.
fn judged(answer: &Answer) -> Result<(), Unsent> {
    if answer.status.as_u16() == 202 {
        return Ok(());
    }
    if answer.status.is_success() {
        let why = format!("{} (that is no answer of PagerDuty)", answer.said());
        return Err(Unsent::Passing(why));
    }
    answer.judged()
}

/// The event, without its routing key; none for what is no trouble.
fn event(notice: &Notice) -> Option<Value> {
    let action = match notice.effect {
        Effect::Opens => "trigger",
        Effect::Acknowledges => "acknowledge",
        Effect::Resolves => "resolve",
        Effect::Tells => return None,
    };
    let mut event = json!({
        "event_action": action,
        "dedup_key": dedup_key(&notice.subject),
        "client": "Smokejumper",
        "payload": payload(notice),
    });
    if let Some(link) = &notice.link {
        event["client_url"] = json!(link);
        event["links"] = json!([{ "href": link, "text": "Open in Smokejumper" }]);
    }
    if event.to_string().len() > LARGEST {
        // The line alone says it; what makes it too large helps nobody.
        event["payload"]["custom_details"] =
            json!({ "cut": "the details are too large to be sent" });
    }
    Some(event)
}

fn payload(notice: &Notice) -> Value {
    let severity = match notice.severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let mut details = Map::new();
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            details.insert(name.to_owned(), json!(value));
        }
    };
    add("done", Some(&notice.done));
    add("next", Some(&notice.next));
    add("revision", notice.revision.as_deref());
    add("previous_revision", notice.previous.as_deref());
    add("window", notice.window.as_deref());
    add("reasons", Some(&notice.details.join("\n")));
    let mut payload = json!({
        "summary": cut(&notice.title(), SUMMARY),
        "source": notice.service.as_deref().unwrap_or("smokejumper"),
        "severity": severity,
        "class": notice.kind.name(),
        "custom_details": details,
    });
    if let Some(check) = &notice.check {
        payload["component"] = json!(check.as_str());
    }
    if let Some(service) = &notice.service {
        payload["group"] = json!(&**service);
    }
    if let Some(at) = timestamp(notice.at) {
        payload["timestamp"] = json!(at);
    }
    payload
}

/// ISO 8601, to the millisecond; none for a notice without a time.
fn timestamp(at: WallTime) -> Option<String> {
    let millis = i64::try_from(at.unix().as_millis())
        .ok()
        .filter(|millis| *millis > 0)?;
    Timestamp::from_millisecond(millis)
        .ok()
        .map(|at| at.to_string())
}

/// A subject that is too long keeps its beginning, for people, and what tells it from others.
fn dedup_key(subject: &str) -> String {
    if subject.len() <= DEDUP_KEY {
        return subject.to_owned();
    }
    /// As much of the digest as two subjects of one team will never share.
    const DIGEST: usize = 32;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, subject.as_bytes());
    let hex: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut end = DEDUP_KEY - DIGEST - 1;
    while !subject.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}/{}", &subject[..end], &hex[..DIGEST])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::Kind;

    #[test]
    fn the_limits_of_an_event_hold_whatever_is_told() {
        let mut notice = Notice::new(
            Kind::Held,
            Severity::Critical,
            &"ä".repeat(400),
            &"ö".repeat(3_000),
        );
        notice.effect = Effect::Opens;
        notice.details = vec!["x".repeat(600_000)];
        let event = event(&notice).expect("an event");
        assert!(event.to_string().len() < LARGEST);
        let summary = event["payload"]["summary"].as_str().expect("a summary");
        assert_eq!(summary.chars().count(), SUMMARY);
        let key = event["dedup_key"].as_str().expect("a key");
        assert!(key.len() <= DEDUP_KEY, "{}", key.len());
        assert_eq!(
            key,
            dedup_key(&notice.subject),
            "the same trouble, the same key"
        );
        assert_ne!(key, dedup_key(&"ä".repeat(401)));
    }

    #[test]
    fn each_effect_has_its_action_and_what_only_tells_has_none() {
        let cases = [
            (Effect::Opens, Some("trigger")),
            (Effect::Acknowledges, Some("acknowledge")),
            (Effect::Resolves, Some("resolve")),
            (Effect::Tells, None),
        ];
        for (effect, action) in cases {
            let mut notice = Notice::new(Kind::Held, Severity::Warning, "s", "h");
            notice.effect = effect;
            let event = event(&notice);
            let found = event
                .as_ref()
                .and_then(|event| event["event_action"].as_str());
            assert_eq!(found, action, "{effect:?}");
        }
    }
}
