//! What is kept from one scrape to the next: the counters of each process that answered. Pure.
//!
//! Counters of two processes say nothing about each other. Behind a balancer scrapes meet one process
//! after the other, and the difference of two would be an invented rate. A process is known by the
//! place that was asked and by when it says that it began (`process_start_time_seconds`). Where it
//! does not say so, its counters tell as far as they can: a counter never falls, so that a fall is a
//! restart, as Prometheus takes it, and what may as well be a second process cannot be told.
//!
//! A series that appears began at zero: counters appear with what they count. One that was away and is
//! back did not, as where what an exporter asks was down for a while; what it counts in one
//! scrape is then not known. It is kept as a counter that is not a number.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::gathering::Counters;
use crate::clock::{Moment, WallTime};

/// What was counted up to earlier scrapes.
#[derive(Debug, Default)]
pub struct Memory(BTreeMap<Option<IpAddr>, Vec<Process>>);

/// A process as it was last met.
#[derive(Clone, Debug)]
struct Process {
    began: Option<f64>,
    at: Moment,
    wall: WallTime,
    counters: Counters,
}

/// One scrape.
#[derive(Debug)]
pub struct Scrape {
    /// The one place that was asked, where each is by itself.
    pub place: Option<IpAddr>,
    /// When the process began, as it says itself.
    pub began: Option<f64>,
    /// When it was asked.
    pub at: Moment,
    /// The same for people, which `began` is compared with.
    pub wall: WallTime,
    /// Its counters.
    pub counters: Counters,
}

/// What is known of before a scrape.
#[derive(Debug, PartialEq)]
pub enum Before {
    /// The same process counted so much, so long ago. A counter that is not there began at zero.
    Known(Counters, Duration),
    /// It is the first scrape of this process, or the one before is too long ago.
    Nothing,
    /// Several processes answer in turns, and which one did cannot be told.
    Mixed,
}

/// Of so many processes the counters are kept: more than answer under one name.
const MOST_PROCESSES: usize = 64;
/// And so many counters of all of them together.
const MOST_COUNTERS: usize = 200_000;
/// And so many of one process that are not shown any more.
const MOST_GONE: usize = 10_000;
/// By so much the clocks of two machines may differ.
const CLOCK_SKEW: f64 = 2.0;

impl Memory {
    /// Takes a scrape in and says what was before it.
    pub fn step(&mut self, scrape: Scrape, max_gap: Duration) -> Before {
        let now = scrape.at;
        for processes in self.0.values_mut() {
            processes.retain(|process| now.since(process.at) <= max_gap);
        }
        self.0.retain(|_, processes| !processes.is_empty());
        let processes = self.0.entry(scrape.place).or_default();
        // Runs may overlap: one that began before what is known tells nothing more.
        if processes.iter().any(|process| process.at >= now) {
            return Before::Nothing;
        }
        let before = match scrape.began {
            Some(began) => of_named(processes, &scrape, began),
            None => of_nameless(processes, &scrape),
        };
        let mut counters = scrape.counters;
        if let Before::Known(before, _) = &before {
            remember_the_gone(before, &mut counters);
        }
        processes.push(Process {
            began: scrape.began,
            at: now,
            wall: scrape.wall,
            counters,
        });
        self.forget_the_oldest();
        before
    }

    fn forget_the_oldest(&mut self) {
        loop {
            let all = || self.0.values().flatten();
            let counters: usize = all().map(|process| process.counters.len()).sum();
            if all().count() <= MOST_PROCESSES && counters <= MOST_COUNTERS {
                return;
            }
            let oldest = all().map(|process| process.at).min();
            for processes in self.0.values_mut() {
                processes.retain(|process| Some(process.at) != oldest);
            }
        }
    }
}

/// A process that says when it began.
fn of_named(processes: &mut Vec<Process>, scrape: &Scrape, began: f64) -> Before {
    let same = processes
        .iter()
        .position(|process| process.began == Some(began));
    if let Some(same) = same.map(|same| processes.remove(same)) {
        // One process counts up only: two began at the same moment.
        return match goes_on(&same.counters, &scrape.counters) {
            true => Before::Known(same.counters, scrape.at.since(same.at)),
            false => Before::Mixed,
        };
    }
    // A new process whose whole life lies after the last scrape counted from zero since then.
    let last = processes.iter().max_by_key(|process| process.at);
    let Some(last) = last else {
        return Before::Nothing;
    };
    let began_since = began >= last.wall.unix().as_secs_f64()
        && began <= scrape.wall.unix().as_secs_f64() + CLOCK_SKEW;
    match began_since {
        true => Before::Known(Counters::new(), scrape.at.since(last.at)),
        false => Before::Nothing,
    }
}

