//! What people are told, as a value: what failed, on which revision, by how much, what was done about
//! it, and what to do next. Part of the seam; every channel makes of it what it can show.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::WallTime;
use crate::sample::CheckId;
use crate::secret::Mask;

/// How urgent it is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// A person should look at it in working hours.
    Warning,
    /// A person should look at it now.
    Critical,
}

impl Severity {
    /// The name, as it is written and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

macro_rules! kinds {
    ($($name:ident = $text:literal, $group:literal, $worst:ident, $meaning:literal;)*) => {
        /// What people can be told of. A closed set: routes name them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $(#[doc = $meaning] $name,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name, as routes name it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The group by which routes may name it together with its like.
            #[must_use]
            pub const fn group(self) -> &'static str {
                match self { $(Self::$name => $group,)* }
            }

            /// How severe it is at worst.
            #[must_use]
            pub const fn worst(self) -> Severity {
                match self { $(Self::$name => Severity::$worst,)* }
            }

            /// One line on what it is.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

kinds! {
    CheckFailing = "check_failing", "check", Critical, "A check breaches a limit.";
    CheckRecovered = "check_recovered", "check", Info, "It no longer does.";
    CheckFlapping = "check_flapping", "check", Critical, "A check fails and recovers in turn.";
    WindowOpened = "window_opened", "window", Info, "A deployment is watched from now on.";
    WindowClosed = "window_closed", "window", Warning, "It is no longer watched.";
    Decided = "decided", "decision", Info, "What will be done about a deployment.";
    Accepted = "accepted", "decision", Warning, "A deployment stays.";
    Held = "held", "decision", Critical, "Nothing is changed, and a person has to decide.";
    TakenInHand = "taken_in_hand", "decision", Info, "A person has taken it in hand.";
    Superseded = "superseded", "decision", Info, "Another deployment took over.";
    RollbackIntended = "rollback_intended", "rollback", Critical, "A rollback is about to be ordered.";
    Verification = "verification", "rollback", Info, "The previous revision is back and is checked.";
    RollbackEnded = "rollback_ended", "rollback", Critical, "A rollback ended, in whatever way.";
    Frozen = "frozen", "operation", Warning, "Rollbacks are stopped: all, or those of a service.";
    Thawed = "thawed", "operation", Info, "Rollbacks are allowed again.";
    ConfigurationRefused = "configuration_refused", "operation", Warning, "A newer configuration is wrong and not in force.";
    ConfigurationMended = "configuration_mended", "operation", Info, "The configuration is right again.";
    DeploymentsUnseen = "deployments_unseen", "operation", Warning, "The platform cannot be asked what is deployed.";
    DeploymentsSeen = "deployments_seen", "operation", Info, "It can be asked again.";
    StoreInTrouble = "store_in_trouble", "operation", Warning, "The history cannot be written.";
    StoreRecovered = "store_recovered", "operation", Info, "It can be written again.";
    Warned = "warned", "operation", Info, "What a person should know and that changed nothing.";
}

impl Kind {
    /// Whether it means something only to those who were told of the trouble that it ends.
    #[must_use]
    pub const fn is_for_the_told(self) -> bool {
        matches!(
            self,
            Self::CheckRecovered
                | Self::Thawed
                | Self::ConfigurationMended
                | Self::DeploymentsSeen
                | Self::StoreRecovered
        )
    }

    /// Whether many of its sort come together when one thing breaks, so that it is worth a moment to
    /// tell them in one message.
    #[must_use]
    pub const fn comes_in_storms(self) -> bool {
        matches!(self, Self::CheckFailing | Self::CheckRecovered)
    }
}

/// What a notice is about, as far as silences go by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// What is told.
    pub kind: Kind,
    /// The service.
    pub service: Option<Arc<str>>,
    /// The check.
    pub check: Option<CheckId>,
}

impl Topic {
    /// Whether it is how one check does, and no more.
    #[must_use]
    pub const fn is_a_check(&self) -> bool {
        matches!(
            self.kind,
            Kind::CheckFailing | Kind::CheckRecovered | Kind::CheckFlapping
        )
    }
}

/// What a notice does to the trouble that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It only tells.
    Tells,
    /// There is trouble, or it has become another.
    Opens,
    /// A person is at it.
    Acknowledges,
    /// It is over.
    Resolves,
}

