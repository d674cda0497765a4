//! The kinds of what happened, as they come back from a store.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, PoisonError};

/// More kinds than there will ever be: a store that holds more was not written by us.
const MOST: usize = 256;

/// What was met so far. Kinds come from a closed set, so that each is kept once for as long as the
/// program runs.
static KINDS: LazyLock<Mutex<BTreeSet<&'static str>>> = LazyLock::new(Mutex::default);

/// The kind of that name; nothing where more are met than there can be.
#[must_use]
pub fn kind(name: &str) -> Option<&'static str> {
    let mut kinds = KINDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kinds.get(name) {
        return Some(known);
    }
    if kinds.len() >= MOST {
        return None;
    }
    let kept: &'static str = Box::leak(Box::from(name));
    kinds.insert(kept);
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_the_same_each_time_and_their_number_has_a_bound() {
        let first = kind("check_judged").unwrap();
        assert!(std::ptr::eq(first, kind("check_judged").unwrap()));
        let met = (0..2 * MOST).filter(|number| kind(&format!("kind {number}")).is_some());
        assert!(met.count() < MOST);
        assert_eq!(kind("check_judged"), Some(first));
    }
}
