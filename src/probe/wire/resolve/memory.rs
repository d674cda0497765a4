//! What was learnt about names, for as long as whoever told it allows; and what is being asked.
//!
//! A question that is in flight is not asked twice: whoever comes meanwhile gets its answer, which
//! nobody had when they came. Bounded: what is least of use is forgotten. It asks nobody itself.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use super::answer::{Answer, Question, Told};

/// An answer that will be there.
pub type Awaited = watch::Receiver<Option<Answer>>;

/// What is known of a question.
#[derive(Debug)]
pub enum Lookup {
    /// The answer is known.
    Known(Answer),
    /// It is being asked.
    Coming(Awaited),
}

/// What is to be done for a question.
#[derive(Debug)]
pub enum Next {
    /// Nothing: this is known.
    Look(Lookup),
    /// It must be asked, and the answer told to the sender and to [`Memory::settle`].
    Ask(watch::Sender<Option<Answer>>, Awaited),
    /// Too much is being asked already.
    Full,
}

/// What was learnt, and what is being asked.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    slots: HashMap<Question, Slot>,
    in_flight: usize,
}

#[derive(Debug, Default)]
struct Slot {
    known: Option<Known>,
    asked: Option<Awaited>,
}

#[derive(Debug)]
struct Known {
    asked: Instant,
    until: Instant,
    answer: Answer,
}

impl Known {
    /// Whether it may be repeated to somebody for whom only what was asked since then is of use.
    fn serves(&self, now: Instant, of_use: Option<Instant>) -> bool {
        now < self.until && of_use.is_none_or(|of_use| of_use <= self.asked)
    }
}

impl Memory {
    /// The answer to a question, if it was asked for at `of_use` or later, or is being asked for.
    pub fn look(&self, question: &Question, now: Instant, of_use: Option<Instant>) -> Next {
        let mut held = self.held();
        if let Some(slot) = held.slots.get(question) {
            if let Some(known) = slot.known.as_ref().filter(|it| it.serves(now, of_use)) {
                return Next::Look(Lookup::Known(known.answer.clone()));
            }
            if let Some(asked) = &slot.asked {
                return Next::Look(Lookup::Coming(asked.clone()));
            }
        }
        if held.in_flight >= MOST_IN_FLIGHT {
            return Next::Full;
        }
        held.make_room(now);
        held.in_flight += 1;
        let (sender, awaited) = watch::channel(None);
        let slot = held.slots.entry(question.clone()).or_default();
        slot.asked = Some(awaited.clone());
        Next::Ask(sender, awaited)
    }

