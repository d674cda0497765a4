//! What becomes of a window at its station: opened, shown while it goes on, kept when it is over.

use std::sync::Arc;

use super::board::{self, Shown};
use super::happenings::{News, Severity};
use super::live::WindowState;
use super::open_window::{self, Ending, OpenWindow, Opening};
use super::station::Station;
use super::{monitor, narrated};
use crate::clock::WallTime;
use crate::decision::Unfinished;
use crate::deployment::{Deployment, RollbackOutcome, Selector};
use crate::engine::before::Source;
use crate::engine::instruments::ServiceMeter;
use crate::engine::record::Record;
use crate::engine::watch::WatchOptions;
use crate::event::{Action, Event, Verdict, What};
use crate::plan::CheckPlan;
use crate::sample::CheckId;
use crate::store::history::{Batch, StoredWindow};

impl Station {
    /// Opens a window over a deployment; says under which name, if the platform is in reach.
    pub(super) fn open(&mut self, deployment: Deployment) -> Option<String> {
        let id = ulid::Ulid::new().to_string();
        self.open_as(&id, deployment, None);
        self.window.is_some().then_some(id)
    }

    /// Opens the window again in which an earlier run had left a rollback.
    pub(super) fn go_on_with(&mut self, left: Unfinished) {
        self.open_as(&left.window, left.deployment, Some(left.opened));
    }

    /// Opens a window of this name; one that an earlier run had opened keeps the time of that.
    fn open_as(&mut self, id: &str, deployment: Deployment, before: Option<WallTime>) {
        let Some(target) = self.target.clone() else {
            return;
        };
        self.rest();
        let id: Arc<str> = Arc::from(id);
        let (checks, stopped) = self.checks_to_judge_by();
        let outfit = &self.post.outfit;
        let opened = before.unwrap_or_else(|| outfit.context.clock.wall());
        let mut now = board::opening(&id, opened, &checks);
        let mut service = self.service.clone();
        if let Some(bake) = outfit.bake {
            service.policy = service.policy.baking(bake);
        }
        let mut context = outfit.context.clone();
        context.instruments = Arc::new(context.instruments.for_checks(&checks));
        let opening = Opening {
            context,
            checks,
            target,
            options: WatchOptions {
                selector: Selector::Id(deployment.id.clone()),
                before: Source::None,
                permission: self.permission(),
                pace: open_window::pace(service.policy.bake),
                journaling: outfit.journaling.clone(),
                kill_switch: Some(outfit.kill_switch.clone()),
                window: None,
                desk: None,
            },
            history: outfit.history.clone(),
            service,
        };
        let name = Arc::clone(&self.service.name);
        let revision = deployment.revision.label.clone();
        let counsel = self.post.counsel.clone();
        let window = OpenWindow::open(opening, &id, opened, deployment, counsel);
        now.deployment = Some(window.deployment.clone());
        self.narrator = Some(self.post.herald.people.narrator(&name, &id));
        self.board.open(Shown {
            now,
            outlook: window.outlook(),
        });
        self.roll.begin_anew(outfit.context.clock.now());
        self.keep(window.stored(None));
        self.window = Some(window);
        self.count(WindowState::Opening);
        let text = match before {
            None => format!("{revision} is new: window {id} is open"),
            Some(_) => format!("{revision}: window {id} is gone on with"),
        };
        let news = News::new("window_opened", Severity::Info, text).of(&name);
        self.post
            .herald
            .tell(news.within(&id).fact("revision", revision));
        for (check, why) in stopped {
            let text = format!("{check} says nothing in window {id}: {why}");
            let news = News::new("warned", Severity::Warning, text).of(&name);
            self.post.herald.tell(news.within(&id).about(&check));
        }
    }

    /// The checks that judge a window that is opened now; and those that do not, since they are not to run
    /// during a maintenance, each with that silence.
    fn checks_to_judge_by(&self) -> (Vec<CheckPlan>, Vec<(CheckId, String)>) {
        let (mut checks, mut stopped) = (Vec::new(), Vec::new());
        for check in &self.checks {
            match self.post.silencing.stops(&check.facts) {
                Some(why) => stopped.push((check.facts.id.clone(), why)),
                None => checks.push(check.clone()),
            }
        }
        (checks, stopped)
    }

