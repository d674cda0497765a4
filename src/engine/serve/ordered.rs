//! What people order about a service: a window to be opened, a ruling upon an open one, the rollback of
//! one that is closed. Each order is written down with who gave it, before it is carried out.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::handle::{Done, Order, Ordered, Refused, Whose};
use super::happenings::{News, Severity};
use super::open_window;
use super::station::Station;
use crate::deployment::Selector;
use crate::engine::by_hand::{ByHand, Prospect, Wish};
use crate::engine::context::Events;
use crate::engine::desk::{Ruled, Ruling};
use crate::engine::record::Record;
use crate::event::Event;
use crate::plan::{CheckPlan, ServicePlan};
use crate::store::history::StoredWindow;

/// Where an answer goes.
pub(super) type Answer = oneshot::Sender<Result<Done, Refused>>;

/// So many may wait for a look to be over.
const MOST_WAITING: usize = 64;

impl Station {
    /// Carries an order out, or says why not; `closed` is the window that it names, where it is over.
    pub(super) fn order(&mut self, ordered: Ordered, closed: Option<StoredWindow>) {
        let Ordered { by, order, answer } = ordered;
        match order {
            Order::Open { deployment, .. } => self.order_window(&by, deployment, answer),
            Order::Accept { window, reason } => {
                self.rule(&by, &window, Ruled::Accept, reason, answer);
            }
            Order::Hold { window, reason } => self.rule(&by, &window, Ruled::Hold, reason, answer),
            Order::RollBack { window, reason } => match closed {
                Some(closed) => self.undo(&by, closed, reason, answer),
                None => self.rule(&by, &window, Ruled::RollBack, reason, answer),
            },
            Order::Freeze { .. } | Order::Silence(_) | Order::Lift { .. } | Order::Reload => {
                let why = "no service is asked for that".to_owned();
                refuse(answer, Refused::Senseless(why));
            }
        }
    }

    pub(super) fn order_window(&mut self, by: &Whose, deployment: Option<String>, answer: Answer) {
        if let Some(window) = &self.window {
            let is_meant = deployment.is_none_or(|asked| asked == window.deployment.id);
            let told = match is_meant {
                true => Ok(Done::Window(window.id.to_string())),
                false => Err(Refused::Conflict(format!(
                    "window {} is open over {}",
                    window.id, window.deployment.revision
                ))),
            };
            return reply(answer, told);
        }
        if self.service.platform.is_none() {
            let why = format!("{} is deployed nowhere that we know", self.service.name);
            return refuse(answer, Refused::Conflict(why));
        }
        if self.looking.is_some() && self.waiting.len() < MOST_WAITING {
            // The very deployment may be found just now: whoever asks gets the window of it.
            return self.waiting.push((by.clone(), deployment, answer));
        }
        if self.is_busy() {
            let why = format!(
                "{} is being looked at or undone just now",
                self.service.name
            );
            return refuse(answer, Refused::Conflict(why));
        }
        self.tell_order(by, "open a window", None);
        let own = self.post.outfit.own_task.clone();
        let selector = match (deployment, own) {
            (Some(id), _) => Selector::Id(id),
            (None, Some(own)) => Selector::Own(own),
            (None, None) => Selector::Current,
        };
        self.look_for(selector, answer);
    }

    fn rule(
        &mut self,
        by: &Whose,
        window: &str,
        ruled: Ruled,
        reason: Option<String>,
        answer: Answer,
    ) {
        let is_open = self.window.as_ref().is_some_and(|open| *open.id == *window);
        if !is_open {
            let why = format!("window {window} is closed");
            return refuse(answer, Refused::Conflict(why));
        }
        if ruled == Ruled::RollBack && self.post.outfit.rollback == Some(false) {
            let why = "this daemon was started with --rollback never".to_owned();
            return refuse(answer, Refused::Conflict(why));
        }
        let verb = match ruled {
            Ruled::Accept => "accept the deployment",
            Ruled::Hold => "hold",
            Ruled::RollBack => "roll back",
        };
        self.tell_order(by, verb, reason.as_deref());
        let ruling = Ruling {
            by: by.name.clone(),
            ruled,
            reason,
        };
        if let Some(open) = &mut self.window {
            match open.rule(ruling, answer) {
                Ok(()) => self.take_in_hand(by, verb),
                Err((why, answer)) => refuse(answer, why),
            }
        }
    }

