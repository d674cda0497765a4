//! Everything that happens, told once: to whoever listens, and to the history. Here it gets its name,
//! its time and its mask; whether people are to be told of it is said with it, so that a notifier need
//! know no window and no silence.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::handle::Handle;
use super::recorder::Recorder;
use super::silencing::Silencing;
use super::telling::Telling;
use crate::clock::Clock;
use crate::sample::CheckId;
use crate::secret::Mask;
use crate::store::history::{Batch, Happening};

/// What can happen, by name: the closed set of [`Happening::kind`].
pub const KINDS: [&str; 26] = [
    "daemon_started",
    "daemon_stopped",
    "check_judged",
    "window_opened",
    "window_left",
    "window_closed",
    "deployment_pinned",
    "standing_changed",
    "decided",
    "rollback_intended",
    "rollback_started",
    "rollback_progress",
    "verification_started",
    "rollback_ended",
    "warned",
    "ordered",
    "frozen",
    "thawed",
    "silence_began",
    "silence_ended",
    "silence_ordered",
    "silence_lifted",
    "configuration_loaded",
    "configuration_refused",
    "deployments_unseen",
    "deployments_seen",
];

/// How much it is a person's business. Ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For the record.
    Info,
    /// A person should know, in their own time.
    Warning,
    /// A person should know now.
    Critical,
}

impl Severity {
    /// The name, as in the facts of a happening.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What is to be told.
#[derive(Clone, Debug)]
pub(super) struct News {
    pub(super) kind: &'static str,
    pub(super) severity: Severity,
    pub(super) service: Option<Arc<str>>,
    pub(super) window: Option<Arc<str>>,
    pub(super) check: Option<CheckId>,
    pub(super) text: String,
    pub(super) facts: Map<String, Value>,
    /// Whether a window of the service is open: warnings are muted then.
    pub(super) in_window: bool,
}

impl News {
    pub(super) fn new(kind: &'static str, severity: Severity, text: impl Into<String>) -> Self {
        Self {
            kind,
            severity,
            service: None,
            window: None,
            check: None,
            text: text.into(),
            facts: Map::new(),
            in_window: false,
        }
    }

    pub(super) fn of(mut self, service: &Arc<str>) -> Self {
        self.service = Some(Arc::clone(service));
        self
    }

    pub(super) fn within(mut self, window: &Arc<str>) -> Self {
        self.window = Some(Arc::clone(window));
        self.in_window = true;
        self
    }

    pub(super) fn about(mut self, check: &CheckId) -> Self {
        self.check = Some(check.clone());
        self
    }

    pub(super) fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

/// Who tells it.
#[derive(Clone)]
pub(super) struct Herald {
    handle: Handle,
    recorder: Arc<dyn Recorder>,
    clock: Arc<dyn Clock>,
    silencing: Silencing,
    mask: Mask,
    names: Arc<Mutex<ulid::Generator>>,
    /// Who else is told, by whatever way they declared.
    pub(super) people: Telling,
}

/// Why a warning is muted while a window is open.
const WINDOW_OPEN: &str = "a window is open";

impl Herald {
    pub(super) fn new(
        handle: Handle,
        recorder: Arc<dyn Recorder>,
        clock: Arc<dyn Clock>,
        silencing: Silencing,
        mask: Mask,
        people: Telling,
    ) -> Self {
        Self {
            people,
            handle,
            recorder,
            clock,
            silencing,
            mask,
            names: Arc::new(Mutex::new(ulid::Generator::new())),
        }
    }

    pub(super) fn recorder(&self) -> &dyn Recorder {
        &*self.recorder
    }

    /// Tells it to everyone.
    pub(super) fn tell(&self, news: News) {
        let at = self.clock.wall();
        let muted = self.muted(&news);
        let mut facts = news.facts;
        facts.insert("severity".to_owned(), json!(news.severity.name()));
        facts.insert("muted".to_owned(), json!(muted.is_some()));
        if let Some(why) = muted {
            facts.insert("muted_because".to_owned(), json!(why));
        }
        let happening = Happening {
            id: self.name(),
            at,
            service: news.service,
            window: news.window,
            check: news.check,
            kind: news.kind,
            text: self.mask.apply(&news.text),
            facts: masked(Value::Object(facts), &self.mask),
        };
        self.recorder.take(Batch {
            happenings: vec![happening.clone()],
            ..Batch::default()
        });
        self.handle.tell(happening);
    }

    /// A name that sorts after those before it, also within a millisecond.
    fn name(&self) -> String {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        // It fails after 2^80 names within a millisecond.
        let name = names.generate().unwrap_or_else(|_| ulid::Ulid::new());
        name.to_string()
    }

    /// Why nobody is to be told; nothing where people are. What was decided and done about a
    /// deployment is never muted.
    fn muted(&self, news: &News) -> Option<String> {
        if !matches!(news.kind, "check_judged" | "warned" | "deployments_unseen") {
            return None;
        }
        if news.in_window && news.severity < Severity::Critical {
            return Some(WINDOW_OPEN.to_owned());
        }
        self.silencing
            .mutes(news.service.as_deref(), news.check.as_ref())
    }
}

/// So many of something, in words.
pub(super) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// The same value without secrets in its texts.
fn masked(value: Value, mask: &Mask) -> Value {
    match value {
        Value::String(text) => Value::String(mask.apply(&text)),
        Value::Array(items) => items.into_iter().map(|one| masked(one, mask)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields
                .map(|(name, one)| (name, masked(one, mask)))
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}
