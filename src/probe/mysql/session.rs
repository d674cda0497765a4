//! One session: a question, its answer, the next question; and back to a state in which another check
//! may use it.
//!
//! What a run asks, it asks in a transaction that cannot write. The server reads a query before it
//! runs it: one that returns no rows (SET, KILL, GRANT, SHUTDOWN) is not run at all. Between two runs
//! the server itself resets the session: settings, locks, temporary tables.

use futures_util::FutureExt as _;
use mysql_common::constants::{CapabilityFlags, ColumnType};
use mysql_common::io::ParseBuf;
use mysql_common::value::{TextValue, Value, ValueDeserializer};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::Shared;
use super::fault::{self, Refusal, Said};
use super::login::{self, Flavor, Socket};
use super::packets::Packets;
use super::target::Target;
use crate::probe::Attempt;
use crate::probe::database::{Answer, Column, Form, LookedAt};
use crate::probe::wire::dial;
use crate::probe::wire::session::Facts;
use crate::sample::{Fault, Phase, Reason};

/// A session in which one logs in once and may ask many times.
pub struct Talk {
    packets: Packets<BufReader<Socket>>,
    capabilities: CapabilityFlags,
    flavor: Flavor,
    facts: Facts,
}

/// Commands, by their numbers (MySQL's `enum_server_command`).
const QUIT: u8 = 0x01;
const QUERY: u8 = 0x03;
const PREPARE: u8 = 0x16;
const CLOSE: u8 = 0x19;
const RESET: u8 = 0x1f;

/// The first bytes of answers.
const OK: u8 = 0x00;
const FILE: u8 = 0xfb;
const END: u8 = 0xfe;
/// An end is shorter than this; a row that begins alike is longer.
const LONGEST_END: usize = 8;

/// All that the server may send for a question of our own or as an answer: a check reads figures, not
/// tables.
const OF_AN_ANSWER: usize = 1 << 20;
/// More columns than a table can have.
const MOST_COLUMNS: u64 = 4_096;

impl Talk {
    /// Connects and logs in.
    ///
    /// # Errors
    /// Whatever the connection or the server stands against it.
    pub async fn open(
        attempt: &mut Attempt,
        target: &Target,
        pool: &Shared,
    ) -> Result<Self, Fault> {
        let stream = dial::tcp(attempt, &target.host, target.port).await?;
        let mut facts = Facts::of(&stream);
        let logged_in = login::log_in(attempt, stream, target, &mut facts).await?;
        pool.over(attempt, &facts, false);
        let (stream, sequence) = logged_in.packets.into_parts();
        Ok(Self {
            packets: Packets::going_on(BufReader::new(stream), sequence),
            capabilities: logged_in.capabilities,
            flavor: logged_in.flavor,
            facts,
        })
    }

    /// What it talks over.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Which server it is.
    pub const fn flavor(&self) -> Flavor {
        self.flavor
    }

    /// Whether nothing is left unread and the server keeps the session, as far as one knows without
    /// asking it.
    pub fn stands(&mut self) -> bool {
        self.packets.stream().fill_buf().now_or_never().is_none()
    }

    /// Begins a transaction that cannot write, whose statements end when our time does.
    pub async fn begin(&mut self, attempt: &mut Attempt) -> Result<(), Refusal> {
        attempt.enter(Phase::Request);
        attempt.doing("beginning a transaction");
        let left = attempt.remaining();
        let limit = match self.flavor {
            Flavor::MariaDb => {
                format!("set session max_statement_time = {:.3}", left.as_secs_f64())
            }
            Flavor::MySql(_) => {
                format!(
                    "set session max_execution_time = {}",
                    left.as_millis().max(1)
                )
            }
        };
        match self.run(&limit).await {
            // A server from before 5.7.8 knows no such limit: the deadline of the run is ours alone.
            Ok(()) | Err(Refusal::Server(_)) => {}
            Err(refusal) => return Err(refusal),
        }
        self.run("start transaction read only").await
    }

    /// Asks what the user wrote: lets the server read it first, and asks only where it returns rows.
    /// That belongs to [`Phase::Request`]; for the rest see [`Talk::look`].
    pub async fn ask(
        &mut self,
        attempt: &mut Attempt,
        query: &str,
        looked_at: LookedAt,
    ) -> Result<Answer, Refusal> {
        attempt.enter(Phase::Request);
        attempt.doing("the server reads the query");
        if self.prepare(query).await? == 0 {
            let detail = "the query is of a sort that returns no rows, so that it proves nothing";
            return Err(Fault::new(Reason::Expectation, detail).into());
        }
        self.look(attempt, query, looked_at).await
    }

    /// Asks a question of our own. Enters [`Phase::Ttfb`] when it leaves and [`Phase::Body`] with the
    /// first packet of the answer.
    pub async fn look(
        &mut self,
        attempt: &mut Attempt,
        query: &str,
        looked_at: LookedAt,
    ) -> Result<Answer, Refusal> {
        attempt.enter(Phase::Ttfb);
        self.send(QUERY, query.as_bytes()).await?;
        let first = self.read().await?;
        attempt.enter(Phase::Body);
        let columns = match first.first() {
            Some(&(OK | FILE)) | None => {
                return Err(fault::garbage("no answer to a query that has one").into());
            }
            Some(_) => self.columns(&first).await?,
        };
        let mut answer = Answer::new(columns, looked_at);
        loop {
            let body = self.read().await?;
            if is_end(&body) {
                return Ok(answer);
            }
            take(&mut answer, &body)?;
        }
    }