    /// Undoes the deployment of a window that is over, if it is the one that still runs.
    fn undo(&mut self, by: &Whose, closed: StoredWindow, reason: Option<String>, answer: Answer) {
        let Some(target) = self.target.clone() else {
            let why = format!("{} cannot be seen at the moment", self.service.name);
            return refuse(answer, Refused::Failed(why));
        };
        if self.post.outfit.rollback == Some(false) {
            let why = "this daemon was started with --rollback never".to_owned();
            return refuse(answer, Refused::Conflict(why));
        }
        if self.window.is_some() || self.is_busy() {
            let why = format!("something else is under way at {}", self.service.name);
            return refuse(answer, Refused::Conflict(why));
        }
        self.tell_order(by, "roll back", reason.as_deref());
        self.rest();
        let outfit = &self.post.outfit;
        let (events, told) = Events::queue(Arc::clone(&outfit.context.clock));
        let mut context = outfit.context.clone();
        context.events = events;
        let said = reason.map_or_else(|| by.name.clone(), |why| format!("{}: {why}", by.name));
        let wish = Wish {
            to: None,
            reason: Some(said),
            overridden: Vec::new(),
            pace: open_window::pace(self.service.policy.bake),
            journaling: outfit.journaling.clone(),
            kill_switch: Some(outfit.kill_switch.clone()),
        };
        let undoing = Undoing {
            service: self.service.clone(),
            checks: self.checks.clone(),
            closed,
        };
        let task = async move {
            let by_hand = ByHand {
                context: &context,
                service: &undoing.service,
                checks: &undoing.checks,
                target,
                wish,
            };
            undoing.carry_out(&by_hand, answer).await
        };
        self.undo_with(tokio::spawn(task), told);
    }

    /// Tells those who were called that somebody is at it.
    fn take_in_hand(&self, by: &Whose, what: &str) {
        let now = self.post.outfit.context.clock.wall();
        if let Some(narrator) = &self.narrator {
            let notice = narrator.taken_in_hand(now, &by.name, &format!("orders: {what}"));
            self.post.herald.people.tell(notice);
        }
    }

    fn tell_order(&self, by: &Whose, what: &str, reason: Option<&str>) {
        let name = &self.service.name;
        let why = reason
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        let text = format!("{} orders: {what}, {name}{why}", by.name);
        let mut news = News::new("ordered", Severity::Info, text)
            .of(name)
            .fact("by", by.name.clone())
            .fact("order", what)
            .fact("reason", reason);
        if let Some(window) = &self.window {
            news = news.within(&window.id);
        }
        self.post.herald.tell(news);
    }
}

/// A rollback by hand of a window that is over.
struct Undoing {
    service: ServicePlan,
    checks: Vec<CheckPlan>,
    closed: StoredWindow,
}

impl Undoing {
    async fn carry_out(&self, by_hand: &ByHand<'_>, answer: Answer) -> Option<Record> {
        let prospect = match by_hand.look().await {
            Ok(prospect) => prospect,
            Err(error) => {
                refuse(answer, Refused::Failed(error.to_string()));
                return None;
            }
        };
        if let Err(why) = self.may_be_undone(&prospect) {
            refuse(answer, Refused::Conflict(why));
            return None;
        }
        let (from, plan) = (&prospect.deployment.revision, &prospect.plan);
        let to = plan
            .as_ref()
            .map_or_else(|_| "?".to_owned(), |plan| plan.target.label.clone());
        reply(
            answer,
            Ok(Done::Said(format!("rolling back {from} -> {to}"))),
        );
        Some(by_hand.carry_out(&prospect).await)
    }

    /// Whether what runs is what the window was about, and nothing holds its rollback back.
    fn may_be_undone(&self, prospect: &Prospect) -> Result<(), String> {
        let runs = &prospect.deployment.revision.label;
        if self.closed.revision.as_ref() != Some(runs) {
            let judged = self
                .closed
                .revision
                .as_deref()
                .unwrap_or("another revision");
            return Err(format!(
                "window {} was about {judged}, and {runs} runs now",
                self.closed.id
            ));
        }
        if let Err(none) = &prospect.plan {
            return Err(none.to_string());
        }
        match prospect.holding.as_slice() {
            [] => Ok(()),
            holding => {
                let lines = holding.iter().map(ToString::to_string);
                Err(lines.collect::<Vec<_>>().join("; "))
            }
        }
    }
}

pub(super) fn refuse(answer: Answer, why: Refused) {
    reply(answer, Err(why));
}

/// Answers; whoever asked may have gone.
pub(super) fn reply(answer: Answer, told: Result<Done, Refused>) {
    answer.send(told).unwrap_or_default();
}

/// What happens during a rollback by hand.
pub(super) type Undone = mpsc::Receiver<Event>;
