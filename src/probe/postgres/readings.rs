//! The readings that a check can give by itself, with unit and meaning.

use crate::probe::pool;
use crate::probe::wire::tls;
use crate::sample::Unit;

/// All of them, in the order in which a run reports them.
pub const NAMED: &[(&str, Unit, &str)] = &[
    ("rows", Unit::Number, "how many rows the query returned"),
    (
        "connections",
        Unit::Number,
        "clients connected, ourselves included",
    ),
    (
        "connections_pct",
        Unit::Number,
        "the same as a percentage of max_connections",
    ),
    (
        "longest_transaction",
        Unit::Seconds,
        "how long the oldest transaction of a client is open",
    ),
    (
        "idle_in_transaction",
        Unit::Number,
        "clients that hold a transaction open and do nothing",
    ),
    (
        "locks_waiting",
        Unit::Number,
        "sessions that wait for a lock",
    ),
    (
        "longest_lock_wait",
        Unit::Seconds,
        "how long the one that waits longest has waited",
    ),
    ("replicas", Unit::Number, "replicas that follow this server"),
    (
        "lag",
        Unit::Seconds,
        "how far a replica is behind; on a primary, the one furthest behind",
    ),
    ("lag_bytes", Unit::Bytes, "the same in bytes of the log"),
    (
        "cache_hit_pct",
        Unit::Number,
        "blocks found in memory, of all that were read since the run before",
    ),
    (
        "deadlocks_per_second",
        Unit::Number,
        "deadlocks in this database since the run before",
    ),
    (
        "rollbacks_per_second",
        Unit::Number,
        "transactions rolled back since the run before",
    ),
    (
        "dead_tuples",
        Unit::Number,
        "row versions that are deleted and not cleaned up",
    ),
    (
        "dead_tuples_pct",
        Unit::Number,
        "their share in the worst table of 10,000 rows or more",
    ),
    (
        "migrations_applied",
        Unit::Number,
        "migrations that were applied",
    ),
    ("migrations_failed", Unit::Number, "migrations that failed"),
    (
        "migrations_pending",
        Unit::Number,
        "migrations that were begun and are not finished",
    ),
    tls::READINGS[0],
    tls::READINGS[1],
    tls::READINGS[2],
    tls::READINGS[3],
    pool::REUSED,
];
