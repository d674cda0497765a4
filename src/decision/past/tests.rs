//! What is read out of a journal: tables of entries and what they come to, and laws.

use std::time::Duration;

use proptest::prelude::*;

use super::{Past, Unfinished};
use crate::clock::WallTime;
use crate::deployment::{
    Actuator, Answer, Call, Deployment, Images, Revision, RollbackOutcome, RollbackPlan, Software,
    StartedRollback, Wanted,
};
use crate::event::{Action, Verdict};
use crate::journal::{Entry, Judged, Kept, Observation};

fn at(seconds: u64) -> WallTime {
    WallTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// Entries a second apart, each with its window.
fn journal(entries: impl IntoIterator<Item = (&'static str, Entry)>) -> Vec<Kept> {
    let numbered = (1_u64..).zip(entries);
    numbered
        .map(|(number, (window, entry))| Kept {
            number,
            at: at(number),
            window: window.to_owned(),
            entry,
        })
        .collect()
}

fn of(entries: impl IntoIterator<Item = (&'static str, Entry)>) -> Past {
    Past::of(&journal(entries))
}

fn software(revision: u32, digest: &str) -> Software {
    let known = (!digest.is_empty()).then(|| ("web".to_owned(), digest.to_owned()));
    Software {
        revision: Revision {
            id: format!("definition/api:{revision}"),
            label: format!("api:{revision}"),
        },
        images: known.into_iter().collect(),
    }
}

fn deployment(id: &str) -> Deployment {
    Deployment {
        id: id.to_owned(),
        service: "api".to_owned(),
        revision: software(42, "").revision,
        previous: Some(software(41, "").revision),
        created: None,
        images: Images::new(),
        service_revision: None,
    }
}

fn plan(id: &str) -> RollbackPlan {
    RollbackPlan {
        deployment: deployment(id),
        target: software(41, "").revision,
        actuator: Actuator::UpdateService,
        images: Images::new(),
        handle: None,
        expected: None,
        not_restored: Vec::new(),
        caveats: Vec::new(),
        wanted: Wanted::default(),
    }
}

fn opened(id: &str) -> Entry {
    Entry::Opened {
        service: "api".into(),
        deployment: deployment(id),
        guards: vec![observation("1")],
    }
}

fn ordered(id: &str) -> Entry {
    Entry::Ordered {
        service: "api".into(),
        deployment: deployment(id),
        reason: None,
        overridden: Vec::new(),
    }
}

fn decided(action: Action) -> Entry {
    Entry::Decided {
        action,
        because: Vec::new(),
        judged: Judged::default(),
    }
}

fn observation(answer: &str) -> Observation {
    Observation {
        guard: "schema".to_owned(),
        answer: answer.to_owned(),
    }
}

fn intended(id: &str) -> Entry {
    Entry::Intended { plan: plan(id) }
}

fn call(operation: &str) -> Call {
    Call {
        operation: operation.to_owned(),
        subject: "api".to_owned(),
        argument: None,
    }
}

fn calling(operation: &str) -> Entry {
    Entry::Calling {
        call: call(operation),
    }
}

fn answered(operation: &str, answer: Answer) -> Entry {
    Entry::Answered {
        call: call(operation),
        answer,
    }
}

fn accepted(operation: &str) -> Entry {
    answered(operation, Answer::Accepted { request: None })
}

fn refused(operation: &str) -> Entry {
    let code = "ConflictException".to_owned();
    answered(
        operation,
        Answer::Refused {
            request: None,
            code,
        },
    )
}

fn unclear(operation: &str) -> Entry {
    let why = "reset".to_owned();
    answered(operation, Answer::Unclear { why })
}

fn carried(id: &str, carrier: &str) -> Entry {
    Entry::Carried {
        started: StartedRollback {
            plan: plan(id),
            carrier: carrier.to_owned(),
        },
    }
}

fn ended(outcome: RollbackOutcome) -> Entry {
    Entry::Ended {
        outcome,
        because: "because".to_owned(),
    }
}

fn closed() -> Entry {
    Entry::Closed {
        verdict: Verdict::Fail,
    }
}

fn judged(revision: u32, digest: &str, good: bool) -> Entry {
    Entry::Ledger {
        software: software(revision, digest),
        good,
        guards: vec![observation(digest)],
    }
}

const UPDATE: &str = "UpdateService";
const REGISTER: &str = "RegisterTaskDefinition";

#[test]
fn a_rollback_counts_unless_it_was_certainly_not_done() {
    let verified = RollbackOutcome::RolledBackVerified;
    let cases: Vec<(Vec<Entry>, Option<u64>, &str)> = vec![
        (vec![intended("d")], None, "meant, and never sent"),
        (vec![calling(UPDATE)], Some(2), "sent by a run that died"),
        (vec![calling(UPDATE), refused(UPDATE)], None, "refused"),
        (vec![calling(UPDATE), unclear(UPDATE)], Some(3), "unclear"),
        (vec![calling(UPDATE), accepted(UPDATE)], Some(3), "accepted"),
        (vec![accepted(UPDATE)], Some(2), "answered, whoever sent it"),
        (vec![carried("d", "c")], Some(2), "seen to go on"),
        (
            vec![calling(UPDATE), refused(UPDATE), calling(UPDATE)],
            Some(4),
            "refused, and sent again",
        ),
        (
            vec![calling(UPDATE), calling(UPDATE), refused(UPDATE)],
            Some(3),
            "sent again after a death, and the second was refused",
        ),
        (
            vec![calling(REGISTER), accepted(REGISTER)],
            None,
            "only prepared",
        ),
        (
            vec![accepted(REGISTER), calling(UPDATE), refused(UPDATE)],
            None,
            "prepared, and refused",
        ),
        (
            vec![ended(RollbackOutcome::RolledBackByEcs)],
            None,
            "not by us",
        ),
        (vec![ended(RollbackOutcome::DryRun)], None, "a rehearsal"),
        (
            vec![
                accepted(UPDATE),
                carried("d", "c"),
                ended(verified),
                closed(),
            ],
            Some(3),
            "the whole way",
        ),
    ];
    for (entries, expected, why) in cases {
        let entries = std::iter::once(opened("d")).chain(entries);
        let past = of(entries.map(|entry| ("w", entry)));
        let found: Vec<WallTime> = past.rollbacks().iter().map(|one| one.at).collect();
        let expected: Vec<WallTime> = expected.map(at).into_iter().collect();
        assert_eq!(found, expected, "{why}");
        assert_eq!(past.has_rolled_back("d"), !expected.is_empty(), "{why}");
        assert_eq!(past.last_rollback(), expected.first().copied(), "{why}");
        assert!(!past.has_rolled_back("another"), "{why}");
    }
}

#[test]
fn rollbacks_are_counted_by_time_and_know_their_carriers() {
    let past = of([
        ("a", opened("d1")),
        ("a", accepted(UPDATE)),
        ("a", carried("d1", "d2")),
        ("a", ended(RollbackOutcome::RolledBackVerified)),
        ("a", closed()),
        ("b", opened("d3")),
        ("b", calling("StopServiceDeployment")),
        ("b", carried("d3", "d3")),
    ]);
    assert_eq!(past.last_rollback(), Some(at(8)));
    for (since, expected) in [(0, 2), (3, 2), (4, 1), (8, 1), (9, 0)] {
        assert_eq!(past.rollbacks_since(at(since)), expected, "{since}");
    }
    for (deployment, expected, why) in [
        ("d2", true, "the platform made it for our rollback"),
        ("d3", false, "it was stopped, and carries its own rollback"),
        ("d1", false, "it was undone"),
    ] {
        assert_eq!(past.is_carrier(deployment), expected, "{why}");
    }
    let outcomes: Vec<_> = past.rollbacks().iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, [Some(RollbackOutcome::RolledBackVerified), None]);
}

#[test]
fn the_last_word_about_software_counts() {
    const GOOD: bool = true;
    const BAD: bool = false;
    type Lines = &'static [(u32, &'static str, bool)];
    type Names = &'static [(u32, &'static str)];
    let cases: &[(Lines, Names, Names, &str)] = &[
        (&[], &[], &[], "nothing is known"),
        (
            &[(1, "", GOOD), (2, "", BAD), (3, "", GOOD)],
            &[(3, ""), (1, "")],
            &[(2, "")],
            "the newest first",
        ),
        (&[(1, "", GOOD), (1, "", BAD)], &[], &[(1, "")], "bad later"),
        (
            &[(1, "", BAD), (1, "", GOOD)],
            &[(1, "")],
            &[],
            "good later",
        ),
        (
            &[(1, "", GOOD), (2, "", GOOD), (1, "", GOOD)],
            &[(1, ""), (2, "")],
            &[],
            "again, so it is the newest",
        ),
        (
            &[(1, "x", GOOD), (1, "y", BAD)],
            &[(1, "x")],
            &[(1, "y")],
            "one revision, two images",
        ),
        (
            &[(1, "x", GOOD), (1, "y", GOOD), (1, "", BAD)],
            &[],
            &[(1, "")],
            "which image was bad is not known, so none is good",
        ),
        (
            &[(1, "", BAD), (1, "x", GOOD)],
            &[(1, "x")],
            &[],
            "it may have been this one",
        ),
    ];
    for (lines, goods, bads, why) in cases {
        let lines = lines.iter();
        let past = of(lines.map(|&(revision, digest, good)| ("w", judged(revision, digest, good))));
        let named = |names: &[(u32, &str)]| -> Vec<Software> {
            let names = names.iter();
            names
                .map(|(revision, digest)| software(*revision, digest))
                .collect()
        };
        assert_eq!(past.good(), named(goods), "{why}");
        assert_eq!(past.bad(), named(bads), "{why}");
    }
}