    /// Notes in the history that a window of an earlier run is over.
    pub(super) fn close_left(&self, left: &Unfinished) {
        self.keep(StoredWindow {
            id: Arc::from(&*left.window),
            service: Arc::clone(&self.service.name),
            opened: left.opened,
            closed: Some(left.touched),
            verdict: Some(Verdict::Inconclusive),
            revision: Some(left.deployment.revision.label.clone()),
            action: Some(Action::None.name().to_owned()),
            rollback: None,
            detected_after: None,
            report: None,
        });
    }

    /// Takes in what happened in the open window.
    pub(super) fn happened(&mut self, event: &Event) {
        if let Some(narrator) = &mut self.narrator {
            self.post.herald.people.happened(narrator, event);
        }
        let Some(window) = &mut self.window else {
            if let Some(news) = self.news(event) {
                self.post.herald.tell(news.of(&self.service.name));
            }
            return;
        };
        window.follow(event);
        let (id, state) = (Arc::clone(&window.id), window.state);
        if let What::Sampled(sample) = &event.what {
            let context = &self.post.outfit.context;
            let samples = vec![sample.clone()];
            self.roll
                .hear(&self.post.herald, context, Some(&id), samples);
            return;
        }
        self.show(event, state);
        if let What::CheckJudged {
            check, to, because, ..
        } = &event.what
        {
            self.roll.say(check, *to, because, event.wall);
            if *to == Verdict::Pass {
                // Whoever was told before the window that it fails hears that it does no longer.
                self.roll
                    .tell_people(&self.post.herald, check, *to, because);
            }
        }
        if let Some(news) = self.news(event) {
            self.post
                .herald
                .tell(news.of(&self.service.name).within(&id));
        }
    }

    fn show(&self, event: &Event, state: WindowState) {
        self.count(state);
        self.board.window(|now| {
            now.state = state;
            match &event.what {
                What::Pinned { deployment, .. } => now.deployment = Some(deployment.clone()),
                What::Decided { action, because } => now.would = (*action, because.clone()),
                What::CheckJudged {
                    check, to, because, ..
                } => {
                    let told = now.checks.iter_mut().find(|one| one.id() == check);
                    if let Some(told) = told {
                        (told.verdict, told.because) = (*to, because.clone());
                    }
                }
                _ => {}
            }
        });
        let is_changed = matches!(
            event.what,
            What::Pinned { .. }
                | What::CheckJudged {
                    to: Verdict::Fail,
                    ..
                }
        );
        if let Some(window) = self.window.as_ref().filter(|_| is_changed) {
            self.keep(window.stored(None));
        }
        if matches!(&event.what, What::VerificationStarted { .. }) {
            // From here on the revision before answers.
            self.roll.begin_anew(self.post.outfit.context.clock.now());
        }
    }

    /// What is told of an event; nothing of what is no news.
    fn news(&self, event: &Event) -> Option<News> {
        if let What::CheckJudged {
            check,
            from,
            to,
            because,
        } = &event.what
        {
            let is_news = from.is_some() || matches!(to, Verdict::Fail | Verdict::Warn);
            return is_news.then(|| monitor::judged(check, *from, *to, because));
        }
        let (kind, severity, facts) = narrated::facts(&event.what)?;
        let text = self.post.outfit.outside.line(event)?;
        let mut news = News::new(kind, severity, text);
        news.facts = facts;
        Some(news)
    }

    /// Keeps what became of a window that is over.
    pub(super) fn closed(&mut self, ending: Ending) {
        let Some(mut window) = self.window.take() else {
            return;
        };
        window.dismiss();
        self.board.close();
        self.count(WindowState::Closed);
        let narrator = self.narrator.take();
        match ending {
            Ok(record) if is_left(&record) => self.left(&window),
            Ok(record) => {
                self.judged = Some(window.deployment.id.clone());
                self.unjudged = 0;
                self.over(&window, &record);
                if record.decision.action == Action::Accept {
                    let people = &self.post.herald.people;
                    people.accepted(&self.service.name, &window.deployment);
                }
            }
            Err(error) => {
                let why = error.to_string();
                let now = self.post.outfit.context.clock.wall();
                let notice = narrator.map(|narrator| narrator.not_judged(now, &why));
                notice
                    .into_iter()
                    .for_each(|one| self.post.herald.people.tell(one));
                self.not_judged(&window, &why);
            }
        }
    }

