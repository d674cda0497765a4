//! What holds of open loops, on a clock of their own: a target that answers as it is told to.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::*;
use crate::plan::Pace;
use crate::plan::pace::{Ramp, Rate};
use crate::window::type_seven;

const MILLISECOND: Duration = Duration::from_millis(1);
const TIMEOUT: Duration = Duration::from_secs(5);

fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

fn load(text: &str, max_in_flight: u32) -> Load {
    Load {
        pace: Pace::Constant(rate(text)),
        max_in_flight,
    }
}

fn at(millis: u64) -> Moment {
    Moment::at(Duration::from_millis(millis))
}

/// What a simulated target made of a load.
#[derive(Default)]
struct Seen {
    /// The latencies of what was answered in time, the wait included.
    latencies: Vec<Duration>,
    timed_out: u64,
    unsent: u64,
    peak: u32,
    most_at_once: usize,
    numbers: Vec<u64>,
}

impl Seen {
    fn quantile(&self, q: f64) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        type_seven(&sorted, q).unwrap()
    }

    fn sent(&self) -> u64 {
        self.latencies.len() as u64 + self.timed_out
    }
}

/// Sends so many against a target that answers a question of a moment after so long, and looks every
/// millisecond.
fn against(load: Load, sends: u64, answers_after: impl Fn(Moment) -> Duration) -> Seen {
    let mut open = OpenLoop::new(load, TIMEOUT, at(0)).ending_after(sends);
    let mut running: BinaryHeap<Reverse<(Moment, Moment, Duration, bool)>> = BinaryHeap::new();
    let mut seen = Seen::default();
    let mut now = at(0);
    loop {
        while let Some(Reverse((_, started, waited, in_time))) =
            running.pop_when(|Reverse((end, ..))| *end <= now)
        {
            let told = open.ended(now);
            seen.unsent += told.unsent;
            seen.peak = seen.peak.max(told.in_flight);
            match in_time {
                true => seen.latencies.push(waited + now.since(started)),
                false => seen.timed_out += 1,
            }
        }
        while let Some(start) = open.take(now) {
            let may_take = TIMEOUT - start.waited;
            let takes = answers_after(now);
            let run = (
                now + takes.min(may_take),
                now,
                start.waited,
                takes <= may_take,
            );
            running.push(Reverse(run));
            seen.numbers.push(start.number);
        }
        seen.most_at_once = seen.most_at_once.max(running.len());
        if open.next_due().is_none() && running.is_empty() {
            return seen;
        }
        now = now + MILLISECOND;
    }
}

trait PopWhen<T> {
    fn pop_when(&mut self, is_wanted: impl Fn(&T) -> bool) -> Option<T>;
}

impl<T: Ord> PopWhen<T> for BinaryHeap<T> {
    fn pop_when(&mut self, is_wanted: impl Fn(&T) -> bool) -> Option<T> {
        match self.peek().is_some_and(is_wanted) {
            true => self.pop(),
            false => None,
        }
    }
}

/// Answers within a millisecond, but nothing between the first second and the second.
fn stalls_once(asked: Moment) -> Duration {
    match asked.since_origin().as_millis() {
        1_000..2_000 => at(2_000).since(asked) + MILLISECOND,
        _ => MILLISECOND,
    }
}

#[test]
fn a_stall_shows_in_the_percentiles_however_few_may_be_in_flight() {
    for max_in_flight in [1, 5, 1_000] {
        // 1,000 sends in ten seconds; a hundred of them fall into the stall.
        let seen = against(load("100/s", max_in_flight), 1_000, stalls_once);
        assert_eq!(seen.latencies.len(), 1_000, "{max_in_flight}");
        assert_eq!(seen.unsent, 0, "{max_in_flight}");
        let (p95, p99) = (seen.quantile(0.95), seen.quantile(0.99));
        assert!(p95 > Duration::from_millis(480), "{max_in_flight}: {p95:?}");
        assert!(p99 > Duration::from_millis(880), "{max_in_flight}: {p99:?}");
    }
}

#[test]
fn a_closed_loop_hides_the_same_stall() {
    let mut latencies = Vec::new();
    let mut now = at(0);
    while now < at(10_000) {
        let took = stalls_once(now);
        latencies.push(took);
        // It asks again when it has its answer and its interval is over.
        now = now + took.max(Duration::from_millis(10));
    }
    latencies.sort();
    assert_eq!(type_seven(&latencies, 0.99), Some(MILLISECOND));
}

#[test]
fn no_more_are_in_flight_than_allowed_and_all_are_sent_in_order() {
    let slow = |_| Duration::from_millis(120);
    let seen = against(load("200/s", 10), 2_000, slow);
    assert_eq!(seen.most_at_once, 10);
    assert_eq!(seen.peak, 10);
    assert!(seen.numbers.is_sorted());
    assert_eq!(seen.sent() + seen.unsent, 2_000);
}

