//! How far a chain's final block lies below its head, and that its marks are in order. Pure; called by
//! the kinds whose chains tell what is final.

use super::expectation::Expected;
use super::quorum::{Council, FEWEST};
use super::sighting::Sighting;
use crate::sample::{Fault, Reason, Unit};

/// The heights that a node marks, as far as its chain knows such marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The newest block that cannot be undone.
    pub finalized: Option<u64>,
    /// The newest block that will hardly be undone.
    pub safe: Option<u64>,
    /// The newest block.
    pub latest: u64,
}

/// The reading of it.
pub const READING: (&str, Unit, &str) = (
    "finality_lag",
    Unit::Number,
    "How many blocks the newest final one lies below the head.",
);

impl Marks {
    /// Judges the order of the marks. An address behind which several nodes stand answers once for
    /// one and once for another: what is no more than `width` blocks out of order is a note.
    ///
    /// # Errors
    /// [`Reason::Malformed`]: a node that contradicts itself.
    pub fn ordered(&self, width: u64) -> Result<Option<String>, Fault> {
        let Some(disorder) = self.disorder() else {
            return Ok(None);
        };
        if self.apart() <= width {
            return Ok(Some(format!(
                "{disorder}: several nodes may stand behind this address"
            )));
        }
        let detail = format!(
            "the node contradicts itself: {disorder}; finalized <= safe <= latest must hold"
        );
        Err(Fault::new(Reason::Malformed, detail))
    }

    /// By how many blocks the order is broken at most.
    fn apart(&self) -> u64 {
        let over = |lower: Option<u64>, upper: Option<u64>| {
            lower
                .zip(upper)
                .map_or(0, |(lower, upper)| lower.saturating_sub(upper))
        };
        let latest = Some(self.latest);
        over(self.finalized, self.safe)
            .max(over(self.safe, latest))
            .max(over(self.finalized, latest))
    }

    /// What contradicts `finalized <= safe <= latest`, in words.
    #[must_use]
    pub fn disorder(&self) -> Option<String> {
        let Self {
            finalized,
            safe,
            latest,
        } = *self;
        let above = |lower: Option<u64>, upper: Option<u64>| {
            lower.zip(upper).filter(|(lower, upper)| lower > upper)
        };
        let said = |(low, low_name, high, high_name): (u64, &str, u64, &str)| {
            format!("its {low_name} block {low} is above its {high_name} block {high}")
        };
        above(finalized, safe)
            .map(|(low, high)| (low, "finalized", high, "safe"))
            .or_else(|| above(safe, Some(latest)).map(|(low, high)| (low, "safe", high, "latest")))
            .or_else(|| {
                above(finalized, Some(latest)).map(|(low, high)| (low, "finalized", high, "latest"))
            })
            .map(said)
    }

    /// Notes how far finality lags behind; nothing where the chain does not tell.
    pub fn see(&self, seen: &mut Sighting) {
        if let Some(lag) = self.lag() {
            // A difference of heights: far below 2^53, up to which a float is exact.
            seen.reading(READING.0, lag as f64, READING.1);
        }
    }

    fn lag(&self) -> Option<u64> {
        Some(self.latest.saturating_sub(self.finalized?))
    }

    /// Whether the lag breaks what is expected.
    #[must_use]
    pub fn breaks(&self, expected: &Expected) -> bool {
        let bounds = expected.finality_lag;
        let broken = bounds.zip(self.lag()).and_then(|(b, lag)| b.broken_by(lag));
        broken.is_some()
    }

