//! A window as its page tells it: from the report of a run that is over, or from what the daemon knows
//! of one that is open. Values only; reading a report forgives what it does not know, because a daemon
//! of this version shows windows that an older one has written.

mod lines;
mod reported;

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

pub use self::lines::{declared, of_thresholds, words_of};
pub use self::reported::CheckReport;

use super::course::Course;
use super::plot::band::{Line, Usual};
use crate::clock::WallTime;
use crate::event::{Level, Verdict};
use crate::sample::CheckId;

/// A window.
#[derive(Clone, Debug)]
pub struct Story {
    /// Its name.
    pub id: Arc<str>,
    /// The service; absent where it is about several or none.
    pub service: Option<String>,
    /// When it was opened.
    pub opened: WallTime,
    /// Until when it is told: its end, or now.
    pub until: WallTime,
    /// What it is doing, and what would happen now; absent where it is over.
    pub open: Option<Open>,
    /// The verdict, so far.
    pub verdict: Verdict,
    /// Whether it is a rollback that a person ordered: nothing was judged before it, and the verdict is
    /// that on the revision to which it went back.
    pub is_by_hand: bool,
    /// The revision under test.
    pub revision: Option<String>,
    /// The revision before.
    pub previous: Option<String>,
    /// The platform's identifier of the deployment.
    pub deployment: Option<String>,
    /// What was decided, by its name in the report, and why; absent while nothing was.
    pub decision: Option<(String, Vec<String>)>,
    /// What became of a rollback.
    pub rollback: Option<Rollback>,
    /// From the opening to the first proof of a failure.
    pub detected_after: Option<Duration>,
    /// Its checks, in the order of declaration.
    pub checks: Vec<Told>,
    /// What happened, the oldest first.
    pub moments: Vec<Moment>,
    /// What the platform knows of the failure.
    pub diagnosis: Option<Diagnosis>,
    /// What our own machine kept the run from learning, and what a person should know besides.
    pub remarks: Vec<String>,
}

/// What an open window is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its state, by its name.
    pub state: &'static str,
    /// When the bake ends; absent before it began.
    pub ends: Option<WallTime>,
    /// What would be done if it ended now, by its name in the report, and why.
    pub would: (String, Vec<String>),
    /// How many samples it was given.
    pub samples: u64,
}

/// A check.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its name.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// The verdict on it.
    pub verdict: Verdict,
    /// How its runs ended: all, failed, errored, unknown.
    pub runs: (u64, u64, u64, u64),
    /// The error rate among the known.
    pub error_rate: Option<f64>,
    /// Median, 95 %, 99 % and the largest latency, in milliseconds.
    pub latency: [Option<f64>; 4],
    /// Why, the most serious first.
    pub reasons: Vec<Why>,
    /// What a verdict that condemns nothing is worth.
    pub assurance: Option<String>,
    /// What was measured over time, as far as it is kept.
    pub course: Option<Course>,
    /// What was usual before: what it is compared with, or else what was seen in the hour before.
    pub before: Option<Usual>,
    /// The limits that it is judged by, each in words; absent where they were not kept.
    pub limits: Option<Vec<String>>,
    /// Those on its latency, which can be drawn.
    pub lines: Vec<Line>,
}

/// A reason.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Why {
    /// The subject, or why nothing can be said.
    pub code: String,
    /// The level of the limit that is breached.
    pub level: Option<Level>,
    /// The limit: seconds, a share, or the unit of the reading.
    pub limit: Option<f64>,
    /// One line, numbers included.
    pub text: String,
    /// The numbers behind it.
    pub evidence: Option<Behind>,
}

/// The numbers behind a reason.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Behind {
    /// In words.
    pub text: String,
}

/// What became of a rollback.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rollback {
    /// How it ended, by its name.
    pub outcome: String,
    /// From which revision.
    pub from: String,
    /// To which.
    pub to: Option<String>,
    /// How it was carried out.
    pub actuator: Option<String>,
    /// One line that says it all.
    pub because: String,
    /// What stopped it.
    pub interlocks: Vec<Named>,
    /// The checks as they were found afterwards.
    pub verification: Vec<CheckReport>,
}

/// Something with a name and a line.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// The line.
    pub text: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// When.
    pub at: WallTime,
    /// What, by its name: `check_judged`, `decided`, ….
    pub kind: String,
    /// The check, where it concerns one.
    pub check: Option<CheckId>,
    /// The verdict from then on, where it is about one.
    pub verdict: Option<Verdict>,
    /// One line for a person.
    pub text: String,
}

/// What the platform knows of a deployment that failed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Diagnosis {
    /// What it wrote about the service, the newest first.
    pub events: Vec<PlatformEvent>,
    /// Tasks that stopped.
    pub stopped_tasks: Vec<StoppedTask>,
    /// How the load balancer sees the copies.
    pub target_health: Vec<Copy>,
    /// What differs between the revisions.
    pub differences: Vec<Difference>,
    /// What could not be looked at.
    pub gaps: Vec<String>,
}

/// A line that the platform wrote.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PlatformEvent {
    /// When (RFC 3339, UTC).
    pub at: Option<String>,
    /// The line.
    pub text: String,
}

/// A task that stopped.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct StoppedTask {
    /// Its name.
    pub id: String,
    /// What it ran.
    pub revision: String,
    /// The platform's code.
    pub code: Option<String>,
    /// The platform's reason.
    pub reason: Option<String>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// A container of a task that stopped.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// The platform's reason.
    pub reason: Option<String>,
    /// Its last words.
    pub log: Vec<String>,
}

/// A copy of the service, as the load balancer sees it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Copy {
    /// The group.
    pub group: String,
    /// Its address.
    pub target: String,
    /// Its state.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
}

