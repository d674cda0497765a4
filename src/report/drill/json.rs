//! A drill for a program: `smokejumper.drill/1`.
//!
//! Shares are between 0 and 1, times in seconds; a time that was not reached is `null`.

use serde::Serialize;

use crate::rehearsal::drill::advice::{Alternative, Change};
use crate::rehearsal::drill::curve::Curve;
use crate::rehearsal::drill::summary::{Summary, summaries};
use crate::rehearsal::drill::tally::{Share, Tally};
use crate::rehearsal::drill::{Drill, Row};
use crate::secret::Mask;

/// The report of one `drill`.
#[derive(Debug, Serialize)]
pub struct DrillReport {
    /// Always `smokejumper.drill/1`.
    pub schema: &'static str,
    /// Whether the families of the judge's bench were simulated.
    pub bench: bool,
    /// The seed.
    pub seed: u64,
    /// One line a rule, over all services.
    pub summary: Vec<SummaryReport>,
    /// The services.
    pub services: Vec<ServiceReport>,
}

/// A rule in one line.
#[derive(Debug, Serialize)]
pub struct SummaryReport {
    /// The rule, as `--compare` names it.
    pub rule: String,
    /// The healthy variant that it rolls back most often.
    pub worst_healthy: Option<WorstReport>,
    /// The mean share of healthy windows rolled back.
    pub healthy_mean: f64,
    /// The mean share of bad windows caught.
    pub caught_mean: f64,
    /// The mean seconds of bad service before the verdict.
    pub exposure_s: f64,
    /// How many healthy variants.
    pub healthy_variants: usize,
    /// How many bad variants.
    pub bad_variants: usize,
}

/// A healthy variant and how often it is rolled back.
#[derive(Debug, Serialize)]
pub struct WorstReport {
    /// The service.
    pub service: String,
    /// The variant.
    pub variant: String,
    /// How often.
    #[serde(flatten)]
    pub share: ShareReport,
}

/// A share with its 95 % interval.
#[derive(Debug, Serialize)]
pub struct ShareReport {
    /// The share that was seen.
    pub share: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// One service.
#[derive(Debug, Serialize)]
pub struct ServiceReport {
    /// Its name.
    pub service: String,
    /// The name of its policy.
    pub policy: String,
    /// The bake in seconds.
    pub bake_s: f64,
    /// The warm-up in seconds.
    pub warm_up_s: f64,
    /// Whether a check that looks bad is looked at closely.
    pub closer_look: bool,
    /// The checks.
    pub checks: Vec<CheckReport>,
    /// How many samples the schedule gives in a window.
    pub samples: u64,
    /// How many windows of each variant.
    pub windows: u64,
    /// Limits that cannot be simulated.
    pub left_out: Vec<String>,
    /// The healthy variants.
    pub healthy: Vec<VariantReport>,
    /// The faults.
    pub faults: Vec<VariantReport>,
    /// The faults that come in sizes.
    pub curves: Vec<CurveReport>,
    /// What other settings would give.
    pub alternatives: Vec<AlternativeReport>,
}

/// One check.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    /// Its name.
    pub id: String,
    /// Its interval in seconds.
    pub every_s: f64,
}

/// One variant.
#[derive(Debug, Serialize)]
pub struct VariantReport {
    /// Its name.
    pub name: String,
    /// What it is.
    pub title: String,
    /// What each rule made of it.
    pub rules: Vec<RuleReport>,
}

/// What one rule made of one variant.
#[derive(Debug, Serialize)]
pub struct RuleReport {
    /// The rule.
    pub rule: String,
    /// How many windows.
    pub windows: u64,
    /// How many were condemned; of a fault, after it had begun.
    pub condemned: u64,
    /// How many were condemned before the fault had begun.
    pub early: u64,
    /// In how many it could not tell.
    pub inconclusive: u64,
    /// In how many it warned.
    pub warned: u64,
    /// The share condemned, with its interval.
    #[serde(flatten)]
    pub share: ShareReport,
    /// Within how many seconds half of all windows were condemned.
    pub median_s: Option<f64>,
    /// Within how many seconds 95 % of all windows were condemned.
    pub p95_s: Option<f64>,
    /// The mean seconds of bad service before the verdict.
    pub exposure_s: f64,
}

/// A kind of fault in all its sizes.
#[derive(Debug, Serialize)]
pub struct CurveReport {
    /// `errors`, `one_check` (shares from 0 to 1) or `slowdown` (factors).
    pub fault: &'static str,
    /// For each rule the smallest size that it sees in nine of ten windows.
    pub smallest_seen: Vec<SmallestReport>,
    /// The sizes, ascending.
    pub points: Vec<PointReport>,
}

/// The smallest fault that a rule sees.
#[derive(Debug, Serialize)]
pub struct SmallestReport {
    /// The rule.
    pub rule: String,
    /// The size; `null` where not even the largest is seen.
    pub size: Option<f64>,
}

/// One size.
#[derive(Debug, Serialize)]
pub struct PointReport {
    /// The size.
    pub size: f64,
    /// What each rule made of it.
    pub rules: Vec<RuleReport>,
}

