//! The report for a person: one line a check, then one line that says it all and what to do next.
//!
//! Readable at 80 columns and without colour; colour only repeats what the words say.

use std::fmt::Write as _;
use std::time::Duration;

use super::{diagnosis, load, outcome, punctuality};
use crate::deployment::RollbackOutcome;
use crate::engine::record::{Command, Record, RollbackRecord};
use crate::event::{Action, Verdict};
use crate::quantity::human;
use crate::verdict::Finding;

/// The width for which lines are made.
pub const WIDTH: usize = 80;

/// Whether colour may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Plain,
    /// ANSI styles.
    Styled,
}

/// Renders a record that ended with an exit code.
#[must_use]
pub fn render(record: &Record, exit_code: u8, colour: Colour) -> String {
    if let (Command::Rollback, Some(rollback)) = (record.command, &record.rollback) {
        return by_hand(record, rollback, exit_code, colour);
    }
    let mut text = checks(&record.assessment.findings, colour);
    if let Some(found) = &record.diagnosis {
        diagnosis::push(&mut text, found);
    }
    for trouble in record.troubles.told() {
        push_wrapped(&mut text, "trouble: ", &trouble.text);
    }
    for warning in &record.warnings {
        push_wrapped(&mut text, "note: ", warning);
    }
    if let Some(remark) = record.punctuality.as_ref().and_then(punctuality::remark) {
        push_wrapped(&mut text, "note: ", &remark);
    }
    if let Some(worth) = weakest(record) {
        push_wrapped(&mut text, "worth: ", &worth);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let (colour_of, word) = headline_word(record);
    let verdict = paint(colour_of, word, colour);
    push_wrapped(&mut text, &format!("{verdict}: "), &headline(record));
    let next = match &record.rollback {
        Some(rollback) => Some(outcome::next(rollback)),
        None => next_without_rollback(record),
    };
    if let Some(next) = next {
        push_wrapped(&mut text, "next: ", &next);
    }
    push_wrapped(&mut text, "", &closing(record, exit_code));
    text
}

/// A rollback by hand: nothing was judged before it, so that only its end is told.
fn by_hand(record: &Record, rollback: &RollbackRecord, exit_code: u8, colour: Colour) -> String {
    let found = rollback.verification.as_ref();
    let mut text = found.map_or_else(String::new, |found| checks(&found.findings, colour));
    if !text.is_empty() {
        text.push('\n');
    }
    let service = record.service.as_deref().unwrap_or_default();
    push_wrapped(
        &mut text,
        &format!("{service}: "),
        &outcome::sentence(rollback),
    );
    let next = match (rollback.outcome, rollback.interlocks.is_empty()) {
        (RollbackOutcome::Refused, true) => "nothing was changed".to_owned(),
        (RollbackOutcome::Refused, false) => {
            "nothing was changed; to go on all the same, name each with --override".to_owned()
        }
        _ => outcome::next(rollback),
    };
    push_wrapped(&mut text, "next: ", &next);
    push_wrapped(&mut text, "", &closing(record, exit_code));
    text
}

/// What a verdict that condemns nothing is worth, by the check that was seen least.
fn weakest(record: &Record) -> Option<String> {
    if record.assessment.verdict > Verdict::Warn {
        return None;
    }
    let findings = record.assessment.findings.iter();
    let told = findings.filter_map(|finding| Some((finding, finding.assurance.as_ref()?)));
    let (finding, worth) = told.max_by(|(_, a), (_, b)| a.excluded.total_cmp(&b.excluded))?;
    Some(format!("{}: {}", finding.facts.id, worth.text))
}

/// One line a check: verdict, name, kind, and the numbers or the reason.
#[must_use]
pub fn checks(findings: &[Finding], colour: Colour) -> String {
    let width = |of: fn(&Finding) -> usize| findings.iter().map(of).max().unwrap_or(0);
    let verdicts = width(|finding| finding.verdict.name().len());
    let names = width(|finding| finding.facts.id.as_str().chars().count()).min(30);
    let kinds = width(|finding| finding.facts.kind.len());
    let mut text = String::new();
    for finding in findings {
        let word = format!("{:<verdicts$}", verdict_word(finding.verdict));
        let word = paint(finding.verdict, &word, colour);
        let lead = format!(
            "{word}  {:<names$}  {:<kinds$}  ",
            finding.facts.id, finding.facts.kind
        );
        push_wrapped(&mut text, &lead, &describe(finding));
        let indent = " ".repeat(verdicts + 2);
        let proven = finding
            .reasons
            .iter()
            .filter(|_| finding.verdict != Verdict::Inconclusive);
        for behind in proven.filter_map(|reason| reason.evidence.as_ref()) {
            push_wrapped(&mut text, &indent, &behind.text);
        }
    }
    text
}

fn verdict_word(verdict: Verdict) -> String {
    match verdict {
        Verdict::Fail => "FAIL".to_owned(),
        Verdict::Warn => "WARN".to_owned(),
        Verdict::Pass | Verdict::Inconclusive => verdict.name().to_owned(),
    }
}

fn describe(finding: &Finding) -> String {
    let mut parts: Vec<String> = finding
        .reasons
        .iter()
        .map(|reason| reason.text.clone())
        .collect();
    if parts.is_empty() {
        parts.push(numbers(finding));
    }
    parts.extend(finding.summary.sent.map(load::sent));
    if finding.summary.retries > 0 {
        parts.push(format!(
            "after {}",
            counted(finding.summary.retries, "retry", "retries")
        ));
    }
    parts.join("; ")
}

fn numbers(finding: &Finding) -> String {
    let summary = &finding.summary;
    let mut parts = Vec::new();
    if summary.samples == 1 {
        parts.extend(summary.latency.max.map(millis));
    } else {
        parts.push(counted(summary.samples, "sample", "samples"));
        let bad = summary.failed + summary.errored;
        parts.extend((bad > 0).then(|| format!("{bad} bad")));
        parts.extend(
            summary
                .latency
                .p50
                .map(|span| format!("p50 {}", millis(span))),
        );
        parts.extend(
            summary
                .latency
                .p95
                .map(|span| format!("p95 {}", millis(span))),
        );
        parts.extend(
            summary
                .latency
                .max
                .map(|span| format!("max {}", millis(span))),
        );
    }
    parts.join(", ")
}

/// A latency as a person reads it: `0.4 ms`, `21 ms`, `2.40 s`.
#[must_use]
pub fn millis(span: Duration) -> String {
    let value = span.as_secs_f64() * 1e3;
    match value {
        value if value < 10.0 => format!("{value:.1} ms"),
        value if value < 1_000.0 => format!("{value:.0} ms"),
        value => format!("{:.2} s", value / 1e3),
    }
}

/// A number with its noun: `1 check`, `5 checks`.
#[must_use]
pub fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}

