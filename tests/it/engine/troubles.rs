//! Troubles of our own that no test can bring about on a machine that others use: a clock that is
//! set in the middle of a window. And every second sample unknown, beside a service that is well or
//! ill.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use smokejumper::cli::exit::exit_code;
use smokejumper::clock::{Clock, Jump, Moment, Steadiness, WallTime};
use smokejumper::deployment::RollbackOutcome;
use smokejumper::engine::record::Record;
use smokejumper::event::Verdict;
use smokejumper::plan::CheckPlan;
use smokejumper::probe::{Attempt, Probe};
use smokejumper::sample::{Fault, Reason, Unit};
use smokejumper::verdict::threshold::{Comparison, Limit, Measure, Subject, Threshold};

use super::platform::{Manner, pulse};
use super::stage::{Stage, outcome, stage};

/// A clock that is set ahead at some moment.
#[derive(Debug)]
struct ClockSetAhead {
    origin: tokio::time::Instant,
    at: Moment,
    by: Duration,
    steadiness: Mutex<Steadiness>,
}

impl Clock for ClockSetAhead {
    fn now(&self) -> Moment {
        Moment::at(self.origin.elapsed())
    }

    fn wall(&self) -> WallTime {
        let now = self.now();
        let set = if now >= self.at {
            self.by
        } else {
            Duration::ZERO
        };
        let wall = WallTime::since_unix_epoch(TODAY + now.since_origin() + set);
        self.steadiness.lock().unwrap().see(now, wall, now);
        wall
    }

    fn jump(&self) -> Option<Jump> {
        self.wall();
        self.steadiness.lock().unwrap().jump()
    }
}

/// 2026-11-21T08:00:00Z.
const TODAY: Duration = Duration::from_secs(1_795_248_000);
/// How old a block may be.
const TOO_OLD: Duration = Duration::from_secs(90);

/// Follows a chain whose newest block is always a second old.
struct Head {
    origin: tokio::time::Instant,
    /// Whether it says itself that a block is too old.
    judges: bool,
}

#[async_trait]
impl Probe for Head {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let block = TODAY + self.origin.elapsed() - Duration::from_secs(1);
        let age = attempt.wall().since(WallTime::since_unix_epoch(block));
        attempt.reading("head_age", age.as_secs_f64(), Unit::Seconds);
        match self.judges && age > TOO_OLD {
            true => Err(Fault::new(Reason::Stale, "the head is too old").dated()),
            false => Ok(()),
        }
    }
}

/// A check of the kind of `pulse` with another probe.
fn checked(name: &str, probe: impl Probe + 'static) -> CheckPlan {
    let mut check = pulse(&Arc::default());
    check.facts.id = smokejumper::sample::CheckId::new(name);
    check.probe = Arc::new(probe);
    check
}

/// A watch whose clock is set ten minutes ahead after two of its five minutes.
fn stage_with_a_clock_that_jumps(ill: bool, judges: bool) -> Stage {
    let mut stage = stage(Manner::Heals, ill);
    let origin = tokio::time::Instant::now();
    stage.context.clock = Arc::new(ClockSetAhead {
        origin,
        at: Moment::at(Duration::from_secs(120)),
        by: Duration::from_secs(600),
        steadiness: Mutex::default(),
    });
    stage.checks.push(checked("head", Head { origin, judges }));
    stage
}

fn troubles(record: &Record) -> Vec<Reason> {
    let told = record.troubles.told();
    assert!(told.iter().all(|one| !one.text.contains('\n')), "{told:?}");
    told.into_iter().map(|one| one.reason).collect()
}

