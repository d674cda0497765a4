//! `smokejumper watch`: pin the deployment under test, bake, decide, roll back if armed, verify.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::arguments::{FailOn, RollbackFlag, WatchArguments};
use super::baseline::{self, Comparison};
use super::history::History;
use super::session::{Session, environment};
use super::state;
use super::stop::Stop;
use super::telling::Telling;
use super::{exit, refuse};
use crate::decision::Permission;
use crate::deploy::ecs::EcsTarget;
use crate::deploy::{DeployError, DeploymentTarget, Platform};
use crate::deployment::Selector;
use crate::engine::record::Record;
use crate::engine::rollback::Pace;
use crate::engine::watch::{Watch, WatchOptions};
use crate::event::{Action, Verdict};
use crate::plan::{CheckPlan, ServicePlan};

/// Runs the command and says with which code it ends.
pub async fn run(arguments: WatchArguments) -> u8 {
    let mut session = match Session::open(&arguments.common, &arguments.reported.reports) {
        Ok(session) => session,
        Err(code) => return code,
    };
    let stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return refuse(&session.terminal, exit::INTERNAL, &error.to_string()),
    };
    let (service, checks) = match choose(&mut session, &arguments) {
        Ok(chosen) => chosen,
        Err(why) => return refuse(&session.terminal, exit::USAGE, &why),
    };
    let compared = baseline::open(&mut session, &arguments, &service, &checks);
    let Comparison { source, history } = match compared {
        Ok(compared) => compared,
        Err(why) => return refuse(&session.terminal, exit::USAGE, &why),
    };
    let target = match connect(&service).await {
        Ok(target) => target,
        Err(error) => return not_pinned(&session, &error),
    };
    let environment = environment();
    let (mut context, shown) = session.context(&stop, &checks);
    let telling = Telling::begin(&session, &mut context, &service.name);
    let watch = Watch {
        context: &context,
        service: &service,
        checks: &checks,
        target,
        options: WatchOptions {
            selector: selector(&arguments),
            before: source,
            permission: permission(&arguments, &service),
            pace: pace(&service),
            journaling: state::journal(&environment, session.terminal.mask()).await,
            kill_switch: Some(state::kill_switch(&environment)),
            window: None,
            desk: None,
        },
    };
    let watched = match stop.unless_insisted(watch.run()).await {
        Ok(watched) => watched,
        Err(signal) => {
            drop(context);
            telling.finish(&session.terminal, Telling::LAST_WORDS).await;
            return shown.give_up(&session.terminal, signal).await;
        }
    };
    drop(context);
    let (recorded, ()) = tokio::join!(
        shown.finish(),
        telling.finish(&session.terminal, Telling::PATIENCE),
    );
    match watched {
        Ok(record) => {
            let fail_on_warning = arguments.reported.fail_on == Some(FailOn::Warning);
            let code = exit::exit_code(&record, fail_on_warning, stop.signal());
            let recorded = remember(history.as_ref(), &record, recorded);
            session.report(&record, code, recorded)
        }
        Err(error) => {
            if let Some((history, _)) = &history {
                history.forget();
            }
            let code = not_pinned(&session, &error);
            stop.signal().unwrap_or(code)
        }
    }
}

/// The deployment that was asked for. Without one, inside a task on ECS, the one that started it: the
/// current one may be another's already.
fn selector(arguments: &WatchArguments) -> Selector {
    let own = || {
        let url = environment().remove(TASK_METADATA)?;
        (!url.is_empty()).then_some(Selector::Own(url))
    };
    let asked = arguments.deployment.clone().or_else(own);
    asked.unwrap_or(Selector::Current)
}

/// Where ECS tells the containers of a task about it.
const TASK_METADATA: &str = "ECS_CONTAINER_METADATA_URI_V4";

/// Keeps the recording of an accepted window for the watches to come, if it is whole.
fn remember(
    history: Option<&(History, PathBuf)>,
    record: &Record,
    recorded: io::Result<()>,
) -> io::Result<()> {
    let Some((history, recording)) = history else {
        return recorded;
    };
    let is_accepted = record.decision.action == Action::Accept
        // A service that grows slower with each release must not become its own yardstick.
        && record.assessment.verdict == Verdict::Pass
        && !record.interrupted;
    if recorded.is_ok() && is_accepted {
        return history.keep(recording, &record.window);
    }
    history.forget();
    recorded
}

