//! Checks with a rate in a watch, with time paused: what is sent, how much at once, and what a rollback
//! is proven by.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use smokejumper::deployment::RollbackOutcome;
use smokejumper::engine::sampling::{Manner as Probing, Sampling};
use smokejumper::event::{Verdict, What};
use smokejumper::plan::Pace;
use smokejumper::plan::pace::{Ramp, Rate};
use smokejumper::probe::{Attempt, Probe};
use smokejumper::sample::{Fault, Reason, Sample};

use super::platform::Manner;
use super::stage::{Stage, outcome, stage};

fn rate(text: &str) -> Rate {
    Rate::parse(text).expect("a rate")
}

/// A stage whose only check is sent so.
fn sent(pace: Pace, max_in_flight: u32, ill: bool) -> Stage {
    let mut stage = stage(Manner::Heals, ill);
    let check = &mut stage.checks[0];
    check.pace = Some(pace);
    check.max_in_flight = Some(max_in_flight);
    check.every = pace.interval(stage.service.policy.bake);
    stage
}

#[tokio::test(start_paused = true)]
async fn a_watch_sends_a_ramp_for_the_whole_bake_and_judges_it() {
    let ramp = Pace::Ramp(Ramp {
        from: rate("1/s"),
        to: rate("20/s"),
        over: Duration::from_secs(200),
    });
    let stage = sent(ramp, 50, false);
    let record = stage.watch().await;
    let finding = &record.assessment.findings[0];
    assert_eq!(finding.verdict, Verdict::Pass, "{:?}", finding.reasons);
    // 10.5 a second in the middle for 200 s, and 20 for the other hundred.
    let sent = finding.summary.sent.expect("it has a rate");
    assert!((4_090..=4_102).contains(&sent.runs), "{sent:?}");
    assert_eq!(sent.unsent, 0);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_proven_without_the_load() {
    let mut stage = sent(Pace::Constant(rate("50/s")), 50, true);
    let record = stage.watch().await;
    assert_eq!(outcome(&record), Some(RollbackOutcome::RolledBackVerified));
    let (mut load, mut proof) = (0, 0);
    while let Ok(event) = stage.events.try_recv() {
        if let What::Sampled(sample) = event.what {
            match sample.sending {
                Some(_) => load += 1,
                None => proof += 1,
            }
        }
    }
    assert!(load >= 500, "ten seconds of it condemn nobody: {load}");
    assert!((10..100).contains(&proof), "{proof}");
}

/// A target that takes a second, and counts how many ask it at once: now, and at most.
#[derive(Clone, Default)]
struct Slow {
    at_once: Arc<AtomicUsize>,
    peak: Arc<AtomicUsize>,
}

#[async_trait]
impl Probe for Slow {
    async fn run(&self, _: &mut Attempt) -> Result<(), Fault> {
        let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(at_once, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_given_up_and_told_when_the_probing_ends() {
    let slow = Slow::default();
    let mut stage = sent(Pace::Constant(rate("10/s")), 4, false);
    stage.checks[0].probe = Arc::new(slow.clone());
    let mut sampling = Sampling::start(&stage.context, &stage.checks, Probing::default());
    let mut samples: Vec<Sample> = Vec::new();
    let end = tokio::time::Instant::now() + Duration::from_millis(10_050);
    while let Ok(Some(sample)) = tokio::time::timeout_at(end, sampling.next()).await {
        samples.push(sample);
    }
    sampling.finish();
    while let Some(sample) = sampling.next().await {
        samples.push(sample);
    }
    let told = samples.iter().filter_map(|sample| sample.sending);
    let unsent: u64 = told.map(|sending| sending.unsent).sum();
    // Due from 0 s to 10 s; four at once, a second each.
    assert_eq!(samples.len() as u64 + unsent, 101);
    assert!((40..=48).contains(&samples.len()), "{}", samples.len());
    assert_eq!(slow.peak.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn what_runs_by_an_interval_keeps_to_its_places_as_well() {
    let slow = Slow::default();
    let mut stage = stage(Manner::Heals, false);
    stage.checks.truncate(1);
    let check = &mut stage.checks[0];
    check.every = Duration::from_millis(250);
    check.timeout = Duration::from_millis(1_500);
    check.max_in_flight = Some(2);
    check.probe = Arc::new(slow.clone());
    let mut sampling = Sampling::start(&stage.context, &stage.checks, Probing::default());
    let mut samples: Vec<Sample> = Vec::new();
    while samples.len() < 40 {
        samples.extend(sampling.next().await);
    }
    assert_eq!(slow.peak.load(Ordering::SeqCst), 2);
    let (run, not_run): (Vec<_>, Vec<_>) =
        (samples.iter()).partition(|sample| sample.fault.is_none());
    assert!(
        run.iter()
            .all(|sample| sample.latency < Duration::from_millis(1_100)),
        "the wait for a place of ours is no latency"
    );
    let is_ours = |sample: &&Sample| {
        sample.fault.as_ref().map(|fault| fault.reason) == Some(Reason::Exhausted)
    };
    assert!(
        !not_run.is_empty() && not_run.iter().all(is_ours),
        "{not_run:?}"
    );
}
