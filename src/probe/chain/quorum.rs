//! What independent endpoints agree on: the head of most of them, and whether a node's blocks are
//! theirs. Pure; fed by [`super::references`].
//!
//! One reference proves nothing: it may lag, lie, or be ahead on a branch that nobody else has. So
//! [`FEWEST`] must agree before anything is said of a node, and of those that agree the lowest head
//! counts.

use std::collections::BTreeMap;

use super::head::Head;

/// What one reference said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Testimony {
    /// Host and port of who said it.
    pub place: String,
    /// Its newest block.
    pub head: Head,
    /// The height just below both its head and the node's, and the hash of its block there.
    pub below: Option<(u64, String)>,
    /// Its newest final block, where that was asked.
    pub finalized: Option<u64>,
}

/// What the references said that could be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Council {
    /// What each said.
    pub testimonies: Vec<Testimony>,
    /// The node's own hashes at the heights of which the references gave theirs.
    pub own: BTreeMap<u64, String>,
}

/// How a node's blocks stand beside those of the references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Branch {
    /// Nothing was compared, or nobody disagrees.
    Shared,
    /// At least two references have another block, and none has the node's.
    Other {
        /// The lowest height at which they differ.
        height: u64,
        /// How many have another block.
        against: usize,
    },
    /// Some have another block; it is not known who is right.
    Disputed {
        /// Who has another block.
        by: Vec<String>,
    },
}

impl Council {
    /// The head that the references stand at: the lowest of the largest group whose heights are no
    /// more than `width` apart; nothing where no [`FEWEST`] agree so far. Of two groups as large the
    /// higher one counts: its blocks do exist.
    #[must_use]
    pub fn tip(&self, width: u64) -> Option<Head> {
        let mut heads: Vec<Head> = self.testimonies.iter().map(|it| it.head).collect();
        heads.sort_by_key(|head| head.height);
        let groups = heads.iter().enumerate().map(|(at, lowest)| {
            let within = |head: &&Head| head.height - lowest.height <= width;
            (heads[at..].iter().take_while(within).count(), lowest)
        });
        let (size, lowest) = groups.max_by_key(|(size, lowest)| (*size, lowest.height))?;
        (size >= FEWEST).then_some(*lowest)
    }

    /// The heights at which the references gave a hash, each once.
    #[must_use]
    pub fn heights(&self) -> Vec<u64> {
        let below = self.testimonies.iter().filter_map(|it| it.below.as_ref());
        let mut heights: Vec<u64> = below.map(|(height, _)| *height).collect();
        heights.sort_unstable();
        heights.dedup();
        heights
    }

    /// Compares the node's blocks with those of the references.
    #[must_use]
    pub fn branch(&self) -> Branch {
        let mut alike = 0_usize;
        let mut differ = Vec::new();
        for testimony in &self.testimonies {
            let Some((height, hash)) = &testimony.below else {
                continue;
            };
            match self.own.get(height) {
                Some(own) if own.eq_ignore_ascii_case(hash) => alike += 1,
                Some(_) => differ.push((*height, testimony.place.clone())),
                None => {}
            }
        }
        let Some(height) = differ.iter().map(|(height, _)| *height).min() else {
            return Branch::Shared;
        };
        if alike == 0 && differ.len() >= FEWEST {
            return Branch::Other {
                height,
                against: differ.len(),
            };
        }
        Branch::Disputed {
            by: differ.into_iter().map(|(_, place)| place).collect(),
        }
    }

    /// How many of the references have their final block further behind their head than `most`
    /// allows, and how many said where it is.
    #[must_use]
    pub fn finality(&self, breaks: impl Fn(u64) -> bool) -> (usize, usize) {
        let lags = self.testimonies.iter().filter_map(|it| {
            let finalized = it.finalized?;
            Some(it.head.height.saturating_sub(finalized))
        });
        let lags: Vec<u64> = lags.collect();
        (lags.iter().filter(|lag| breaks(**lag)).count(), lags.len())
    }
}

