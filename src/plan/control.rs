//! `control: true`: a check that says whether we ourselves can reach anything, and what it cannot
//! have, because nobody judges it. Called by `checks` and `compile`.

use std::sync::Arc;

use super::ControlPlan;
use super::checks::CheckDraft;
use crate::config::Entry;
use crate::config::problem::{Code, Problem};
use crate::probe::Probe;
use crate::sample::CheckId;

/// What only a check that is judged has.
const OF_THE_JUDGED: [(&str, &str); 6] = [
    ("service", "it belongs to no service"),
    ("rate", "it asks a few times only"),
    ("max_in_flight", "it runs once at a time"),
    ("tags", "no rule and no selection finds it"),
    ("thresholds", "it has no limits"),
    ("baseline", "it is not compared with before"),
];

/// Refuses what means nothing on a control check. Its service is none.
pub fn judged_keys(entry: &Entry, problems: &mut Vec<Problem>) -> Option<usize> {
    for (key, why) in OF_THE_JUDGED {
        if let Some(written) = entry.value.entry(key) {
            let name = &entry.key.text;
            let message = format!("`{key}` means nothing on the control check `{name}`: {why}");
            let problem = Problem::error(Code::BadValue, message)
                .at(&written.key.place)
                .help(format!("remove `{key}`, or remove `control: true`"));
            problems.push(problem);
        }
    }
    None
}

/// Refuses a control check that asks tasks of the deployment under test: it must not depend on it.
pub fn reachable(entry: &Entry, probe: Option<&dyn Probe>, problems: &mut Vec<Problem>) {
    if probe.is_some_and(Probe::asks_tasks) {
        let name = &entry.key.text;
        let message = format!("the control check `{name}` asks tasks of the deployment under test");
        let problem = Problem::error(Code::BadValue, message)
            .at(&entry.key.place)
            .help("ask something that does not depend on the deployment, under its own name");
        problems.push(problem);
    }
}

/// Makes the control check, when it is complete.
pub fn lower(draft: CheckDraft<'_>) -> Option<ControlPlan> {
    Some(ControlPlan {
        id: CheckId::new(&draft.entry.key.text),
        kind: draft.kind?,
        every: draft.every,
        timeout: draft.timeout,
        resolver: draft.resolver,
        probe: Arc::from(draft.probe?),
    })
}
