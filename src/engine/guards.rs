//! The guards of a policy: asks them, and says which of them hold a rollback back.
//!
//! A guard that cannot be told holds: it was put there by somebody who knows a rollback that does
//! harm. It is asked twice before it counts as such, so that one lost packet does not leave a bad
//! deployment in place. Called by `watch` when a window opens, and before a rollback.

use std::sync::Arc;

use futures_util::future::join_all;

use super::context::Context;
use crate::decision::GuardAnswer;
use crate::journal::Observation;
use crate::plan::GuardPlan;
use crate::probe::attempt;

/// What a guard was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The guard.
    pub guard: Arc<str>,
    /// What it answered, short enough to keep: nothing when it answers nothing that can be
    /// compared; otherwise why it did not answer as expected.
    pub answer: Result<Option<String>, String>,
}

/// Asks all guards at the same time; each has its own deadline for each of two tries.
pub async fn ask(context: &Context, guards: &[GuardPlan]) -> Vec<Asked> {
    join_all(guards.iter().map(|guard| ask_one(context, guard))).await
}

async fn ask_one(context: &Context, guard: &GuardPlan) -> Asked {
    let try_once = || {
        let clock = Arc::clone(&context.clock);
        attempt::observe(&*guard.probe, clock, guard.timeout, guard.resolver.clone())
    };
    let mut answer = try_once().await;
    if answer.is_err() {
        answer = try_once().await;
    }
    Asked {
        guard: Arc::clone(&guard.name),
        answer: answer
            .map(|answer| answer.as_deref().map(short))
            .map_err(|fault| fault.detail),
    }
}

/// What is worth remembering of the answers: those that were given.
#[must_use]
pub fn observations(asked: &[Asked]) -> Vec<Observation> {
    let given = asked.iter().filter_map(|asked| {
        let answer = asked.answer.as_ref().ok()?.clone()?;
        Some(Observation {
            guard: asked.guard.to_string(),
            answer,
        })
    });
    given.collect()
}

/// What the guards say of a rollback.
///
/// `good` are the answers from when the software to return to was last judged good, where that is
/// remembered; `opening` those from when the window opened.
#[must_use]
pub fn answers(
    guards: &[GuardPlan],
    good: Option<&[Observation]>,
    opening: &[Observation],
    now: &[Asked],
) -> Vec<GuardAnswer> {
    let answers = guards.iter().map(|guard| {
        let now = now.iter().find(|asked| asked.guard == guard.name);
        let held = match now.map(|asked| &asked.answer) {
            None => Err("it was not asked".to_owned()),
            Some(Err(why)) => Err(why.clone()),
            Some(Ok(_)) if !guard.unchanged => Ok(()),
            Some(Ok(None)) => Err(NOTHING.to_owned()),
            Some(Ok(Some(answer))) => {
                let known = |list: &[Observation]| of(list, &guard.name);
                let before = good.and_then(known).or_else(|| known(opening));
                unchanged(before.as_deref(), answer)
            }
        };
        GuardAnswer {
            name: guard.name.to_string(),
            held,
            because: guard.because.clone(),
        }
    });
    answers.collect()
}

/// A kind that can be compared may still be asked for nothing in particular.
const NOTHING: &str =
    "it answers nothing that can be compared; say under `expect` what it is about";

fn of(list: &[Observation], guard: &str) -> Option<String> {
    let found = list.iter().find(|one| one.guard == guard)?;
    Some(found.answer.clone())
}

fn unchanged(before: Option<&str>, now: &str) -> Result<(), String> {
    match before {
        Some(before) if before == now => Ok(()),
        Some(before) => Err(format!("it was {before} and is {now}")),
        None => Err(format!("it is {now}, and what it was is not known")),
    }
}

/// An answer on one line that is short enough to be kept and shown; of a longer one, a digest.
fn short(answer: &str) -> String {
    let count = answer.chars().count();
    if count > LONGEST {
        return format!("{count} characters with the digest {:032x}", digest(answer));
    }
    let shown = answer.chars().map(|c| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    });
    shown.collect()
}

/// Longer answers are pages and tables; nobody compares those by eye, and a journal is no place
/// for them.
const LONGEST: usize = 200;