#[test]
fn guards_are_remembered_of_what_was_good() {
    let past = of([
        ("a", judged(1, "x", true)),
        ("b", judged(1, "y", true)),
        ("c", judged(2, "z", false)),
    ]);
    let cases: [(u32, &str, Option<&str>); 5] = [
        (1, "x", Some("x")),
        (1, "y", Some("y")),
        (1, "", Some("y")),
        (1, "other", None),
        (2, "z", None),
    ];
    for (revision, digest, expected) in cases {
        let expected = expected.map(|answer| vec![observation(answer)]);
        let found = past.guards_of(&software(revision, digest));
        assert_eq!(found, expected.as_deref(), "{revision} {digest}");
    }
}

#[test]
fn deployments_that_were_watched_to_the_end_are_counted_once() {
    let past = of([
        ("a", opened("d1")),
        ("a", decided(Action::Accept)),
        ("a", closed()),
        ("b", opened("d1")),
        ("b", decided(Action::Accept)),
        ("b", closed()),
        ("c", opened("d2")),
        ("c", decided(Action::RollBack)),
        ("c", closed()),
        ("d", opened("d3")),
        ("d", Entry::Left),
        // Closed by the next run, because its own had died.
        ("e", opened("d4")),
        ("e", closed()),
        ("f", ordered("d5")),
        ("f", closed()),
    ]);
    assert_eq!(past.deployments_seen(), 2);
}

