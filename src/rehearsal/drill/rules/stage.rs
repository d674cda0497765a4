//! Hand-made windows for the tests of the rules.

use std::time::Duration;

use super::{Contestant, Judged};
use crate::rehearsal::drill::layout::Trial;
use crate::rehearsal::drill::window::{Seen, Shot, SimulatedWindow};

/// A service with so many checks, an error rate limited to 5 % and a 95th percentile limited to 2 s.
pub fn trial(checks: usize) -> Trial {
    use std::fmt::Write as _;
    let mut text = String::from(
        "policies: { p: { bake: 10m, warm_up: 60s } }\nservices: { s: { policy: p } }\nchecks:\n",
    );
    for check in 0..checks {
        writeln!(
            text,
            "  c{check}: {{ http: {{ url: \"http://127.0.0.1:1/\" }}, every: 10s, thresholds: {{ \
             error_rate: {{ warning: \"> 1%\", critical: \"> 5%\" }}, p95: {{ warning: \"> 1s\", critical: \"> 2s\" }} }} }}"
        )
        .unwrap();
    }
    trial_of(&text)
}

/// The only trial of a configuration.
pub fn trial_of(text: &str) -> Trial {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("smokejumper.yaml");
    std::fs::write(&file, text).unwrap();
    let loaded = crate::config::load(&crate::config::Sources {
        folder: folder.path().to_owned(),
        paths: vec![file],
        overlays: Vec::new(),
        variables: Vec::new(),
        environment: std::collections::BTreeMap::new(),
    });
    let compiled = crate::plan::compile(&loaded.document).unwrap();
    Trial::of(&compiled.plan).remove(0)
}

/// A window of so many seconds with these samples of one check, each a second and what was seen:
/// `.` right, `x` wrong, `s` right after three seconds.
pub fn window(bake: u64, samples: &[(u64, char)]) -> SimulatedWindow {
    let shots = samples.iter().map(|(at, seen)| shot(0, *at, *seen));
    of_shots(bake, shots.collect())
}

/// One sample.
pub fn shot(check: usize, at: u64, seen: char) -> Shot {
    Shot {
        check,
        started: Duration::from_secs(at),
        latency: match seen {
            's' => Duration::from_secs(3),
            _ => Duration::from_millis(100),
        },
        seen: match seen {
            'x' => Seen::Wrong,
            _ => Seen::Right,
        },
        closer_look: false,
    }
}

/// A window of these samples.
pub fn of_shots(bake: u64, mut shots: Vec<Shot>) -> SimulatedWindow {
    shots.sort_by_key(Shot::arrived);
    SimulatedWindow {
        shots,
        bake: Duration::from_secs(bake),
        onset: None,
    }
}

/// A window of so many minutes with six samples a minute; `x` in a minute makes one of them wrong,
/// `s` makes one of them slow, `-` leaves the minute empty.
pub fn by_minutes(pattern: &str) -> SimulatedWindow {
    let mut shots = Vec::new();
    for (minute, seen) in (0_u64..).zip(pattern.chars()) {
        if seen != '-' {
            shots.push(shot(0, minute * 60, seen));
            shots.extend((1..6).map(|turn| shot(0, minute * 60 + turn * 10, '.')));
        }
    }
    of_shots(pattern.chars().count() as u64 * 60, shots)
}

/// When a rule condemns a window, in seconds.
pub fn condemned(contestant: Contestant, window: &SimulatedWindow) -> Option<u64> {
    let Judged { condemned, .. } = contestant.rule(&trial(2)).judge(window);
    condemned.map(|at| at.as_secs())
}