/// One thing that people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When it happened.
    pub at: WallTime,
    /// What.
    pub kind: Kind,
    /// How urgent.
    pub severity: Severity,
    /// What it does to its subject.
    pub effect: Effect,
    /// The trouble that it is about: what has the same subject is one incident. Never a secret.
    pub subject: String,
    /// What belongs together and is told in order: a window's deployment, else the subject.
    pub thread: String,
    /// The service, as declared.
    pub service: Option<Arc<str>>,
    /// The window.
    pub window: Option<Arc<str>>,
    /// The check.
    pub check: Option<CheckId>,
    /// The revision that is judged: `api:42`.
    pub revision: Option<String>,
    /// The revision to return to, or that was returned to.
    pub previous: Option<String>,
    /// What happened, in one line that says it all.
    pub headline: String,
    /// What Smokejumper did about it, or will do; empty where that goes without saying.
    pub done: String,
    /// What the reader has to do; empty for nothing.
    pub next: String,
    /// More lines: the reasons, the most important first.
    pub details: Vec<String>,
    /// Where more can be seen.
    pub link: Option<String>,
    /// The subjects that this one tells of together, where it is a message about many.
    #[serde(default)]
    pub members: Vec<String>,
    /// Whether somebody only tries the way.
    #[serde(default)]
    pub is_test: bool,
}

impl Notice {
    /// A notice that only tells, without more than its line.
    #[must_use]
    pub fn new(kind: Kind, severity: Severity, subject: &str, headline: &str) -> Self {
        Self {
            at: WallTime::default(),
            kind,
            severity,
            effect: Effect::Tells,
            subject: subject.to_owned(),
            thread: subject.to_owned(),
            service: None,
            window: None,
            check: None,
            revision: None,
            previous: None,
            headline: headline.to_owned(),
            done: String::new(),
            next: String::new(),
            details: Vec::new(),
            link: None,
            members: Vec::new(),
            is_test: false,
        }
    }

    /// What it is about.
    #[must_use]
    pub fn topic(&self) -> Topic {
        Topic {
            kind: self.kind,
            service: self.service.clone(),
            check: self.check.clone(),
        }
    }

    /// The same notice without secrets, and with each text as long as any channel can use.
    #[must_use]
    pub fn masked(mut self, mask: &Mask) -> Self {
        let clean = |text: &mut String| *text = cut(&mask.apply(text), LONGEST_TEXT);
        for text in [&mut self.headline, &mut self.done, &mut self.next] {
            clean(text);
        }
        self.details.truncate(MOST_DETAILS);
        self.details.iter_mut().for_each(clean);
        for text in [&mut self.revision, &mut self.previous, &mut self.link] {
            text.iter_mut().for_each(clean);
        }
        self
    }

    /// The colour of the trouble in one word, as people call it out.
    #[must_use]
    pub const fn call(&self) -> &'static str {
        match (self.effect, self.severity) {
            (Effect::Resolves, _) => "RESOLVED",
            (_, Severity::Critical) => "CRITICAL",
            (_, Severity::Warning) => "WARNING",
            (_, Severity::Info) => "INFO",
        }
    }

    /// The whole as lines of plain text, for channels that show no more.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![self.title()];
        lines.extend(self.details.iter().map(|line| format!("  {line}")));
        let labelled = [("Done", &self.done), ("Next", &self.next)];
        let said = labelled.iter().filter(|(_, text)| !text.is_empty());
        lines.extend(said.map(|(label, text)| format!("{label}: {text}")));
        lines.extend(self.link.iter().map(|link| format!("See: {link}")));
        lines.join("\n")
    }

    /// The headline, with a mark where it is only a test.
    #[must_use]
    pub fn title(&self) -> String {
        match self.is_test {
            true => format!("[TEST] {}", self.headline),
            false => self.headline.clone(),
        }
    }
}

/// No channel shows more of a text than this many characters.
const LONGEST_TEXT: usize = 1_000;
/// Nobody reads more lines than these in a message.
const MOST_DETAILS: usize = 10;

/// A text of at most so many characters; what is longer ends with `…`.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_kinds_are_their_own_and_those_of_serde() {
        for kind in Kind::ALL {
            let written = serde_json::to_value(kind).expect("a name");
            assert_eq!(written, kind.name());
            let same = Kind::ALL.iter().filter(|other| other.name() == kind.name());
            assert_eq!(same.count(), 1, "{}", kind.name());
            let is_group = Kind::ALL.iter().any(|other| other.group() == kind.name());
            assert!(!is_group, "{} is a kind and a group", kind.name());
        }
    }

    #[test]
    fn no_secret_and_no_endless_text_is_left() {
        let mask = Mask::default();
        mask.hide("canary-in-a-mine");
        let mut notice = Notice::new(Kind::Held, Severity::Critical, "s", "said canary-in-a-mine");
        notice.details = vec!["canary-in-a-mine".repeat(200); 99];
        notice.link = Some("https://host/canary-in-a-mine".to_owned());
        let masked = notice.masked(&mask);
        let all = format!("{masked:?}");
        assert!(!all.contains("canary"), "{all}");
        assert_eq!(masked.details.len(), MOST_DETAILS);
        assert!(
            masked
                .details
                .iter()
                .all(|line| line.chars().count() <= LONGEST_TEXT)
        );
    }

    #[test]
    fn a_long_text_is_cut_by_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüx", 3), "äö…");
    }
}
