//! `--baseline` of `watch`: from where it is known how the service was before.

use std::path::Path;

use super::arguments::{BaselineFlag, WatchArguments};
use super::history::History;
use super::session::{Session, environment};
use crate::deployment::Selector;
use crate::engine::before::{self, Source};
use crate::engine::recorded::Roster;
use crate::plan::{CheckPlan, ServicePlan};
use crate::verdict::JudgeKind;

/// Where a watch compares with, and the history that its own window belongs to.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Where it is known from how the service was.
    pub source: Source,
    /// Where the window is kept when it is accepted, and the file that it is recorded to.
    pub history: Option<(History, std::path::PathBuf)>,
}

/// A word that was probably meant, where a file of that name is not there.
fn meant(file: &Path) -> String {
    let name = file.to_string_lossy();
    let words = ["none", "before", "history"].into_iter();
    let near = words.filter(|word| strsim::damerau_levenshtein(word, &name) <= 2);
    let near = near.min_by_key(|word| strsim::damerau_levenshtein(word, &name));
    match near.filter(|_| !file.exists()) {
        Some(word) => format!("; did you mean `{word}`?"),
        None => String::new(),
    }
}

/// Finds what was asked for.
///
/// # Errors
/// Why it cannot be had, in one line.
pub fn open(
    session: &mut Session,
    arguments: &WatchArguments,
    service: &ServicePlan,
    checks: &[CheckPlan],
) -> Result<Comparison, String> {
    if arguments.baseline == BaselineFlag::None {
        return Ok(Comparison::default());
    }
    if !checks.iter().any(CheckPlan::is_compared_with_before) {
        return Err(
            "nothing is compared with before: no selected check declares a `baseline`, \
                    as `baseline: { p95: { warning: \"> +10%\" } }`, or a `stable` reading"
                .to_owned(),
        );
    }
    if service.policy.judging.judge == JudgeKind::Plain {
        return Err(format!(
            "the policy {} judges its limits as written and compares nothing with before; \
             remove `judge: plain` or --baseline",
            service.policy.name
        ));
    }
    let roster = Roster::new(checks, &session.declared);
    match &arguments.baseline {
        BaselineFlag::None => Ok(Comparison::default()),
        BaselineFlag::Before => match arguments.deployment {
            Some(Selector::Next) => Ok(Comparison {
                source: Source::Live,
                history: None,
            }),
            None | Some(Selector::Current | Selector::Id(_) | Selector::Own(_)) => Err(
                "--baseline before needs --deployment next: of a deployment that is there already, \
                 before is over; give it recorded samples instead"
                    .to_owned(),
            ),
        },
        BaselineFlag::File(file) => {
            let before = before::read(file, &roster)
                .map_err(|error| format!("{error}{}", meant(file)))?;
            Ok(Comparison {
                source: Source::Recorded(before),
                history: None,
            })
        }
        BaselineFlag::History => {
            let history = History::of(&service.name, &environment())?;
            let newest = history
                .newest()
                .map_err(|error| format!("the history cannot be read: {error}"))?;
            let before = before::read_all(&newest, &roster.of_another_time(), service.policy.warm_up)
                .map_err(|error| format!("{error}; the history can do without this file"))?;
            let file = session.record_samples(history.draft())?;
            Ok(Comparison {
                source: Source::Recorded(before),
                history: Some((history, file)),
            })
        }
    }
}