/// Says why nothing was judged.
fn not_pinned(session: &Session, error: &DeployError) -> u8 {
    let code = match error {
        DeployError::Declared(_) => exit::USAGE,
        DeployError::Passing(_) | DeployError::Strange(_) | DeployError::Forbidden(_) => {
            exit::INCONCLUSIVE
        }
    };
    refuse(
        &session.terminal,
        code,
        &format!("{error}; nothing was judged and nothing changed"),
    )
}

/// The one service to watch, with the bake that was asked for, and the checks that judge it.
fn choose(
    session: &mut Session,
    arguments: &WatchArguments,
) -> Result<(ServicePlan, Vec<CheckPlan>), String> {
    let checked = |service: &&ServicePlan| {
        session
            .plan
            .checks
            .iter()
            .any(|check| check.facts.service == service.name)
    };
    let candidates: Vec<&ServicePlan> = session.plan.services.iter().filter(checked).collect();
    let deployed: Vec<&ServicePlan> = candidates
        .iter()
        .copied()
        .filter(|service| service.platform.is_some())
        .collect();
    let service = match (deployed.as_slice(), candidates.as_slice()) {
        ([service], _) => (*service).clone(),
        ([], [service, ..]) => {
            return Err(format!(
                "watch needs to know where {} is deployed; declare it under \
                 services.{}.deployment, as {{ ecs: {{ cluster: …, service: … }} }}",
                service.name, service.name
            ));
        }
        ([], []) => return Err("no selected check belongs to a service".to_owned()),
        (several, _) => {
            let names: Vec<&str> = several.iter().map(|service| &*service.name).collect();
            return Err(format!(
                "watch judges one service at a time; choose with --service: {}",
                names.join(", ")
            ));
        }
    };
    let mut service = service;
    if let Some(bake) = arguments.bake {
        service.policy = service.policy.baking(bake);
    }
    let mut checks = session.plan.checks.clone();
    checks.retain(|check| check.facts.service == service.name);
    reachable(&service, &checks)?;
    Ok((service, checks))
}

/// Refuses a bake in which a check cannot give the samples that a verdict needs.
pub(super) fn reachable(service: &ServicePlan, checks: &[CheckPlan]) -> Result<(), String> {
    let policy = &service.policy;
    if policy.warm_up >= policy.bake {
        return Err(format!(
            "the warm-up of {} in the policy {} leaves nothing of a bake of {}; bake longer",
            crate::quantity::human(policy.warm_up),
            policy.name,
            crate::quantity::human(policy.bake),
        ));
    }
    let forgiven = policy.judging.forgive.span * policy.judging.forgive.times;
    if forgiven >= policy.bake {
        return Err(format!(
            "the policy {} forgives {} of trouble, and so everything in a bake of {}; bake longer",
            policy.name,
            crate::quantity::human(forgiven),
            crate::quantity::human(policy.bake),
        ));
    }
    let short = checks
        .iter()
        .find(|check| check.runs_within(policy.bake) < policy.min_samples);
    short.map_or(Ok(()), |check| {
        Err(format!(
            "a bake of {} gives {} at most {} of the {} samples that the policy {} asks for; \
             bake longer, probe more often, or lower min_samples",
            crate::quantity::human(policy.bake),
            check.facts.id,
            check.runs_within(policy.bake),
            policy.min_samples,
            policy.name,
        ))
    })
}

/// A short bake is followed more closely: at most a twentieth of it passes between two questions.
fn pace(service: &ServicePlan) -> Pace {
    let usual = Pace::default();
    let poll = (service.policy.bake / 20).clamp(std::time::Duration::from_secs(1), usual.poll);
    Pace { poll, ..usual }
}

fn permission(arguments: &WatchArguments, service: &ServicePlan) -> Permission {
    // What forbids goes first: a dry run must not claim that it would have rolled back.
    let armed = service.policy.rollback.arm || arguments.rollback == Some(RollbackFlag::Auto);
    match (arguments.rollback, armed, arguments.dry_run) {
        (Some(RollbackFlag::Never), _, _) => Permission::Forbidden,
        (_, false, _) => Permission::NotArmed,
        (_, true, true) => Permission::DryRun,
        (_, true, false) => Permission::Armed,
    }
}

/// Connects to where a service is deployed.
pub(super) async fn connect(
    service: &ServicePlan,
) -> Result<Arc<dyn DeploymentTarget>, DeployError> {
    match &service.platform {
        Some(Platform::Ecs(ecs)) => Ok(Arc::new(EcsTarget::connect(ecs).await?)),
        None => Err(DeployError::Declared(format!(
            "{} is deployed nowhere",
            service.name
        ))),
    }
}
