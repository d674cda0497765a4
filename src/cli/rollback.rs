//! `smokejumper rollback`: show what a rollback would do, ask, carry it out, prove it; for one
//! service or for all of them, one after the other.

mod ends;

use std::sync::Arc;

use self::ends::{End, report};
use super::arguments::RollbackArguments;
use super::confirm;
use super::session::{Session, environment};
use super::state;
use super::stop::Stop;
use super::watch::connect;
use super::{exit, refuse};
use crate::config::suggestion;
use crate::deploy::DeployError;
use crate::deployment::{NoRollback, RollbackOutcome};
use crate::engine::by_hand::{ByHand, Prospect, Wish};
use crate::engine::context::Context;
use crate::engine::record::Record;
use crate::engine::rollback::Pace;
use crate::plan::{CheckPlan, ServicePlan};
use crate::report::prospect;
use crate::secret::Mask;

/// The word that stands for every service.
const ALL: &str = "all";

/// Runs the command and says with which code it ends.
pub async fn run(arguments: RollbackArguments) -> u8 {
    let session = match Session::open(&arguments.common, &arguments.reports) {
        Ok(session) => session,
        Err(code) => return code,
    };
    let stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return refuse(&session.terminal, exit::INTERNAL, &error.to_string()),
    };
    let services = match choose(&session, &arguments) {
        Ok(services) => services,
        Err(why) => return refuse(&session.terminal, exit::USAGE, &why),
    };
    if !arguments.yes && !arguments.dry_run && !confirm::can_ask() {
        let why = "nobody can be asked here whether to roll back; say --yes, or look first with \
                   --dry-run; nothing was changed";
        return refuse(&session.terminal, exit::USAGE, why);
    }
    let (context, shown) = session.context(&stop, &[]);
    let hand = Ordering {
        session: &session,
        arguments: &arguments,
        stop: &stop,
        context: &context,
        wish: wish(&arguments, session.terminal.mask()).await,
    };
    let ended = stop.unless_insisted(hand.each(&services)).await;
    drop(hand);
    drop(context);
    let ends = match ended {
        Ok(ends) => ends,
        Err(signal) => return shown.give_up(&session.terminal, signal).await,
    };
    let shown = shown.finish().await;
    report(&session, &ends, shown)
}

/// The services that are meant.
fn choose(session: &Session, arguments: &RollbackArguments) -> Result<Vec<ServicePlan>, String> {
    let all = &session.plan.services;
    let wanted = &*arguments.target;
    if wanted == ALL {
        let deployed = all.iter().filter(|service| service.platform.is_some());
        let deployed: Vec<ServicePlan> = deployed.cloned().collect();
        return match deployed.as_slice() {
            [] => Err("no service is declared with a deployment".to_owned()),
            [_, _, ..] if arguments.to.is_some() => {
                Err("--to names a revision of one service; give its name, not all".to_owned())
            }
            _ => Ok(deployed),
        };
    }
    let Some(service) = all.iter().find(|service| &*service.name == wanted) else {
        let known = all.iter().map(|service| &*service.name);
        let meant = suggestion::did_you_mean(wanted, known.chain([ALL]));
        let meant = meant.map_or_else(String::new, |meant| format!("; {meant}"));
        return Err(format!(
            "no service `{wanted}` is declared with a check that would prove its rollback{meant}"
        ));
    };
    if service.platform.is_none() {
        return Err(format!(
            "{wanted} is deployed nowhere; declare it under services.{wanted}.deployment, as \
             {{ ecs: {{ cluster: …, service: … }} }}"
        ));
    }
    Ok(vec![service.clone()])
}

async fn wish(arguments: &RollbackArguments, mask: &Mask) -> Wish {
    let environment = environment();
    Wish {
        to: arguments.to.clone(),
        reason: arguments.reason.clone(),
        overridden: arguments.overridden.clone(),
        pace: Pace::default(),
        journaling: state::journal(&environment, mask).await,
        kill_switch: Some(state::kill_switch(&environment)),
    }
}

/// What one order has at hand.
struct Ordering<'a> {
    session: &'a Session,
    arguments: &'a RollbackArguments,
    stop: &'a Stop,
    context: &'a Context,
    wish: Wish,
}

