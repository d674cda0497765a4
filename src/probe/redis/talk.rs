//! One conversation with a Redis server: a command, its reply, the next command.
//!
//! The commands and the grammar are the client library's; the socket is ours. The library's own
//! connection wants a task that outlives the run; here, dropping the conversation closes it, and
//! no reply can be larger than a check may read.

use futures_util::FutureExt as _;
use redis::{Cmd, ServerError, Value, parse_redis_value_async};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::Shared;
use super::fault;
use super::target::Target;
use crate::probe::Attempt;
use crate::probe::wire::bounded::Bounded;
use crate::probe::wire::dial;
use crate::probe::wire::session::Facts;
use crate::sample::{Fault, Phase, Reason, Unit};
use crate::secret::Secret;

/// Who to be, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user; the server's default one when absent.
    pub user: Option<String>,
    /// The password; nobody logs in when absent.
    pub password: Option<Secret>,
    /// The database to select; the server's first one when absent.
    pub database: Option<u32>,
}

/// An open conversation, of which one is logged in.
pub struct Talk {
    stream: Stream,
    facts: Facts,
}

type Socket = Either<TcpStream, TlsStream<TcpStream>>;
type Stream = BufReader<Bounded<Socket>>;

impl Talk {
    /// Connects, logs in and selects the database, as far as the target says so; the login belongs
    /// to [`Phase::Request`].
    ///
    /// # Errors
    /// [`Reason::Unauthorized`] when the server refuses the login, or what the connection met.
    pub async fn open(
        attempt: &mut Attempt,
        target: &Target,
        pool: &Shared,
    ) -> Result<Self, Fault> {
        let stream = dial::tcp(attempt, &target.host, target.port).await?;
        let mut facts = Facts::of(&stream);
        let stream = match &target.tls {
            None => Either::Left(stream),
            Some(tls) => {
                let (stream, session) = tls.connect(attempt, stream, &target.host).await?;
                facts.tls = Some(session);
                Either::Right(stream)
            }
        };
        pool.over(attempt, &facts, false);
        let stream = BufReader::new(Bounded::new(stream, MOST_BYTES));
        let mut talk = Self { stream, facts };
        talk.log_in(attempt, &target.login).await?;
        Ok(talk)
    }

    /// What it talks over.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Whether nothing is left unread and the server keeps the connection, as far as one knows
    /// without asking it. Between two runs the server has nothing to say.
    pub fn is_whole(&mut self) -> bool {
        self.stream.fill_buf().now_or_never().is_none()
    }

    async fn log_in(&mut self, attempt: &mut Attempt, login: &Login) -> Result<(), Fault> {
        attempt.enter(Phase::Request);
        attempt.doing(LOGGING_IN);
        if let Some(password) = &login.password {
            let mut command = redis::cmd("AUTH");
            if let Some(user) = &login.user {
                command.arg(user);
            }
            command.arg(password.reveal());
            self.send(&command, LOGGING_IN).await?;
            if let Value::ServerError(error) = self.reply(LOGGING_IN).await? {
                return Err(fault::of_login(&error));
            }
        }
        if let Some(database) = login.database {
            let doing = "selecting the database";
            attempt.doing(doing);
            self.send(redis::cmd("SELECT").arg(database), doing).await?;
            if let Value::ServerError(error) = self.reply(doing).await? {
                return Err(fault::of_server(&error));
            }
        }
        Ok(())
    }

    /// Asks whether the server is there: the first question of every run.
    ///
    /// # Errors
    /// [`Reason::Status`] when the reply is not PONG, the server's own error, or what the
    /// connection met.
    pub async fn ping(&mut self, attempt: &mut Attempt) -> Result<(), Fault> {
        self.stream.get_mut().renew(MOST_BYTES);
        let asked = attempt.now();
        match self
            .ask(attempt, &redis::cmd("PING"), "waiting for PING's answer")
            .await?
        {
            Value::SimpleString(word) if word == "PONG" => {
                let took = attempt.now().since(asked).as_secs_f64();
                attempt.reading("ping_time", took, Unit::Seconds);
                Ok(())
            }
            other => Err(Fault::new(
                Reason::Status,
                format!(
                    "PING is answered with {}, not with PONG",
                    fault::shown(&other)
                ),
            )),
        }
    }

    /// Asks for figures: INFO or CLUSTER INFO, whose reply is a text.
    ///
    /// # Errors
    /// [`Reason::Malformed`] when the reply is no text, the server's own error as it stands, or what
    /// the connection met.
    pub async fn figures(
        &mut self,
        attempt: &mut Attempt,
        command: &Cmd,
        name: &str,
    ) -> Result<Result<String, ServerError>, Fault> {
        let doing = format!("waiting for {name}'s answer");
        match self.exchange(attempt, command, &doing).await? {
            Ok(Value::BulkString(text)) => Ok(Ok(String::from_utf8_lossy(&text).into_owned())),
            Err(error) => Ok(Err(error)),
            Ok(other) => Err(Fault::new(
                Reason::Malformed,
                format!(
                    "{name} is answered with {}, not with a text",
                    fault::shown(&other)
                ),
            )),
        }
    }

    async fn ask(
        &mut self,
        attempt: &mut Attempt,
        command: &Cmd,
        doing: &str,
    ) -> Result<Value, Fault> {
        let answer = self.exchange(attempt, command, doing).await?;
        answer.map_err(|error| fault::of_server(&error))
    }

    /// Sends a command and reads its reply: a value, or the server's own error.
    ///
    /// # Errors
    /// What the connection met.
    pub async fn exchange(
        &mut self,
        attempt: &mut Attempt,
        command: &Cmd,
        doing: &str,
    ) -> Result<Result<Value, ServerError>, Fault> {
        attempt.enter(Phase::Request);
        self.send(command, doing).await?;
        attempt.enter(Phase::Ttfb);
        self.stream
            .fill_buf()
            .await
            .map_err(|error| fault::of_stream(&error, doing))?;
        attempt.enter(Phase::Body);
        Ok(match self.reply(doing).await? {
            Value::ServerError(error) => Err(error),
            value => Ok(value),
        })
    }

    async fn send(&mut self, command: &Cmd, doing: &str) -> Result<(), Fault> {
        let broken = |error| fault::of_stream(&error, doing);
        let bytes = command.get_packed_command();
        self.stream.write_all(&bytes).await.map_err(broken)?;
        self.stream.flush().await.map_err(broken)
    }

    async fn reply(&mut self, doing: &str) -> Result<Value, Fault> {
        let first = self.stream.fill_buf().await;
        let first = first.map_err(|error| fault::of_stream(&error, doing))?;
        // Lists, and what version 3 of the protocol has, answer none of our questions: they are not
        // read, so that none can nest or announce a billion of anything.
        if first.first().is_some_and(|kind| !KINDS.contains(kind)) {
            return Err(Fault::new(
                Reason::Malformed,
                format!("the answer is not of Redis's protocol, while {doing}"),
            ));
        }
        // A decoder of its own for each reply: one command is under way at a time, so that nothing
        // of the next reply can be in its buffer.
        let mut decoder = Default::default();
        parse_redis_value_async(&mut decoder, &mut self.stream)
            .await
            .map_err(|error| fault::of_reply(&error, doing))
    }
}

/// What is going on before the first question, as messages say it.
const LOGGING_IN: &str = "logging in";

/// The first bytes of the replies that can answer us: a word, an error, a number, a text.
const KINDS: &[u8] = b"+-:$";

/// All that the server may send in one run: INFO of a large cluster is a tenth of it.
const MOST_BYTES: u64 = 1 << 20;
