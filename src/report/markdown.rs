//! `--report markdown`: a run for a pull request, a job's summary or an incident's channel, in the
//! Markdown of GitHub (<https://github.github.com/gfm/>): the outcome first, then every check in a
//! table, why, what became of the rollback and what the platform knows.
//!
//! It is made from the JSON report, in which secrets are masked already, so that a window out of the
//! history is written by the same lines. Whatever came from elsewhere stays text: a name or an answer
//! that looks like markup makes no image and no heading, calls nobody and hides no link behind words.

use serde_json::Value;

use super::html::body::BY_HAND;
use super::html::story::{Diagnosis, Story, Told};
use super::html::words::{action_words, rollback_words, share, verdict_words};
use super::wall::rfc3339;
use crate::event::Verdict;
use crate::quantity::human;

/// Writes a report of `smokejumper.report/1`, whose secrets are masked already.
///
/// # Errors
/// When it is none.
pub fn render(report: &Value) -> Result<String, serde_json::Error> {
    let story = Story::of_report(report)?;
    let mut parts = vec![head(&story), outcome(&story)];
    parts.extend(table(&story.checks));
    parts.extend(why(&story));
    parts.extend(rollback(&story));
    parts.extend(story.diagnosis.as_ref().and_then(diagnosis));
    parts.extend(list(
        "Remarks",
        story.remarks.iter().map(|text| plain(text)),
    ));
    parts.push(foot(&story));
    Ok(parts.join("\n\n") + "\n")
}

fn head(story: &Story) -> String {
    let service = story.service.as_deref().map(plain);
    let way = match (&story.previous, &story.revision) {
        (Some(from), Some(to)) => Some(format!("{} → {}", plain(from), plain(to))),
        (None, Some(to)) => Some(plain(to)),
        _ => None,
    };
    let whose = match (way, service) {
        (Some(way), Some(service)) => format!("{way} on {service}"),
        (Some(way), None) => way,
        (None, Some(service)) => service,
        (None, None) => "all services".to_owned(),
    };
    if story.is_by_hand {
        return format!("## {BY_HAND}: {whose}");
    }
    format!(
        "## {} {}: {whose}",
        mark(story.verdict),
        verdict_words(story.verdict)
    )
}

/// What came of it, in one sentence.
fn outcome(story: &Story) -> String {
    let (said, because) = match (&story.rollback, &story.decision) {
        (Some(rollback), decision) => {
            let because = decision.as_ref().map(|(_, because)| because.as_slice());
            (
                rollback_words(&rollback.outcome),
                because.unwrap_or_default(),
            )
        }
        (None, Some((action, because))) => (action_words(action), because.as_slice()),
        (None, None) => ("nothing was decided", [].as_slice()),
    };
    match because {
        [] => format!("**{}**", plain(said)),
        because => format!(
            "**{}**, because {}",
            plain(said),
            plain(&because.join("; "))
        ),
    }
}

/// The checks, the worst first.
fn table(checks: &[Told]) -> Option<String> {
    let mut sorted: Vec<&Told> = checks.iter().collect();
    sorted.sort_by_key(|told| std::cmp::Reverse(told.verdict));
    let mut lines = vec![
        "| | check | kind | runs | failed | error rate | p50 | p95 | p99 |".to_owned(),
        "|---|---|---|---:|---:|---:|---:|---:|---:|".to_owned(),
    ];
    for told in sorted {
        let (runs, failed, errored, _) = told.runs;
        let rate = told.error_rate.map_or_else(|| "–".to_owned(), share);
        let [p50, p95, p99, _] = told.latency.map(millis);
        lines.push(format!(
            "| {} {} | {} | {} | {runs} | {} | {rate} | {p50} | {p95} | {p99} |",
            mark(told.verdict),
            verdict_words(told.verdict),
            plain(&told.id),
            plain(&told.kind),
            failed + errored,
        ));
    }
    (!checks.is_empty()).then(|| lines.join("\n"))
}

/// A latency; a dash where too few runs passed for it.
fn millis(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |millis| format!("{millis:.1} ms"))
}