impl Ordering<'_> {
    /// One service after the other; told to stop, no more are begun.
    async fn each(&self, services: &[ServicePlan]) -> Vec<End> {
        let mut ends = Vec::new();
        for service in services {
            let end = match self.stop.signal() {
                Some(signal) => End {
                    service: Arc::clone(&service.name),
                    code: signal,
                    record: Err("told to stop before it was begun".to_owned()),
                },
                None => self.one(service).await,
            };
            ends.push(end);
        }
        ends
    }

    async fn one(&self, service: &ServicePlan) -> End {
        let checks: Vec<CheckPlan> = {
            let checks = self.session.plan.checks.iter();
            let own = checks.filter(|check| check.facts.service == service.name);
            own.cloned().collect()
        };
        let record = self.looked_and_done(service, &checks).await;
        let name = Arc::clone(&service.name);
        match record {
            Ok(record) => End {
                service: name,
                code: exit::exit_code(&record, false, self.stop.signal()),
                record: Ok(record),
            },
            Err(error) => End {
                service: name,
                code: self.stop.signal().unwrap_or_else(|| code_of(&error)),
                record: Err(format!("{error}; nothing was changed")),
            },
        }
    }

    async fn looked_and_done(
        &self,
        service: &ServicePlan,
        checks: &[CheckPlan],
    ) -> Result<Record, DeployError> {
        let by_hand = ByHand {
            context: self.context,
            service,
            checks,
            target: connect(service).await?,
            wish: self.wish.clone(),
        };
        let prospect = by_hand.look().await?;
        let named = &self.arguments.overridden;
        let told = prospect::render(&service.name, &prospect, named, checks.len());
        self.session.terminal.tell(&told);
        if let Some((outcome, because)) = impossible(&prospect) {
            return Ok(by_hand.leave(&prospect, outcome, &because));
        }
        if self.arguments.dry_run {
            let because = "nothing was changed";
            return Ok(by_hand.leave(&prospect, RollbackOutcome::DryRun, because));
        }
        if !self.is_agreed(service, &prospect).await {
            let because = "it was not agreed to";
            return Ok(by_hand.leave(&prospect, RollbackOutcome::Refused, because));
        }
        Ok(by_hand.carry_out(&prospect).await)
    }

    /// Asks, where there is something to agree to: following the platform's own rollback changes
    /// nothing.
    async fn is_agreed(&self, service: &ServicePlan, prospect: &Prospect) -> bool {
        match &prospect.plan {
            Ok(plan) if !self.arguments.yes => {
                let question = format!("Roll {} back to {}?", service.name, plan.target);
                confirm::confirmed(&self.session.terminal, &question, self.stop).await
            }
            Ok(_) | Err(_) => true,
        }
    }
}

/// Why nothing can be ordered, if so.
fn impossible(prospect: &Prospect) -> Option<(RollbackOutcome, String)> {
    match &prospect.plan {
        Err(NoRollback::ByPlatform) => None,
        Err(none) => {
            let outcome = match none {
                NoRollback::NoTarget(_) => RollbackOutcome::NoTarget,
                NoRollback::Superseded(_) => RollbackOutcome::Superseded,
                NoRollback::NotRollbackable(_)
                | NoRollback::SameSoftware(_)
                | NoRollback::NotYet(_)
                | NoRollback::ByPlatform => RollbackOutcome::NotRollbackable,
            };
            Some((outcome, none.to_string()))
        }
        Ok(_) if prospect.holding.is_empty() => None,
        Ok(_) => {
            let holding = prospect.holding.iter();
            let told: Vec<String> = holding
                .map(|one| match one.can_be_overridden() {
                    true => format!("{one} (--override {})", one.name()),
                    false => one.to_string(),
                })
                .collect();
            Some((RollbackOutcome::Refused, told.join("; ")))
        }
    }
}

const fn code_of(error: &DeployError) -> u8 {
    match error {
        DeployError::Declared(_) => exit::USAGE,
        DeployError::Passing(_) | DeployError::Strange(_) | DeployError::Forbidden(_) => {
            exit::INCONCLUSIVE
        }
    }
}
