//! One session: from a stream to answers, and back to a state in which another check may use it.
//!
//! The connection is driven by the very future that asks, so that whoever drops that future closes
//! the socket: no task is spawned, none can be left behind.
//!
//! What a run does, it does in a transaction that is rolled back: settings, temporary tables and
//! the statement's deadline end with it. Locks on numbers outlive a rollback and are given back by
//! name. Nothing else can stay: one statement that reads is all that a session is asked.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryStreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::{TlsConnect, TlsStream};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::bounds::{Allowance, Messages};
use super::encryption::{self, Established, Stream};
use super::fault::{self, Broken};
use super::target::Target;
use super::{Shared, columns};
use crate::probe::Attempt;
use crate::probe::database::{Answer, Column, LookedAt};
use crate::probe::wire::dial;
use crate::probe::wire::session::Facts;
use crate::probe::wire::tls::binding;
use crate::sample::{Fault, Phase};

/// A session in which one logs in once and may ask many times.
pub struct Talk {
    client: Client,
    /// Reads and writes for the client; nothing once the server has ended the session.
    driver: Option<Driver>,
    allowance: Arc<Allowance>,
    facts: Facts,
    /// Whether nothing of it would be missed by a session that begins anew.
    clean: bool,
}

type Driver = BoxFuture<'static, Result<(), tokio_postgres::Error>>;

impl Talk {
    /// Connects and logs in. The login belongs to [`Phase::Request`].
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
        let stream = encryption::negotiate(attempt, stream, target).await?;
        if let Stream::Encrypted(_, session) = &stream {
            facts.tls = Some(*session);
        }
        pool.over(attempt, &facts, false);
        attempt.enter(Phase::Request);
        attempt.doing("logging in");
        let (client, driver, allowance) = log_in(stream, &target.login)
            .await
            .map_err(|broken| fault::of(broken, &target.mask))?;
        Ok(Self {
            client,
            driver: Some(driver),
            allowance,
            facts,
            clean: true,
        })
    }

    /// What it talks over.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Whether the server still keeps the session, as far as one knows without asking it.
    pub fn stands(&mut self) -> bool {
        if let Some(driver) = &mut self.driver
            && driver.now_or_never().is_some()
        {
            self.driver = None;
        }
        self.driver.is_some()
    }

    /// Begins a transaction that cannot write and that ends when our time does.
    pub async fn begin(&mut self, attempt: &mut Attempt) -> Result<(), Broken> {
        attempt.enter(Phase::Request);
        attempt.doing("beginning a transaction");
        self.allowance.renew(BEFORE_THE_ANSWER);
        let left = attempt.remaining().as_millis().max(1);
        let begin = format!("begin read only; set local statement_timeout = {left}");
        let asking = self.client.batch_execute(&begin);
        drive(
            &mut self.driver,
            asking.map(|done| done.map_err(Broken::Asking)),
        )
        .await
    }

    /// Asks. Enters [`Phase::Ttfb`] when the query leaves and [`Phase::Body`] with the first sign of
    /// the answer; the preparation before it belongs to [`Phase::Request`].
    pub async fn ask(
        &mut self,
        attempt: &mut Attempt,
        query: &str,
        looked_at: LookedAt,
    ) -> Result<Answer, Broken> {
        attempt.enter(Phase::Request);
        attempt.doing("the server reads the query");
        self.allowance.renew(BEFORE_THE_ANSWER);
        let (columns, all_built_in) =
            drive(&mut self.driver, described(&self.client, query)).await?;
        // To learn such a type, the library has prepared statements that it keeps.
        self.clean &= all_built_in;
        self.allowance.renew(OF_THE_ANSWER);
        let answer = Answer::new(columns, looked_at);
        let asking = answer_to(attempt, &self.client, query, answer);
        drive(&mut self.driver, asking).await
    }

    /// Begins anew after the server refused a statement and with it the transaction.
    pub async fn begin_anew(&mut self, attempt: &mut Attempt) -> Result<(), Broken> {
        self.allowance.renew(BEFORE_THE_ANSWER);
        let ending = self.client.batch_execute("rollback");
        let ending = ending.map(|done| done.map_err(Broken::Asking));
        drive(&mut self.driver, ending).await?;
        self.begin(attempt).await
    }

    /// Ends the transaction and takes back what outlives one; says whether that was done in time
    /// and another check may use the session.
    pub async fn clean(&mut self, within: Duration) -> bool {
        self.allowance.renew(BEFORE_THE_ANSWER);
        let ending = self.client.batch_execute(END);
        let ending = drive(
            &mut self.driver,
            ending.map(|done| done.map_err(Broken::Asking)),
        );
        let ended = tokio::time::timeout(within, ending).await;
        self.clean && matches!(ended, Ok(Ok(()))) && self.driver.is_some()
    }

    /// Tells the server that we are leaving, if the socket takes it at once; otherwise it sees the
    /// connection end. Waiting for it would cost the run time that the target is not to blame for.
    pub fn leave(self) {
        drop(self.client);
        if let Some(Some(Err(error))) = self.driver.map(|driver| driver.now_or_never()) {
            tracing::debug!(%error, "the server did not take the goodbye");
        }
    }
}