    /// Judges the lag; where the references' lag breaks the same limit, it is the chain's.
    ///
    /// # Errors
    /// [`Reason::FinalityStalled`], or [`Reason::ChainHalted`]; [`Reason::UnsupportedMethod`] where
    /// something is expected of a chain that does not tell what is final.
    pub fn hold(&self, expected: &Expected, council: Option<&Council>) -> Result<(), Fault> {
        let Some(bounds) = expected.finality_lag else {
            return Ok(());
        };
        let Some(lag) = self.lag() else {
            let detail = "the node does not tell which block is final, and a lag of it is expected";
            return Err(Fault::new(Reason::UnsupportedMethod, detail));
        };
        let Some(limit) = bounds.broken_by(lag) else {
            return Ok(());
        };
        let detail = format!(
            "the newest final block lies {lag} blocks below the head, block {}; expected {limit}",
            self.latest
        );
        let breaks = |lag| bounds.broken_by(lag).is_some();
        match council.map(|council| council.finality(breaks)) {
            Some((broken, told)) if told >= FEWEST && broken == told => {
                let detail = format!("{detail}; the references say the same of theirs");
                Err(Fault::new(Reason::ChainHalted, detail))
            }
            _ => Err(Fault::new(Reason::FinalityStalled, detail)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::chain::expectation::Bounds;
    use crate::probe::chain::head::Head;
    use crate::probe::chain::quorum::Testimony;

    fn marks(finalized: Option<u64>, safe: Option<u64>, latest: u64) -> Marks {
        Marks {
            finalized,
            safe,
            latest,
        }
    }

    #[test]
    fn marks_are_in_order_or_told() {
        let cases = [
            (marks(Some(1), Some(2), 3), None),
            (marks(Some(3), Some(3), 3), None),
            (marks(None, None, 3), None),
            (
                marks(Some(3), Some(2), 3),
                Some("finalized block 3 is above its safe block 2"),
            ),
            (
                marks(Some(1), Some(4), 3),
                Some("safe block 4 is above its latest block 3"),
            ),
            (
                marks(Some(4), None, 3),
                Some("finalized block 4 is above its latest block 3"),
            ),
        ];
        for (marks, says) in cases {
            let said = marks.disorder();
            assert_eq!(said.is_some(), says.is_some(), "{marks:?}");
            assert!(said.unwrap_or_default().contains(says.unwrap_or_default()));
        }
    }

    #[test]
    fn a_little_disorder_is_a_note_and_much_is_the_node_s() {
        // the marks, by how much they may be out of order, whether that is a fault, a note
        let cases = [
            (marks(Some(1), Some(2), 3), 0, false, false),
            (marks(Some(5), Some(4), 4), 0, true, false),
            (marks(Some(5), Some(4), 4), 1, false, true),
            (marks(Some(6), Some(5), 4), 1, true, false),
            (marks(Some(6), None, 4), 2, false, true),
            (marks(Some(u64::MAX), None, 0), 10, true, false),
        ];
        for (marks, width, is_fault, is_note) in cases {
            let judged = marks.ordered(width);
            assert_eq!(judged.is_err(), is_fault, "{marks:?}");
            assert_eq!(matches!(judged, Ok(Some(_))), is_note, "{marks:?}");
        }
    }

    #[test]
    fn a_lag_is_the_node_s_unless_the_references_have_it_too() {
        let expected = Expected {
            finality_lag: Some(Bounds {
                le: Some(100),
                lt: None,
                gt: None,
                ge: None,
            }),
            ..Expected::default()
        };
        let said = |finalized| Testimony {
            place: "r".to_owned(),
            head: Head::undated(1_000),
            below: None,
            finalized,
        };
        let council = |finalized: &[Option<u64>]| Council {
            testimonies: finalized.iter().map(|it| said(*it)).collect(),
            ..Council::default()
        };
        let (stalled, fine) = (Some(500), Some(960));
        // final block of a head at 1000, of the references, the reason
        let cases = [
            (Some(900), vec![], None),
            (Some(899), vec![], Some(Reason::FinalityStalled)),
            (
                Some(500),
                vec![stalled, fine],
                Some(Reason::FinalityStalled),
            ),
            (Some(500), vec![stalled], Some(Reason::FinalityStalled)),
            (
                Some(500),
                vec![stalled, None],
                Some(Reason::FinalityStalled),
            ),
            (Some(500), vec![stalled, stalled], Some(Reason::ChainHalted)),
            (None, vec![], Some(Reason::UnsupportedMethod)),
        ];
        for (finalized, references, reason) in cases {
            let marks = marks(finalized, None, 1_000);
            let held = marks.hold(&expected, Some(&council(&references)));
            assert_eq!(
                held.err().map(|fault| fault.reason),
                reason,
                "{references:?}"
            );
            assert_eq!(marks.hold(&Expected::default(), None), Ok(()));
        }
    }
}
