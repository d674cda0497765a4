//! Who gets a place and which connection comes with it; what is closed, and what is measured.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;

use super::*;
use crate::clock::{Clock, Moment, WallTime};
use crate::probe::Probe;
use crate::probe::attempt::{self, Conditions};
use crate::sample::{CheckId, Fault, Outcome, Phase, Reason, Sample};

/// A connection: only whether it is still held matters.
type Wire = Arc<()>;
type Wires = Pools<&'static str, Wire>;

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

fn clock() -> Arc<dyn Clock> {
    Arc::new(RuntimeClock(tokio::time::Instant::now()))
}

fn attempt(conditions: Conditions) -> Attempt {
    Attempt::start(clock(), Duration::from_secs(5), conditions)
}

async fn place<'a>(pool: &'a Pool<&'static str, Wire>) -> Place<'a, &'static str, Wire> {
    pool.place(&mut attempt(Conditions::default()), true).await
}

fn wire() -> (Kept<Wire>, Weak<()>) {
    let wire = Wire::default();
    let seen = Arc::downgrade(&wire);
    (Kept::new(wire, Moment::at(Duration::from_secs(60))), seen)
}

#[tokio::test(start_paused = true)]
async fn a_run_gets_a_connection_that_fits_and_no_other() {
    static POOLS: Wires = Pools::new();
    let own = POOLS.join("db", "ann", None);
    let other = POOLS.join("db", "bob", None);
    let elsewhere = POOLS.join("db2", "ann", None);
    let since = |secs| Conditions {
        opened_since: Moment::at(Duration::from_secs(secs)),
        ..Conditions::default()
    };
    let second = Duration::from_secs(1);
    for (pool, conditions, keeps, later, fits, why) in [
        (&own, since(0), true, second, true, "it is the same session"),
        (&own, since(60), true, second, true, "opened just in time"),
        (&own, since(61), true, second, false, "opened too early"),
        (&own, since(0), false, second, false, "the run must log in"),
        (&own, since(0), true, UNUSED_FOR, false, "unused for long"),
        (&other, since(0), true, second, false, "another user"),
        (&elsewhere, since(0), true, second, false, "another server"),
    ] {
        let (kept, seen) = wire();
        place(&own).await.keep(kept);
        tokio::time::advance(later).await;
        let mut place = pool.place(&mut attempt(conditions), keeps).await;
        let taken = place.take();
        assert_eq!(taken.is_some(), fits, "{why}");
        drop((place, taken));
        // What is left of it must not serve the next case.
        tokio::time::advance(OLDEST).await;
        tokio::task::yield_now().await;
        assert!(seen.upgrade().is_none(), "{why}: it is closed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_used_all_the_time_grows_old_all_the_same() {
    static POOLS: Wires = Pools::new();
    let pool = POOLS.join("db", "ann", None);
    let (kept, _) = wire();
    place(&pool).await.keep(kept);
    let mut used = Duration::ZERO;
    while let Some(kept) = place(&pool).await.take() {
        assert!(used < OLDEST);
        place(&pool).await.keep(kept);
        tokio::time::advance(UNUSED_FOR / 2).await;
        used += UNUSED_FOR / 2;
    }
    assert_eq!(used, OLDEST);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_runs_hold_no_more_connections_than_allowed() {
    static POOLS: Wires = Pools::new();
    static WIRES: Mutex<Vec<Weak<()>>> = Mutex::new(Vec::new());
    let open = || {
        let mut wires = WIRES.lock().unwrap();
        wires.retain(|wire| wire.strong_count() > 0);
        wires.len()
    };
    let most = Arc::new(AtomicUsize::new(0));
    let mut runs = tokio::task::JoinSet::new();
    for number in 0..100 {
        let identity = if number % 2 == 0 { "ann" } else { "bob" };
        let pool = POOLS.join("db", identity, Some(3));
        let most = Arc::clone(&most);
        runs.spawn(async move {
            let mut place = place(&pool).await;
            let kept = place.take().unwrap_or_else(|| {
                let (kept, seen) = wire();
                WIRES.lock().unwrap().push(seen);
                kept
            });
            most.fetch_max(open(), Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            if number % 7 == 0 {
                drop((kept, place));
            } else {
                place.keep(kept);
            }
        });
    }
    runs.join_all().await;
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!(POOLS.len(), 0, "the last member took the pool along");
    assert_eq!(open(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_gives_way_to_another_session() {
    static POOLS: Wires = Pools::new();
    let ann = POOLS.join("db", "ann", Some(1));
    let bob = POOLS.join("db", "bob", Some(1));
    let (kept, seen) = wire();
    place(&ann).await.keep(kept);
    assert!(seen.upgrade().is_some());
    let mut taken = place(&bob).await;
    assert!(taken.take().is_none());
    assert!(
        seen.upgrade().is_none(),
        "one connection is all there may be"
    );
}

#[tokio::test(start_paused = true)]
async fn places_go_in_turn_and_past_those_who_gave_up() {
    static POOLS: Wires = Pools::new();
    let pool = POOLS.join("db", "ann", Some(1));
    let held = place(&pool).await;
    let mut first = Box::pin(place(&pool));
    let mut second = Box::pin(place(&pool));
    let mut third = Box::pin(place(&pool));
    for waiting in [&mut first, &mut second, &mut third] {
        assert!(waiting.as_mut().now_or_never().is_none());
    }
    drop(first);
    drop(held);
    assert!(third.as_mut().now_or_never().is_none());
    let second = second.await;
    drop(second);
    drop(third.await);
    // A place that was given to somebody who leaves before taking it comes back as well.
    let held = place(&pool).await;
    let mut gone = Box::pin(place(&pool));
    assert!(gone.as_mut().now_or_never().is_none());
    drop(held);
    drop(gone);
    assert!(Box::pin(place(&pool)).now_or_never().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_connection_stays_for_whoever_has_been_admitted_and_not_yet_come() {
    static POOLS: Wires = Pools::new();
    let pool = POOLS.join("db", "ann", Some(2));
    let (one, two) = (place(&pool).await, place(&pool).await);
    let mut waiting = [Box::pin(place(&pool)), Box::pin(place(&pool))];
    for waiting in &mut waiting {
        assert!(waiting.as_mut().now_or_never().is_none());
    }
    one.keep(wire().0);
    two.keep(wire().0);
    for waiting in waiting {
        assert!(waiting.await.take().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn the_smallest_limit_holds_as_long_as_somebody_declares_it() {
    static POOLS: Wires = Pools::new();
    let silent = POOLS.join("db", "ann", None);
    let at_once = |pool: &Pool<&'static str, Wire>| pool.target().at_once;
    assert_eq!(at_once(&silent), Some(USUAL));
    let large = POOLS.join("db", "ann", Some(20));
    assert_eq!(at_once(&silent), Some(20), "who says nothing limits nobody");
    let small = POOLS.join("db", "ann", Some(1));
    assert_eq!(at_once(&large), Some(1));
    let held = place(&large).await;
    let mut waiting = Box::pin(place(&silent));
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(small);
    assert!(waiting.now_or_never().is_some(), "there is room again");
    drop(held);
    assert_eq!(&*large.target().name, "db");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_uses_is_closed_and_nothing_is_left_behind() {
    static POOLS: Wires = Pools::new();
    let pool = POOLS.join("db", "ann", None);
    let (kept, seen) = wire();
    place(&pool).await.keep(kept);
    tokio::time::sleep(UNUSED_FOR - Duration::from_secs(1)).await;
    assert!(seen.upgrade().is_some());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(seen.upgrade().is_none(), "closed in time without a run");
    let tasks = tokio::runtime::Handle::current().metrics();
    assert_eq!(tasks.num_alive_tasks(), 0);
    // And again, with a new sweeper; then its pool ends before the connection does.
    let (kept, seen) = wire();
    place(&pool).await.keep(kept);
    assert_eq!(POOLS.len(), 1);
    drop(pool);
    assert!(seen.upgrade().is_none(), "closed with the last probe");
    tokio::task::yield_now().await;
    assert_eq!((POOLS.len(), tasks.num_alive_tasks()), (0, 0));
}

/// Holds a connection for so long, each time.
struct Holds(Pool<&'static str, Wire>, Duration);

#[async_trait]
impl Probe for Holds {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let _place = self.0.place(attempt, false).await;
        attempt.enter(Phase::Ttfb);
        tokio::time::sleep(self.1).await;
        attempt.stop();
        Ok(())
    }
}

async fn two_runs(holds: Duration) -> [Sample; 2] {
    static POOLS: Wires = Pools::new();
    let probe = Holds(POOLS.join("db", "ann", Some(1)), holds);
    let id = CheckId::new("x");
    let timeout = Duration::from_secs(5);
    let run = || attempt::run(&probe, &id, clock(), timeout, Conditions::default());
    let (first, second) = tokio::join!(run(), run());
    [first, second]
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_place_is_not_measured() {
    for sample in two_runs(Duration::from_millis(500)).await {
        assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
        assert!(sample.latency >= Duration::from_millis(500), "{sample:?}");
        assert!(sample.latency < Duration::from_millis(600), "{sample:?}");
        assert_eq!(sample.phases.total(), sample.latency);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waited_too_long_has_learnt_nothing_and_the_holder_tells_of_the_target() {
    for (holds, detail) in [
        (
            Duration::from_secs(3),
            "the run began 3s late and had too little time left: all connections that \
             `max_connections` allows were in use",
        ),
        (
            Duration::from_secs(60),
            "the run did not begin within 5s: all connections that `max_connections` allows were \
             in use",
        ),
    ] {
        let [first, second] = two_runs(holds).await;
        let fault = second.fault.expect("the time was over");
        assert_eq!(fault.reason, Reason::Exhausted, "{fault:?}");
        assert_eq!(fault.detail, detail);
        assert_eq!(second.outcome, Outcome::Unknown);
        let expected = if holds > Duration::from_secs(5) {
            Outcome::Error
        } else {
            Outcome::Pass
        };
        assert_eq!(first.outcome, expected);
    }
}