/// Gives back the locks on numbers, then everything else.
const END: &str = "select pg_advisory_unlock_all(); rollback";

/// All that the server may send while one logs in.
const OF_THE_LOGIN: u64 = 64 << 10;
/// All that it may send while a query is prepared: some hundred bytes a column. A type of its own
/// makes the library ask for the types that it is made of, one within the other: the limit ends
/// that before the stack does.
const BEFORE_THE_ANSWER: u64 = 32 << 10;
/// All that it may send as an answer: a check reads figures, not tables.
const OF_THE_ANSWER: u64 = 1 << 20;

async fn log_in(
    stream: Stream,
    login: &Config,
) -> Result<(Client, Driver, Arc<Allowance>), Broken> {
    let mut login = login.clone();
    match stream {
        Stream::Plain(stream) => {
            login.ssl_mode(SslMode::Disable);
            log_in_over(Messages::new(stream, None), &login, NoTls).await
        }
        Stream::Encrypted(stream, _) => {
            // "Direct" makes the library take the stream as it is: TLS has been agreed on.
            login.ssl_mode(SslMode::Require);
            login.ssl_negotiation(SslNegotiation::Direct);
            let binding = binding::of(stream.get_ref().1);
            log_in_over(Messages::new(*stream, binding), &login, Established).await
        }
    }
}

async fn log_in_over<S, T>(
    (stream, allowance): (Messages<S>, Arc<Allowance>),
    login: &Config,
    tls: T,
) -> Result<(Client, Driver, Arc<Allowance>), Broken>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsConnect<Messages<S>>,
    T::Stream: TlsStream + Send + 'static,
{
    allowance.renew(OF_THE_LOGIN);
    let (client, connection) = login
        .connect_raw(stream, tls)
        .await
        .map_err(Broken::LoggingIn)?;
    Ok((client, connection.boxed(), allowance))
}

/// Keeps the connection going until the question is answered.
async fn drive<T>(
    driver: &mut Option<Driver>,
    asking: impl Future<Output = Result<T, Broken>>,
) -> Result<T, Broken> {
    let mut asking = pin!(asking);
    let Some(driving) = driver else {
        return asking.await;
    };
    let ended = tokio::select! {
        biased;
        answer = &mut asking => return answer,
        ended = driving => ended,
    };
    // What the server said before it hung up is still on its way to the question, and tells more
    // than that it hung up. Without the connection nothing can come after it.
    *driver = None;
    match (asking.await, ended) {
        (Err(Broken::Asking(error)), Err(cause)) if error.is_closed() => Err(Broken::Asking(cause)),
        (answer, _) => answer,
    }
}

/// Lets the server read the query without running it: it refuses a text with several statements,
/// which could leave the transaction, and it tells the types, which the answer's text does not; and
/// whether every server has them.
async fn described(client: &Client, query: &str) -> Result<(Vec<Column>, bool), Broken> {
    let statement = client.prepare(query).await.map_err(Broken::Asking)?;
    if statement.columns().is_empty() {
        return Err(Broken::NoColumns);
    }
    // Dropping the statement frees its name on the server within this transaction, as a pool that
    // shares its connections needs.
    let described = statement.columns();
    let all_built_in = described.iter().all(columns::is_built_in);
    Ok((described.iter().map(columns::of).collect(), all_built_in))
}

async fn answer_to(
    attempt: &mut Attempt,
    client: &Client,
    query: &str,
    mut answer: Answer,
) -> Result<Answer, Broken> {
    attempt.enter(Phase::Ttfb);
    let messages = client
        .simple_query_raw(query)
        .await
        .map_err(Broken::Asking)?;
    let mut messages = pin!(messages);
    let mut begun = false;
    while let Some(message) = messages.try_next().await.map_err(Broken::Asking)? {
        if !begun {
            attempt.enter(Phase::Body);
            begun = true;
        }
        if let SimpleQueryMessage::Row(row) = message {
            columns::take(&mut answer, &row)?;
        }
    }
    Ok(answer)
}