fn why(story: &Story) -> Option<String> {
    let lines = story.checks.iter().flat_map(|told| {
        told.reasons.iter().map(|why| {
            let behind = why.evidence.as_ref().map(|behind| behind.text.as_str());
            let behind = behind.filter(|text| !text.is_empty());
            let behind = behind.map_or_else(String::new, |text| format!(" ({})", plain(text)));
            format!("**{}**: {}{behind}", plain(&told.id), plain(&why.text))
        })
    });
    list("Why", lines)
}

fn rollback(story: &Story) -> Option<String> {
    let rollback = story.rollback.as_ref()?;
    let mut lines = Vec::new();
    let to = rollback.to.as_deref().map(|to| format!(" → {}", plain(to)));
    lines.push(format!(
        "{}{}",
        plain(&rollback.from),
        to.unwrap_or_default()
    ));
    lines.extend(Some(plain(&rollback.because)).filter(|because| !because.is_empty()));
    let stopped = rollback.interlocks.iter();
    lines.extend(stopped.map(|one| format!("`{}`: {}", one.name, plain(&one.text))));
    let again = rollback.verification.iter();
    lines.extend(again.map(|told| format!("{}: {}", plain(&told.id), plain(&told.verdict))));
    list("Rollback", lines.into_iter())
}

/// What the platform knows, folded: a reader of a long thread opens it.
fn diagnosis(found: &Diagnosis) -> Option<String> {
    let mut parts = Vec::new();
    let differences = found.differences.iter();
    parts.extend(list(
        "What differs between the revisions",
        differences.map(|one| {
            format!(
                "{}: {} → {}",
                plain(&one.name),
                plain(&one.from),
                plain(&one.to)
            )
        }),
    ));
    for task in &found.stopped_tasks {
        let why = [task.code.as_deref(), task.reason.as_deref()];
        let why: Vec<&str> = why.into_iter().flatten().collect();
        parts.push(format!(
            "### Task {} of {} stopped",
            plain(&task.id),
            plain(&task.revision)
        ));
        parts.extend((!why.is_empty()).then(|| plain(&why.join(": "))));
        for container in &task.containers {
            let code = container
                .exit_code
                .map(|code| format!(": exit code {code}"));
            let reason = container
                .reason
                .as_deref()
                .map(|why| format!(", {}", plain(why)));
            let name = plain(&container.name);
            parts.push(name + &code.unwrap_or_default() + &reason.unwrap_or_default());
            parts.extend((!container.log.is_empty()).then(|| fenced(&container.log)));
        }
    }
    let copies = found.target_health.iter().map(|copy| {
        let reason = copy
            .reason
            .as_deref()
            .map(|why| format!(" ({})", plain(why)));
        format!(
            "{}: {}{}",
            plain(&copy.target),
            plain(&copy.state),
            reason.unwrap_or_default()
        )
    });
    parts.extend(list("How the load balancer sees the copies", copies));
    parts.extend(list(
        "Its events, the newest first",
        found.events.iter().map(|event| {
            let at = event.at.as_deref().map(|at| format!("{at} "));
            at.unwrap_or_default() + &plain(&event.text)
        }),
    ));
    parts.extend(list(
        "What could not be looked at",
        found.gaps.iter().map(|gap| plain(gap)),
    ));
    let summary = "<summary>What the platform knows</summary>";
    (!parts.is_empty()).then(|| {
        format!(
            "<details>\n{summary}\n\n{}\n\n</details>",
            parts.join("\n\n")
        )
    })
}

fn foot(story: &Story) -> String {
    let lasted = std::time::Duration::from_secs(story.until.since(story.opened).as_secs());
    let (id, opened) = (&story.id, rfc3339(story.opened));
    format!("Window `{id}`, opened {opened}, lasted {}.", human(lasted))
}

/// A heading and a list below it; nothing for an empty one.
fn list(title: &str, lines: impl Iterator<Item = String>) -> Option<String> {
    let lines: Vec<String> = lines.map(|line| format!("- {line}")).collect();
    (!lines.is_empty()).then(|| format!("### {title}\n\n{}", lines.join("\n")))
}

/// A verdict at a glance.
const fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Warn => "⚠️",
        Verdict::Inconclusive => "❔",
        Verdict::Fail => "❌",
    }
}