/// The word that says how it came out, and the verdict whose colour it has. Content checks are no
/// "PASS" when the deployment was not accepted.
fn headline_word(record: &Record) -> (Verdict, &'static str) {
    let verdict = record.assessment.verdict;
    let outcome = record.rollback.as_ref().map(|rollback| rollback.outcome);
    match (verdict, outcome) {
        (Verdict::Fail, _) => (verdict, "FAIL"),
        (_, Some(RollbackOutcome::Superseded)) => (Verdict::Inconclusive, "SUPERSEDED"),
        (_, Some(RollbackOutcome::Refused | RollbackOutcome::DryRun)) => (verdict, "HELD"),
        (_, Some(_)) => (Verdict::Fail, "NOT ACCEPTED"),
        (_, None) if record.interrupted => (Verdict::Inconclusive, "STOPPED"),
        (Verdict::Inconclusive, None) => (verdict, "INCONCLUSIVE"),
        (_, None) if record.decision.action == Action::Hold => (Verdict::Inconclusive, "HELD"),
        (Verdict::Warn, None) => (verdict, "WARN"),
        (Verdict::Pass, None) => (verdict, "PASS"),
    }
}

fn headline(record: &Record) -> String {
    let mut line = String::new();
    if let Some(deployment) = &record.deployment {
        let service = record.service.as_deref().unwrap_or(&deployment.service);
        push(
            &mut line,
            format_args!("{service} at {}", deployment.revision),
        );
        if let Some(previous) = &deployment.previous {
            push(&mut line, format_args!(" (was {previous})"));
        }
        line.push_str(": ");
    }
    line.push_str(&worst(record));
    if let Some(rollback) = &record.rollback {
        line.push_str(". ");
        line.push_str(&outcome::sentence(rollback));
    } else if is_held_without_a_finding(record) {
        line.push_str(". Held: ");
        line.push_str(&record.decision.because.join("; "));
    }
    line
}

/// Whether it was held for a reason that no finding names: the platform gave up on it, say.
fn is_held_without_a_finding(record: &Record) -> bool {
    let findings = &record.assessment.findings;
    let is_named = |because: &String| {
        let mut checks = findings.iter().map(|finding| finding.facts.id.as_str());
        checks.any(|check| because.starts_with(&format!("{check}: ")))
    };
    record.decision.action == Action::Hold && !record.decision.because.iter().all(is_named)
}

