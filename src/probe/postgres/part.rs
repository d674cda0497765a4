//! The statement that asks a server about itself: parts that return one row each, of which only those
//! are asked that a check expects or wants something of.

use crate::sample::Unit;

/// A part of the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// How many clients are connected.
    Connections,
    /// How long transactions have been open.
    Transactions,
    /// Who waits for a lock.
    Locks,
    /// How far replicas are behind.
    Replication,
    /// What the database has counted.
    Counters,
    /// What was deleted and not yet cleaned up.
    Tables,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 6] = [
        Self::Connections,
        Self::Transactions,
        Self::Locks,
        Self::Replication,
        Self::Counters,
        Self::Tables,
    ];

    const fn sql(self) -> &'static str {
        match self {
            Self::Connections => CONNECTIONS,
            Self::Transactions => TRANSACTIONS,
            Self::Locks => LOCKS,
            Self::Replication => REPLICATION,
            Self::Counters => COUNTERS,
            Self::Tables => TABLES,
        }
    }

    /// The names of the figures that it gives.
    pub fn names(self) -> Vec<&'static str> {
        self.figures().iter().map(|(name, _)| *name).collect()
    }

    /// The figures that it gives, with unit.
    pub const fn figures(self) -> &'static [(&'static str, Unit)] {
        match self {
            Self::Connections => &[
                ("connections", Unit::Number),
                ("connections_pct", Unit::Number),
            ],
            Self::Transactions => &[
                ("longest_transaction", Unit::Seconds),
                ("idle_in_transaction", Unit::Number),
            ],
            Self::Locks => &[
                ("locks_waiting", Unit::Number),
                ("longest_lock_wait", Unit::Seconds),
            ],
            Self::Replication => &[
                ("replicas", Unit::Number),
                ("lag", Unit::Seconds),
                ("lag_bytes", Unit::Bytes),
            ],
            Self::Counters => &[
                ("cache_hit_pct", Unit::Number),
                ("deadlocks_per_second", Unit::Number),
                ("rollbacks_per_second", Unit::Number),
            ],
            Self::Tables => &[
                ("dead_tuples", Unit::Number),
                ("dead_tuples_pct", Unit::Number),
            ],
        }
    }
}

/// Who answers, and whether our login sees the sessions of others (the role `pg_read_all_stats`,
/// which `pg_monitor` has).
const SERVER: &str = "select pg_is_in_recovery() as replica, \
     pg_has_role('pg_read_all_stats', 'usage') as sees_all, \
     current_user as asker, \
     pg_postmaster_start_time()::text as started";

/// To a login that may not see it, a session of another has no type; what works for the server
/// itself has no database either.
const CONNECTIONS: &str = "select count(*) filter (where backend_type = 'client backend' \
     or backend_type is null and datid is not null) as connections, \
     current_setting('max_connections')::int as max_connections from pg_stat_activity";

const TRANSACTIONS: &str = "select \
     coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8 as longest_transaction, \
     count(*) filter (where state like 'idle in transaction%') as idle_in_transaction \
     from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()";

/// `waitstart` is there since version 14; as JSON, its absence is a NULL and no error.
const LOCKS: &str = "select count(distinct pid) as locks_waiting, \
     coalesce(max(extract(epoch from clock_timestamp() - (to_jsonb(l) ->> 'waitstart')::timestamptz)), 0)::float8 \
     as longest_lock_wait from pg_locks l where not granted";

/// A backup that is being taken streams too, and follows nothing.
const REPLICATION: &str = "select count(*) as replicas, \
     max(case when pg_is_in_recovery() then null \
       else pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) end)::float8 as behind_bytes, \
     max(extract(epoch from replay_lag))::float8 as behind_seconds, \
     min(pg_wal_lsn_diff(replay_lsn, '0/0'))::float8 as behind_position, \
     (select count(*) from pg_stat_wal_receiver) as receivers, \
     pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8 as to_replay, \
     extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 as replayed_age \
     from pg_stat_replication where state is distinct from 'backup'";

const COUNTERS: &str = "select blks_hit, blks_read, deadlocks, xact_rollback, stats_reset::text as reset \
     from pg_stat_database where datname = current_database()";

/// The share is that of the worst table; in a small one it says nothing.
const TABLES: &str = "select coalesce(sum(n_dead_tup), 0)::float8 as dead_tuples, \
     coalesce(max(100.0 * n_dead_tup / nullif(n_live_tup + n_dead_tup, 0)) \
       filter (where n_live_tup + n_dead_tup >= 10000), 0)::float8 as dead_tuples_pct \
     from pg_stat_user_tables";

/// The statement that asks for these parts.
pub fn statement(parts: &[Part]) -> String {
    let mut sql = format!("select * from ({SERVER}) server");
    for (at, part) in parts.iter().enumerate() {
        sql.push_str(&format!(" cross join ({}) part{at}", part.sql()));
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_is_asked() {
        assert!(!statement(&[]).contains("cross join"));
        let sql = statement(&[Part::Locks, Part::Tables]);
        assert!(
            sql.contains("pg_locks") && sql.contains("pg_stat_user_tables"),
            "{sql}"
        );
        assert!(!sql.contains("pg_stat_replication"), "{sql}");
    }
}