/// A process that does not: its counters are all there is.
fn of_nameless(processes: &mut Vec<Process>, scrape: &Scrape) -> Before {
    let is_known = |process: &Process| is_of_one(&process.counters, &scrape.counters);
    if !processes.is_empty() && !processes.iter().any(is_known) {
        return Before::Nothing;
    }
    let fits =
        |process: &Process| is_known(process) && goes_on(&process.counters, &scrape.counters);
    let fitting: Vec<usize> = (0..processes.len())
        .filter(|at| fits(&processes[*at]))
        .collect();
    // The one that grew least: any other would be more than need have happened.
    let closest = fitting.iter().copied().min_by(|a, b| {
        let growth = |at: usize| growth(&processes[at].counters, &scrape.counters);
        growth(*a).total_cmp(&growth(*b))
    });
    let Some(closest) = closest else {
        return match processes.as_slice() {
            [] => Before::Nothing,
            // All that was counted before the restart and was not scraped is lost, as in Prometheus.
            [only] => Before::Known(fallen(only, scrape), scrape.at.since(only.at)),
            // Counters fell before already.
            _ => Before::Mixed,
        };
    };
    let is_newest = closest + 1 == processes.len();
    let same = processes.remove(closest);
    match fitting.len() == 1 || is_newest {
        true => Before::Known(same.counters, scrape.at.since(same.at)),
        // After a fall they rose beyond what was before it: a restart, or another process again.
        false => Before::Mixed,
    }
}

fn growth(before: &Counters, now: &Counters) -> f64 {
    let grown = now.iter().map(|(key, value)| match before.get(key) {
        Some(before) if before.is_nan() => 0.0,
        Some(before) => value - before,
        None => *value,
    });
    grown.sum()
}

/// Keeps of a process's counters those that are not shown any more.
fn remember_the_gone(before: &Counters, now: &mut Counters) {
    let gone = before.keys().filter(|key| !now.contains_key(*key));
    let gone: Vec<Box<str>> = gone.take(MOST_GONE).cloned().collect();
    now.extend(gone.into_iter().map(|key| (key, f64::NAN)));
}

/// Whether both may be of one process: two versions behind one name count under other labels.
fn is_of_one(before: &Counters, now: &Counters) -> bool {
    before.is_empty() || now.is_empty() || now.keys().any(|key| before.contains_key(key))
}

/// The counters of before, without those that fell: they began at zero again.
fn fallen(process: &Process, scrape: &Scrape) -> Counters {
    let mut before = process.counters.clone();
    before.retain(|key, value| scrape.counters.get(key).is_some_and(|now| now >= value));
    before
}

