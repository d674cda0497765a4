//! The proof of a rollback, where it is not a matter of ten samples.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use smokejumper::deployment::RollbackOutcome;
use smokejumper::event::Verdict;
use smokejumper::plan::CheckPlan;
use smokejumper::probe::{Attempt, Probe};
use smokejumper::sample::{CheckId, Fault, Unit};
use smokejumper::verdict::threshold::{Comparison, Limit, Measure, Subject, Threshold};

use super::platform::{Manner, pulse};
use super::stage::{outcome, stage};

/// A check that is slow while its service is ill.
struct Pace(Arc<AtomicBool>);

#[async_trait]
impl Probe for Pace {
    async fn run(&self, _: &mut Attempt) -> Result<(), Fault> {
        let slow = self.0.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(if slow { 500 } else { 5 })).await;
        Ok(())
    }
}

/// A check whose reading never changes.
struct Level(f64);

#[async_trait]
impl Probe for Level {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        attempt.reading("used_pct", self.0, Unit::Number);
        Ok(())
    }
}

fn check(name: &str, probe: impl Probe + 'static, threshold: Threshold) -> CheckPlan {
    let mut check = pulse(&Arc::default());
    check.facts.id = CheckId::new(name);
    check.probe = Arc::new(probe);
    check.thresholds = Arc::new([threshold]);
    check
}

fn above(value: f64, measure: Measure) -> Option<Limit> {
    Some(Limit {
        comparison: Comparison::Above,
        value,
        measure,
    })
}

#[tokio::test(start_paused = true)]
async fn the_latency_of_cold_tasks_does_not_count_against_the_previous_revision() {
    let mut stage = stage(Manner::DoesNotHeal, true);
    stage.service.policy.warm_up = Duration::from_secs(30);
    let p95 = Threshold {
        subject: Subject::Quantile(None, 0.95),
        warning: None,
        critical: above(0.1, Measure::Seconds),
        lasting: None,
        consecutive: None,
    };
    stage.checks = vec![check("pace", Pace(Arc::clone(&stage.ill)), p95)];
    let (platform, ill) = (stage.platform.clone(), Arc::clone(&stage.ill));
    tokio::spawn(async move {
        while *platform.accepted.lock().unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_secs(20)).await;
        ill.store(false, Ordering::SeqCst);
    });
    let record = stage.watch().await;
    assert_eq!(
        outcome(&record),
        Some(RollbackOutcome::RolledBackVerified),
        "{record:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_must_be_breached_for_a_while_is_watched_for_that_long() {
    let mut stage = stage(Manner::Heals, true);
    let used = Threshold {
        subject: Subject::Reading(Arc::from("used_pct")),
        warning: above(75.0, Measure::Number),
        critical: above(90.0, Measure::Number),
        lasting: Some(Duration::from_secs(60)),
        consecutive: None,
    };
    stage.checks.push(check("connections", Level(80.0), used));
    let record = stage.watch().await;
    assert_eq!(
        outcome(&record),
        Some(RollbackOutcome::RolledBackVerified),
        "{record:?}"
    );
    let found = record.rollback.unwrap().verification.unwrap();
    assert_eq!(found.verdict, Verdict::Warn, "80 is above 75 on both");
}
