//! `--report junit`: a run as the XML that CI systems show as tests: a suite for each service, a case
//! for each check, and one for the deployment where one was judged.
//!
//! What fails for the program fails here: a check that failed is a `failure`; one of which nothing can
//! be said is an `error`, never a pass; a warning is a pass with its reason beside it, unless warnings
//! were to fail the run. The form is the one that Jenkins, GitLab and GitHub's reporters read:
//! <https://github.com/testmoapp/junitxml>. It is made from the JSON report, in which secrets are
//! masked already, so that a window out of the history is written by the same lines.

use serde::Deserialize as _;
use serde_json::Value;

use super::html::story::{Story, Told};
use super::html::words::{action_words, rollback_words};
use super::text::counted;
use super::wall::rfc3339;
use crate::event::Verdict;

/// Writes a report of `smokejumper.report/1`, whose secrets are masked already.
///
/// # Errors
/// When it is none.
pub fn render(report: &Value) -> Result<String, serde_json::Error> {
    let story = Story::of_report(report)?;
    let code = Option::<u8>::deserialize(&report["exit_code"])?;
    let cases = cases(&story, code);
    let mut xml = Xml::default();
    xml.line("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let totals = totals(&cases, &story);
    xml.open("testsuites", &with_name("smokejumper", &totals));
    let service = story.service.as_deref().unwrap_or("smokejumper");
    let mut suite = with_name(service, &totals);
    suite.push(("timestamp", without_zone(&rfc3339(story.opened))));
    xml.open("testsuite", &suite);
    properties(&mut xml, &story, code);
    for case in &cases {
        case.write(&mut xml, service);
    }
    xml.close("testsuite");
    xml.close("testsuites");
    Ok(xml.text)
}

/// The exit code of a run whose warnings were to fail it.
const FAILED_ON_WARNING: u8 = 5;
/// With these a run has condemned nothing.
const FINE: [u8; 2] = [0, FAILED_ON_WARNING];

/// A case.
struct Case {
    name: String,
    /// The kind of the check, or what else is judged.
    class: String,
    seconds: f64,
    end: End,
    /// What a person should know besides.
    said: Vec<String>,
}

/// How a case ended.
enum End {
    Passed,
    /// With its kind, and one line a reason.
    Failed(String, Vec<String>),
    /// Nothing can be said.
    Errored(Vec<String>),
}

fn cases(story: &Story, code: Option<u8>) -> Vec<Case> {
    let checks = story.checks.iter().map(|told| of_check(told, code));
    checks.chain(of_deployment(story, code)).collect()
}

fn of_check(told: &Told, code: Option<u8>) -> Case {
    let reasons: Vec<String> = told.reasons.iter().map(reason).collect();
    let kind = || {
        let first = told.reasons.first().map(|why| why.code.clone());
        first.unwrap_or_else(|| told.verdict.name().to_owned())
    };
    let (end, said) = match told.verdict {
        Verdict::Fail => (End::Failed(kind(), reasons), Vec::new()),
        Verdict::Warn if code == Some(FAILED_ON_WARNING) => {
            (End::Failed(kind(), reasons), Vec::new())
        }
        Verdict::Inconclusive => (End::Errored(reasons), Vec::new()),
        Verdict::Warn => {
            let warned = reasons.into_iter().map(|text| format!("warning: {text}"));
            (End::Passed, warned.collect())
        }
        Verdict::Pass => (End::Passed, reasons),
    };
    let (runs, failed, errored, unknown) = told.runs;
    let mut summary = format!("{}, {failed} failed", counted(runs, "run", "runs"));
    for (count, word) in [(errored, "did not reach it"), (unknown, "taught nothing")] {
        if count > 0 {
            summary.push_str(&format!(", {count} {word}"));
        }
    }
    let [p50, p95, p99, slowest] = told.latency;
    for (name, value) in [
        ("p50", p50),
        ("p95", p95),
        ("p99", p99),
        ("slowest", slowest),
    ] {
        if let Some(millis) = value {
            summary.push_str(&format!(", {name} {millis} ms"));
        }
    }
    Case {
        name: told.id.clone(),
        class: told.kind.clone(),
        // Of one run, how long it took; of many, the longest: never the sum, which nobody waited for.
        seconds: slowest.unwrap_or_default() / 1e3,
        end,
        said: said
            .into_iter()
            .chain([summary])
            .chain(told.assurance.clone())
            .collect(),
    }
}

/// A reason, and the numbers behind it.
fn reason(why: &super::html::story::Why) -> String {
    let behind = why.evidence.as_ref().map(|behind| behind.text.as_str());
    match behind.filter(|text| !text.is_empty()) {
        Some(behind) => format!("{} ({behind})", why.text),
        None => why.text.clone(),
    }
}

/// The deployment is a case of its own: a run may end badly though each check passed, when another
/// deployment took over, say.
fn of_deployment(story: &Story, code: Option<u8>) -> Option<Case> {
    let to = story.revision.as_deref()?;
    let name = match &story.previous {
        Some(from) => format!("deployment {from} → {to}"),
        None => format!("deployment {to}"),
    };
    let mut lines = Vec::new();
    if let Some((action, because)) = &story.decision {
        lines.push(format!("decided: {}", action_words(action)));
        lines.extend(because.iter().map(|one| format!("because {one}")));
    }
    if let Some(rollback) = &story.rollback {
        lines.push(rollback_words(&rollback.outcome).to_owned());
        lines.extend(Some(rollback.because.clone()).filter(|because| !because.is_empty()));
    }
    let is_fine = match code {
        Some(code) => FINE.contains(&code),
        // A window of the daemon ends with no code.
        None => !matches!(story.verdict, Verdict::Fail | Verdict::Inconclusive),
    };
    let end = match (is_fine, story.verdict) {
        (true, _) => End::Passed,
        (false, Verdict::Inconclusive) => End::Errored(lines.clone()),
        (false, _) => End::Failed("deployment".to_owned(), lines.clone()),
    };
    Some(Case {
        name,
        class: "deployment".to_owned(),
        seconds: story.until.since(story.opened).as_secs_f64(),
        said: if is_fine { lines } else { Vec::new() },
        end,
    })
}

/// How many cases there are, and how they ended.
fn totals(cases: &[Case], story: &Story) -> Vec<(&'static str, String)> {
    let count = |wanted: fn(&End) -> bool| {
        let ended = cases.iter().filter(|case| wanted(&case.end));
        ended.count().to_string()
    };
    vec![
        ("tests", cases.len().to_string()),
        ("failures", count(|end| matches!(end, End::Failed(..)))),
        ("errors", count(|end| matches!(end, End::Errored(_)))),
        ("skipped", "0".to_owned()),
        (
            "time",
            seconds(story.until.since(story.opened).as_secs_f64()),
        ),
    ]
}

fn with_name(name: &str, totals: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    let named = std::iter::once(("name", name.to_owned()));
    named.chain(totals.iter().cloned()).collect()
}

fn properties(xml: &mut Xml, story: &Story, code: Option<u8>) {
    let decision = story.decision.as_ref().map(|(action, _)| action.clone());
    let rollback = story.rollback.as_ref();
    let known = [
        ("window", Some(story.id.to_string())),
        ("verdict", Some(story.verdict.name().to_owned())),
        ("exit_code", code.map(|code| code.to_string())),
        ("decision", decision),
        ("deployment", story.deployment.clone()),
        ("from", story.previous.clone()),
        ("to", story.revision.clone()),
        (
            "rollback",
            rollback.map(|rollback| rollback.outcome.clone()),
        ),
    ];
    xml.open("properties", &[]);
    for (name, value) in known {
        if let Some(value) = value {
            xml.empty("property", &[("name", name.to_owned()), ("value", value)]);
        }
    }
    xml.close("properties");
}

impl Case {
    fn write(&self, xml: &mut Xml, service: &str) {
        let attributes = [
            ("name", self.name.clone()),
            ("classname", format!("{service}.{}", self.class)),
            ("time", seconds(self.seconds)),
        ];
        xml.open("testcase", &attributes);
        match &self.end {
            End::Passed => {}
            End::Failed(kind, lines) => xml.told("failure", kind, lines),
            End::Errored(lines) => xml.told("error", Verdict::Inconclusive.name(), lines),
        }
        if !self.said.is_empty() {
            xml.text_in("system-out", &[], &self.said.join("\n"));
        }
        xml.close("testcase");
    }
}

/// Seconds, to the millisecond: what readers of this form expect.
fn seconds(value: f64) -> String {
    format!("{value:.3}")
}

/// A time as the form has it: without its zone, which is UTC.
fn without_zone(time: &str) -> String {
    time.trim_end_matches('Z').to_owned()
}

/// Text of XML, two spaces a level.
#[derive(Default)]
struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    fn line(&mut self, line: &str) {
        self.text.push_str(&"  ".repeat(self.depth));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn open(&mut self, name: &str, attributes: &[(&str, String)]) {
        self.line(&format!("<{name}{}>", written(attributes)));
        self.depth += 1;
    }

    fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.line(&format!("</{name}>"));
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, String)]) {
        self.line(&format!("<{name}{}/>", written(attributes)));
    }

    fn text_in(&mut self, name: &str, attributes: &[(&str, String)], text: &str) {
        self.line(&format!(
            "<{name}{}>{}</{name}>",
            written(attributes),
            escaped(text)
        ));
    }

    /// Why a case did not pass: the first reason as its message, all of them below.
    fn told(&mut self, name: &str, kind: &str, lines: &[String]) {
        let message = lines.first().cloned().unwrap_or_else(|| kind.to_owned());
        let attributes = [("message", message), ("type", kind.to_owned())];
        self.text_in(name, &attributes, &lines.join("\n"));
    }
}