#[test]
fn a_target_that_never_answers_times_out_and_the_rest_is_counted() {
    let never = |_| Duration::from_secs(3_600);
    let seen = against(load("100/s", 10), 3_000, never);
    assert!(seen.timed_out >= 60, "ten at least in each five seconds");
    assert!(seen.unsent > 0);
    assert_eq!(seen.sent() + seen.unsent, 3_000);
    assert!(seen.latencies.is_empty());
}

#[test]
fn a_limit_that_is_too_small_does_not_make_a_slow_target_minutes_late() {
    // Ten at once, a second each: ten a second can be carried of the hundred that are due.
    let slow = |_| Duration::from_secs(1);
    let seen = against(load("100/s", 10), 3_000, slow);
    assert_eq!(seen.timed_out, 0, "none of them is its fault");
    let p99 = seen.quantile(0.99);
    assert!(p99 <= Duration::from_millis(2_100), "{p99:?}");
    assert!(seen.unsent > 2_500, "{}", seen.unsent);
    assert_eq!(seen.sent() + seen.unsent, 3_000);
}

#[test]
fn a_wait_counts_until_the_target_lets_the_first_place_go() {
    let mut open = OpenLoop::new(load("10/s", 1), TIMEOUT, at(0));
    assert_eq!(
        open.take(at(0)).map(|start| start.waited),
        Some(Duration::ZERO)
    );
    assert_eq!(open.take(at(250)), None, "two are due and wait");
    assert_eq!(open.ended(at(400)).in_flight, 1);
    let second = open.take(at(400)).unwrap();
    assert_eq!((second.number, second.intended), (1, at(100)));
    // It is not the target's fault that we came to look at 250 ms only.
    assert_eq!(second.waited, Duration::from_millis(150));
    assert_eq!(open.ended(at(600)).unsent, 0);
    // The place that came free at 400 ms went to the one before it.
    let third = open.take(at(600)).unwrap();
    assert_eq!(
        (third.number, third.waited),
        (2, Duration::from_millis(150))
    );
}

#[test]
fn several_start_at_once_where_we_look_seldom() {
    let mut open = OpenLoop::new(load("1000/s", 100), TIMEOUT, at(0));
    let mut started = 0;
    while let Some(start) = open.take(at(20)) {
        assert_eq!(start.waited, Duration::ZERO, "our lateness is no latency");
        started += 1;
    }
    assert_eq!(started, 21);
    assert_eq!(open.next_due(), Some(at(21)));
}

#[test]
fn what_was_due_while_our_machine_was_away_is_told_apart_and_not_made_up_for() {
    let mut open = OpenLoop::new(load("100/s", 1_000), TIMEOUT, at(0));
    assert!(open.take(at(0)).is_some());
    let mut started = 0;
    while open.take(at(3_600_000)).is_some() {
        started += 1;
    }
    assert_eq!(started, 100, "those of the last second");
    let told = open.ended(at(3_600_000));
    assert_eq!(told.unsent, 0, "no limit kept us from sending");
    assert_eq!(open.take_missed() + 1 + started, 360_001);
    assert_eq!(open.take_missed(), 0, "it is told once");
}

#[test]
fn a_ramp_reaches_its_rate() {
    let ramp = Ramp {
        from: rate("10/s"),
        to: rate("200/s"),
        over: Duration::from_secs(10),
    };
    let load = Load {
        pace: Pace::Ramp(ramp),
        max_in_flight: 50,
    };
    let mut open = OpenLoop::new(load, TIMEOUT, at(0));
    let mut in_second = [0_u32; 12];
    for millis in 0..12_000 {
        while open.take(at(millis)).is_some() {
            in_second[(millis / 1_000) as usize] += 1;
            assert_eq!(open.ended(at(millis)).unsent, 0);
        }
    }
    assert!(in_second[..10].is_sorted(), "{in_second:?}");
    assert!((18..=22).contains(&in_second[0]), "{in_second:?}");
    assert_eq!(in_second[10..], [200, 200]);
}

#[test]
fn what_waits_is_bounded() {
    let mut open = OpenLoop::new(load("10000/s", 1), Duration::from_secs(60), at(0));
    assert!(open.take(at(0)).is_some());
    for millis in 1..=5_000 {
        assert_eq!(open.take(at(millis)), None);
    }
    assert_eq!(open.waiting.len(), MOST_WAITING);
    let told = open.ended(at(5_000));
    assert_eq!(told.unsent, 50_000 - MOST_WAITING as u64);
}

#[test]
fn a_closed_loop_ends_what_waits_and_takes_nothing_new() {
    let mut open = OpenLoop::new(load("10/s", 1), TIMEOUT, at(0));
    assert!(open.take(at(0)).is_some());
    assert_eq!(open.take(at(100)), None);
    open.close();
    assert_eq!(open.next_due(), None);
    assert_eq!(open.ended(at(200)).unsent, 0);
    assert_eq!(open.take(at(900)).map(|start| start.number), Some(1));
    assert_eq!(open.ended(at(900)).in_flight, 1);
    assert_eq!(open.take(at(9_000)), None);
}
