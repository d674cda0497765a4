//! The text of INFO as fields, and the fields as readings.

use std::collections::BTreeMap;

use super::round_trip;
use crate::expect::{Inquiry, Matcher};
use crate::probe::wire::tls::READINGS;
use crate::probe::{Attempt, Reply, pool};
use crate::sample::Unit;

/// The readings of the kind: those of them that are fields of INFO every run gives, as far as the
/// server reports them.
pub const STANDARD: &[(&str, Unit, &str)] = &[
    ("used_memory", Unit::Bytes, "memory that the data takes"),
    (
        "maxmemory",
        Unit::Bytes,
        "the limit on that memory; 0 is none",
    ),
    (
        "mem_fragmentation_ratio",
        Unit::Number,
        "memory taken from the system per memory used",
    ),
    (
        "connected_clients",
        Unit::Number,
        "clients connected, ourselves included",
    ),
    (
        "blocked_clients",
        Unit::Number,
        "clients waiting in a blocking command",
    ),
    (
        "rejected_connections",
        Unit::Number,
        "connections refused since the start for want of room",
    ),
    (
        "evicted_keys",
        Unit::Number,
        "keys evicted since the start for want of memory",
    ),
    (
        "instantaneous_ops_per_sec",
        Unit::Number,
        "commands a second",
    ),
    ("connected_slaves", Unit::Number, "replicas connected"),
    (
        "master_last_io_seconds_ago",
        Unit::Seconds,
        "on a replica: since it last heard its master",
    ),
    (
        "master_link_down_since_seconds",
        Unit::Seconds,
        "on a replica: since it lost its master",
    ),
    (
        "uptime_in_seconds",
        Unit::Seconds,
        "since the server started",
    ),
    (
        "memory_pct",
        Unit::Number,
        "memory that the data takes, as a percentage of maxmemory",
    ),
    (
        "evictions_per_second",
        Unit::Number,
        "keys evicted a second since the run before",
    ),
    (
        "replicas",
        Unit::Number,
        "replicas that are connected and online",
    ),
    (
        "lag",
        Unit::Seconds,
        "since the other side of the replication was last heard",
    ),
    (
        "lag_bytes",
        Unit::Bytes,
        "what the replica furthest behind has not acknowledged; on a replica, what it has not applied",
    ),
    (
        "master_link_up",
        Unit::Number,
        "on a replica: 1 when it is connected to its primary",
    ),
    (
        "ping_time",
        Unit::Seconds,
        "how long the answer to PING took",
    ),
    round_trip::READINGS[0],
    round_trip::READINGS[1],
    round_trip::READINGS[2],
    READINGS[0],
    READINGS[1],
    READINGS[2],
    READINGS[3],
    pool::REUSED,
];

/// The fields of INFO.
#[derive(Debug, PartialEq)]
pub struct Info(BTreeMap<String, String>);

impl Info {
    /// Reads the lines `name:value`. A value made of parts, `keys=5,expires=0`, also gives a field
    /// for each: `db0.keys`.
    pub fn parse(text: &str) -> Self {
        let mut fields = BTreeMap::new();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let named = lines.filter_map(|line| line.split_once(':'));
        for (name, value) in named.filter(|(name, _)| name.len() <= LONGEST_NAME) {
            if fields.len() >= MOST_FIELDS {
                break;
            }
            let parts = value.split(',').filter_map(|part| part.split_once('='));
            let parts = parts.filter(|(part, _)| part.len() <= LONGEST_NAME);
            for (part, value) in parts.take(MOST_FIELDS - fields.len()) {
                fields.insert(format!("{name}.{part}"), value.to_owned());
            }
            fields.insert(name.to_owned(), value.to_owned());
        }
        Self(fields)
    }