/// Text that stays text, on one line: whatever Markdown or its HTML would read otherwise is escaped
/// (CommonMark 0.31, sections 2.4 and 2.5), and an `@` that would call somebody is written so that it
/// does not; within a word, as in the digest of an image, it calls nobody and can be copied.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut is_in_word = false;
    for character in text.chars() {
        match character {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            // A joiner of no width: no name follows the sign any more.
            '@' if !is_in_word => plain.push_str("@\u{2060}"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                plain.push('\\');
                plain.push(character);
            }
            control if control.is_control() => plain.push(' '),
            other => plain.push(other),
        }
        is_in_word = character.is_alphanumeric();
    }
    plain
}

/// Lines as they are, between fences that none of them can end.
fn fenced(lines: &[String]) -> String {
    let ticks = lines.iter().map(|line| longest_run_of_ticks(line)).max();
    let fence = "`".repeat(ticks.unwrap_or_default().max(SHORTEST_FENCE - 1) + 1);
    format!("{fence}text\n{}\n{fence}", lines.join("\n"))
}

/// A fence has three ticks at least.
const SHORTEST_FENCE: usize = 3;

fn longest_run_of_ticks(line: &str) -> usize {
    let runs = line.split(|character| character != '`').map(str::len);
    runs.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::story::tests::report;

    #[test]
    fn a_rolled_back_window_is_told_whole() {
        let expected = "\
## ❌ fail: api:41 → api:42 on api

**rolled back and verified**, because api-health: error\\_rate

| | check | kind | runs | failed | error rate | p50 | p95 | p99 |
|---|---|---|---:|---:|---:|---:|---:|---:|
| ❌ fail | api-health | http | 58 | 7 | 12.1 % | 21.4 ms | 61.0 ms | – |
| ✅ pass | &lt;cache&gt; | redis | 60 | 0 | 0 % | 0.4 ms | 0.6 ms | – |

### Why

- **api-health**: error rate 12.1 % over 58 samples, limit 5 % (chance alone gives as much in 1 of 2,500 healthy windows)
- **api-health**: p95 61 ms, limit 50 ms

### Rollback

- api:42 → api:41
- api:41 runs again and passes
- api-health: pass

<details>
<summary>What the platform knows</summary>

### What differs between the revisions

- image of app: api:1 → api:2

### Task 0a1b of api:42 stopped

EssentialContainerExited

app: exit code 137, OutOfMemoryError

```text
heap exhausted
<script>alert(1)</script>
```

### Its events, the newest first

- (service api) has started 1 task

</details>

### Remarks

- the schedule was late

Window `01JD5VXM7J9Q0ZC1T8Z5W3K4RN`, opened 2026-11-21T08:40:00Z, lasted 6m12s.
";
        assert_eq!(render(&report()).unwrap(), expected);
    }

    #[test]
    fn a_rollback_by_hand_has_no_verdict_on_what_it_undid() {
        let mut report = report();
        report["checks"] = serde_json::json!([]);
        report["command"] = "rollback".into();
        report["verdict"] = "pass".into();
        let text = render(&report).unwrap();
        let head = "## rollback by hand: api:41 → api:42 on api\n\n**rolled back and verified**";
        assert!(text.starts_with(head), "{text}");
    }

    #[test]
    fn what_came_from_elsewhere_stays_text() {
        for (text, expected) in [
            ("a | b\nc", "a \\| b c"),
            ("![x](http://e)", "\\!\\[x\\](http://e)"),
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("&lt;", "&amp;lt;"),
            ("ask @team", "ask @\u{2060}team"),
            ("shop:46@sha256:ab", "shop:46@sha256:ab"),
            (
                "**b** _i_ `c` ~~d~~",
                "\\*\\*b\\*\\* \\_i\\_ \\`c\\` \\~\\~d\\~\\~",
            ),
            ("# h", "\\# h"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }

    #[test]
    fn no_line_of_a_log_ends_its_fence() {
        let log = ["a".to_owned(), "```` b".to_owned()];
        assert_eq!(fenced(&log), "`````text\na\n```` b\n`````");
        assert_eq!(fenced(&["x".to_owned()]), "```text\nx\n```");
    }
}