#[tokio::test(start_paused = true)]
async fn blocks_that_only_a_clock_that_jumped_calls_old_condemn_nobody() {
    let stage = stage_with_a_clock_that_jumps(false, true);
    let record = stage.watch().await;
    assert_eq!(
        record.assessment.verdict,
        Verdict::Inconclusive,
        "{record:#?}"
    );
    assert_eq!(exit_code(&record, false, None), 3);
    assert_eq!(stage.accepted(), 0);
    assert_eq!(troubles(&record), [Reason::ClockJumped]);
    let text = &record.troubles.told()[0].text;
    assert!(text.contains("our own clock jumped 10m ahead"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn ages_that_a_clock_that_jumped_gives_breach_no_limit() {
    let mut stage = stage_with_a_clock_that_jumps(false, false);
    let limit = Limit {
        comparison: Comparison::Above,
        value: TOO_OLD.as_secs_f64(),
        measure: Measure::Seconds,
    };
    stage.checks[1].thresholds = Arc::from([Threshold {
        subject: Subject::Reading(Arc::from("head_age")),
        warning: None,
        critical: Some(limit),
        lasting: None,
        consecutive: None,
    }]);
    let record = stage.watch().await;
    assert_ne!(record.assessment.verdict, Verdict::Fail, "{record:#?}");
    assert_eq!(stage.accepted(), 0);
    let head = &record.assessment.findings[1].summary;
    assert!(
        head.reading("head_age").is_some_and(|age| age.max < 10.0),
        "{head:?}"
    );
    assert_eq!(head.unknown, 0, "what it answered besides still counts");
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_caught_although_the_clock_jumped() {
    let stage = stage_with_a_clock_that_jumps(false, true);
    stage.fall_ill_after(Duration::from_secs(150));
    let record = stage.watch().await;
    assert_eq!(record.assessment.verdict, Verdict::Fail, "{record:#?}");
    let pulse = &record.assessment.findings[0];
    assert_eq!(pulse.verdict, Verdict::Fail);
    // A machine whose clock jumps is not one to act by itself.
    assert_eq!(outcome(&record), Some(RollbackOutcome::Refused));
    assert_eq!(stage.accepted(), 0);
}

/// Cannot look every so many runs; otherwise fails while its service is ill.
struct Flickering {
    ill: Arc<AtomicBool>,
    every: u64,
    runs: AtomicU64,
}

#[async_trait]
impl Probe for Flickering {
    async fn run(&self, _: &mut Attempt) -> Result<(), Fault> {
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        if run.is_multiple_of(self.every) {
            return Err(Fault::new(
                Reason::NoRoute,
                "our own machine has no way out",
            ));
        }
        match self.ill.load(Ordering::SeqCst) {
            true => Err(Fault::new(Reason::Status, "expected status 200, got 500")),
            false => Ok(()),
        }
    }
}

/// A watch that cannot look one time in so many.
fn stage_that_flickers(ill: bool, every: u64) -> Stage {
    let mut stage = stage(Manner::Heals, ill);
    let probe = Flickering {
        ill: Arc::clone(&stage.ill),
        every,
        runs: AtomicU64::new(0),
    };
    stage.checks = vec![checked("pulse", probe)];
    stage
}

#[tokio::test(start_paused = true)]
async fn half_unknown_and_half_well_is_no_pass() {
    let stage = stage_that_flickers(false, 2);
    let record = stage.watch().await;
    assert_eq!(
        record.assessment.verdict,
        Verdict::Inconclusive,
        "{record:#?}"
    );
    assert_eq!(troubles(&record), [Reason::NoRoute]);
    assert_eq!(stage.accepted(), 0);
}

#[tokio::test(start_paused = true)]
async fn half_unknown_and_half_failing_is_a_failure_that_a_person_acts_upon() {
    let stage = stage_that_flickers(true, 2);
    let record = stage.watch().await;
    assert_eq!(record.assessment.verdict, Verdict::Fail, "{record:#?}");
    assert_eq!(outcome(&record), Some(RollbackOutcome::Refused));
    let because = &record.rollback.as_ref().unwrap().because;
    assert!(because.contains("50%"), "{because}");
    assert_eq!(exit_code(&record, false, None), 12);
    assert_eq!(stage.accepted(), 0);
    assert_eq!(troubles(&record), [Reason::NoRoute]);
}

#[tokio::test(start_paused = true)]
async fn as_many_unknown_as_the_policy_allows_do_not_keep_a_failing_release_up() {
    for (every, allowed) in [(10, 0.2), (2, 0.6)] {
        let mut stage = stage_that_flickers(true, every);
        stage.service.policy.rollback.max_unknown = allowed;
        let record = stage.watch().await;
        assert_eq!(record.assessment.verdict, Verdict::Fail, "{record:#?}");
        assert_eq!(stage.accepted(), 1, "one in {every}: {record:#?}");
    }
}
