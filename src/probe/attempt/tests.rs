//! What becomes of a run that passes, panics, hangs, or comes late.

use super::*;
use crate::clock::{Jump, WallTime};
use crate::sample::Reason;
use async_trait::async_trait;
use futures_util::FutureExt as _;

/// Follows the runtime's clock, which the tests stop and move.
#[derive(Debug)]
struct RuntimeClock(tokio::time::Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> Moment {
        Moment::at(self.0.elapsed())
    }

    fn wall(&self) -> WallTime {
        WallTime::default()
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_number_that_is_told_again_the_last_counts() {
    let clock = Arc::new(RuntimeClock(tokio::time::Instant::now()));
    let mut attempt = Attempt::start(clock, Duration::from_secs(1), Conditions::default());
    attempt.reading("rows", 1.0, Unit::Number);
    for days in [3.0, 2.0] {
        attempt.latest("cert_days", days, Unit::Days);
    }
    let told = [
        Reading::new("rows", 1.0, Unit::Number),
        Reading::new("cert_days", 2.0, Unit::Days),
    ];
    assert_eq!(attempt.readings(), told);
}

/// A probe that does one thing.
enum Does {
    Pass,
    Panic,
    HangIn(Phase),
    AnswerAfter(Duration),
    FailAfter(Duration),
    Starve,
    NeverJudge,
}

#[async_trait]
impl Probe for Does {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        attempt.enter(Phase::Connect);
        tokio::time::advance(Duration::from_millis(10)).await;
        match self {
            Self::Pass => {}
            Self::Panic => panic!("boom"),
            Self::HangIn(phase) => {
                attempt.enter(*phase);
                std::future::pending::<()>().await;
            }
            Self::AnswerAfter(span) => {
                // No await that the deadline could cut: the machine was away meanwhile.
                let _ready = tokio::time::advance(*span).now_or_never();
            }
            Self::FailAfter(span) => {
                let _ready = tokio::time::advance(*span).now_or_never();
                return Err(Fault::new(Reason::Reset, "connection reset"));
            }
            Self::NeverJudge => {
                attempt.stop();
                std::future::pending::<()>().await;
            }
            Self::Starve => {
                attempt.enter(Phase::Ttfb);
                let _ready = tokio::time::advance(Duration::from_secs(9)).now_or_never();
                std::future::pending::<()>().await;
            }
        }
        attempt.stop();
        tokio::time::advance(Duration::from_millis(30)).await;
        Ok(())
    }
}

async fn sample(probe: Does) -> Sample {
    let clock = Arc::new(RuntimeClock(tokio::time::Instant::now()));
    run(
        &probe,
        &CheckId::new("x"),
        clock,
        Duration::from_secs(5),
        Conditions::default(),
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_becomes_a_sample() {
    for (probe, outcome, reason) in [
        (Does::Pass, Outcome::Pass, None),
        (Does::Panic, Outcome::Unknown, Some(Reason::Panic)),
        (
            Does::HangIn(Phase::Tls),
            Outcome::Error,
            Some(Reason::Timeout),
        ),
        (
            Does::HangIn(Phase::Dns),
            Outcome::Unknown,
            Some(Reason::Resolver),
        ),
        (
            Does::AnswerAfter(Duration::from_secs(5)),
            Outcome::Error,
            Some(Reason::Timeout),
        ),
        (
            Does::FailAfter(Duration::from_secs(4)),
            Outcome::Error,
            Some(Reason::Reset),
        ),
        // The machine was away so long that the target may well have given up waiting for us.
        (
            Does::FailAfter(Duration::from_secs(60)),
            Outcome::Unknown,
            Some(Reason::Starved),
        ),
        // The answer was there in time.
        (Does::NeverJudge, Outcome::Unknown, Some(Reason::Starved)),
        (Does::Starve, Outcome::Unknown, Some(Reason::Starved)),
    ] {
        let sample = sample(probe).await;
        assert_eq!(sample.outcome, outcome, "{sample:?}");
        assert_eq!(sample.fault.map(|fault| fault.reason), reason);
    }
}

#[tokio::test(start_paused = true)]
async fn the_latency_ends_at_the_last_byte_and_is_the_sum_of_its_phases() {
    let sample = sample(Does::Pass).await;
    assert_eq!(sample.latency, Duration::from_millis(10));
    assert_eq!(sample.phases.total(), sample.latency);
}

#[tokio::test(start_paused = true)]
async fn a_hang_ends_at_the_deadline_and_says_where_it_was() {
    let sample = sample(Does::HangIn(Phase::Body)).await;
    assert!(sample.latency >= Duration::from_secs(5));
    assert!(sample.latency < Duration::from_millis(5_100), "{sample:?}");
    assert_eq!(sample.phases.total(), sample.latency);
    let detail = sample.fault.unwrap().detail;
    assert_eq!(
        detail,
        "no whole answer within 5s: timed out while reading the answer"
    );
}

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Moment {
        Moment::ORIGIN
    }
    fn wall(&self) -> WallTime {
        WallTime::default()
    }
}

#[test]
fn phases_follow_their_stamps_without_a_gap_and_without_what_lies_between_answers() {
    let at = |second: u64| Moment::at(Duration::from_secs(second));
    let mut attempt = Attempt::start(Arc::new(Stopped), Duration::MAX, Conditions::default());
    // The first phase begins with the run.
    attempt.enter_at(Phase::Connect, at(1));
    attempt.enter_at(Phase::Request, at(3));
    attempt.enter_at(Phase::Ttfb, at(4));
    // A stamp from before the last one moves nothing back.
    attempt.enter_at(Phase::Body, at(2));
    attempt.stop_at(at(9));
    // Thirty seconds of our own, then a second answer.
    attempt.enter_at(Phase::Request, at(39));
    attempt.stop_at(at(40));
    attempt.stop_at(at(99));
    let sample = attempt.into_sample(CheckId::new("x"), Ok(()));
    let seconds = |phase| sample.phases.get(phase).map(|span| span.as_secs());
    assert_eq!(seconds(Phase::Connect), Some(3));
    assert_eq!(seconds(Phase::Request), Some(2));
    assert_eq!(seconds(Phase::Ttfb), Some(0));
    assert_eq!(seconds(Phase::Body), Some(5));
    assert_eq!(sample.latency, Duration::from_secs(10));
    assert_eq!(sample.phases.total(), sample.latency);
}

/// A clock that was set some seconds ago, or never.
#[derive(Debug)]
struct SetClock(Option<u64>);

impl Clock for SetClock {
    fn now(&self) -> Moment {
        Moment::at(Duration::from_secs(3_600))
    }

    fn wall(&self) -> WallTime {
        WallTime::default()
    }

    fn jump(&self) -> Option<Jump> {
        let ago = Duration::from_secs(self.0?);
        Some(Jump {
            at: self.now() - ago,
            by: Duration::from_secs(120),
            ahead: true,
        })
    }
}

/// A run that asks what time it is, or does not, and finds something.
fn dated_run(clock: SetClock, asks: bool, fault: Option<Fault>) -> Sample {
    let conditions = Conditions {
        opened_since: Moment::at(Duration::from_secs(1_800)),
        ..Conditions::default()
    };
    let mut attempt = Attempt::start(Arc::new(clock), Duration::from_secs(5), conditions);
    if asks {
        attempt.wall();
    }
    attempt.reading("cert_days", 20.0, Unit::Days);
    attempt.reading("head", 7.0, Unit::Number);
    attempt.into_sample(CheckId::new("web"), fault.map_or(Ok(()), Err))
}

#[test]
fn what_depends_on_a_clock_that_jumped_teaches_nothing() {
    let stale = || Some(Fault::new(Reason::Stale, "too old").dated());
    let expired = || Some(Fault::new(Reason::Certificate, "has expired").dated());
    let issuer = || Some(Fault::new(Reason::Certificate, "unknown issuer"));
    let status = || Some(Fault::new(Reason::Status, "got 500"));
    let (jumped, in_window, long_ago) = (Some(5), Some(1_700), Some(3_000));
    for (jump, fault, told, why) in [
        (None, stale(), Some(Reason::Stale), "the clock is right"),
        (jumped, stale(), Some(Reason::ClockJumped), "just now"),
        (
            in_window,
            stale(),
            Some(Reason::ClockJumped),
            "in this window",
        ),
        (long_ago, stale(), Some(Reason::Stale), "long before it"),
        (jumped, expired(), Some(Reason::ClockJumped), "by its dates"),
        (
            jumped,
            issuer(),
            Some(Reason::Certificate),
            "not by its dates",
        ),
        (
            jumped,
            status(),
            Some(Reason::Status),
            "it answered wrongly",
        ),
        (jumped, None, None, "it answered well"),
    ] {
        let sample = dated_run(SetClock(jump), true, fault);
        let reason = sample.fault.as_ref().map(|fault| fault.reason);
        assert_eq!(reason, told, "{why}");
        let names: Vec<&str> = sample.readings.iter().map(|one| &*one.name).collect();
        let doubtful = matches!(jump, Some(5 | 1_700));
        let expected: &[&str] = if doubtful {
            &["head"]
        } else {
            &["cert_days", "head"]
        };
        assert_eq!(names, expected, "{why}");
    }
}

#[test]
fn who_did_not_ask_what_time_it_is_is_believed() {
    let sample = dated_run(SetClock(Some(5)), false, None);
    assert_eq!(sample.readings.len(), 2, "{sample:?}");
    let refused = Fault::new(Reason::Refused, "connection refused");
    let sample = dated_run(SetClock(Some(5)), false, Some(refused));
    assert_eq!(sample.outcome, Outcome::Error);
}