#[test]
fn a_rollback_is_gone_on_with_when_it_may_have_begun_or_was_about_to() {
    let (meant, stopped) = (intended("d"), Entry::Stopped { interlocks: vec![] });
    let patience = Duration::from_secs(60);
    let cases = [
        (vec![opened("d")], false, "a bake"),
        (
            vec![opened("d"), decided(Action::RollBack)],
            false,
            "only decided: no brake was asked",
        ),
        (
            vec![opened("d"), meant.clone()],
            true,
            "every brake let it pass",
        ),
        (
            vec![opened("d"), decided(Action::RollBack), stopped.clone()],
            false,
            "a brake held",
        ),
        (
            vec![opened("d"), meant.clone(), stopped.clone()],
            false,
            "a brake held to the last",
        ),
        (
            vec![opened("d"), meant.clone(), calling(UPDATE), stopped],
            true,
            "it may have begun all the same",
        ),
        (
            vec![
                opened("d"),
                meant.clone(),
                calling(UPDATE),
                refused(UPDATE),
                ended(RollbackOutcome::Failed),
            ],
            false,
            "it was refused, and that was its end",
        ),
        (
            vec![opened("d"), meant.clone(), calling(REGISTER), Entry::Left],
            true,
            "about to, though prepared alone",
        ),
        (
            vec![ordered("d"), meant.clone()],
            false,
            "ordered by hand and not begun",
        ),
        (
            vec![ordered("d"), meant, calling(UPDATE)],
            true,
            "ordered by hand and begun",
        ),
    ];
    for (entries, expected, why) in cases {
        let last = u64::try_from(entries.len()).unwrap();
        let begun = entries.iter().any(|one| *one == calling(UPDATE));
        let past = of(entries.into_iter().map(|entry| ("w", entry)));
        let left = past.unfinished().expect(why);
        assert_eq!(
            left.has_rollback(at(last + 60), patience),
            expected,
            "{why}"
        );
        let is_old = left.has_rollback(at(last + 61), patience);
        assert_eq!(is_old, expected && begun, "{why}, long ago");
    }
}