/// What other settings would give.
#[derive(Debug, Serialize)]
pub struct AlternativeReport {
    /// The interval that would be another, in seconds.
    pub every_s: Option<f64>,
    /// The bake that would be another, in seconds.
    pub bake_s: Option<f64>,
    /// How many samples the schedule then gives in a window.
    pub samples: u64,
    /// The smallest share of errors seen in nine of ten windows.
    pub smallest_errors: Option<f64>,
    /// Within how many seconds half of those are.
    pub median_s: Option<f64>,
}

/// Renders the drills as one line of JSON in which secrets are masked.
///
/// # Errors
/// Never with these types; the serializer's error is handed on all the same.
pub fn render(drills: &[Drill], bench: bool, mask: &Mask) -> Result<String, serde_json::Error> {
    serde_json::to_string(&report(drills, bench, mask))
}

fn report(drills: &[Drill], bench: bool, mask: &Mask) -> DrillReport {
    let summaries = summaries(drills);
    DrillReport {
        schema: "smokejumper.drill/1",
        bench,
        seed: drills.first().map_or(0, |drill| drill.seed),
        summary: summaries.iter().map(|one| summary(one, mask)).collect(),
        services: drills.iter().map(|drill| service(drill, mask)).collect(),
    }
}

fn summary(summary: &Summary, mask: &Mask) -> SummaryReport {
    let worst = summary.worst.as_ref();
    SummaryReport {
        rule: summary.contestant.to_string(),
        worst_healthy: worst.map(|(service, variant, share)| WorstReport {
            service: mask.apply(service),
            variant: variant.clone(),
            share: share_report(share),
        }),
        healthy_mean: rounded(summary.healthy),
        caught_mean: rounded(summary.caught),
        exposure_s: rounded(summary.exposure),
        healthy_variants: summary.variants.0,
        bad_variants: summary.variants.1,
    }
}

fn service(drill: &Drill, mask: &Mask) -> ServiceReport {
    let trial = &drill.trial;
    let policy = &trial.policy;
    let variants = |rows: &[Row]| rows.iter().map(|row| variant(drill, row)).collect();
    ServiceReport {
        service: mask.apply(&trial.service),
        policy: mask.apply(&policy.name),
        bake_s: policy.bake.as_secs_f64(),
        warm_up_s: policy.warm_up.as_secs_f64(),
        closer_look: policy.judging.closer_look,
        checks: trial
            .checks
            .iter()
            .map(|check| CheckReport {
                id: mask.apply(check.facts.id.as_str()),
                every_s: check.every.as_secs_f64(),
            })
            .collect(),
        samples: trial.samples(),
        windows: drill.windows,
        left_out: trial.left_out.iter().map(|name| mask.apply(name)).collect(),
        healthy: variants(&drill.healthy),
        faults: variants(&drill.bad),
        curves: drill.curves.iter().map(|one| curve(drill, one)).collect(),
        alternatives: drill.alternatives.iter().map(alternative).collect(),
    }
}

fn variant(drill: &Drill, row: &Row) -> VariantReport {
    VariantReport {
        name: row.variant.name.to_string(),
        title: row.variant.title.to_string(),
        rules: rules(drill, &row.tallies, row.variant.is_healthy()),
    }
}

fn rules(drill: &Drill, tallies: &[Tally], healthy: bool) -> Vec<RuleReport> {
    let pairs = drill.contestants.iter().zip(tallies);
    pairs
        .map(|(contestant, tally)| RuleReport {
            rule: contestant.to_string(),
            windows: tally.windows,
            condemned: tally.condemned,
            early: tally.early,
            inconclusive: tally.inconclusive,
            warned: tally.warned,
            share: share_report(&if healthy {
                tally.any_share()
            } else {
                tally.share()
            }),
            median_s: tally.median.map(rounded),
            p95_s: tally.most.map(rounded),
            exposure_s: rounded(tally.exposure),
        })
        .collect()
}

fn curve(drill: &Drill, curve: &Curve) -> CurveReport {
    let smallest = drill.contestants.iter().enumerate();
    CurveReport {
        fault: curve.ladder.name(),
        smallest_seen: smallest
            .map(|(place, contestant)| SmallestReport {
                rule: contestant.to_string(),
                size: curve.smallest_seen(place).map(|point| point.size),
            })
            .collect(),
        points: curve
            .points
            .iter()
            .map(|point| PointReport {
                size: point.size,
                rules: rules(drill, &point.tallies, false),
            })
            .collect(),
    }
}

fn alternative(alternative: &Alternative) -> AlternativeReport {
    let (every, bake) = match alternative.change {
        Change::AsItIs => (None, None),
        Change::Every(every) => (Some(every), None),
        Change::Bake(bake) => (None, Some(bake)),
    };
    let smallest = alternative.smallest_errors.as_ref();
    AlternativeReport {
        every_s: every.map(|every| every.as_secs_f64()),
        bake_s: bake.map(|bake| bake.as_secs_f64()),
        samples: alternative.samples,
        smallest_errors: smallest.map(|(share, _)| *share),
        median_s: smallest.and_then(|(_, tally)| tally.median.map(rounded)),
    }
}

fn share_report(share: &Share) -> ShareReport {
    ShareReport {
        share: rounded(share.seen),
        low: rounded(share.low),
        high: rounded(share.high),
    }
}

/// Six decimals: more than any number of windows can tell, and no noise of the last bit.
fn rounded(value: f64) -> f64 {
    const SCALE: f64 = 1e6;
    (value * SCALE).round() / SCALE
}