fn written(attributes: &[(&str, String)]) -> String {
    let pair = |(name, value): &(&str, String)| {
        // A line break in an attribute is read as a blank unless it is written as a reference.
        format!(" {name}=\"{}\"", escaped(value).replace('\n', "&#10;"))
    };
    attributes.iter().map(pair).collect()
}

/// Text as XML has it. What XML 1.0 cannot hold at all, such as the controls of a terminal that a
/// target has sent, is replaced: one such character makes a reader refuse the whole file.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            control if control.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::html::story::tests::report;

    #[test]
    fn a_check_that_failed_and_its_deployment_are_failures() {
        let xml = render(&report()).unwrap();
        for part in [
            "<testsuite name=\"api\" tests=\"3\" failures=\"2\" errors=\"0\" skipped=\"0\" \
             time=\"372.000\" timestamp=\"2026-11-21T08:40:00\">",
            "<testcase name=\"api-health\" classname=\"api.http\" time=\"0.240\">",
            "<failure message=\"error rate 12.1 % over 58 samples, limit 5 % (chance alone gives as \
             much in 1 of 2,500 healthy windows)\" type=\"error_rate\">",
            "<testcase name=\"&lt;cache&gt;\" classname=\"api.redis\" time=\"0.001\">",
            "<testcase name=\"deployment api:41 → api:42\" classname=\"api.deployment\" time=\"372.000\">",
            "rolled back and verified\napi:41 runs again and passes</failure>",
            "<property name=\"rollback\" value=\"rolled_back_verified\"/>",
        ] {
            assert!(xml.contains(part), "{part}: {xml}");
        }
    }

    #[test]
    fn a_case_ends_as_the_run_does() {
        let ended = |verdict: &str, code: u8| {
            let report = json!({
                "window": "01J", "service": "api", "verdict": verdict, "exit_code": code,
                "checks": [{ "id": "a", "kind": "http", "verdict": verdict, "samples": 1,
                    "reasons": [{ "code": "p95", "text": "p95 61 ms" }] }],
            });
            let xml = render(&report).unwrap();
            let of = |name: &str| xml.contains(&format!("<{name} "));
            (
                of("failure"),
                of("error"),
                xml.contains("warning: p95 61 ms"),
            )
        };
        for (verdict, code, expected) in [
            ("pass", 0, (false, false, false)),
            ("warn", 0, (false, false, true)),
            ("warn", 5, (true, false, false)),
            ("fail", 1, (true, false, false)),
            ("inconclusive", 3, (false, true, false)),
            ("a verdict of a later version", 1, (false, true, false)),
        ] {
            assert_eq!(ended(verdict, code), expected, "{verdict} {code}");
        }
    }

    #[test]
    fn a_run_that_another_deployment_ended_is_no_success_though_its_checks_pass() {
        let superseded = json!({
            "service": "api", "verdict": "pass", "exit_code": 13,
            "checks": [{ "id": "a", "kind": "http", "verdict": "pass", "samples": 9 }],
            "deployment": { "arn": "x", "from": "api:41", "to": "api:42" },
            "decision": { "action": "none", "because": ["superseded by api:43"] },
        });
        let xml = render(&superseded).unwrap();
        assert!(xml.contains("tests=\"2\" failures=\"1\""), "{xml}");
        assert!(xml.contains("because superseded by api:43"), "{xml}");
    }

    #[test]
    fn what_a_target_sent_breaks_no_file() {
        assert_eq!(
            escaped("<a b=\"c\">&\u{0}\u{1b}[31m]]>\r\n\u{ffff}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}\u{fffd}[31m]]&gt;\u{fffd}\n\u{fffd}"
        );
        assert_eq!(written(&[("m", "a\nb".to_owned())]), " m=\"a&#10;b\"");
    }
}
