//! Each brake by itself, all of them at once, and the names and lines of all interlocks.

use std::time::Duration;

use super::super::{
    Ailment, Budget, GuardAnswer, Interlock, Lack, Past, Policy, Seen, Verifier, brakes,
    target_brake,
};
use super::policy;
use crate::clock::WallTime;
use crate::deployment::{
    Answer, Call, Deployment, Images, Revision, RollbackPlan, Software, StartedRollback, Wanted,
};
use crate::event::{Action, Verdict};
use crate::journal::{Entry, Judged, Kept};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// When everything is asked.
const NOW: Duration = Duration::from_secs(1_000_000);

fn deployment(id: &str) -> Deployment {
    Deployment {
        id: id.to_owned(),
        service: "api".to_owned(),
        revision: revision("api:42"),
        previous: None,
        created: None,
        images: Images::new(),
        service_revision: None,
    }
}

fn revision(label: &str) -> Revision {
    Revision {
        id: label.to_owned(),
        label: label.to_owned(),
    }
}

/// The whole window of a rollback that was accepted at this time, with the deployment that the
/// platform made for it.
fn rolled_back(id: &str, carrier: &str, at: Duration) -> Vec<Kept> {
    let call = Call {
        operation: "UpdateService".to_owned(),
        subject: "api".to_owned(),
        argument: None,
    };
    let plan = RollbackPlan {
        deployment: deployment(id),
        target: revision("api:41"),
        actuator: crate::deployment::Actuator::UpdateService,
        images: Images::new(),
        handle: None,
        expected: None,
        not_restored: Vec::new(),
        caveats: Vec::new(),
        wanted: Wanted::default(),
    };
    let entries = [
        Entry::Opened {
            service: "api".into(),
            deployment: deployment(id),
            guards: Vec::new(),
        },
        Entry::Decided {
            action: Action::RollBack,
            because: Vec::new(),
            judged: Judged::default(),
        },
        Entry::Calling { call: call.clone() },
        Entry::Answered {
            call,
            answer: Answer::Accepted { request: None },
        },
        Entry::Carried {
            started: StartedRollback {
                plan,
                carrier: carrier.to_owned(),
            },
        },
        Entry::Closed {
            verdict: Verdict::Fail,
        },
    ];
    entries
        .into_iter()
        .map(|entry| kept(id, at, entry))
        .collect()
}

fn kept(window: &str, at: Duration, entry: Entry) -> Kept {
    Kept {
        number: 1,
        at: WallTime::since_unix_epoch(at),
        window: window.to_owned(),
        entry,
    }
}

/// A past with rollbacks at these spans before the present.
fn past(ago: &[Duration]) -> Past {
    let windows = ago.iter().enumerate().flat_map(|(number, ago)| {
        rolled_back(&format!("d{number}"), &format!("c{number}"), NOW - *ago)
    });
    Past::of(&windows.collect::<Vec<_>>())
}

/// Everything as it should be.
fn fine<'a>(past: &'a Past, deployment: &'a Deployment) -> Seen<'a> {
    Seen {
        now: WallTime::since_unix_epoch(NOW),
        past,
        deployment,
        frozen: None,
        journal: Ok(()),
        verifier: Verifier::default(),
        watched: 15 * MINUTE,
        samples: 100,
        guards: Vec::new(),
    }
}

