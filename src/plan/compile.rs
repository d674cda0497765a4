//! The whole way from a document to a plan, and all problems of the way in one list.

use std::sync::Arc;

use super::checks::{self, CheckDraft, Surroundings};
use super::kinds::{Kinds, Registered};
use super::policies;
use super::rules;
use super::services::{self, ServiceDraft};
use super::{
    CheckPlan, Plan, ServicePlan, control, defaults, feasibility, notifiers, reach, references,
    routes, server, sessions, silences, store, telemetry,
};
use crate::config::Document;
use crate::config::problem::{Problem, in_reading_order};
use crate::sample::CheckId;
use crate::verdict::threshold::Threshold;
use crate::verdict::{CheckFacts, Tolerance, default_thresholds};

/// What can be run, and what a person should know about it.
#[derive(Debug)]
pub struct Compiled {
    /// The plan.
    pub plan: Plan,
    /// Warnings, in reading order.
    pub warnings: Vec<Problem>,
}

/// Makes a plan of a document.
///
/// # Errors
/// All problems in reading order, those of reading the document included, as soon as one of them
/// is an error.
pub fn compile(document: &Document) -> Result<Compiled, Vec<Problem>> {
    let environment = Arc::clone(&document.environment);
    compile_with(document, &Registered { environment })
}

/// Makes a plan of a document with the given kinds of check.
///
/// # Errors
/// See [`compile`].
pub fn compile_with(document: &Document, kinds: &dyn Kinds) -> Result<Compiled, Vec<Problem>> {
    let mut problems = document.problems.clone();
    let policies = policies::lower(document, kinds, &mut problems);
    let services = services::lower(document, &policies, &mut problems);
    let defaults = defaults::lower(document, &mut problems);
    let sessions = sessions::lower(document, kinds, &mut problems);
    sessions::unused(&sessions, document, &mut problems);
    let around = Surroundings {
        document,
        kinds,
        services: &services,
        defaults: &defaults,
        sessions: &sessions,
    };
    let checks = checks::lower(&around, &mut problems);
    let (controls, checks): (Vec<_>, Vec<_>) = checks.into_iter().partition(|one| one.control);
    if !document.partial {
        references::examine(&policies, &services, &checks, &mut problems);
    }
    let silences = silences::lower(document, &services, &checks, &mut problems);
    feasibility::examine(&services, &checks, &mut problems);
    reach::examine(&checks, &mut problems);
    let server = server::lower(document, &services, &mut problems);
    let notifiers = notifiers::lower(document, &mut problems);
    let notifying = routes::lower(document, &notifiers, &mut problems);
    let store = store::lower(document, &mut problems);
    let telemetry = telemetry::lower(document, &mut problems);
    let plan = plan(services, checks, controls, kinds).map(|plan| Plan {
        silences,
        server,
        notifying,
        store,
        telemetry,
        ..plan
    });
    let problems = in_reading_order(problems, &document.files);
    match plan {
        Some(plan) if !problems.iter().any(Problem::is_error) => Ok(Compiled {
            plan,
            warnings: problems,
        }),
        _ => Err(problems),
    }
}

/// The plan, when every check is complete.
fn plan(
    services: Vec<ServiceDraft<'_>>,
    checks: Vec<CheckDraft<'_>>,
    controls: Vec<CheckDraft<'_>>,
    kinds: &dyn Kinds,
) -> Option<Plan> {
    let usual = Usual {
        thresholds: default_thresholds().into(),
        tolerances: Arc::new([]),
    };
    let mut planned = Vec::with_capacity(checks.len());
    for draft in checks {
        planned.push(check(draft, &services, &usual)?);
    }
    let checks = planned;
    let services = services.into_iter();
    let services = services.map(|draft| service(draft, &checks, kinds));
    let controls = controls.into_iter().map(control::lower);
    Some(Plan {
        services: services.collect(),
        checks,
        controls: controls.collect::<Option<Vec<_>>>()?,
        ..Plan::default()
    })
}

fn service(draft: ServiceDraft<'_>, checks: &[CheckPlan], kinds: &dyn Kinds) -> ServicePlan {
    let declared = draft.policy.map(|policy| policy.policy.clone());
    let mut policy = declared.unwrap_or_else(policies::standard);
    let own = checks
        .iter()
        .filter(|check| check.facts.service == draft.name);
    let own = own.map(|check| check.facts.kind);
    rules::add_those_that_always_hold(&mut policy, own, kinds);
    let guards = draft.policy.map(|policy| policy.guards.clone());
    ServicePlan {
        name: draft.name,
        platform: draft.platform,
        policy,
        guards: guards.unwrap_or_default(),
    }
}

/// What checks have in common that declare nothing else.
struct Usual {
    thresholds: Arc<[Threshold]>,
    tolerances: Arc<[Tolerance]>,
}

impl Usual {
    /// The usual thresholds, and those of the probe's own readings.
    fn with(&self, own: Vec<Threshold>) -> Arc<[Threshold]> {
        match own.is_empty() {
            true => Arc::clone(&self.thresholds),
            false => self.thresholds.iter().cloned().chain(own).collect(),
        }
    }
}

fn check(draft: CheckDraft<'_>, services: &[ServiceDraft<'_>], usual: &Usual) -> Option<CheckPlan> {
    let service = services.get(draft.service?)?;
    let declared = draft.thresholds.map(|drafts| {
        let thresholds = drafts.into_iter().map(|draft| draft.threshold);
        thresholds.collect::<Arc<[_]>>()
    });
    let probe = draft.probe?;
    let policy = service.policy.map(|draft| &draft.policy);
    let bake = policy.map_or_else(|| policies::standard().bake, |policy| policy.bake);
    Some(CheckPlan {
        facts: CheckFacts {
            id: CheckId::new(&draft.entry.key.text),
            kind: draft.kind?,
            service: Arc::clone(&service.name),
            tags: draft.tags,
        },
        every: draft.pace.map_or(draft.every, |pace| pace.interval(bake)),
        timeout: draft.timeout,
        pace: draft.pace,
        max_in_flight: draft.max_in_flight,
        resolver: draft.resolver,
        tolerances: match draft.tolerances.is_empty() {
            true => Arc::clone(&usual.tolerances),
            false => draft.tolerances.into(),
        },
        declared_thresholds: declared.is_some(),
        thresholds: declared.unwrap_or_else(|| usual.with(probe.limits())),
        probe: Arc::from(probe),
    })
}
