//! What the controls excuse and what not, with time paused.

use std::sync::Mutex as Cell;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::{Clock, WallTime};
use crate::engine::context::Events;
use crate::engine::slots::Slots;
use crate::engine::threads::ProbeThreads;
use crate::probe::{Attempt, Probe};
use crate::sample::{CheckId, Phases};

/// The runtime's clock, which the tests stop.
#[derive(Debug)]
struct PausedClock(tokio::time::Instant);

impl Clock for PausedClock {
    fn now(&self) -> Moment {
        Moment::at(self.0.elapsed())
    }

    fn wall(&self) -> WallTime {
        WallTime::default()
    }
}

/// A third party: ends every run in the same way, after a while, and counts.
#[derive(Default)]
struct Party {
    ends: Cell<Option<Reason>>,
    after: Duration,
    asked: AtomicUsize,
}

impl Party {
    fn ending(ends: Option<Reason>) -> Arc<Self> {
        Arc::new(Self {
            ends: Cell::new(ends),
            ..Self::default()
        })
    }

    fn now_ends(&self, ends: Option<Reason>) {
        *self.ends.lock().unwrap() = ends;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Probe for Party {
    async fn run(&self, _: &mut Attempt) -> Result<(), Fault> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.after).await;
        match *self.ends.lock().unwrap() {
            Some(reason) => Err(Fault::new(reason, "as told")),
            None => Ok(()),
        }
    }
}

fn context(parties: &[&Arc<Party>]) -> Context {
    let clock = Arc::new(PausedClock(tokio::time::Instant::now()));
    let (events, _) = Events::queue(clock.clone());
    let plans: Vec<ControlPlan> = parties
        .iter()
        .zip(["internet", "mirror"])
        .map(|(party, name)| ControlPlan {
            id: CheckId::new(name),
            kind: "http",
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            resolver: None,
            probe: Arc::clone(*party) as Arc<dyn Probe>,
        })
        .collect();
    Context {
        clock,
        events,
        slots: Arc::new(Slots::new(1)),
        threads: ProbeThreads::here(),
        stop: CancellationToken::new(),
        control: Control::of(&plans),
        instruments: Arc::default(),
        tape: None,
        traces: Arc::default(),
    }
}

/// A sample that ends now, after so long.
fn sample(context: &Context, reason: Reason, took: Duration) -> Sample {
    let fault = Fault::new(reason, "no answer");
    Sample {
        check: CheckId::new("web"),
        started: context.clock.now() - took,
        latency: took,
        phases: Phases::default(),
        outcome: reason.outcome(),
        fault: Some(fault),
        readings: Vec::new(),
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
        session: None,
        trace: None,
        sending: None,
    }
}

/// How a sample that ends now, after a hundredth of a second, ends in the end.
async fn examined(context: &Context, reason: Reason) -> Reason {
    let mut sample = sample(context, reason, Duration::from_millis(10));
    context.control.examine(context, &mut sample).await;
    let ended = sample.fault.expect("nothing becomes a pass").reason;
    assert_eq!(sample.outcome, ended.outcome());
    ended
}