    /// Ends the transaction and takes back what outlives one; says whether that was done in time and
    /// another check may use the session.
    pub async fn clean(&mut self, within: std::time::Duration) -> bool {
        let resetting = async {
            self.send(RESET, b"").await?;
            self.read().await
        };
        let reset = tokio::time::timeout(within, resetting).await;
        matches!(reset, Ok(Ok(body)) if body.first() == Some(&OK))
    }

    /// Tells the server that we are leaving, if the socket takes it at once; otherwise it sees the
    /// connection end.
    pub fn leave(mut self) {
        if !matches!(self.send(QUIT, b"").now_or_never(), Some(Ok(()))) {
            tracing::debug!("the server did not take the goodbye");
        }
    }

    /// Runs a statement of our own that returns nothing.
    async fn run(&mut self, statement: &str) -> Result<(), Refusal> {
        self.send(QUERY, statement.as_bytes()).await?;
        match self.read().await?.first() {
            Some(&OK) => Ok(()),
            _ => Err(fault::garbage("an answer to a statement that has none").into()),
        }
    }

    /// Lets the server read a query without running it, and says how many columns it returns.
    async fn prepare(&mut self, query: &str) -> Result<u16, Refusal> {
        self.send(PREPARE, query.as_bytes()).await?;
        let head = self.read().await?;
        let [OK, a, b, c, d, e, f, g, h, ..] = head[..] else {
            return Err(fault::garbage("an answer to no question").into());
        };
        let (statement, columns) = ([a, b, c, d], u16::from_le_bytes([e, f]));
        let parameters = u16::from_le_bytes([g, h]);
        for described in [parameters, columns] {
            if described > 0 {
                while !is_end(&self.read().await?) {}
            }
        }
        self.send(CLOSE, &statement).await?;
        Ok(columns)
    }

    async fn columns(&mut self, head: &[u8]) -> Result<Vec<Column>, Refusal> {
        let told = || fault::garbage("columns without a number");
        let number = ParseBuf(head).checked_eat_lenenc_int().ok_or_else(told)?;
        if number == 0 || number > MOST_COLUMNS {
            return Err(told().into());
        }
        let mut columns = Vec::new();
        for _ in 0..number {
            columns.push(column(&self.read().await?)?);
        }
        if !is_end(&self.read().await?) {
            return Err(fault::garbage("columns without an end").into());
        }
        Ok(columns)
    }

    async fn send(&mut self, command: u8, argument: &[u8]) -> Result<(), Fault> {
        self.packets.begin();
        self.packets.allow(OF_AN_ANSWER);
        let body = [&[command], argument].concat();
        let sent = self.packets.write(&body).await;
        sent.map_err(|broken| fault::of_packets(broken, ASKING))
    }

    /// Reads a packet that is no error.
    async fn read(&mut self) -> Result<Vec<u8>, Refusal> {
        let body = self.packets.read().await;
        let body = body.map_err(|broken| fault::of_packets(broken, ASKING))?;
        match Said::read(&body, self.capabilities) {
            Some(said) => Err(Refusal::Server(said)),
            None => Ok(body),
        }
    }
}

const ASKING: &str = "waiting for the query's answer";

fn is_end(body: &[u8]) -> bool {
    body.first() == Some(&END) && body.len() <= LONGEST_END
}

fn column(body: &[u8]) -> Result<Column, Fault> {
    let parsed = ParseBuf(body).parse::<mysql_common::packets::Column>(());
    let column = parsed.map_err(|error| fault::garbage(&error.to_string()))?;
    let form = match column.column_type() {
        ColumnType::MYSQL_TYPE_TINY
        | ColumnType::MYSQL_TYPE_SHORT
        | ColumnType::MYSQL_TYPE_INT24
        | ColumnType::MYSQL_TYPE_LONG
        | ColumnType::MYSQL_TYPE_LONGLONG
        | ColumnType::MYSQL_TYPE_YEAR
        | ColumnType::MYSQL_TYPE_FLOAT
        | ColumnType::MYSQL_TYPE_DOUBLE
        | ColumnType::MYSQL_TYPE_DECIMAL
        | ColumnType::MYSQL_TYPE_NEWDECIMAL => Form::Number,
        ColumnType::MYSQL_TYPE_JSON => Form::Json,
        _ => Form::Text,
    };
    Ok(Column::new(column.name_str().into_owned(), form))
}

/// Takes the next row of an answer in.
fn take(answer: &mut Answer, body: &[u8]) -> Result<(), Refusal> {
    let mut rest = ParseBuf(body);
    let mut cells = Vec::new();
    while !rest.is_empty() {
        let cell = rest.parse::<ValueDeserializer<TextValue>>(());
        let cell: Value = cell.map_err(|error| fault::garbage(&error.to_string()))?.0;
        cells.push(match cell {
            Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            _ => None,
        });
    }
    answer.take(cells.iter().map(|cell| Ok::<_, Refusal>(cell.as_deref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_short_and_a_row_that_begins_alike_is_not() {
        assert!(is_end(b"\xfe\0\0\x02\0"));
        assert!(!is_end(b"\xfe\0\0\0\0\0\0\0\x01x"));
        assert!(!is_end(b""));
    }

    #[test]
    fn a_row_is_read_cell_by_cell() {
        let columns = vec![
            Column::new("n".to_owned(), Form::Number),
            Column::new("t".to_owned(), Form::Text),
        ];
        let mut answer = Answer::new(columns, LookedAt::First);
        take(&mut answer, b"\x0212\xfb").unwrap();
        assert_eq!(answer.number("n"), Some(12.0));
        assert_eq!(answer.text("t"), None);
        assert!(take(&mut answer, b"\x05ab").is_err());
    }
}
