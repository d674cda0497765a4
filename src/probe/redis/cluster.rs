//! How a node sees its cluster: CLUSTER INFO; and a key that belongs to this very node.

use schemars::JsonSchema;
use serde::Deserialize;

use super::info::Info;
use crate::expect::{Inquiry, Matcher, Undated};

/// How the cluster must be. That its state is `ok`, that every slot has a node and that none of those
/// has failed is always expected.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterExpectation {
    /// How many nodes are known, replicas included.
    #[serde(default)]
    pub nodes: Option<Undated>,
    /// How many primaries serve at least one slot.
    #[serde(default)]
    pub primaries: Option<Undated>,
}

/// The fields of CLUSTER INFO that become readings.
pub const FIELDS: [&str; 6] = [
    "cluster_slots_assigned",
    "cluster_slots_ok",
    "cluster_slots_pfail",
    "cluster_slots_fail",
    "cluster_known_nodes",
    "cluster_size",
];

/// How many slots every cluster has.
const SLOTS: u16 = 16_384;

impl ClusterExpectation {
    /// Asks whether the cluster is as expected.
    pub fn ask(&self, cluster: &Info, inquiry: &mut Inquiry) {
        let (ok, all, none) = (
            Matcher::equal("ok"),
            Matcher::equal(SLOTS),
            Matcher::equal(0),
        );
        let expected = [
            ("cluster_state", Some(&ok)),
            ("cluster_slots_assigned", Some(&all)),
            ("cluster_slots_fail", Some(&none)),
            ("cluster_known_nodes", self.nodes.as_deref()),
            ("cluster_size", self.primaries.as_deref()),
        ];
        for (name, matcher) in expected {
            if let Some(matcher) = matcher {
                cluster.ask("", name, matcher, inquiry);
            }
        }
    }
}

/// The slots that the node which answered CLUSTER NODES serves itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Slots(Vec<(u16, u16)>);

impl Slots {
    /// Reads the line of the node that calls itself `myself`. Slots on the move, in brackets, are
    /// left out.
    pub fn of_myself(nodes: &str) -> Self {
        let flags_of = |line: &str| line.split(' ').nth(FLAGS).map(str::to_owned);
        let myself = nodes.lines().find(|line| {
            flags_of(line).is_some_and(|flags| flags.split(',').any(|flag| flag == "myself"))
        });
        let words = myself
            .into_iter()
            .flat_map(|line| line.split(' ').skip(FIRST_SLOT));
        Self(words.filter_map(range).collect())
    }

    /// Whether it serves this key.
    pub fn has(&self, key: &[u8]) -> bool {
        let slot = crc16(key) % SLOTS;
        self.0
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&slot))
    }
}

/// Where in a line of CLUSTER NODES the flags stand, and where the slots begin.
const FLAGS: usize = 2;
const FIRST_SLOT: usize = 8;

fn range(word: &str) -> Option<(u16, u16)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// CRC-16/XMODEM, by which a key finds its slot (Redis cluster specification, appendix A).
fn crc16(bytes: &[u8]) -> u16 {
    const POLYNOMIAL: u16 = 0x1021;
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(*byte) << 8), |sum, _| {
            if sum & 0x8000 == 0 {
                sum << 1
            } else {
                (sum << 1) ^ POLYNOMIAL
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_well_when_every_slot_has_a_node_that_lives() {
        let cluster = |text: &str| {
            let mut inquiry = Inquiry::default();
            ClusterExpectation::default().ask(&Info::parse(text), &mut inquiry);
            inquiry
                .unmet()
                .map(|unmet| unmet.told())
                .unwrap_or_default()
        };
        let well = "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_fail:0\r\n";
        assert_eq!(cluster(well), "");
        for (ill, told) in [
            (
                "cluster_state:fail\r\ncluster_slots_assigned:16383\r\ncluster_slots_fail:1\r\n",
                r#"cluster_state: expected "ok", got "fail" (2 more not evaluated)"#,
            ),
            (
                "cluster_state:ok\r\ncluster_slots_assigned:16383\r\ncluster_slots_fail:1\r\n",
                r#"cluster_slots_assigned: expected 16384, got "16383" (1 more not evaluated)"#,
            ),
            (
                "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_fail:1\r\n",
                r#"cluster_slots_fail: expected 0, got "1""#,
            ),
        ] {
            assert_eq!(cluster(ill), told);
        }
    }

    #[test]
    fn the_slots_of_a_node_are_in_its_own_line() {
        let nodes = "07c3 127.0.0.1:1@2,host slave e7d1 0 1426 4 connected\n\
            e7d1 127.0.0.1:3@4 myself,master - 0 0 1 connected 0-5460 7000 [93-<-07c3]\n\
            292f 127.0.0.1:5@6 master - 0 1426 3 connected 10923-16383\n";
        let slots = Slots::of_myself(nodes);
        assert_eq!(slots, Slots(vec![(0, 5460), (7000, 7000)]));
        // "foo" has the slot 12182, "hello" 866, as the specification's hash has them.
        assert!(!slots.has(b"foo"));
        assert!(slots.has(b"hello"));
        assert_eq!(Slots::of_myself("garbage"), Slots(Vec::new()));
    }

    #[test]
    fn the_sum_is_that_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }
}
