//! The server's own figures: which statements ask for them, and what their answers say.
//!
//! Each is asked by itself, so that one which our login may not ask hides only its own figures.

use super::fault::Refusal;
use super::following;
use super::login::Flavor;
use super::session::Talk;
use crate::probe::Attempt;
use crate::probe::database::{Answer, Figures, Gain, Gains, LookedAt, Role, Seen, percent};
use crate::sample::Unit;

/// What may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Whom it follows, and how far behind.
    Replication,
    /// What it counts: connections, waits for locks, reads.
    Status,
    /// How long transactions have been open.
    Transactions,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Replication, Self::Status, Self::Transactions];

    /// The names of the figures that it gives.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Replication => &["lag", "replication_running"],
            Self::Status => &[
                "connections",
                "connections_pct",
                "locks_waiting",
                "cache_hit_pct",
            ],
            Self::Transactions => &["longest_transaction"],
        }
    }
}

/// What the server told of itself.
#[derive(Debug)]
pub struct Measures {
    /// Its part; absent where it takes writes and our login may not see whom it follows.
    pub role: Option<Role>,
    /// Whether it refuses writes.
    pub read_only: bool,
    /// The figures that were asked for.
    pub figures: Figures,
    /// What would let our login see what it does not.
    pub grant: String,
}

/// What a check remembers of the runs before, to tell rates.
#[derive(Debug, Default)]
pub struct Memory(Gains<2>);

const SERVER: &str = "select cast(@@global.read_only as char) as read_only, \
     cast(@@global.innodb_read_only as char) as innodb_read_only, \
     @@global.max_connections as max_connections, @@hostname as name, current_user() as asker";

const STATUS: &str = "show global status where variable_name in ('Threads_connected', \
     'Innodb_row_lock_current_waits', 'Innodb_buffer_pool_read_requests', 'Innodb_buffer_pool_reads')";

const TRANSACTIONS: &str = "select coalesce(max(timestampdiff(second, trx_started, now())), 0) as longest_transaction \
     from information_schema.innodb_trx where trx_mysql_thread_id <> connection_id()";

/// Asks for these parts, and for the role in any case.
///
/// # Errors
/// What the server says against it, unless that is a lack of permission.
pub async fn ask(
    attempt: &mut Attempt,
    talk: &mut Talk,
    parts: &[Part],
    memory: &Memory,
) -> Result<Measures, Refusal> {
    let server = talk.look(attempt, SERVER, LookedAt::First).await?;
    let follows = permitted(
        talk.look(
            attempt,
            following::statement(talk.flavor()),
            LookedAt::Every,
        )
        .await,
    )?;
    let is_on = |name: &str| {
        server
            .text(name)
            .is_some_and(|value| !matches!(value, "0" | "OFF"))
    };
    let read_only = is_on("read_only") || is_on("innodb_read_only");
    let follows_one = follows.as_ref().map(following::follows_one);
    let mut figures = Figures::default();
    for part in parts {
        match part {
            Part::Replication => following::replication(follows.as_ref(), &mut figures),
            Part::Status => {
                let status = permitted(talk.look(attempt, STATUS, LookedAt::Every).await)?;
                let status = Status {
                    server: &server,
                    answer: status.as_ref(),
                };
                status.figures(memory, attempt, &mut figures);
            }
            Part::Transactions => {
                let asked = talk.look(attempt, TRANSACTIONS, LookedAt::First).await;
                let longest = permitted(asked)?.map_or(Seen::Hidden, |answer| {
                    Seen::or_absent(answer.number("longest_transaction"), UNTOLD)
                });
                figures.put("longest_transaction", Unit::Seconds, longest);
            }
        }
    }
    Ok(Measures {
        role: match follows_one {
            Some(true) => Some(Role::Replica),
            _ if read_only => Some(Role::Replica),
            Some(false) => Some(Role::Primary),
            None => None,
        },
        read_only,
        figures,
        grant: grant(
            talk.flavor(),
            server.text("asker").unwrap_or("the login that asks"),
        ),
    })
}

/// The answer, or nothing where our login may not have it.
fn permitted(asked: Result<Answer, Refusal>) -> Result<Option<Answer>, Refusal> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(Refusal::Server(said)) if said.is_a_lack_of_permission() => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

fn grant(flavor: Flavor, login: &str) -> String {
    let replication = match flavor {
        Flavor::MariaDb => "replica monitor",
        Flavor::MySql(_) => "replication client",
    };
    let login = crate::probe::wire::said::one_line(login);
    format!("grant process, {replication} on *.* to {login}")
}

/// What the server counts.
struct Status<'a> {
    server: &'a Answer,
    /// Names and values; absent where our login may not see them.
    answer: Option<&'a Answer>,
}

impl Status<'_> {
    fn figures(&self, memory: &Memory, attempt: &Attempt, figures: &mut Figures) {
        let connections = self.number("Threads_connected");
        let most = self.server.number("max_connections");
        let share = connections
            .zip(most)
            .and_then(|(used, most)| percent(used, most));
        let waits = self.number("Innodb_row_lock_current_waits");
        for (name, number) in [
            ("connections", connections),
            ("connections_pct", share),
            ("locks_waiting", waits),
            ("cache_hit_pct", self.cache_hits(memory, attempt)),
        ] {
            let seen = match self.answer {
                None => Seen::Hidden,
                Some(_) => Seen::or_absent(number, UNTOLD),
            };
            figures.put(name, Unit::Number, seen);
        }
    }

    fn number(&self, name: &str) -> Option<f64> {
        let mut pairs = self.answer?.pairs("Variable_name", "Value");
        pairs.find(|(known, _)| *known == name)?.1.parse().ok()
    }

    fn cache_hits(&self, memory: &Memory, attempt: &Attempt) -> Option<f64> {
        let asked = self.number("Innodb_buffer_pool_read_requests")?;
        let missed = self.number("Innodb_buffer_pool_reads")?;
        let server = self.server.text("name").unwrap_or_default();
        let gain = memory.0.since(attempt.now(), server, [asked, missed]);
        cache_hits([asked, missed], gain)
    }
}

/// How much of what was read came from memory: since the run before where enough was read to tell,
/// else since the server counts.
fn cache_hits(counters: [f64; 2], gain: Option<Gain<2>>) -> Option<f64> {
    /// So many pages of 16 KiB are 16 MiB: a share of less is chance.
    const ENOUGH: f64 = 1_000.0;
    let share = |[asked, missed]: [f64; 2]| percent((asked - missed).max(0.0), asked);
    match gain {
        Some(gain) if gain.gained[0] >= ENOUGH => share(gain.gained),
        Some(_) | None => share(counters),
    }
}

const UNTOLD: &str = "the server does not say";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_those_since_the_run_before_where_enough_was_read() {
        let gain = |asked, missed| {
            Some(Gain {
                seconds: 10.0,
                gained: [asked, missed],
            })
        };
        assert_eq!(cache_hits([10_000.0, 100.0], None), Some(99.0));
        assert_eq!(
            cache_hits([10_000.0, 100.0], gain(1_000.0, 500.0)),
            Some(50.0)
        );
        assert_eq!(cache_hits([10_000.0, 100.0], gain(10.0, 9.0)), Some(99.0));
        assert_eq!(cache_hits([0.0, 0.0], None), None);
    }
}
