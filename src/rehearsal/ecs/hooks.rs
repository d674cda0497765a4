//! PAUSE hooks: a deployment waits at them until somebody answers or their time is over.

use super::conduct::{HookAction, PauseHook};
use super::service::{Service, Status};
use super::settings::Settings;
use super::state::{Ids, Present};
use crate::clock::{Moment, WallTime};

/// A hook at which a deployment came by.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hook {
    pub(super) id: String,
    /// The step of the script that waits for it.
    pub(super) step: usize,
    pub(super) status: HookStatus,
    pub(super) at_timeout: HookAction,
    pub(super) expires: WallTime,
    expires_at: Moment,
    /// When it was answered, or timed out.
    over: Option<Moment>,
}

/// How a hook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HookStatus {
    AwaitingAction,
    Succeeded,
    Failed,
    TimedOut,
}

impl HookStatus {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AwaitingAction => "AWAITING_ACTION",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
        }
    }
}

/// What the hooks of a step say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// One waits still.
    Open,
    /// None waits; the last was over then.
    Over(Moment),
    /// One timed out then, and returns to the old revision.
    RollBack(Moment),
}

impl Service {
    /// Opens the hooks of a step, each under a new id.
    pub(super) fn open_hooks(
        &mut self,
        step: usize,
        pauses: &[PauseHook],
        since: Moment,
        ids: &mut Ids,
        present: Present,
    ) {
        let Some(latest) = self.history.last_mut() else {
            return;
        };
        // What began earlier than it was looked at expires earlier as well.
        let late = present.moment.since(since);
        latest.hooks.extend(pauses.iter().map(|pause| Hook {
            id: format!("hook-{:06}", ids.next()),
            step,
            status: HookStatus::AwaitingAction,
            at_timeout: pause.at_timeout,
            expires: WallTime::since_unix_epoch(
                present.wall.unix() + pause.timeout.saturating_sub(late),
            ),
            expires_at: since + pause.timeout,
            over: None,
        }));
    }

    /// What the hooks of a step say now; those whose time is over say so.
    pub(super) fn pause(&mut self, step: usize, since: Moment, now: Moment) -> Pause {
        let Some(latest) = self.history.last_mut() else {
            return Pause::Over(since);
        };
        let mut last = since;
        let mut waits = false;
        for hook in latest.hooks.iter_mut().filter(|hook| hook.step == step) {
            if hook.status == HookStatus::AwaitingAction && hook.expires_at <= now {
                hook.status = HookStatus::TimedOut;
                hook.over = Some(hook.expires_at);
            }
            match (hook.status, hook.over) {
                (HookStatus::TimedOut, Some(over)) if hook.at_timeout == HookAction::RollBack => {
                    return Pause::RollBack(over);
                }
                (HookStatus::AwaitingAction, _) | (_, None) => waits = true,
                (_, Some(over)) => last = last.max(over),
            }
        }
        if waits {
            Pause::Open
        } else {
            Pause::Over(last)
        }
    }

    /// Answers a hook of the latest deployment; `false` when none of this id awaits an answer.
    pub(super) fn answer_hook(
        &mut self,
        id: &str,
        action: HookAction,
        settings: &Settings,
        present: Present,
    ) -> bool {
        let Some(latest) = self.history.last_mut() else {
            return false;
        };
        let is_paused = latest.status == Status::InProgress;
        let mut hooks = latest.hooks.iter_mut();
        let hook = hooks.find(|hook| hook.id == id && hook.status == HookStatus::AwaitingAction);
        let Some(hook) = hook.filter(|_| is_paused) else {
            return false;
        };
        hook.over = Some(present.moment);
        match action {
            HookAction::Continue => hook.status = HookStatus::Succeeded,
            HookAction::RollBack => {
                hook.status = HookStatus::Failed;
                self.request_rollback(HOOK_ANSWERED, settings, present.moment, present);
            }
        }
        true
    }

    /// The hooks of the latest deployment that await an answer and can get one: a deployment that
    /// is given up leaves them as they are.
    pub(super) fn awaiting(&self) -> Vec<String> {
        let latest = self.history.last().into_iter();
        latest
            .filter(|latest| latest.status == Status::InProgress)
            .flat_map(|latest| &latest.hooks)
            .filter(|hook| hook.status == HookStatus::AwaitingAction)
            .map(|hook| hook.id.clone())
            .collect()
    }
}

const HOOK_ANSWERED: &str =
    "Service deployment rolled back because a lifecycle hook was answered with ROLLBACK.";
/// Why a deployment returns whose hook timed out.
pub(super) const HOOK_TIMED_OUT: &str =
    "Service deployment rolled back because a lifecycle hook timed out.";