fn found(change: impl FnOnce(&mut Policy, &mut Seen<'_>)) -> Vec<Interlock> {
    let (past, deployment) = (Past::default(), deployment("d"));
    let mut seen = fine(&past, &deployment);
    let mut policy = policy();
    change(&mut policy, &mut seen);
    brakes(&policy, &seen)
}

#[test]
fn nothing_stops_a_rollback_when_all_is_as_it_should_be() {
    assert_eq!(found(|_, _| ()), []);
}

#[test]
fn a_cooldown_holds_until_it_has_passed() {
    let cases = [
        (&[][..], None, "the first rollback"),
        (&[9 * MINUTE], Some(9 * MINUTE), "too recent"),
        (&[10 * MINUTE], None, "it has passed"),
        (&[HOUR, 2 * MINUTE], Some(2 * MINUTE), "the last one counts"),
        (
            &[2 * MINUTE, HOUR],
            Some(2 * MINUTE),
            "the one that the clock calls the last",
        ),
    ];
    for (ago, expected, why) in cases {
        let (past, deployment) = (past(ago), deployment("d"));
        let expected: Vec<Interlock> = expected
            .map(|ago| Interlock::Cooldown {
                ago,
                cooldown: 10 * MINUTE,
            })
            .into_iter()
            .collect();
        assert_eq!(
            brakes(&policy(), &fine(&past, &deployment)),
            expected,
            "{why}"
        );
    }
}

#[test]
fn a_rollback_ahead_of_a_clock_that_went_back_was_just_now() {
    let (past, deployment) = (past(&[Duration::ZERO]), deployment("d"));
    let mut seen = fine(&past, &deployment);
    seen.now = WallTime::since_unix_epoch(NOW - HOUR);
    let mut policy = policy();
    let budget = Budget {
        times: 1,
        span: MINUTE,
    };
    policy.rollback.budget = Some(budget);
    let expected = [
        Interlock::Cooldown {
            ago: Duration::ZERO,
            cooldown: 10 * MINUTE,
        },
        Interlock::Budget { used: 1, budget },
    ];
    assert_eq!(brakes(&policy, &seen), expected);
}

#[test]
fn a_budget_counts_the_rollbacks_of_its_span() {
    let day = 24 * HOUR;
    let cases: [(&[Duration], u32, Option<usize>, &str); 5] = [
        (&[], 1, None, "nothing is used"),
        (&[HOUR], 1, Some(1), "all of it is used"),
        (&[HOUR], 2, None, "one is left"),
        (
            &[25 * HOUR, 2 * HOUR],
            2,
            None,
            "the first was too long ago",
        ),
        (&[3 * HOUR, 2 * HOUR, HOUR], 2, Some(3), "more than it was"),
    ];
    for (ago, times, expected, why) in cases {
        let (past, deployment) = (past(ago), deployment("d"));
        let mut policy = policy();
        let budget = Budget { times, span: day };
        policy.rollback.budget = Some(budget);
        let expected = expected.map(|used| Interlock::Budget { used, budget });
        let expected: Vec<Interlock> = expected.into_iter().collect();
        assert_eq!(
            brakes(&policy, &fine(&past, &deployment)),
            expected,
            "{why}"
        );
    }
}

#[test]
fn a_deployment_is_rolled_back_once_and_a_rollback_never() {
    let past = past(&[HOUR]);
    for (id, expected) in [
        ("d0", Some("already_rolled_back")),
        ("c0", Some("is_rollback")),
        ("d1", None),
    ] {
        let deployment = deployment(id);
        let found = brakes(&policy(), &fine(&past, &deployment));
        let names: Vec<_> = found.iter().map(Interlock::name).collect();
        assert_eq!(names, Vec::from_iter(expected), "{id}");
    }
}

#[test]
fn nothing_that_was_judged_bad_is_returned_to() {
    let software = |label: &str, digest: &str| Software {
        revision: revision(label),
        images: Images::from([("web".to_owned(), digest.to_owned())]),
    };
    let judged = Entry::Ledger {
        software: software("api:40", "x"),
        good: false,
        guards: Vec::new(),
    };
    let past = Past::of(&[kept("w", NOW, judged)]);
    let unknown = Software {
        images: Images::new(),
        ..software("api:40", "")
    };
    for (target, is_stopped, why) in [
        (software("api:40", "x"), true, "the very same"),
        (unknown, true, "it may be the same"),
        (software("api:40", "y"), false, "another image"),
        (software("api:41", "x"), false, "another revision"),
    ] {
        let expected = is_stopped.then(|| Interlock::Ledger {
            revision: "api:40".to_owned(),
        });
        assert_eq!(target_brake(&past, &target), expected, "{why}");
    }
}

#[test]
fn evidence_is_time_and_samples() {
    let time = |watched| {
        Interlock::Evidence(Lack::Time {
            watched,
            least: MINUTE,
        })
    };
    let samples = |samples| Interlock::Evidence(Lack::Samples { samples, least: 10 });
    let cases = [
        (MINUTE, 10, vec![]),
        (59 * MINUTE / 60, 10, vec![time(59 * MINUTE / 60)]),
        (MINUTE, 9, vec![samples(9)]),
        (Duration::ZERO, 0, vec![time(Duration::ZERO), samples(0)]),
    ];
    for (watched, count, expected) in cases {
        let found = found(|_, seen| {
            seen.watched = watched;
            seen.samples = count;
        });
        assert_eq!(found, expected);
        assert!(found.iter().all(Interlock::gives_way));
    }
}

#[test]
fn who_is_not_well_himself_condemns_nobody() {
    let well = Verifier {
        unknown_share: 0.2,
        lag: Duration::from_secs(1),
        clock_jump: Duration::from_secs(5),
    };
    let more = Duration::from_millis(1);
    let cases = [
        (well, None),
        (
            Verifier {
                unknown_share: 0.201,
                ..well
            },
            Some("unknown"),
        ),
        (
            Verifier {
                unknown_share: f64::NAN,
                ..well
            },
            Some("unknown"),
        ),
        (
            Verifier {
                lag: well.lag + more,
                ..well
            },
            Some("lag"),
        ),
        (
            Verifier {
                clock_jump: well.clock_jump + more,
                ..well
            },
            Some("jump"),
        ),
    ];
    for (verifier, expected) in cases {
        let found = found(|_, seen| seen.verifier = verifier);
        let names: Vec<_> = found
            .iter()
            .map(|one| match one {
                Interlock::Verifier(Ailment::Unknown { .. }) => "unknown",
                Interlock::Verifier(Ailment::Lag { .. }) => "lag",
                Interlock::Verifier(Ailment::ClockJump { .. }) => "jump",
                _ => "another",
            })
            .collect();
        assert_eq!(names, Vec::from_iter(expected), "{verifier:?}");
    }
}

#[test]
fn a_shadowed_service_is_only_watched_at_first() {
    let (past, deployment) = (past(&[HOUR, 2 * HOUR]), deployment("d"));
    for (shadow, is_stopped) in [(0, false), (2, false), (3, true)] {
        let mut policy = policy();
        policy.rollback.shadow = shadow;
        let expected = is_stopped.then_some(Interlock::Shadow {
            seen: 2,
            of: shadow,
        });
        let found = brakes(&policy, &fine(&past, &deployment));
        assert_eq!(found, Vec::from_iter(expected), "{shadow}");
    }
}

#[test]
fn all_that_must_be_lifted_is_told_at_once() {
    let past = past(&[MINUTE]);
    let deployment = deployment("d0");
    let mut policy = policy();
    policy.rollback.shadow = 2;
    policy.rollback.budget = Some(Budget {
        times: 1,
        span: HOUR,
    });
    let seen = Seen {
        frozen: Some("the file /run/freeze exists".to_owned()),
        journal: Err("the disk is full".to_owned()),
        verifier: Verifier {
            unknown_share: 1.0,
            lag: MINUTE,
            clock_jump: MINUTE,
        },
        watched: Duration::ZERO,
        samples: 0,
        guards: vec![
            GuardAnswer {
                name: "schema".to_owned(),
                held: Err("it was `41` and is `42`".to_owned()),
                because: Some("migrations go one way".to_owned()),
            },
            GuardAnswer {
                name: "other".to_owned(),
                held: Ok(()),
                because: None,
            },
        ],
        ..fine(&past, &deployment)
    };
    let lines: Vec<String> = brakes(&policy, &seen)
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        "journal: without one there is no automatic rollback: the disk is full",
        "freeze: the file /run/freeze exists",
        "already_rolled_back: d0 was rolled back before, and once is all it gets",
        "cooldown: the last rollback of this service was 1m ago, and 10m must pass",
        "budget: 1 of 1 rollback in 1h is used",
        "evidence: watched for 0s, and 1m is the least",
        "evidence: 0 samples, and 10 are the least",
        "verifier: 100% of the samples say nothing, and 20% are the most",
        "verifier: one probe in a hundred starts 1m late or more, and 1s is the most",
        "verifier: our clock was set by 1m while we watched, and 5s is the most",
        "guard: schema: it was `41` and is `42` (migrations go one way)",
        "shadow: 1 of the first 2 deployments was watched to the end, and none of these is rolled back",
    ];
    assert_eq!(lines, expected);
}

