//! Which checks a command is about: `--only`, `--tag`, `--service`.

use std::collections::BTreeSet;
use std::sync::Arc;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::{CheckPlan, Plan, ServicePlan};
use crate::config::suggestion;
use crate::sample::CheckId;

/// What was asked for; without anything, all checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Patterns of names; one of them must fit.
    pub only: Vec<String>,
    /// Tags; the check has one of them, and none of those with `!`.
    pub tags: Vec<String>,
    /// The service.
    pub service: Option<String>,
}

/// What is declared and was not selected: nothing of it runs here, and yet it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unselected {
    /// Services of which no check was.
    pub services: Vec<Arc<str>>,
    /// Checks, each with its service.
    pub checks: Vec<(Arc<str>, CheckId)>,
}

/// A selection that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// No such service.
    #[error("there is no service `{name}`{}", hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    UnknownService {
        /// What was asked for.
        name: String,
        /// What may have been meant.
        hint: Option<String>,
    },
    /// Not a pattern.
    #[error("`{pattern}` is no pattern: {cause}")]
    Pattern {
        /// What was asked for.
        pattern: String,
        /// Why not.
        cause: String,
    },
}

impl Plan {
    /// The plan of the selected checks and of the services that they belong to. It may be empty.
    ///
    /// # Errors
    /// When the service does not exist, or a pattern is none.
    pub fn select(self, selection: &Selection) -> Result<Self, SelectionError> {
        let only = patterns(&selection.only)?;
        if let Some(name) = &selection.service {
            self.require_service(name)?;
        }
        let chosen = |check: &CheckPlan| {
            (selection.only.is_empty() || only.is_match(check.facts.id.as_str()))
                && tagged(check, &selection.tags)
                && selection
                    .service
                    .as_ref()
                    .is_none_or(|service| **service == *check.facts.service)
        };
        let checks = self.checks.into_iter();
        let (checks, others): (Vec<CheckPlan>, Vec<CheckPlan>) = checks.partition(chosen);
        let used: BTreeSet<&str> = checks.iter().map(|check| &*check.facts.service).collect();
        let services = self.services.into_iter();
        let (services, unused): (Vec<ServicePlan>, Vec<ServicePlan>) =
            services.partition(|service| used.contains(&*service.name));
        let mut unselected = self.unselected;
        let facts = others.into_iter().map(|check| check.facts);
        unselected
            .checks
            .extend(facts.map(|one| (one.service, one.id)));
        let unused = unused.into_iter().map(|service| service.name);
        unselected.services.extend(unused);
        Ok(Self {
            notifying: self.notifying,
            services,
            checks,
            // Whatever is selected: whether we ourselves can reach anything must be told.
            controls: self.controls,
            silences: self.silences,
            server: self.server,
            store: self.store,
            telemetry: self.telemetry,
            unselected,
        })
    }

    fn require_service(&self, name: &str) -> Result<(), SelectionError> {
        let names = self.services.iter().map(|service| &*service.name);
        if names.clone().any(|known| known == name) {
            return Ok(());
        }
        Err(SelectionError::UnknownService {
            name: name.to_owned(),
            hint: suggestion::did_you_mean(name, names),
        })
    }
}

fn tagged(check: &CheckPlan, tags: &[String]) -> bool {
    let has = |tag: &str| check.facts.tags.iter().any(|own| &**own == tag);
    let (excluded, wanted): (Vec<&String>, Vec<&String>) =
        tags.iter().partition(|tag| tag.starts_with('!'));
    (wanted.is_empty() || wanted.iter().any(|tag| has(tag)))
        && !excluded.iter().any(|tag| has(&tag[1..]))
}

fn patterns(texts: &[String]) -> Result<GlobSet, SelectionError> {
    let mut patterns = GlobSetBuilder::new();
    for text in texts {
        patterns.add(Glob::new(text).map_err(|error| refused(text, &error))?);
    }
    let all = texts.join(", ");
    patterns.build().map_err(|error| refused(&all, &error))
}

fn refused(pattern: &str, error: &globset::Error) -> SelectionError {
    SelectionError::Pattern {
        pattern: pattern.to_owned(),
        cause: error.kind().to_string(),
    }
}