#[test]
fn a_window_that_acts_after_somebody_closed_it_is_open_again() {
    let past = of([
        ("w", opened("d")),
        ("w", closed()),
        ("w", intended("d")),
        ("w", calling(UPDATE)),
    ]);
    assert!(past.unfinished().is_some_and(Unfinished::has_acted));
}

#[test]
fn a_window_without_a_beginning_is_known_by_the_rollback_that_was_meant() {
    let past = of([("w", intended("d")), ("w", calling(UPDATE))]);
    let left = past.unfinished().expect("something was sent");
    assert_eq!((left.deployment.id.as_str(), left.opened), ("d", at(1)));
}

#[test]
fn a_window_is_unfinished_until_it_is_closed() {
    let verdict = Judged {
        verdict: Some(Verdict::Fail),
        checks: Vec::new(),
    };
    let decided = Entry::Decided {
        action: Action::RollBack,
        because: vec!["web: error_rate".to_owned()],
        judged: verdict.clone(),
    };
    let whole = Unfinished {
        window: "w".to_owned(),
        opened: at(1),
        service: "api".into(),
        deployment: deployment("d"),
        by_hand: false,
        guards: vec![observation("1")],
        decided: Some((
            Action::RollBack,
            vec!["web: error_rate".to_owned()],
            verdict,
        )),
        plan: Some(plan("d")),
        sent: vec![call(UPDATE)],
        carried: Some(StartedRollback {
            plan: plan("d"),
            carrier: "c".to_owned(),
        }),
        restored: true,
        ended: Some((RollbackOutcome::Timeout, "because".to_owned())),
        stopped: false,
        touched: at(8),
        earlier: Vec::new(),
    };
    let entries = [
        opened("d"),
        decided,
        intended("d"),
        calling(UPDATE),
        carried("d", "c"),
        Entry::Restored,
        ended(RollbackOutcome::Timeout),
        Entry::Left,
    ];
    let entries = entries.map(|entry| ("w", entry));
    assert_eq!(of(entries.clone()).unfinished(), Some(&whole));
    let closed = entries.into_iter().chain([("w", closed())]);
    assert_eq!(of(closed).unfinished(), None);
    assert_eq!(
        of([("w", calling(UPDATE))]).unfinished(),
        None,
        "no beginning"
    );
}

