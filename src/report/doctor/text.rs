//! A doctor's findings for a person, at 80 columns and without colour: one item a line, what is
//! missing at the end. What must be mended is written in capitals.

use super::policy;
use crate::deployment::{Examined, State};
use crate::engine::doctor::{CheckExamined, Examination};
use crate::quantity::human;
use crate::report::text::{counted, millis, push_wrapped};
use crate::sample::Outcome;

/// Renders an examination that ended with an exit code.
#[must_use]
pub fn render(examination: &Examination, exit_code: u8) -> String {
    let mut text = String::new();
    for service in &examination.services {
        push_wrapped(&mut text, "", &service.name);
        for found in &service.found {
            push_wrapped(&mut text, &lead(word(found)), &item(found));
        }
        text.push('\n');
    }
    if !examination.checks.is_empty() {
        text.push_str("checks\n");
        for check in &examination.checks {
            let (word, said) = answer(check);
            push_wrapped(&mut text, &lead(word), &said);
        }
        text.push('\n');
    }
    if let Some(missing) = policy::missing(examination) {
        text.push_str("These permissions are missing; add to the policy:\n");
        // Its own form, whatever its width: it is there to be copied.
        text.push_str(&format!("{missing:#}\n\n"));
    }
    push_wrapped(&mut text, "", &conclusion(examination));
    let took = examination.finished.moment;
    let took = human(took.since(examination.started.moment));
    let closing = format!("doctor took {took}, nothing was changed; exit code {exit_code}");
    push_wrapped(&mut text, "", &closing);
    text
}

fn conclusion(examination: &Examination) -> String {
    if examination.interrupted {
        return "told to stop before it was over".to_owned();
    }
    match examination.problems() {
        0 => "nothing that a watch cannot do without is missing".to_owned(),
        problems => {
            let problems = counted(problems as u64, "problem", "problems");
            format!("{problems} to mend before a watch can be relied on")
        }
    }
}

fn lead(word: &str) -> String {
    format!("  {word:<LONGEST_WORD$}  ")
}

/// As long as `DENIED`.
const LONGEST_WORD: usize = 6;

fn word(found: &Examined) -> &'static str {
    match (found.state, found.is_problem()) {
        (State::Ok, _) => "ok",
        (State::Denied, true) => "DENIED",
        (State::Denied, false) => "denied",
        (State::Failed, true) => "FAILED",
        (State::Failed, false) => "failed",
        (State::Unknown, _) => "note",
    }
}

fn item(found: &Examined) -> String {
    let mut said = found.name.clone();
    if !found.detail.is_empty() {
        said.push_str(": ");
        said.push_str(&found.detail);
    }
    if let Some(lost) = &found.lost
        && found.state != State::Ok
    {
        said.push_str("; optional, without it: ");
        said.push_str(lost);
    }
    said
}

fn answer(check: &CheckExamined) -> (&'static str, String) {
    let sample = &check.sample;
    let fault = sample.fault.as_ref().map(|fault| fault.detail.as_str());
    let fault = fault.unwrap_or("no reason given");
    let (word, said) = match sample.outcome {
        Outcome::Pass => ("ok", format!("answered in {}", millis(sample.latency))),
        Outcome::Fail => ("note", format!("reached, and answers wrongly: {fault}")),
        Outcome::Error => ("FAILED", format!("not reached: {fault}")),
        Outcome::Unknown => ("FAILED", format!("could not be looked at: {fault}")),
    };
    (word, format!("{} ({}): {said}", sample.check, check.kind))
}
