//! What is said of a check over the last minutes, run by run.

use super::*;
use crate::engine::serve::tests::{failing, passing, plan};

fn at(seconds: u64) -> Moment {
    Moment::at(Duration::from_secs(seconds))
}

fn wall(seconds: u64) -> WallTime {
    WallTime::since_unix_epoch(Duration::from_secs(1_000_000 + seconds))
}

fn pulse(every: u64) -> Pulse {
    let plan = plan("home", Duration::from_secs(every));
    Pulse::new(plan, "http: {}".into(), Arc::new([]), wall(0))
}

impl Pulse {
    fn hear(&mut self, seconds: u64, sample: &Sample) -> Option<Turn> {
        self.note(wall(seconds), sample);
        self.judge(wall(seconds), at(seconds))
    }
}

#[test]
fn a_check_passes_fails_and_recovers_with_what_it_shows() {
    let mut pulse = pulse(10);
    let first = pulse
        .hear(0, &passing("home", at(0)))
        .expect("it is judged");
    assert_eq!((first.to, first.is_first), (Verdict::Pass, true));
    for turn in 1..20 {
        assert_eq!(pulse.hear(turn * 10, &passing("home", at(turn * 10))), None);
    }
    let warned = pulse
        .hear(200, &failing("home", at(200)))
        .expect("one of 21");
    assert_eq!((warned.from, warned.to), (Verdict::Pass, Verdict::Warn));
    assert!(!warned.is_first);
    let failed = pulse
        .hear(210, &failing("home", at(210)))
        .expect("two of 22");
    assert_eq!(failed.to, Verdict::Fail);
    assert!(failed.because.contains("error rate"), "{}", failed.because);
    assert_eq!(pulse.now().since, wall(210));
    let turns: Vec<Verdict> = (22..60)
        .filter_map(|turn| pulse.hear(turn * 10, &passing("home", at(turn * 10))))
        .map(|turn| turn.to)
        .collect();
    assert_eq!(
        turns.last(),
        Some(&Verdict::Pass),
        "what is long over does not count: {turns:?}"
    );
}

#[test]
fn a_single_run_that_fails_is_no_failure_of_a_service_yet() {
    let mut pulse = pulse(10);
    let first = pulse
        .hear(0, &failing("home", at(0)))
        .expect("it is judged");
    assert_eq!(first.to, Verdict::Warn, "{}", first.because);
    for turn in 1..4 {
        pulse.hear(turn * 10, &failing("home", at(turn * 10)));
    }
    assert_eq!(pulse.now().verdict, Verdict::Fail, "four of four");
}

#[test]
fn what_ran_before_another_revision_does_not_count() {
    let mut pulse = pulse(10);
    for turn in 0..6 {
        pulse.hear(turn * 10, &failing("home", at(turn * 10)));
    }
    assert_eq!(pulse.now().verdict, Verdict::Fail);
    pulse.begin_anew(at(55));
    let turn = pulse
        .hear(60, &passing("home", at(60)))
        .expect("judged anew");
    assert_eq!(turn.to, Verdict::Pass);
}

#[test]
fn a_check_that_runs_once_an_hour_is_judged_over_many_hours() {
    let mut pulse = pulse(3_600);
    for turn in 0..8 {
        pulse.hear(turn * 3_600, &passing("home", at(turn * 3_600)));
    }
    assert_eq!(pulse.now().verdict, Verdict::Pass);
    assert_eq!(pulse.traces.len(), 8);
}

#[test]
fn memory_of_a_check_has_a_bound_however_long_it_runs() {
    let mut pulse = pulse(1);
    for turn in 0..5_000 {
        pulse.hear(turn, &passing("home", at(turn)));
    }
    assert!(pulse.traces.len() <= MOST);
    assert!(size_of::<Trace>() <= 40, "{}", size_of::<Trace>());
    let now = pulse.now();
    assert_eq!((now.recent.len(), now.sparkline.len()), (RECENT, MINUTES));
    assert!(now.p50.is_some() && now.p95.is_some());
}

#[test]
fn minutes_without_a_run_are_gaps_in_the_strip() {
    let mut pulse = pulse(10);
    pulse.hear(0, &passing("home", at(0)));
    pulse.hear(200, &passing("home", at(200)));
    let strip = pulse.now().sparkline;
    let seen: Vec<bool> = strip.iter().map(Option::is_some).collect();
    assert_eq!(seen, [true, false, false, false, true]);
    pulse.hear(100, &passing("home", at(210)));
    assert_eq!(
        pulse.now().sparkline.len(),
        6,
        "a clock that went back tears no hole"
    );
}