    /// Reports the standard fields and the named ones as readings, as far as they are numbers.
    pub fn record<'a>(&self, attempt: &mut Attempt, named: impl Iterator<Item = &'a String>) {
        for (name, unit, _) in STANDARD {
            self.record_one(attempt, name, *unit);
        }
        for name in named {
            if !STANDARD.iter().any(|(standard, ..)| standard == name) {
                self.record_one(attempt, name, Unit::Number);
            }
        }
    }

    /// The named fields: `role: master; db0.keys: 5`; nothing when none is named, for the others
    /// never stay the same.
    pub fn in_words<'a>(&self, named: impl Iterator<Item = &'a String>) -> Option<String> {
        let field = |name: &String| match self.0.get(name) {
            Some(value) => format!("{name}: {value}"),
            None => format!("no {name}"),
        };
        let fields: Vec<String> = named.map(field).collect();
        (!fields.is_empty()).then(|| fields.join("; "))
    }

    fn record_one(&self, attempt: &mut Attempt, name: &str, unit: Unit) {
        if let Some(number) = self.number(name) {
            attempt.reading(name, number, unit);
        }
    }

    /// What a step of a flow captures from: `{ "info": { "role": "master" } }`, as expectations name
    /// it.
    pub fn reply(&self) -> Reply {
        let document = serde_json::json!({ "info": self.0 });
        Reply::of(document.to_string())
    }

    /// The text of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A field that is a number.
    pub fn number(&self, name: &str) -> Option<f64> {
        let number = self.get(name)?.parse().ok()?;
        f64::is_finite(number).then_some(number)
    }

    /// Asks whether a field is as expected; what is wrong begins with `whose`:
    /// `INFO's role: expected "master", got "slave"`.
    pub fn ask(&self, whose: &str, name: &str, matcher: &Matcher, inquiry: &mut Inquiry) {
        inquiry.ask_for(matcher, |matcher, now| {
            let answer = match self.get(name) {
                Some(value) => matcher.judge_text_at(value, now),
                None => matcher.judge_absent(),
            };
            let mismatch = answer.mismatch()?;
            Some(format!("{whose}{name}: {mismatch}"))
        });
    }
}

/// Longer names are no server's: a name is repeated for each part of its value, so that one of half
/// a megabyte with a hundred thousand parts would take all memory.
const LONGEST_NAME: usize = 128;
/// How many fields are read: with the figures of all its commands a server has some two thousand.
const MOST_FIELDS: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_would_grow_beyond_measure_is_cut() {
        let parts: Vec<String> = (0..100_000).map(|n| format!("{n}=1")).collect();
        let parts = parts.join(",");
        let Info(fields) = Info::parse(&format!("{}:{parts}\r\nrole:master", "n".repeat(500_000)));
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["role"]);
        let Info(fields) = Info::parse(&format!("n:{parts}\r\nrole:master"));
        assert_eq!(fields.len(), MOST_FIELDS + 1);
    }

    #[test]
    fn only_what_is_named_is_compared_with_before() {
        let info = Info::parse("role:master\r\nuptime_in_seconds:5\r\ndb0:keys=5,expires=0\r\n");
        let words = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            info.in_words(names.iter())
        };
        assert_eq!(words(&[]), None);
        let expected = "role: master; db0.keys: 5; no db1";
        assert_eq!(
            words(&["role", "db0.keys", "db1"]),
            Some(expected.to_owned())
        );
    }

    #[test]
    fn fields_are_found_with_their_parts() {
        let text = "# Server\r\nredis_version:7.0.15\r\nloading:0\r\n\r\n# Memory\r\n\
            mem_fragmentation_ratio:12.50\r\nos:Linux 6.1 x86_64\r\nempty:\r\n\
            executable:/usr/bin/a:b\r\ndb0:keys=5,expires=0\r\nno colon\r\n";
        let Info(fields) = Info::parse(text);
        for (name, expected) in [
            ("redis_version", "7.0.15"),
            ("loading", "0"),
            ("mem_fragmentation_ratio", "12.50"),
            ("os", "Linux 6.1 x86_64"),
            ("empty", ""),
            ("executable", "/usr/bin/a:b"),
            ("db0", "keys=5,expires=0"),
            ("db0.keys", "5"),
            ("db0.expires", "0"),
        ] {
            assert_eq!(
                fields.get(name).map(String::as_str),
                Some(expected),
                "{name}"
            );
        }
        assert_eq!(fields.len(), 9);
    }
}