#[tokio::test(start_paused = true)]
async fn a_sample_is_excused_exactly_where_no_control_is_reached() {
    use Reason::{Certificate, NotReady, Offline, Refused, Status, Throttled, Timeout};
    let exhausted = Reason::Exhausted;
    let cases: [(&[Option<Reason>], Reason, Reason, &str); 10] = [
        (&[], Timeout, Timeout, "no control is declared"),
        (&[None], Timeout, Timeout, "the control is reached"),
        (&[Some(Timeout)], Timeout, Offline, "it is not"),
        (&[Some(exhausted)], Refused, Offline, "for want of our own"),
        (&[Some(Status)], Timeout, Timeout, "it answered, wrongly"),
        (
            &[Some(Throttled)],
            Timeout,
            Timeout,
            "it answered: too often",
        ),
        (&[Some(Timeout)], Status, Status, "the target answered"),
        (&[Some(Timeout)], NotReady, NotReady, "the target spoke"),
        (
            &[Some(Timeout)],
            Certificate,
            Offline,
            "who knows who that was",
        ),
        (
            &[Some(Timeout), None],
            Timeout,
            Timeout,
            "one of two is enough",
        ),
    ];
    for (ends, met, told, why) in cases {
        let parties: Vec<Arc<Party>> = ends.iter().map(|end| Party::ending(*end)).collect();
        let context = context(&parties.iter().collect::<Vec<_>>());
        assert_eq!(examined(&context, met).await, told, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_excused_says_by_whom_and_what_was_met() {
    let party = Party::ending(Some(Reason::Timeout));
    let context = context(&[&party]);
    let mut sample = sample(&context, Reason::Refused, Duration::ZERO);
    context.control.examine(&context, &mut sample).await;
    assert_eq!(
        sample.fault.expect("a fault").detail,
        "the control check internet fails too (timeout); no answer"
    );
    let notes = context.control.notes().await;
    assert_eq!(notes.len(), 1);
    let expected = "the control check internet was not reached 1 of 1 times within 5s, last: as told; \
                    it never worked here: while it does not, no outage is told from our own";
    assert_eq!(notes[0], expected);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_samples_cost_one_look_and_the_next_second_another() {
    let party = Party::ending(None);
    let context = context(&[&party]);
    let all = (0..1_000).map(|_| examined(&context, Reason::Timeout));
    let ended = futures_util::future::join_all(all).await;
    assert!(ended.iter().all(|reason| *reason == Reason::Timeout));
    assert_eq!(party.asked(), 1);
    tokio::time::advance(BETWEEN_LOOKS * 2).await;
    examined(&context, Reason::Timeout).await;
    assert_eq!(party.asked(), 2, "what was seen before is old");
}

#[tokio::test(start_paused = true)]
async fn looks_are_a_second_apart() {
    let party = Party::ending(None);
    let context = context(&[&party]);
    let began = context.clock.now();
    examined(&context, Reason::Timeout).await;
    tokio::time::advance(Duration::from_millis(500)).await;
    // It began after the first look, which therefore says nothing of it.
    let mut late = sample(&context, Reason::Timeout, Duration::ZERO);
    context.control.examine(&context, &mut late).await;
    assert_eq!(party.asked(), 2);
    assert!(context.clock.now().since(began) >= BETWEEN_LOOKS);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_ours_that_is_over_is_remembered_for_the_runs_that_met_it() {
    let party = Party::ending(None);
    let context = context(&[&party]);
    let _looking = context.control.keep_looking(&context);
    tokio::time::sleep(Duration::from_secs(5)).await;
    party.now_ends(Some(Reason::Timeout));
    // The look after ten seconds meets the outage, which is over when the run's deadline comes.
    tokio::time::sleep(Duration::from_secs(6)).await;
    party.now_ends(None);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut met = sample(&context, Reason::Timeout, Duration::from_secs(5));
    context.control.examine(&context, &mut met).await;
    assert_eq!(met.fault.expect("a fault").reason, Reason::Offline);
    assert_eq!(
        examined(&context, Reason::Timeout).await,
        Reason::Timeout,
        "one that began after it is the target's"
    );
    let notes = context.control.notes().await;
    assert!(
        notes[0].contains("was not reached 1 of 3 times"),
        "{notes:?}"
    );
    assert!(!notes[0].contains("never"), "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_control_that_hangs_costs_its_own_timeout() {
    let party = Arc::new(Party {
        after: Duration::from_secs(3_600),
        ..Party::default()
    });
    let context = context(&[&party]);
    let began = context.clock.now();
    assert_eq!(examined(&context, Reason::Timeout).await, Reason::Offline);
    let took = context.clock.now().since(began);
    assert!(took < Duration::from_secs(6), "{took:?}");
    assert_eq!(context.slots.free(), 1, "it took no slot");
}
