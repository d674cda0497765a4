//! What was found, as the journal keeps it, and back: a run that goes on with the rollback of one
//! that died reports what that one had found. Pure.

use crate::journal::{Judged, JudgedCheck};
use crate::plan::CheckPlan;
use crate::verdict::{Assessment, Finding, FindingReason, Level, Verdict};
use crate::window::Summary;

/// What the journal keeps of an assessment.
#[must_use]
pub fn kept(assessment: &Assessment) -> Judged {
    let checks = assessment.findings.iter().map(|finding| JudgedCheck {
        check: finding.facts.id.clone(),
        verdict: finding.verdict,
        reasons: texts(finding, |reason| &reason.text),
        codes: texts(finding, |reason| &reason.code),
        samples: (
            finding.summary.samples,
            finding.summary.failed + finding.summary.errored,
        ),
    });
    Judged {
        verdict: Some(assessment.verdict),
        checks: checks.collect(),
    }
}

fn texts(finding: &Finding, of: impl Fn(&FindingReason) -> &String) -> Vec<String> {
    finding
        .reasons
        .iter()
        .map(|reason| of(reason).clone())
        .collect()
}

/// An assessment from what was kept of it; checks that are not declared any more are left out, and
/// so is what was measured besides.
#[must_use]
pub fn assessment(judged: &Judged, checks: &[CheckPlan]) -> Assessment {
    let findings: Vec<Finding> = judged
        .checks
        .iter()
        .filter_map(|kept| {
            let check = checks.iter().find(|check| check.facts.id == kept.check)?;
            Some(finding(kept, check))
        })
        .collect();
    let worst = findings.iter().map(|finding| finding.verdict).max();
    Assessment {
        verdict: judged.verdict.or(worst).unwrap_or(Verdict::Inconclusive),
        findings,
    }
}

fn finding(kept: &JudgedCheck, check: &CheckPlan) -> Finding {
    let level = match kept.verdict {
        Verdict::Fail => Some(Level::Critical),
        Verdict::Warn => Some(Level::Warning),
        Verdict::Pass | Verdict::Inconclusive => None,
    };
    let (samples, bad) = kept.samples;
    let reasons = kept.codes.iter().zip(&kept.reasons);
    Finding {
        facts: check.facts.clone(),
        verdict: kept.verdict,
        summary: Summary {
            samples,
            failed: bad,
            ..Summary::default()
        },
        reasons: reasons
            .map(|(code, text)| FindingReason {
                code: code.clone(),
                level,
                measured: None,
                limit: None,
                samples,
                first_bad: None,
                text: text.clone(),
                is_glimpse: false,
                evidence: None,
            })
            .collect(),
        assurance: None,
    }
}
