//! The server's own figures, as the answer to [`super::part::statement`] has them.
//!
//! What every login may see is told from what `pg_monitor` shows: to another login the server answers
//! NULL for the sessions of others, which would read as "no transaction is open".

use crate::probe::Attempt;
use crate::probe::database::{Answer, Figures, Gain, Gains, Role, Seen, percent};

use super::lag::{self, Replica, Standing};
use super::part::Part;

/// What a check remembers of the runs before, to tell rates and standstill.
#[derive(Debug, Default)]
pub struct Memory {
    counters: Gains<4>,
    standing: Standing,
}

/// What the server told of itself.
#[derive(Debug)]
pub struct Measures {
    /// Its part; absent where the server does not let us ask.
    pub role: Option<Role>,
    /// The figures that were asked for.
    pub figures: Figures,
    /// What would let our login see what it does not.
    pub grant: String,
}

impl Measures {
    /// Reads the answer to the statement of these parts; nothing where it is not that.
    pub fn read(
        answer: &Answer,
        parts: &[Part],
        memory: &Memory,
        attempt: &mut Attempt,
    ) -> Option<Self> {
        let told = Told {
            sees_all: answer.truth("sees_all")?,
            role: if answer.truth("replica")? {
                Role::Replica
            } else {
                Role::Primary
            },
            started: answer.text("started").unwrap_or_default(),
            answer,
            memory,
        };
        let mut figures = Figures::default();
        for part in parts {
            figures.extend(told.of(*part, attempt));
        }
        Some(Self {
            role: Some(told.role),
            figures,
            grant: grant(answer.text("asker").unwrap_or_default()),
        })
    }

    /// That none of these parts may be seen, because the server refuses even to look.
    pub fn hidden(parts: &[Part]) -> Self {
        let mut figures = Figures::default();
        for (name, unit) in parts.iter().flat_map(|part| part.figures()) {
            figures.put(name, *unit, Seen::Hidden);
        }
        Self {
            role: None,
            figures,
            grant: grant(""),
        }
    }
}

/// What would let a login see the sessions of others.
pub fn grant(login: &str) -> String {
    match login {
        "" => "grant pg_monitor to the role that asks".to_owned(),
        login => format!(
            "grant pg_monitor to {}",
            crate::probe::wire::said::one_line(login)
        ),
    }
}

/// An answer, and what it is read with.
struct Told<'a> {
    answer: &'a Answer,
    memory: &'a Memory,
    sees_all: bool,
    role: Role,
    started: &'a str,
}