/// FNV-1a over 128 bits, as its authors give it (draft-eastlake-fnv): the same in every version of
/// this program, and no two answers that anybody will meet have the same. It keeps no secret.
fn digest(text: &str) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let step = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(PRIME);
    text.bytes().fold(BASIS, step)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;
    use crate::probe::{Attempt, Probe};
    use crate::sample::Fault;

    struct Idle;

    #[async_trait]
    impl Probe for Idle {
        async fn run(&self, _: &mut Attempt) -> Result<(), Fault> {
            Ok(())
        }
    }

    fn guard(unchanged: bool) -> GuardPlan {
        GuardPlan {
            name: "schema".into(),
            kind: "postgres",
            unchanged,
            because: Some("migrations go one way".to_owned()),
            timeout: Duration::from_secs(1),
            resolver: None,
            probe: Arc::new(Idle),
        }
    }

    fn asked(answer: Result<Option<&str>, &str>) -> Vec<Asked> {
        vec![Asked {
            guard: "schema".into(),
            answer: answer
                .map(|answer| answer.map(str::to_owned))
                .map_err(str::to_owned),
        }]
    }

    fn observed(answer: &str) -> Vec<Observation> {
        let observation = |guard: &str, answer: &str| Observation {
            guard: guard.to_owned(),
            answer: answer.to_owned(),
        };
        vec![observation("another", "x"), observation("schema", answer)]
    }

    #[test]
    fn a_rollback_may_go_while_the_answer_is_what_it_was() {
        let (same, other) = (observed("41"), observed("40"));
        let none: Vec<Observation> = Vec::new();
        let held = |why: &str| Err(why.to_owned());
        let cases = [
            (
                None,
                &same,
                Ok(Some("41")),
                Ok(()),
                "as when the window opened",
            ),
            (
                Some(&same),
                &other,
                Ok(Some("41")),
                Ok(()),
                "what was good counts first",
            ),
            (
                Some(&other),
                &same,
                Ok(Some("41")),
                held("it was 40 and is 41"),
                "it changed since it was good",
            ),
            (
                Some(&none),
                &same,
                Ok(Some("41")),
                Ok(()),
                "it was not asked then",
            ),
            (
                None,
                &none,
                Ok(Some("41")),
                held("it is 41, and what it was is not known"),
                "never asked before",
            ),
            (
                None,
                &same,
                Err("refused"),
                held("refused"),
                "cannot be told",
            ),
            (None, &same, Ok(None), held(NOTHING), "says nothing"),
        ];
        for (good, opening, now, expected, why) in cases {
            let good = good.map(Vec::as_slice);
            let found = answers(&[guard(true)], good, opening, &asked(now));
            assert_eq!(found[0].held, expected, "{why}");
            assert_eq!(found[0].because.as_deref(), Some("migrations go one way"));
        }
    }

    #[test]
    fn a_guard_that_compares_nothing_holds_when_its_expectation_does_not() {
        for (now, expected) in [
            (asked(Ok(None)), Ok(())),
            (asked(Ok(Some("x"))), Ok(())),
            (asked(Err("status 503")), Err("status 503".to_owned())),
            (Vec::new(), Err("it was not asked".to_owned())),
        ] {
            let found = answers(&[guard(false)], None, &[], &now);
            assert_eq!(found[0].held, expected, "{now:?}");
        }
    }

    #[test]
    fn what_was_not_answered_is_not_remembered() {
        assert_eq!(observations(&asked(Ok(Some("41")))), observed("41")[1..]);
        for answer in [Ok(None), Err("refused")] {
            assert_eq!(observations(&asked(answer)), []);
        }
    }

    #[test]
    fn a_long_answer_is_kept_as_its_digest() {
        assert_eq!(short("1 row; v: \"41\""), "1 row; v: \"41\"");
        assert_eq!(short("two\nlines"), "two\\nlines");
        let long = "a".repeat(201);
        let kept = short(&long);
        assert!(
            kept.starts_with("201 characters with the digest "),
            "{kept}"
        );
        assert_eq!(kept, short(&long));
        assert_ne!(kept, short(&("a".repeat(200) + "b")));
        // The test vectors of the draft for the empty text and for "a".
        assert_eq!(digest(""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(digest("a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