    fn over(&self, window: &OpenWindow, record: &Record) {
        let report = self.post.outfit.outside.report(record);
        self.keep(window.stored(Some((record, report))));
        let rollback = record.rollback.as_ref().map(|one| one.outcome);
        if let Some(meter) = self.meter() {
            meter.ended(record.decision.action, rollback);
        }
        let is_restored = matches!(
            rollback,
            Some(RollbackOutcome::RolledBackVerified | RollbackOutcome::RolledBackByEcs)
        );
        if is_restored {
            self.roll.begin_anew(self.post.outfit.context.clock.now());
        }
        let verdict = record.assessment.verdict;
        let action = record.decision.action;
        let mut text = format!(
            "window {} is over: {}, {}",
            window.id,
            verdict.name(),
            in_words(action)
        );
        if let Some(outcome) = rollback {
            text.push_str(&format!("; {}", outcome.name().replace('_', " ")));
        }
        let severity = match (verdict, action) {
            (Verdict::Fail, _) => Severity::Critical,
            (_, Action::Hold) | (Verdict::Warn | Verdict::Inconclusive, _) => Severity::Warning,
            (Verdict::Pass, _) => Severity::Info,
        };
        let news = News::new("window_closed", severity, text)
            .fact("verdict", verdict.name())
            .fact("action", action.name())
            .fact("rollback", rollback.map(RollbackOutcome::name))
            .fact("revision", window.deployment.revision.label.clone());
        let news = news.of(&self.service.name).within(&window.id);
        self.post.herald.tell(news);
    }

    /// Keeps what became of a rollback by hand: it has a window of its own.
    pub(super) fn over_by_hand(&self, record: &Record) {
        let report = self.post.outfit.outside.report(record);
        let rollback = record.rollback.as_ref();
        let revision = rollback.map(|one| one.from.label.clone());
        self.keep(StoredWindow {
            id: Arc::from(&*record.window),
            service: Arc::clone(&self.service.name),
            opened: record.started.wall,
            closed: Some(record.finished.wall),
            verdict: Some(record.assessment.verdict),
            revision,
            action: Some(record.decision.action.name().to_owned()),
            rollback: rollback.map(|one| one.outcome.name().to_owned()),
            detected_after: None,
            report: Some(report),
        });
        if let Some(meter) = self.meter() {
            meter.ended(record.decision.action, rollback.map(|one| one.outcome));
        }
        self.roll.begin_anew(self.post.outfit.context.clock.now());
    }

    fn left(&self, window: &OpenWindow) {
        let text = format!(
            "window {} is left open: the next run goes on with it",
            window.id
        );
        let news = News::new("window_left", Severity::Warning, text);
        self.post
            .herald
            .tell(news.of(&self.service.name).within(&window.id));
    }

    /// Nothing was judged: it is tried again after a while.
    fn not_judged(&mut self, window: &OpenWindow, why: &str) {
        let now = self.post.outfit.context.clock.wall();
        self.keep(StoredWindow {
            closed: Some(now),
            verdict: Some(Verdict::Inconclusive),
            action: Some(Action::None.name().to_owned()),
            ..window.stored(None)
        });
        let text = format!(
            "window {} is over, and nothing was judged: {why}",
            window.id
        );
        let news = News::new("window_closed", Severity::Warning, text)
            .fact("verdict", Verdict::Inconclusive.name())
            .fact("action", Action::None.name());
        self.post
            .herald
            .tell(news.of(&self.service.name).within(&window.id));
        self.unsettle();
        self.look_later();
        self.unjudged += 1;
    }

    pub(super) fn keep(&self, window: StoredWindow) {
        self.post.herald.recorder().take(Batch {
            windows: vec![window],
            ..Batch::default()
        });
    }

    fn count(&self, state: WindowState) {
        if let Some(meter) = self.meter() {
            meter.is(state);
        }
    }

    fn meter(&self) -> Option<Arc<ServiceMeter>> {
        let instruments = &self.post.outfit.context.instruments;
        instruments.service(&self.service.name).cloned()
    }
}

/// Whether the run was told to stop before the window was over: another one goes on with it.
fn is_left(record: &Record) -> bool {
    record.interrupted || record.rollback.as_ref().is_some_and(|one| one.left)
}

const fn in_words(action: Action) -> &'static str {
    match action {
        Action::Accept => "accepted",
        Action::RollBack => "to be rolled back",
        Action::Hold => "held for a person to decide",
        Action::None => "nothing decided",
    }
}