impl Told<'_> {
    fn of(&self, part: Part, attempt: &mut Attempt) -> Figures {
        let seen: Vec<Seen> = match part {
            Part::Connections => self.connections(),
            Part::Transactions => self.of_others(&["longest_transaction", "idle_in_transaction"]),
            Part::Locks => vec![
                self.number("locks_waiting"),
                self.number("longest_lock_wait"),
            ],
            Part::Replication => self.replication(attempt),
            Part::Counters => self.counters(attempt),
            Part::Tables => self.tables(),
        };
        let mut figures = Figures::default();
        for ((name, unit), seen) in part.figures().iter().zip(seen) {
            figures.put(name, *unit, seen);
        }
        figures
    }

    fn number(&self, column: &str) -> Seen {
        Seen::or_absent(self.answer.number(column).map(|it| it.max(0.0)), UNTOLD)
    }

    fn of_others(&self, columns: &[&str]) -> Vec<Seen> {
        let one = |column: &&str| {
            if self.sees_all {
                self.number(column)
            } else {
                Seen::Hidden
            }
        };
        columns.iter().map(one).collect()
    }

    fn connections(&self) -> Vec<Seen> {
        let used = self.answer.number("connections");
        let most = self.answer.number("max_connections");
        let share = used.zip(most).and_then(|(used, most)| percent(used, most));
        vec![self.number("connections"), Seen::or_absent(share, UNTOLD)]
    }

    fn replication(&self, attempt: &mut Attempt) -> Vec<Seen> {
        let replicas = self.number("replicas");
        let (lag, bytes) = match self.role {
            Role::Replica => self.behind_primary(attempt),
            Role::Primary => self.furthest_behind(attempt, replicas),
        };
        vec![replicas, lag, bytes]
    }

    fn behind_primary(&self, attempt: &mut Attempt) -> (Seen, Seen) {
        let replica = Replica {
            connected: self.answer.number("receivers").is_some_and(|it| it > 0.0),
            to_replay: self.answer.number("to_replay"),
            age: self.answer.number("replayed_age").map(|age| age.max(0.0)),
        };
        if !replica.connected {
            attempt.note("the replica is not connected to its primary: its lag is the age of what it replayed last");
        }
        let lag = self
            .memory
            .standing
            .of_replica(attempt.now(), self.started, replica);
        let bytes = replica.to_replay.map(|bytes| bytes.max(0.0));
        (
            Seen::or_absent(lag, "nothing was replayed yet"),
            Seen::or_absent(bytes, "nothing was received yet"),
        )
    }

    fn furthest_behind(&self, attempt: &mut Attempt, replicas: Seen) -> (Seen, Seen) {
        const NOBODY: Seen = Seen::Absent("no replica is connected");
        if replicas == Seen::Number(0.0) {
            return (NOBODY, NOBODY);
        }
        if !self.sees_all {
            return (Seen::Hidden, Seen::Hidden);
        }
        const SILENT: &str = "no replica says how far it is";
        let Some(bytes) = self.answer.number("behind_bytes").map(|it| it.max(0.0)) else {
            return (Seen::Absent(SILENT), Seen::Absent(SILENT));
        };
        let position = self.answer.number("behind_position").unwrap_or_default();
        let measured = self.answer.number("behind_seconds").unwrap_or_default();
        let primary = lag::Primary {
            bytes,
            position,
            measured,
        };
        let lag = self
            .memory
            .standing
            .of_primary(attempt.now(), self.started, primary);
        (Seen::Number(lag), Seen::Number(bytes))
    }

    fn counters(&self, attempt: &Attempt) -> Vec<Seen> {
        const COUNTERS: [&str; 4] = ["blks_hit", "blks_read", "deadlocks", "xact_rollback"];
        const FIRST: &str = "a rate takes two runs";
        let Some(counters) = self.all(COUNTERS) else {
            return vec![Seen::Absent(UNTOLD); 3];
        };
        let reset = self.answer.text("reset").unwrap_or_default();
        let life = format!("{}/{reset}", self.started);
        let gain = self.memory.counters.since(attempt.now(), &life, counters);
        let rate = |at| Seen::or_absent(gain.map(|gain| gain.per_second(at)), FIRST);
        let hits = Seen::or_absent(cache_hits(counters, gain), "nothing was read yet");
        vec![hits, rate(2), rate(3)]
    }

    fn all<const N: usize>(&self, columns: [&str; N]) -> Option<[f64; N]> {
        let mut values = [0.0; N];
        for (value, column) in values.iter_mut().zip(columns) {
            *value = self.answer.number(column)?;
        }
        Some(values)
    }

    /// A replica counts no row versions of its own.
    fn tables(&self) -> Vec<Seen> {
        match self.role {
            Role::Primary => vec![self.number("dead_tuples"), self.number("dead_tuples_pct")],
            Role::Replica => vec![Seen::Absent("a replica does not count them"); 2],
        }
    }
}

/// How much of what was read came from memory: since the run before where enough was read to tell,
/// else since the server counts.
fn cache_hits(counters: [f64; 4], gain: Option<Gain<4>>) -> Option<f64> {
    /// So many blocks of 8 KiB are 8 MiB: a share of less is chance.
    const ENOUGH: f64 = 1_000.0;
    let share = |[hit, read, ..]: [f64; 4]| percent(hit, hit + read);
    match gain {
        Some(gain) if gain.gained[0] + gain.gained[1] >= ENOUGH => share(gain.gained),
        Some(_) | None => share(counters),
    }
}

const UNTOLD: &str = "the server does not say";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_those_since_the_run_before_where_enough_was_read() {
        let gain = |hit, read| {
            Some(Gain {
                seconds: 10.0,
                gained: [hit, read, 0.0, 0.0],
            })
        };
        let before = [9_900.0, 100.0, 0.0, 0.0];
        assert_eq!(cache_hits(before, None), Some(99.0));
        assert_eq!(cache_hits(before, gain(500.0, 500.0)), Some(50.0));
        assert_eq!(
            cache_hits(before, gain(1.0, 9.0)),
            Some(99.0),
            "ten blocks are chance"
        );
        assert_eq!(cache_hits([0.0; 4], None), None);
    }

    #[test]
    fn whoever_may_not_look_is_told_what_to_grant() {
        assert_eq!(grant("reader"), "grant pg_monitor to reader");
        let Measures { figures, .. } = Measures::hidden(&[Part::Locks]);
        assert_eq!(figures.get("locks_waiting"), Some(Seen::Hidden));
    }
}
