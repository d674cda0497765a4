//! What the platform knows of a failed deployment, for a person: what stopped and why, with its last
//! words; what the load balancer sees; what differs; the latest events. Used by the report for a
//! person; the whole of it is in the JSON report.

use super::text::{counted, push_wrapped};
use super::wall::time_of_day;
use crate::deployment::{Diagnosis, StoppedTask};

/// So many of each kind are shown.
const SHOWN: usize = 3;
/// So many last lines of a container's log are shown.
const LOG_LINES: usize = 3;

/// Adds what was found; nothing when nothing was.
pub(super) fn push(out: &mut String, found: &Diagnosis) {
    for task in found.stopped_tasks.iter().take(SHOWN) {
        push_wrapped(out, "stopped: ", &stopped(task));
        for container in &task.containers {
            let lines = container.log.len();
            for line in &container.log[lines.saturating_sub(LOG_LINES)..] {
                push_wrapped(out, &format!("  {} said: ", container.name), line);
            }
        }
    }
    push_rest(
        out,
        found.stopped_tasks.len(),
        "more task stopped",
        "more tasks stopped",
    );
    let unwell = found
        .target_health
        .iter()
        .filter(|copy| copy.state != "healthy");
    for copy in unwell.take(SHOWN) {
        let reason = copy
            .reason
            .as_deref()
            .map_or(String::new(), |why| format!(", {why}"));
        let line = format!("{} in {}: {}{reason}", copy.target, copy.group, copy.state);
        push_wrapped(out, "load balancer: ", &line);
    }
    for (name, from, to) in &found.differences {
        let line = format!("{name}: {} -> {}", short(from), short(to));
        push_wrapped(out, "differs: ", &line);
    }
    for event in found.events.iter().take(SHOWN) {
        let at = event
            .at
            .map_or(String::new(), |at| format!("{} ", time_of_day(at)));
        push_wrapped(out, "event: ", &format!("{at}{}", event.text));
    }
    for gap in &found.gaps {
        push_wrapped(out, "not seen: ", gap);
    }
}

fn stopped(task: &StoppedTask) -> String {
    let mut parts = vec![format!("task {} of {}", task.id, task.revision)];
    parts.extend(task.code.clone());
    parts.extend(task.reason.clone());
    for container in &task.containers {
        let exit = container.exit_code.map(|code| format!("exit code {code}"));
        let said: Vec<String> = exit.into_iter().chain(container.reason.clone()).collect();
        if !said.is_empty() {
            parts.push(format!("{}: {}", container.name, said.join(", ")));
        }
    }
    parts.join("; ")
}

/// The same text with the digests of images cut to what people compare by eye.
fn short(text: &str) -> String {
    let Some((before, digest)) = text.split_once(DIGEST) else {
        return text.to_owned();
    };
    let end = digest.find(|c: char| !c.is_ascii_hexdigit());
    let (digits, after) = digest.split_at(end.unwrap_or(digest.len()));
    match digits.get(..DIGITS).filter(|_| digits.len() > DIGITS) {
        Some(first) => format!("{before}{DIGEST}{first}…{}", short(after)),
        None => format!("{before}{DIGEST}{digits}{}", short(after)),
    }
}

/// How a digest begins.
const DIGEST: &str = "sha256:";
/// As many digits as Docker shows.
const DIGITS: usize = 12;

fn push_rest(out: &mut String, count: usize, one: &str, many: &str) {
    if let Some(rest) = count.checked_sub(SHOWN).filter(|rest| *rest > 0) {
        push_wrapped(out, "stopped: ", &counted(rest as u64, one, many));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::{ServiceEvent, StoppedContainer, TargetHealth};

    #[test]
    fn digests_are_cut_and_everything_else_stays() {
        let long = "a".repeat(64);
        let cases = [
            (
                format!("api@sha256:{long}"),
                "api@sha256:aaaaaaaaaaaa…".to_owned(),
            ),
            (
                format!("sha256:{long}, sha256:{long} twice"),
                "sha256:aaaaaaaaaaaa…, sha256:aaaaaaaaaaaa… twice".to_owned(),
            ),
            ("sha256:abc".to_owned(), "sha256:abc".to_owned()),
            ("api:1".to_owned(), "api:1".to_owned()),
        ];
        for (text, expected) in cases {
            assert_eq!(short(&text), expected);
        }
    }

    #[test]
    fn what_stopped_and_why_is_read_at_a_glance() {
        let found = Diagnosis {
            events: vec![ServiceEvent {
                at: None,
                text: "(service api) failed to launch a task".to_owned(),
            }],
            stopped_tasks: vec![StoppedTask {
                id: "0a1b".to_owned(),
                revision: "api:42".to_owned(),
                code: Some("EssentialContainerExited".to_owned()),
                reason: None,
                at: None,
                containers: vec![StoppedContainer {
                    name: "app".to_owned(),
                    exit_code: Some(137),
                    reason: Some("OutOfMemoryError".to_owned()),
                    log: ["a", "b", "c", "heap exhausted"]
                        .map(str::to_owned)
                        .to_vec(),
                }],
            }],
            target_health: vec![TargetHealth {
                group: "api".to_owned(),
                target: "10.0.1.5:8080".to_owned(),
                state: "unhealthy".to_owned(),
                reason: Some("Target.Timeout".to_owned()),
            }],
            differences: vec![(
                "image of app".to_owned(),
                "api:1".to_owned(),
                "api:2".to_owned(),
            )],
            gaps: vec!["logs: allow logs:GetLogEvents".to_owned()],
        };
        let mut out = String::new();
        push(&mut out, &found);
        let expected = "\
stopped: task 0a1b of api:42; EssentialContainerExited; app: exit code 137,
         OutOfMemoryError
  app said: b
  app said: c
  app said: heap exhausted
load balancer: 10.0.1.5:8080 in api: unhealthy, Target.Timeout
differs: image of app: api:1 -> api:2
event: (service api) failed to launch a task
not seen: logs: allow logs:GetLogEvents
";
        assert_eq!(out, expected);
    }
}
