//! Telling people: each channel against servers that answer as documented, and oddly; and what people
//! read.

mod channels;
mod exchanges;
mod wording;

use std::sync::Arc;

use serde_json::{Value, json};
use smokejumper::notify::{Effect, Kind, Notice, Notifier, Severity, registry};
use smokejumper::sample::CheckId;

/// A notifier of a channel with these settings.
pub fn notifier(channel: &str, settings: Value) -> Arc<dyn Notifier> {
    let built = registry::build(channel, settings).expect("a channel");
    built
        .expect("settings")
        .unwrap_or_else(|misfits| panic!("{misfits:?}"))
}

/// A Slack webhook at a peer, with a secret in its address.
pub fn slack(url: &str) -> Arc<dyn Notifier> {
    notifier("slack", json!({ "url": url, "timeout": "2s" }))
}

/// A trouble with everything that is told of one.
pub fn trouble() -> Notice {
    let line = "api: orders fails on api:42: error rate 12.1 % over 58 samples, limit 5 %";
    let mut notice = Notice::new(
        Kind::CheckFailing,
        Severity::Critical,
        "smokejumper/api/d1",
        line,
    );
    notice.effect = Effect::Opens;
    notice.service = Some(Arc::from("api"));
    notice.check = Some(CheckId::new("orders"));
    notice.revision = Some("api:42".to_owned());
    notice.previous = Some("api:41".to_owned());
    notice.details = vec!["orders: 7 of 58 <failed> & so on".to_owned()];
    notice.done = "Nothing was changed so far; what is decided follows.".to_owned();
    notice.next = "Stop other deployments of api until it is decided.".to_owned();
    notice.link = Some("https://smokejumper.test/windows/1".to_owned());
    notice
}
