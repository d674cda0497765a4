//! One step of a flow: its probe is built with what is known by now, run as a part of the flow, and
//! what it captures is kept for the steps after it.

use std::sync::Arc;
use std::time::Duration;

use super::capture::Capture;
use super::scope::Scope;
use crate::expect::Document;
use crate::probe::attempt::{Part, Parts};
use crate::probe::wire::aside::{LARGE, aside};
use crate::probe::{Mold, Reply};
use crate::sample::{Fault, Reason, Unit};

/// A step.
pub struct Step {
    /// What it is called.
    pub name: String,
    /// What its readings begin with.
    pub reading: String,
    /// What it captures, by name.
    pub captures: Arc<[(String, Capture)]>,
    /// How long it may take at most.
    pub timeout: Option<Duration>,
    /// What it does.
    pub mold: Arc<Mold>,
}

/// What became of a step.
pub struct Ran {
    /// The part of the run that it was; absent where it could not even begin.
    pub part: Option<Part>,
    /// How it ended, its captures included.
    pub result: Result<(), Fault>,
    /// What it was answered, where it failed.
    pub reply: Option<Reply>,
}

impl Ran {
    /// A step that was not sent.
    fn not_sent(reason: Reason, detail: String) -> Self {
        Self {
            part: None,
            result: Err(Fault::new(reason, detail)),
            reply: None,
        }
    }
}

impl Step {
    /// The first name that it needs and nothing fills in.
    pub fn lacks(&self, scope: &Scope) -> Option<&str> {
        let mut names = self.mold.names.iter();
        let lacking = names.find(|name| scope.value(name).is_none());
        lacking.map(|name| &**name)
    }

    /// The readings that it can give, and what they count. Where nobody can name those of its kind yet,
    /// whatever begins with its name is one.
    pub fn readings(&self) -> Vec<(Arc<str>, Unit)> {
        let called = |name: &str| Arc::from(format!("{}.{name}", self.reading));
        let mold = &self.mold;
        let named = mold.readings.named.iter();
        let named = named.map(|(name, unit, _)| (called(name), *unit));
        let own = mold.own.iter().flatten();
        let own = own.map(|(name, unit)| (called(name), *unit));
        let latency = [(called("latency"), Unit::Seconds)];
        let mut readings: Vec<_> = latency.into_iter().chain(named).chain(own).collect();
        if mold.readings.open && mold.own.is_none() {
            // It may well be a number of seconds, in which a plain number is one too.
            readings.push((Arc::from(self.reading.as_str()), Unit::Seconds));
        }
        readings
    }

    /// Runs it. Whatever it says of itself is in words that are safe to show.
    pub async fn run(&self, parts: &Parts, left: Duration, scope: &mut Scope) -> Ran {
        let probe = match self.mold.build(&|name| scope.value(name)) {
            Ok(probe) => probe,
            Err(why) => {
                let why = scope.mask.apply(&why);
                let detail = format!("with what was captured it cannot be sent: {why}");
                return Ran::not_sent(Reason::Expectation, detail);
            }
        };
        if left.is_zero() {
            return Ran::not_sent(Reason::Timeout, "no time was left to begin it".to_owned());
        }
        let timeout = self.timeout.map_or(left, |own| own.min(left));
        let cookies = Arc::clone(&scope.cookies);
        let mut part = parts.run(&*probe, timeout, cookies, Arc::default()).await;
        let reply = part.take_reply();
        let captured = match &reply {
            Some(reply) if !self.captures.is_empty() => self.captured(reply.clone()).await,
            // What went wrong before there was an answer is told by the result.
            None if part.result.is_ok() => {
                let none = || Err("there is no answer to look into".to_owned());
                self.captures.iter().map(|_| none()).collect()
            }
            Some(_) | None => Vec::new(),
        };
        let missed = scope.keep(&self.captures, captured);
        scope.hide_cookies();
        part.reword(|text| scope.mask.apply(text));
        let result = part.result.clone().and(missed);
        Ran {
            reply: reply.filter(|_| result.is_err()),
            part: Some(part),
            result,
        }
    }

    /// What each capture found; in a large answer it is looked for on another thread.
    async fn captured(&self, reply: Reply) -> Vec<Result<serde_json::Value, String>> {
        let is_large = reply.body.len() > LARGE;
        let captures = Arc::clone(&self.captures);
        let find = move || found(&captures, &reply);
        match is_large {
            true => Box::pin(aside(find)).await,
            false => find(),
        }
    }
}

fn found(captures: &[(String, Capture)], reply: &Reply) -> Vec<Result<serde_json::Value, String>> {
    let reads_json = captures.iter().any(|(_, capture)| capture.reads_json());
    let document = match reads_json {
        true => Document::read(&reply.body),
        false => Document::Unreadable(String::new()),
    };
    let found = captures
        .iter()
        .map(|(_, capture)| capture.take(reply, &document));
    found.collect()
}