/// One of each.
fn all() -> Vec<Interlock> {
    let text = || "x".to_owned();
    vec![
        Interlock::NotArmed,
        Interlock::Forbidden,
        Interlock::DryRun,
        Interlock::Policy,
        Interlock::Rule {
            check: text(),
            because: None,
        },
        Interlock::Superseded,
        Interlock::Cooldown {
            ago: MINUTE,
            cooldown: HOUR,
        },
        Interlock::Budget {
            used: 3,
            budget: Budget {
                times: 2,
                span: HOUR,
            },
        },
        Interlock::AlreadyRolledBack { deployment: text() },
        Interlock::IsRollback { deployment: text() },
        Interlock::Ledger { revision: text() },
        Interlock::Freeze { by: text() },
        Interlock::Verifier(Ailment::Unknown {
            share: f64::NAN,
            most: 0.2,
        }),
        Interlock::Evidence(Lack::Samples {
            samples: 1,
            least: 10,
        }),
        Interlock::Guard {
            name: text(),
            why: text(),
            because: None,
        },
        Interlock::Shadow { seen: 0, of: 1 },
        Interlock::Journal { why: text() },
        Interlock::Lease {
            by: "process 12 on web-1".to_owned(),
            left: MINUTE,
        },
    ]
}

#[test]
fn every_interlock_has_its_name_and_one_line() {
    let names: Vec<_> = all().iter().map(Interlock::name).collect();
    assert_eq!(names, Interlock::NAMES);
    for interlock in all() {
        let line = interlock.to_string();
        assert!(!line.is_empty() && !line.contains('\n'), "{line}");
        assert!(!line.ends_with('.'), "{line}");
    }
    let lines: Vec<String> = all().iter().map(ToString::to_string).collect();
    for line in [
        "superseded: another deployment has taken over",
        "budget: 3 of 2 rollbacks in 1h are used",
        "is_rollback: x is itself a rollback of ours",
        "ledger: x was judged bad here as well",
        "verifier: how many samples say nothing is not known",
        "evidence: 1 sample, and 10 are the least",
        "shadow: 0 of the first 1 deployment were watched to the end, and none of these is rolled back",
        "lease: process 12 on web-1 acts on this service, for 1m more at least",
    ] {
        assert!(lines.iter().any(|one| one == line), "{line}\n{lines:#?}");
    }
}

#[test]
fn all_but_a_deployment_that_has_taken_over_can_be_overridden() {
    let refused: Vec<_> = all()
        .into_iter()
        .filter(|one| !one.can_be_overridden())
        .collect();
    assert_eq!(refused, [Interlock::Superseded]);
    let names: Vec<_> = Interlock::overridable().collect();
    assert_eq!(names.len(), Interlock::NAMES.len() - 1);
    assert!(!names.contains(&"superseded"));
}