#[test]
fn a_newer_window_goes_on_where_an_older_one_of_the_same_deployment_was_left() {
    let past = of([
        ("a", opened("d1")),
        ("b", opened("d2")),
        ("b", intended("d2")),
        ("b", calling(UPDATE)),
        ("c", opened("d2")),
        ("c", calling("StopServiceDeployment")),
        ("d", opened("d2")),
        ("d", closed()),
    ]);
    let windows: Vec<_> = past
        .all_unfinished()
        .iter()
        .map(|one| &*one.window)
        .collect();
    assert_eq!(windows, ["c", "a"]);
    let newest = past.unfinished().unwrap();
    assert_eq!(newest.earlier, ["b"], "they are closed together");
    assert_eq!(newest.sent, [call(UPDATE), call("StopServiceDeployment")]);
    assert_eq!(newest.plan, Some(plan("d2")));
}

/// Any entry of a window over deployment `id`.
fn any_entry(id: &'static str) -> impl Strategy<Value = Entry> {
    prop_oneof![
        Just(opened(id)),
        Just(intended(id)),
        Just(calling(UPDATE)),
        Just(calling(REGISTER)),
        Just(accepted(UPDATE)),
        Just(refused(UPDATE)),
        Just(unclear(UPDATE)),
        Just(carried(id, "c")),
        Just(ended(RollbackOutcome::Failed)),
        Just(closed()),
        Just(Entry::Left),
    ]
}

fn any_window(id: &'static str) -> impl Strategy<Value = Vec<(&'static str, Entry)>> {
    let entries = prop::collection::vec(any_entry(id), 0..8);
    entries.prop_map(move |entries| entries.into_iter().map(|entry| (id, entry)).collect())
}

fn any_judgement() -> impl Strategy<Value = Entry> {
    (
        1_u32..4,
        prop::sample::select(vec!["", "x", "y"]),
        any::<bool>(),
    )
        .prop_map(|(revision, digest, good)| judged(revision, digest, good))
}

proptest! {
    #[test]
    fn how_the_entries_of_two_windows_lie_between_each_other_changes_nothing(
        first in any_window("d1"),
        second in any_window("d2"),
        turns in prop::collection::vec(any::<bool>(), 16),
    ) {
        let (mut a, mut b) = (first.iter().peekable(), second.iter().peekable());
        let mut mixed = Vec::new();
        for is_first in turns {
            mixed.extend(if is_first { a.next() } else { b.next() });
        }
        mixed.extend(a.chain(b));
        // All at one time, so that only the order differs.
        let read = |entries: Vec<(&'static str, Entry)>| {
            let mut kept = journal(entries);
            kept.iter_mut().for_each(|one| one.at = at(1));
            let past = Past::of(&kept);
            let mut rollbacks = past.rollbacks.clone();
            rollbacks.sort_by(|a, b| a.window.cmp(&b.window));
            let mut unfinished = past.unfinished.clone();
            unfinished.sort_by(|a, b| a.window.cmp(&b.window));
            (rollbacks, unfinished, past.finished)
        };
        let apart = first.iter().chain(&second).cloned().collect();
        prop_assert_eq!(read(mixed.into_iter().cloned().collect()), read(apart));
    }

    #[test]
    fn nothing_is_good_and_bad(
        judgements in prop::collection::vec(any_judgement(), 0..12),
    ) {
        let past = of(judgements.iter().map(|one| ("w", one.clone())));
        for good in past.good() {
            for bad in past.bad() {
                prop_assert!(!good.may_be(&bad), "{good:?} {bad:?}");
            }
        }
        if let Some(Entry::Ledger { software, good, .. }) = judgements.last() {
            let list = if *good { past.good() } else { past.bad() };
            prop_assert_eq!(list.first(), Some(software));
        }
    }

    #[test]
    fn the_past_grows_only_by_what_is_written(
        entries in prop::collection::vec(any_window("d1"), 1..3),
        more in any_window("d2"),
    ) {
        let entries: Vec<_> = entries.concat();
        let before = of(entries.clone());
        let after = of(entries.into_iter().chain(more));
        prop_assert_eq!(before.has_rolled_back("d1"), after.has_rolled_back("d1"));
        prop_assert!(after.deployments_seen() >= before.deployments_seen());
    }
}