    /// Takes in what came of a question that was asked at that moment; nothing where the asking
    /// itself broke. Called once for every [`Next::Ask`].
    pub fn settle(&self, question: &Question, asked: Instant, told: Option<Told>) {
        let mut held = self.held();
        held.in_flight = held.in_flight.saturating_sub(1);
        let Entry::Occupied(mut entry) = held.slots.entry(question.clone()) else {
            return;
        };
        let slot = entry.get_mut();
        slot.asked = None;
        // What nobody could tell now does not make wrong what is still good.
        if let Some(told) = told.filter(Told::is_definite) {
            slot.known = Some(Known {
                asked,
                until: asked + told.lasts,
                answer: told.answer,
            });
        }
        if slot.known.is_none() {
            entry.remove();
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Makes room for one more question: what has run out goes, and where that is not enough,
    /// everything that is known. Asking anew is right at any time.
    fn make_room(&mut self, now: Instant) {
        if self.slots.len() < MOST_HELD {
            return;
        }
        for keeps in [true, false] {
            self.slots.retain(|_, slot| {
                slot.known = slot.known.take().filter(|it| keeps && now < it.until);
                slot.known.is_some() || slot.asked.is_some()
            });
            if self.slots.len() < MOST_HELD / 2 {
                return;
            }
        }
    }
}

/// So many questions are remembered: two for each name, some 200 bytes each.
const MOST_HELD: usize = 16_384;
/// So many are in flight or wait for their turn at the same time. Beyond it our own machine, or its
/// name servers, cannot keep up, and more would only wait until their deadlines.
const MOST_IN_FLIGHT: usize = 8_192;

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::probe::Source;
    use crate::probe::wire::resolve::answer::{Family, Miss};

    fn question(name: &str) -> Question {
        Question {
            source: Source::Usual,
            family: Family::Four,
            name: Arc::from(name),
        }
    }

    fn told(address: [u8; 4], seconds: u64) -> Told {
        Told {
            answer: Ok(Arc::from([IpAddr::from(address)])),
            lasts: Duration::from_secs(seconds),
        }
    }

    /// Asks and settles at once.
    fn learn(memory: &Memory, name: &str, now: Instant, what: Told) {
        assert!(matches!(
            memory.look(&question(name), now, Some(now)),
            Next::Ask(..)
        ));
        memory.settle(&question(name), now, Some(what));
    }

    fn known(memory: &Memory, now: Instant, of_use: Option<Instant>) -> Option<Answer> {
        match memory.look(&question("a"), now, of_use) {
            Next::Look(Lookup::Known(answer)) => Some(answer),
            Next::Ask(..) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_is_repeated_until_its_time_is_over_and_not_to_whoever_came_later() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for (now, of_use, serves) in [
            (at(9), None, true),
            (at(9), Some(start), true),
            (at(10), None, false),
            (at(1), Some(at(1)), false),
            (start, Some(start), true),
        ] {
            let memory = Memory::default();
            learn(&memory, "a", start, told([10, 0, 0, 7], 10));
            assert_eq!(
                known(&memory, now, of_use).is_some(),
                serves,
                "{now:?} {of_use:?}"
            );
        }
    }

    #[test]
    fn what_must_not_be_repeated_is_not() {
        let (memory, now) = (Memory::default(), Instant::now());
        learn(&memory, "a", now, told([10, 0, 0, 7], 0));
        assert_eq!(known(&memory, now, None), None);
    }

    #[test]
    fn one_question_flies_at_a_time_and_all_get_its_answer() {
        let (memory, now) = (Memory::default(), Instant::now());
        let Next::Ask(sender, mine) = memory.look(&question("a"), now, Some(now)) else {
            panic!("nobody has asked");
        };
        let Next::Look(Lookup::Coming(yours)) = memory.look(&question("a"), now, Some(now)) else {
            panic!("it is in flight");
        };
        sender.send_replace(Some(Err(Miss::NoAddress)));
        for answer in [mine, yours] {
            assert_eq!(*answer.borrow(), Some(Err(Miss::NoAddress)));
        }
    }

    #[test]
    fn a_question_that_nobody_could_answer_spoils_nothing_that_is_good() {
        let (memory, start) = (Memory::default(), Instant::now());
        let later = start + Duration::from_secs(1);
        learn(&memory, "a", start, told([10, 0, 0, 7], 10));
        learn(&memory, "a", later, Told::cannot_tell("no answer"));
        assert!(known(&memory, later, None).is_some());
    }

    #[test]
    fn it_is_bounded_and_forgets_nothing_that_is_asked() {
        let (memory, now) = (Memory::default(), Instant::now());
        assert!(matches!(
            memory.look(&question("asked"), now, None),
            Next::Ask(..)
        ));
        for number in 0..2 * MOST_HELD {
            learn(&memory, &number.to_string(), now, told([10, 0, 0, 7], 60));
        }
        assert!(memory.held().slots.len() <= MOST_HELD);
        let asked = memory.look(&question("asked"), now, None);
        assert!(matches!(asked, Next::Look(Lookup::Coming(_))), "{asked:?}");
    }

    #[test]
    fn too_many_questions_at_once_are_refused() {
        let (memory, now) = (Memory::default(), Instant::now());
        for number in 0..MOST_IN_FLIGHT {
            let next = memory.look(&question(&number.to_string()), now, None);
            assert!(matches!(next, Next::Ask(..)));
        }
        assert!(matches!(
            memory.look(&question("one more"), now, None),
            Next::Full
        ));
        memory.settle(&question("0"), now, None);
        assert!(matches!(
            memory.look(&question("one more"), now, None),
            Next::Ask(..)
        ));
    }
}
