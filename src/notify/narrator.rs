//! Makes notices of what happens to one service under one deployment: takes events as the engine emits
//! them, remembers what a later message needs (revisions, what failed and by how much), and says it in
//! lines that a person understands who has just been woken.
//!
//! All of one deployment is one subject: one incident, one thread. Called by whoever listens to the
//! engine, `watch` and the daemon; sends nothing.

mod ends;

use std::sync::Arc;

use super::notice::{Effect, Kind, Notice, Severity};
use super::notices::{self, subject};
use crate::clock::WallTime;
use crate::deployment::{Deployment, RollbackPlan};
use crate::event::{Action, Event, Verdict, What};
use crate::sample::CheckId;

/// Tells of one window of one service.
#[derive(Clone, Debug)]
pub struct Narrator {
    service: Arc<str>,
    window: Option<Arc<str>>,
    link: Option<String>,
    deployment: Option<Deployment>,
    /// The revision to return to, as far as it is known.
    target: Option<String>,
    /// What failed or is warned of, as it was judged last, in the order in which it came.
    bad: Vec<(CheckId, Verdict, String)>,
}

impl Narrator {
    /// For a service, as it was declared.
    #[must_use]
    pub const fn of(service: Arc<str>) -> Self {
        Self {
            service,
            window: None,
            link: None,
            deployment: None,
            target: None,
            bad: Vec::new(),
        }
    }

    /// With the name of the window, and where it can be seen.
    #[must_use]
    pub fn in_window(mut self, window: Arc<str>, link: Option<String>) -> Self {
        self.window = Some(window);
        self.link = link;
        self
    }

    /// Takes an event in; most are nothing to tell.
    pub fn take(&mut self, event: &Event) -> Option<Notice> {
        let mut notice = match &event.what {
            What::Pinned {
                deployment,
                rollback,
                ..
            } => self.opened(deployment, rollback.as_ref().map(|plan| &**plan)),
            What::CheckJudged {
                check, to, because, ..
            } => self.judged(check, *to, because)?,
            What::Decided { action, because } => self.decided(*action, because)?,
            What::RollbackIntended(plan) => self.intended(plan),
            What::VerificationStarted { checks } => self.verifying(*checks),
            What::RollbackEnded { outcome, because } => self.ended(*outcome, because),
            What::Warned(text) => self.notice(Kind::Warned, Severity::Info, text),
            What::Started { .. }
            | What::NotReady { .. }
            | What::Waiting { .. }
            | What::Sampled(_)
            | What::StandingChanged(_)
            | What::RollbackStarted { .. }
            | What::RollbackProgress(_) => return None,
        };
        notice.at = event.wall;
        Some(notice)
    }

    /// The window is over, and nothing was judged.
    #[must_use]
    pub fn not_judged(&self, at: WallTime, why: &str) -> Notice {
        let line = format!("{} was not judged: {why}", self.revision());
        let mut notice = self.notice(Kind::WindowClosed, Severity::Warning, &line);
        notice.at = at;
        notice.done = format!("{} still runs.", self.revision());
        notice.next = format!("Look at {} yourself.", self.service);
        notice
    }

    /// A person does something about the deployment; `what` in a few words.
    #[must_use]
    pub fn taken_in_hand(&self, at: WallTime, by: &str, what: &str) -> Notice {
        let of = self.notice(Kind::TakenInHand, Severity::Info, "");
        notices::taken_in_hand(at, &of, by, what)
    }

    /// A notice of this window that begins with the name of the service.
    fn notice(&self, kind: Kind, severity: Severity, line: &str) -> Notice {
        let of = self.deployment.as_ref();
        let of = of.map_or("watch", |deployment| deployment.id.as_str());
        let subject = subject(Some(&self.service), &["deployment", of]);
        let headline = format!("{}: {line}", self.service);
        let mut notice = Notice::new(kind, severity, &subject, &headline);
        notice.service = Some(Arc::clone(&self.service));
        notice.window.clone_from(&self.window);
        notice.link.clone_from(&self.link);
        notice.revision = Some(self.revision());
        notice.previous.clone_from(&self.target);
        notice
    }

    fn revision(&self) -> String {
        let deployment = self.deployment.as_ref();
        deployment.map_or_else(
            || "the deployment".to_owned(),
            |one| one.revision.label.clone(),
        )
    }

    fn back_to(&self) -> &str {
        self.target.as_deref().unwrap_or("the previous revision")
    }

    fn opened(
        &mut self,
        deployment: &Deployment,
        rollback: Result<&RollbackPlan, &String>,
    ) -> Notice {
        let previous = deployment.previous.as_ref().map(|one| one.label.clone());
        self.target = match rollback {
            Ok(plan) => Some(plan.target.label.clone()),
            Err(_) => previous.clone(),
        };
        self.deployment = Some(deployment.clone());
        self.bad.clear();
        let was = previous.map(|was| format!(" (before it: {was})"));
        let line = format!(
            "watching the deployment of {}{}",
            deployment.revision,
            was.unwrap_or_default()
        );
        let mut notice = self.notice(Kind::WindowOpened, Severity::Info, &line);
        notice.done = match rollback {
            Ok(plan) => format!("If it fails, {} can be put back.", plan.target),
            Err(why) => format!("If it fails, it cannot be rolled back: {why}."),
        };
        notice
    }