/// Whether no counter fell.
fn goes_on(before: &Counters, now: &Counters) -> bool {
    now.iter().all(|(key, value)| {
        let before = before.get(key).filter(|before| !before.is_nan());
        before.is_none_or(|before| value >= before)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_secs(300);

    /// Scrapes a counter at a second; what it grew by, or why that is not known.
    fn scrape(
        memory: &mut Memory,
        second: u64,
        began: Option<f64>,
        count: f64,
    ) -> Result<f64, &'static str> {
        let at = Duration::from_secs(second);
        let before = memory.step(
            Scrape {
                place: None,
                began,
                at: Moment::at(at),
                wall: WallTime::since_unix_epoch(Duration::from_secs(1_000_000) + at),
                counters: Counters::from([(Box::from("a"), count)]),
            },
            GAP,
        );
        match before {
            Before::Known(before, _) => Ok(count - before.get("a").copied().unwrap_or(0.0)),
            Before::Nothing => Err("nothing"),
            Before::Mixed => Err("mixed"),
        }
    }

    /// Each line: second, when the process began, its count, what it grew by.
    type Line = (u64, Option<f64>, f64, Result<f64, &'static str>);

    fn follow(lines: &[Line]) {
        let mut memory = Memory::default();
        for (second, began, count, grown) in lines {
            let told = scrape(&mut memory, *second, *began, *count);
            assert_eq!(told, *grown, "at {second}: {lines:?}");
        }
    }

    const OLD: Option<f64> = Some(999_000.0);
    const OTHER: Option<f64> = Some(999_500.0);

    #[test]
    fn one_process_counts_from_scrape_to_scrape() {
        follow(&[
            (10, OLD, 100.0, Err("nothing")),
            (20, OLD, 130.0, Ok(30.0)),
            (30, OLD, 130.0, Ok(0.0)),
            (400, OLD, 900.0, Err("nothing")),
        ]);
        follow(&[
            (10, None, 100.0, Err("nothing")),
            (20, None, 130.0, Ok(30.0)),
            (400, None, 900.0, Err("nothing")),
        ]);
    }

    #[test]
    fn a_restart_counts_from_zero() {
        let restarted = Some(1_000_015.0);
        follow(&[
            (10, OLD, 100.0, Err("nothing")),
            (20, restarted, 7.0, Ok(7.0)),
            (30, restarted, 9.0, Ok(2.0)),
        ]);
        follow(&[
            (10, None, 100.0, Err("nothing")),
            (20, None, 7.0, Ok(7.0)),
            (30, None, 9.0, Ok(2.0)),
        ]);
        // A restart that counts further than before by the next scrape is seen by its beginning alone.
        follow(&[
            (10, OLD, 100.0, Err("nothing")),
            (20, restarted, 120.0, Ok(120.0)),
        ]);
    }

    #[test]
    fn two_processes_behind_one_name_invent_nothing() {
        follow(&[
            (10, OLD, 100_000.0, Err("nothing")),
            (20, OTHER, 500.0, Err("nothing")),
            (30, OLD, 100_010.0, Ok(10.0)),
            (40, OTHER, 507.0, Ok(7.0)),
            (50, OTHER, 509.0, Ok(2.0)),
        ]);
        // They began at the same moment.
        follow(&[
            (10, OLD, 100_000.0, Err("nothing")),
            (20, OLD, 500.0, Err("mixed")),
        ]);
        // They do not say when: the first fall is taken for a restart, and nothing more is invented.
        follow(&[
            (10, None, 100_000.0, Err("nothing")),
            (20, None, 500.0, Ok(500.0)),
            (30, None, 100_010.0, Err("mixed")),
            (40, None, 505.0, Ok(5.0)),
            (50, None, 100_020.0, Err("mixed")),
        ]);
        // A restart that soon counted further than before is not told from them, once.
        follow(&[
            (10, None, 100.0, Err("nothing")),
            (20, None, 5.0, Ok(5.0)),
            (30, None, 120.0, Err("mixed")),
            (40, None, 130.0, Ok(10.0)),
        ]);
    }

    fn shown(second: u64, began: Option<f64>, counters: &[(&str, f64)]) -> Scrape {
        let at = Duration::from_secs(second);
        let counters = counters
            .iter()
            .map(|(key, value)| (Box::from(*key), *value));
        Scrape {
            place: None,
            began,
            at: Moment::at(at),
            wall: WallTime::since_unix_epoch(Duration::from_secs(1_000_000) + at),
            counters: counters.collect(),
        }
    }

    #[test]
    fn a_counter_that_was_away_is_not_known_to_have_begun_at_zero() {
        for began in [OLD, None] {
            let mut memory = Memory::default();
            memory.step(shown(10, began, &[("a", 5.0), ("b", 1e9)]), GAP);
            memory.step(shown(20, began, &[("a", 6.0)]), GAP);
            let back = memory.step(shown(30, began, &[("a", 7.0), ("b", 1e9)]), GAP);
            let Before::Known(before, _) = back else {
                panic!("{began:?}: {back:?}");
            };
            assert_eq!(before.get("a"), Some(&6.0));
            assert!(before["b"].is_nan(), "{before:?}");
            let on = memory.step(shown(40, began, &[("a", 7.0), ("b", 1e9 + 2.0)]), GAP);
            let Before::Known(before, _) = on else {
                panic!("{began:?}: {on:?}");
            };
            assert_eq!(before.get("b"), Some(&1e9));
            // Everything was away.
            memory.step(shown(50, began, &[]), GAP);
            let back = memory.step(shown(60, began, &[("a", 9.0)]), GAP);
            assert!(
                matches!(&back, Before::Known(before, _) if before["a"].is_nan()),
                "{back:?}"
            );
        }
    }

    #[test]
    fn two_versions_that_count_under_other_labels_invent_nothing() {
        let mut memory = Memory::default();
        let (old, new) = (|n| [("v1", n)], |n| [("v2", n)]);
        assert_eq!(
            memory.step(shown(10, None, &old(1e6)), GAP),
            Before::Nothing
        );
        assert_eq!(
            memory.step(shown(20, None, &new(500.0)), GAP),
            Before::Nothing
        );
        for (second, counters, before) in [
            (30, old(1e6 + 4.0), 1e6),
            (40, new(505.0), 500.0),
            (50, new(506.0), 505.0),
            (60, old(1e6 + 9.0), 1e6 + 4.0),
        ] {
            let step = memory.step(shown(second, None, &counters), GAP);
            let Before::Known(known, _) = step else {
                panic!("{second}: {step:?}");
            };
            assert_eq!(known.get(counters[0].0), Some(&before), "{second}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut memory = Memory::default();
        for second in 0..1_000_u32 {
            let began = Some(900_000.0 + f64::from(second));
            let told = scrape(&mut memory, u64::from(second) + 1, began, 1.0);
            assert_ne!(told, Err("mixed"));
        }
        let kept: usize = memory.0.values().map(Vec::len).sum();
        assert!(kept <= MOST_PROCESSES, "{kept}");
    }
}