/// So many references must agree before anything is said of a node.
pub const FEWEST: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(height: u64) -> Testimony {
        Testimony {
            place: format!("reference-{height}"),
            head: Head::dated(height, 1_000).unwrap(),
            below: None,
            finalized: None,
        }
    }

    fn council(heights: &[u64]) -> Council {
        Council {
            testimonies: heights.iter().copied().map(said).collect(),
            ..Council::default()
        }
    }

    #[test]
    fn the_lowest_of_the_largest_group_is_the_tip() {
        // heights, width, tip, why
        let cases: [(&[u64], u64, Option<u64>, &str); 11] = [
            (&[], 2, None, "nobody was asked"),
            (&[100], 2, None, "one proves nothing"),
            (&[100, 100], 2, Some(100), "two agree"),
            (&[102, 100], 2, Some(100), "the lowest of those that agree"),
            (&[103, 100], 2, None, "two that do not agree"),
            (
                &[100, 101, 5_000],
                2,
                Some(100),
                "one far ahead does not count",
            ),
            (
                &[7, 100, 101],
                2,
                Some(100),
                "one far behind does not count",
            ),
            (&[100, 101, 102, 7], 2, Some(100), "a group of three"),
            (
                &[7, 8, 100, 101],
                2,
                Some(100),
                "of equal groups the higher",
            ),
            (&[100, 101, 102, 103], 2, Some(101), "a chain of neighbours"),
            (&[u64::MAX, 0, u64::MAX], 10, Some(u64::MAX), "no overflow"),
        ];
        for (heights, width, tip, why) in cases {
            let found = council(heights).tip(width).map(|head| head.height);
            assert_eq!(found, tip, "{why}");
        }
    }

    fn branch(own: &[(u64, &str)], theirs: &[(u64, &str)]) -> Branch {
        let mut council = council(&[]);
        council.own = own
            .iter()
            .map(|(at, hash)| (*at, (*hash).to_owned()))
            .collect();
        council.testimonies = theirs
            .iter()
            .enumerate()
            .map(|(index, (height, hash))| Testimony {
                place: format!("r{index}"),
                below: Some((*height, (*hash).to_owned())),
                ..said(*height + 1)
            })
            .collect();
        council.branch()
    }

    #[test]
    fn a_node_is_on_another_branch_only_where_nobody_has_its_block() {
        let own = [(99, "0xAB"), (98, "0x98")];
        let other = |height, against| Branch::Other { height, against };
        let disputed = |by: &[&str]| Branch::Disputed {
            by: by.iter().map(|it| (*it).to_owned()).collect(),
        };
        let cases: [(&[(u64, &str)], Branch); 7] = [
            (&[(99, "0xab"), (99, "0xAB")], Branch::Shared),
            (&[(99, "0xcd"), (99, "0xcd")], other(99, 2)),
            (&[(99, "0xcd"), (98, "0xcd")], other(98, 2)),
            (&[(99, "0xcd"), (99, "0xab")], disputed(&["r0"])),
            (&[(99, "0xcd")], disputed(&["r0"])),
            (&[(97, "0xcd"), (97, "0xcd")], Branch::Shared),
            (&[], Branch::Shared),
        ];
        for (theirs, expected) in cases {
            assert_eq!(branch(&own, theirs), expected, "{theirs:?}");
        }
        let mut council = council(&[5, 6]);
        council.testimonies[0].below = Some((4, String::new()));
        council.testimonies[1].below = Some((4, String::new()));
        assert_eq!(council.heights(), [4]);
    }

    #[test]
    fn finality_is_counted_where_it_was_told() {
        let mut council = council(&[100, 100, 100]);
        council.testimonies[0].finalized = Some(20);
        council.testimonies[1].finalized = Some(90);
        assert_eq!(council.finality(|lag| lag > 64), (1, 2));
    }
}
