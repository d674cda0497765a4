//! Reads the configuration of `serve`, at the start and again whenever it has changed: the same files,
//! the same selection, the same variables.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::super::arguments::Common;
use super::super::session::variables;
use super::super::terminal::Terminal;
use super::super::{exit, refuse, watch};
use crate::config::{self, Loaded, Problem, Sources};
use crate::diagnostic;
use crate::engine::serve::outfit::{Configuration, Declared};
use crate::plan::declared::{self, Declaration};
use crate::plan::{self, Plan, Selection};
use crate::report::text;
use crate::secret::Mask;

/// How the configuration is read.
#[derive(Clone, Debug)]
pub struct Loading {
    sources: Sources,
    selection: Selection,
    /// What is hidden: secrets of every configuration that was read.
    pub mask: Mask,
}

/// What is wrong with a configuration.
enum Wrong {
    /// The problems, with their places.
    Problems(Vec<Problem>),
    /// What is wrong with what was selected, and the exit code that says so.
    Selection(String, u8),
}

impl Loading {
    /// What was typed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(common: &Common, environment: &BTreeMap<String, String>) -> Result<Self, String> {
        Ok(Self {
            sources: Sources {
                folder: PathBuf::from("."),
                paths: common.paths.clone(),
                overlays: common.overlay.clone(),
                variables: variables(common)?,
                environment: environment.clone(),
            },
            selection: Selection {
                only: common.only.clone(),
                tags: common.tag.clone(),
                service: common.service.clone(),
            },
            mask: Mask::default(),
        })
    }

    /// Reads it for the first time; every problem is told.
    ///
    /// # Errors
    /// The exit code to end with.
    pub fn begin(&self, terminal: &Terminal, bake: Option<Duration>) -> Result<Configuration, u8> {
        let show = |problems: &[Problem]| {
            let styled = terminal.talk_colour == text::Colour::Styled;
            terminal.tell(&diagnostic::render(problems, terminal.mask(), styled));
        };
        let (configuration, warnings) = match self.read() {
            Ok(read) => read,
            Err(Wrong::Problems(problems)) => {
                show(&problems);
                return Err(refuse(terminal, exit::USAGE, &diagnostic::count(&problems)));
            }
            Err(Wrong::Selection(why, code)) => return Err(refuse(terminal, code, &why)),
        };
        if !warnings.is_empty() {
            show(&warnings);
        }
        reachable(&configuration.plan, bake).map_err(|why| refuse(terminal, exit::USAGE, &why))?;
        Ok(configuration)
    }

    /// Reads it again.
    ///
    /// # Errors
    /// Everything that is wrong with it, masked, as text for people.
    pub fn again(&self) -> Result<Configuration, String> {
        match self.read() {
            Ok((configuration, _)) => Ok(configuration),
            Err(Wrong::Problems(problems)) => Err(diagnostic::render(&problems, &self.mask, false)),
            Err(Wrong::Selection(why, _)) => Err(why),
        }
    }

    /// Something that differs as soon as a file does.
    #[must_use]
    pub fn files(&self) -> u64 {
        config::fingerprint(&self.sources)
    }

    fn read(&self) -> Result<(Configuration, Vec<Problem>), Wrong> {
        let files = self.files();
        let Loaded { document, mask } = config::load(&self.sources);
        self.mask.include(&mask);
        let compiled = plan::compile(&document).map_err(Wrong::Problems)?;
        let declared = declared::of(&document);
        let is_empty = compiled.plan.checks.is_empty();
        let plan = compiled
            .plan
            .select(&self.selection)
            .map_err(|error| Wrong::Selection(error.to_string(), exit::USAGE))?;
        if plan.checks.is_empty() {
            let why = match is_empty {
                true => "only control checks are declared: there is nothing to watch",
                false => "no check matches the selection",
            };
            return Err(Wrong::Selection(why.to_owned(), exit::NOTHING_SELECTED));
        }
        let mut controls = DefaultHasher::new();
        let is_control = |one: &&Declaration| plan.controls.iter().any(|c| c.id == one.check);
        for control in declared.iter().filter(is_control) {
            control.mark.hash(&mut controls);
        }
        let configuration = Configuration {
            declared: self.declared(&plan, declared),
            plan,
            controls: controls.finish(),
            notifying: declared::notifying(&document),
            files,
        };
        Ok((configuration, compiled.warnings))
    }

    /// How the checks of the plan were declared, in their order.
    fn declared(&self, plan: &Plan, declared: Vec<Declaration>) -> Vec<Declared> {
        let mut known: BTreeMap<_, _> = declared
            .into_iter()
            .map(|one| (one.check.clone(), one))
            .collect();
        let of = |check: &plan::CheckPlan| {
            let one = known.remove(&check.facts.id)?;
            let limits = one.limits.iter().map(|limit| self.mask.apply(limit));
            Some(Declared {
                check: one.check,
                text: Arc::from(self.mask.apply(&one.text)),
                limits: limits.collect(),
                mark: one.mark,
            })
        };
        plan.checks.iter().filter_map(of).collect()
    }
}

/// Refuses a bake, given by hand, in which a check cannot give the samples that a verdict needs.
fn reachable(plan: &Plan, bake: Option<Duration>) -> Result<(), String> {
    let Some(bake) = bake else { return Ok(()) };
    for service in plan.services.iter().filter(|one| one.platform.is_some()) {
        let mut service = service.clone();
        service.policy = service.policy.baking(bake);
        let own = |check: &&plan::CheckPlan| check.facts.service == service.name;
        let checks: Vec<_> = plan.checks.iter().filter(own).cloned().collect();
        watch::reachable(&service, &checks)?;
    }
    Ok(())
}