/// Something in which the revisions differ.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Difference {
    /// What.
    pub name: String,
    /// Before.
    pub from: String,
    /// Under test.
    pub to: String,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn report() -> serde_json::Value {
        serde_json::json!({
            "schema": "smokejumper.report/1", "command": "watch",
            "window": "01JD5VXM7J9Q0ZC1T8Z5W3K4RN", "service": "api",
            "started": "2026-11-21T08:40:00Z", "finished": "2026-11-21T08:46:12Z",
            "judge": "sequential", "verdict": "fail", "exit_code": 10,
            "checks": [
                {"id": "api-health", "kind": "http", "service": "api", "verdict": "fail",
                 "samples": 58, "failed": 7, "errored": 0, "unknown": 0, "error_rate": 0.1207,
                 "latency_ms": {"p50": 21.4, "p90": 40.0, "p95": 61.0, "p99": null, "max": 240.2},
                 "phases_ms": {}, "readings": {},
                 "reasons": [
                    {"code": "error_rate", "level": "critical", "measured": 0.1207, "limit": 0.05,
                     "samples": 58, "first_bad": "2026-11-21T08:42:10Z",
                     "text": "error rate 12.1 % over 58 samples, limit 5 %",
                     "evidence": {"interval": [0.05, 0.23], "chance": 0.0004, "checks": 1,
                        "rule": "sequence", "text": "chance alone gives as much in 1 of 2,500 healthy windows"}},
                    {"code": "p95", "level": "warning", "measured": 0.061, "limit": 0.05,
                     "samples": 51, "first_bad": null, "text": "p95 61 ms, limit 50 ms"}]},
                {"id": "<cache>", "kind": "redis", "service": "api", "verdict": "pass",
                 "samples": 60, "failed": 0, "errored": 0, "unknown": 0, "error_rate": 0.0,
                 "latency_ms": {"p50": 0.4, "p90": 0.5, "p95": 0.6, "p99": null, "max": 1.2},
                 "reasons": [], "assurance": {"text": "a fault at 5 % would have been noticed"}}
            ],
            "deployment": {"arn": "arn:aws:ecs:eu-west-1:1:service-deployment/prod/api/x",
                "from": "api:41", "to": "api:42"},
            "decision": {"action": "roll_back", "because": ["api-health: error_rate"]},
            "rollback": {"outcome": "rolled_back_verified", "actuator": "update_service",
                "from": "api:42", "to": "api:41", "started": "2026-11-21T08:43:00Z",
                "finished": "2026-11-21T08:46:12Z", "because": "api:41 runs again and passes",
                "verification": [{"id": "api-health", "kind": "http", "verdict": "pass"}]},
            "diagnosis": {"events": [{"at": null, "text": "(service api) has started 1 task"}],
                "stopped_tasks": [{"id": "0a1b", "revision": "api:42",
                    "code": "EssentialContainerExited", "reason": null, "at": null,
                    "containers": [{"name": "app", "exit_code": 137, "reason": "OutOfMemoryError",
                        "log": ["heap exhausted", "<script>alert(1)</script>"]}]}],
                "target_health": [], "differences": [{"name": "image of app",
                    "from": "api:1", "to": "api:2"}]},
            "warnings": ["the schedule was late"]
        })
    }

    #[test]
    fn a_report_is_told_whole() {
        let story = Story::of_report(&report()).unwrap();
        assert_eq!(story.until.since(story.opened), Duration::from_secs(372));
        assert_eq!(story.verdict, Verdict::Fail);
        assert_eq!(story.checks[0].runs, (58, 7, 0, 0));
        let lines = &story.checks[0].lines;
        assert_eq!(lines.len(), 1, "an error rate is not drawn as a latency");
        assert_eq!(lines[0].label, "p95 50 ms");
        assert_eq!(story.checks[0].limits, None, "a report of before");
        assert_eq!(story.remarks, ["the schedule was late"]);
        assert_eq!(story.rollback.unwrap().verification[0].verdict, "pass");
    }

    #[test]
    fn a_check_is_told_by_the_limits_that_were_in_force() {
        let mut report = report();
        report["checks"][0]["limits"] = serde_json::json!([
            {"subject": "error_rate", "level": "critical", "limit": 0.05, "text": "> 5 %"},
            {"subject": "p95", "level": "warning", "limit": 0.05, "text": "> 50 ms", "for_s": 30.0},
            {"subject": "p99", "level": "critical", "limit": 2.0, "text": "> 2 s"}]);
        report["checks"][0]["before"] =
            serde_json::json!({"samples": 500, "p50_ms": 12.5, "p95_ms": 31.0});
        report["checks"][1]["limits"] = serde_json::json!([]);
        let story = Story::of_report(&report).unwrap();
        let told = &story.checks[0];
        let lines: Vec<(&str, f64)> = told.lines.iter().map(|it| (&*it.label, it.at)).collect();
        assert_eq!(lines, [("p95 > 50 ms", 0.05), ("p99 > 2 s", 2.0)]);
        let limits = told.limits.as_ref().unwrap();
        assert_eq!(limits[0], "error_rate critical > 5 %");
        assert_eq!(limits[1], "p95 warning > 50 ms for 30s");
        let before = told.before.unwrap();
        assert_eq!(before.p50, Duration::from_micros(12_500));
        assert_eq!(story.checks[1].limits.as_deref(), Some(&[][..]));
    }

    #[test]
    fn a_report_of_another_version_is_told_as_far_as_it_is_understood() {
        let odd = serde_json::json!({"verdict": "splendid", "further": [1], "checks": [{}]});
        let story = Story::of_report(&odd).unwrap();
        assert_eq!(story.verdict, Verdict::Inconclusive);
        assert_eq!(story.checks.len(), 1);
        assert!(Story::of_report(&serde_json::json!([1])).is_err());
    }
}