fn worst(record: &Record) -> String {
    let findings = &record.assessment.findings;
    let at = |verdict| {
        findings
            .iter()
            .filter(move |finding| finding.verdict == verdict)
    };
    let verdict = record.assessment.verdict;
    let total = findings.len();
    if verdict == Verdict::Pass {
        return format!("{} passed", counted(total as u64, "check", "checks"));
    }
    let count = at(verdict).count();
    let Some(first) = at(verdict).next() else {
        return "no check was judged".to_owned();
    };
    let reason = first
        .reasons
        .first()
        .map_or("no reason given", |reason| reason.text.as_str());
    let more = if count > 1 {
        format!(" (and {} more)", count - 1)
    } else {
        String::new()
    };
    format!("{}: {reason}{more}", first.facts.id)
}

fn next_without_rollback(record: &Record) -> Option<String> {
    let next = match (record.command, record.assessment.verdict) {
        (Command::Watch, Verdict::Fail) if record.interrupted => {
            "nothing was changed, because the watch was told to stop; decide by hand"
        }
        (Command::Watch, Verdict::Fail) if record.decision.action == Action::Accept => {
            "the deployment stays: by the policy this failure does not count against it"
        }
        (Command::Watch, Verdict::Fail) => {
            "nothing was changed, as the policy says; decide by hand"
        }
        (Command::Watch, _) if record.interrupted => {
            "nothing was changed and nothing is proven; watch again"
        }
        (Command::Watch, _) if is_held_without_a_finding(record) => {
            "nothing was changed; look at the deployment and decide by hand"
        }
        (Command::Watch, Verdict::Inconclusive) if record.decision.action == Action::Hold => {
            "nothing was changed; see that the checks can run, and watch again"
        }
        (Command::Replay, _) => return None,
        (_, Verdict::Inconclusive) => "see that the checks can run, and try again",
        (_, Verdict::Pass | Verdict::Warn) if record.decision.action == Action::Hold => {
            "nothing was changed; look at the deployment and decide by hand"
        }
        _ => return None,
    };
    Some(next.to_owned())
}

fn closing(record: &Record, exit_code: u8) -> String {
    let took = human(record.finished.moment.since(record.started.moment));
    if record.command == Command::Replay {
        return format!("replay of {took}, nothing was changed; exit code {exit_code}");
    }
    let interrupted = if record.interrupted {
        ", told to stop before it was over"
    } else {
        ""
    };
    format!(
        "{} took {took}{interrupted}; exit code {exit_code}",
        record.command.name()
    )
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(arguments).unwrap_or_default();
}

fn paint(verdict: Verdict, word: &str, colour: Colour) -> String {
    use anstyle::{AnsiColor, Style};
    if colour == Colour::Plain {
        return word.to_owned();
    }
    let style = match verdict {
        Verdict::Pass => Style::new().fg_color(Some(AnsiColor::Green.into())),
        Verdict::Warn => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        Verdict::Fail => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
        Verdict::Inconclusive => Style::new().fg_color(Some(AnsiColor::Magenta.into())),
    };
    format!("{style}{word}{style:#}")
}

/// Adds a lead and a text that is broken at blanks to the width; later lines are indented.
pub fn push_wrapped(out: &mut String, lead: &str, text: &str) {
    let lead_width = visible_width(lead);
    let indent = lead_width.min(WIDTH / 2);
    let mut column = lead_width;
    out.push_str(lead);
    for (place, word) in text.split_whitespace().enumerate() {
        let width = word.chars().count();
        if place > 0 && column + 1 + width > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if place > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    while out.ends_with(' ') {
        out.pop();
    }
    out.push('\n');
}

/// How many columns a text takes, its ANSI styles not counted.
fn visible_width(text: &str) -> usize {
    let mut width = 0;
    let mut in_style = false;
    for character in text.chars() {
        match character {
            '\u{1b}' => in_style = true,
            'm' if in_style => in_style = false,
            _ if in_style => {}
            _ => width += 1,
        }
    }
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_broken_at_blanks_and_indented() {
        let mut out = String::new();
        push_wrapped(&mut out, "FAIL  a  ", &"word ".repeat(20));
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{out}");
        assert!(lines[1].starts_with("         word"), "{out}");
    }

    #[test]
    fn latencies_are_read_at_a_glance() {
        let cases = [(400, "0.4 ms"), (21_400, "21 ms"), (2_400_000, "2.40 s")];
        for (micros, expected) in cases {
            assert_eq!(millis(Duration::from_micros(micros)), expected);
        }
    }
}
