//! The gate with one sample a check, or up to three: the expectation alone decides.
//!
//! Of several samples each must hold. A limit on a reading that one sample breaches warns at most:
//! one sample is no trend. One that the sample says nothing of is told as not judged.

use super::reading::in_measure;
use super::threshold::{Limit, Subject, Threshold};
use super::wording::{self, one_line};
use super::{Finding, FindingReason, Level, Rules, Verdict};
use crate::sample::Outcome;
use crate::window::{Record, Window};

pub(super) fn judge(rules: &Rules, window: &Window) -> Finding {
    let known = |record: &&Record| record.is_known();
    let last_bad = window.records().rev().find(|record| record.is_bad());
    let last = last_bad
        .or_else(|| window.records().rev().find(known))
        .or_else(|| window.records().next_back());
    let mut reasons = Vec::new();
    let verdict = match last {
        None => {
            reasons.push(FindingReason::gap("no_samples", 0, "no samples".to_owned()));
            Verdict::Inconclusive
        }
        Some(record) => {
            reasons.extend(faults_of(record));
            reasons.extend(rules.thresholds.iter().filter_map(|t| warning(t, record)));
            match record.outcome {
                Outcome::Fail | Outcome::Error => Verdict::Fail,
                Outcome::Unknown => Verdict::Inconclusive,
                Outcome::Pass => {
                    let is_well = reasons.is_empty();
                    reasons.extend(rules.thresholds.iter().filter_map(|t| unseen(t, record)));
                    if is_well {
                        Verdict::Pass
                    } else {
                        Verdict::Warn
                    }
                }
            }
        }
    };
    Finding {
        facts: rules.facts.clone(),
        verdict,
        summary: window.summary(),
        reasons,
        assurance: None,
    }
}

/// A reason for the fault, and one for each further thing that is wrong with the same answer.
fn faults_of(record: &Record) -> Vec<FindingReason> {
    let Some(fault) = record.fault.as_ref() else {
        return Vec::new();
    };
    let details = std::iter::once(&fault.detail).chain(&fault.further);
    let told = details.map(|detail| {
        let (level, text) = match record.is_bad() {
            true => (Some(Level::Critical), detail.clone()),
            false => (None, format!("nothing learnt: {detail}")),
        };
        FindingReason {
            code: fault.reason.code().to_owned(),
            level,
            measured: None,
            limit: None,
            samples: 1,
            first_bad: record.is_bad().then_some(record.started),
            text: one_line(&text),
            is_glimpse: false,
            evidence: None,
        }
    });
    told.collect()
}

/// That an answer does not give the reading that a limit is about. The expectation decides all the same,
/// but nobody should take the limit for kept.
fn unseen(threshold: &Threshold, record: &Record) -> Option<FindingReason> {
    let Subject::Reading(name) = &threshold.subject else {
        return None;
    };
    let is_seen = record.reading(name).is_some();
    let text = format!("no value for {name}: its limit is not judged");
    (!is_seen).then(|| FindingReason::gap("insufficient", 0, text))
}

fn warning(threshold: &Threshold, record: &Record) -> Option<FindingReason> {
    let Subject::Reading(name) = &threshold.subject else {
        return None;
    };
    let reading = record.reading(name)?;
    // Of one sample nothing can be said that takes several.
    let breached = |limit: Limit| {
        limit.course().is_none() && limit.is_breached_by(in_measure(limit.measure, reading))
    };
    let critical = threshold.critical.filter(|limit| breached(*limit));
    let limit = critical.or(threshold.warning.filter(|limit| breached(*limit)))?;
    let value = in_measure(limit.measure, reading);
    let mut text = wording::reading_breach(name, value, "", limit);
    if critical.is_some() {
        text += " (critical), which so few samples cannot decide";
    }
    Some(FindingReason {
        code: name.to_string(),
        level: Some(Level::Warning),
        measured: Some(value),
        limit: Some(limit.value),
        samples: 1,
        first_bad: Some(record.started),
        text: one_line(&text),
        is_glimpse: false,
        evidence: None,
    })
}