    /// Within a window a warning is not told by itself: the decision names what was warned of.
    fn judged(&mut self, check: &CheckId, to: Verdict, because: &str) -> Option<Notice> {
        self.bad.retain(|(bad, _, _)| bad != check);
        if matches!(to, Verdict::Fail | Verdict::Warn) {
            self.bad.push((check.clone(), to, because.to_owned()));
        }
        if to != Verdict::Fail {
            return None;
        }
        let line = format!("{check} fails on {}: {because}", self.revision());
        let mut notice = self.notice(Kind::CheckFailing, Severity::Critical, &line);
        notice.check = Some(check.clone());
        notice.effect = Effect::Opens;
        notice.done = "Nothing was changed so far; what is decided follows.".to_owned();
        notice.next = format!(
            "Stop other deployments of {} until it is decided.",
            self.service
        );
        Some(notice)
    }

    /// What failed, and by how much; without any, what was warned of.
    fn reasons(&self) -> Vec<String> {
        let of = |level: Verdict| {
            let bad = self
                .bad
                .iter()
                .filter(move |(_, verdict, _)| *verdict == level);
            bad.map(|(check, _, because)| format!("{check}: {because}"))
        };
        of(Verdict::Fail).chain(of(Verdict::Warn)).collect()
    }

    fn has_failed(&self) -> bool {
        self.bad
            .iter()
            .any(|(_, verdict, _)| *verdict == Verdict::Fail)
    }

    /// The most important reason in full; the decision's own words where no check is bad.
    fn first_reason(&self, because: &[String]) -> String {
        let reasons = self.reasons();
        let first = reasons.first().or(because.first()).cloned();
        let more = match reasons.len() {
            0 | 1 => String::new(),
            several => format!(" (and {} more)", several - 1),
        };
        format!(
            "{}{more}",
            first.unwrap_or_else(|| "no reason given".to_owned())
        )
    }

    fn decided(&self, action: Action, because: &[String]) -> Option<Notice> {
        let revision = self.revision();
        let reason = self.first_reason(because);
        let mut notice = match action {
            Action::Accept => self.accepted(because),
            Action::RollBack => {
                let line = format!("{revision} is bad and is to be rolled back: {reason}");
                self.notice(Kind::Decided, Severity::Info, &line)
            }
            Action::Hold => self.held(because),
            Action::None => return None,
        };
        // What was measured says more than the decision's own words for the same.
        notice.details = self.reasons();
        if action == Action::Hold || notice.details.is_empty() {
            let more = because.iter();
            let more = more.filter(|line| !notice.headline.contains(line.as_str()));
            notice.details.extend(more.cloned());
        }
        Some(notice)
    }

    fn accepted(&self, because: &[String]) -> Notice {
        let revision = self.revision();
        let mut notice = if self.bad.is_empty() {
            self.notice(
                Kind::Accepted,
                Severity::Info,
                &format!("{revision} is accepted"),
            )
        } else {
            let reason = self.first_reason(because);
            let line = format!("{revision} is accepted, although {reason}");
            let mut notice = self.notice(Kind::Accepted, Severity::Warning, &line);
            notice.next = "Look at what is named here before it gets worse.".to_owned();
            notice
        };
        notice.effect = Effect::Resolves;
        notice.done = format!("{revision} stays.");
        notice
    }

    fn held(&self, because: &[String]) -> Notice {
        let revision = self.revision();
        // What the policy says about it comes before what was measured: it is why a person was asked.
        let reason = because.first().cloned();
        let reason = reason.unwrap_or_else(|| self.first_reason(because));
        let line = format!("{revision} is held and a person has to decide: {reason}");
        let severity = match self.has_failed() {
            true => Severity::Critical,
            false => Severity::Warning,
        };
        let mut notice = self.notice(Kind::Held, severity, &line);
        notice.effect = Effect::Opens;
        notice.done = format!("Nothing was changed: {revision} still runs.");
        notice.next = format!(
            "Look at it, then keep {revision}, or put {} back: smokejumper rollback {}",
            self.back_to(),
            self.service
        );
        notice
    }

    fn intended(&mut self, plan: &RollbackPlan) -> Notice {
        self.target = Some(plan.target.label.clone());
        // Undone by hand, outside any window, it is the first that is heard of it.
        self.deployment
            .get_or_insert_with(|| plan.deployment.clone());
        let line = format!(
            "rolling back {} -> {}: {}",
            plan.deployment.revision,
            plan.target,
            self.first_reason(&[])
        );
        let mut notice = self.notice(Kind::RollbackIntended, Severity::Critical, &line);
        notice.effect = Effect::Opens;
        notice.details = self.reasons();
        let lost = plan.not_restored.iter();
        notice
            .details
            .extend(lost.map(|what| format!("this does not restore: {what}")));
        notice.details.extend(plan.caveats.iter().cloned());
        notice.done = format!(
            "The order goes out now ({}); then {} is checked with the same checks.",
            plan.actuator.name(),
            plan.target
        );
        notice.next = format!(
            "Do not deploy {}. The result follows; if none comes, look at the service yourself.",
            self.service
        );
        notice
    }

    fn verifying(&self, checks: usize) -> Notice {
        let checks = match checks {
            1 => "1 check".to_owned(),
            several => format!("{several} checks"),
        };
        let line = format!("{} is back and is verified with {checks}", self.back_to());
        self.notice(Kind::Verification, Severity::Info, &line)
    }
}
