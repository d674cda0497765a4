//! One session: a login, then one transaction after the other.
//!
//! A session belongs to whoever has begun a transaction in it and comes back when that is committed.
//! After an error, or when whoever waited has gone, it is closed: the server takes back what was not
//! committed. All settings end with their transaction, and no statement is prepared, so that a pooler
//! that hands out connections by the transaction may stand in between.

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, Socket};
use tokio_util::task::AbortOnDropHandle;

use super::fault::Fault;
use super::history::Known;
use super::schema;
use super::secure::Secure;
use super::{Encryption, Server};

/// How long a connection and the login may take: less than a question.
const CONNECT_PATIENCE: Duration = Duration::from_secs(4);
/// How long the server may take for one statement. Those of ours take milliseconds, and the longest,
/// which packs an hour of some hundred checks, a second.
pub(super) const STATEMENT_PATIENCE: Duration = Duration::from_secs(30);
/// How long another instance's transaction is waited for. An instance that hangs within one loses it
/// before that: see [`IDLE_PATIENCE`].
pub(super) const LOCK_PATIENCE: Duration = Duration::from_secs(20);
/// How long the server lets a transaction wait for us before it takes it back: longer than we compute
/// between two statements.
const IDLE_PATIENCE: Duration = Duration::from_secs(15);
/// A connection on which nothing comes is asked about after so long: a firewall may have forgotten it.
const QUIET: Duration = Duration::from_secs(30);
/// What was sent and is not acknowledged within so long is lost, and the connection with it.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// To look, from one instant.
    Look,
    /// To write, alone.
    Write,
}

/// A session, and the names that it knows.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) known: Known,
    /// Which making of the schema the names are of.
    identity: String,
    /// Reads and writes for the client; ends with it.
    _driver: AbortOnDropHandle<()>,
}

impl Session {
    /// Connects, logs in, and brings the schema to this version.
    async fn open(server: &Server) -> Result<Self, Fault> {
        let connecting = tokio::time::timeout(CONNECT_PATIENCE, connect(server)).await;
        let (client, driver) = connecting.map_err(|_| Fault::Unreached(CONNECT_PATIENCE))??;
        let identity = schema::bring(&client, &server.schema).await?;
        Ok(Self {
            client,
            known: Known::default(),
            identity,
            _driver: driver,
        })
    }

    /// Begins a transaction: one round trip.
    async fn begin(&mut self, server: &Server, intent: Intent) -> Result<(), Fault> {
        let begin = beginning(&server.schema, intent);
        let said = self.client.simple_query(&begin).await?;
        let row = said.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let text = |at: usize| row.and_then(|row| row.get(at)).unwrap_or_default();
        schema::known(text(0).parse().unwrap_or(i32::MAX))?;
        // Made anew meanwhile: the numbers of names mean others.
        if self.identity != text(1) {
            self.known = Known::default();
            text(1).clone_into(&mut self.identity);
        }
        Ok(())
    }
}

/// What begins a transaction; its last row says which format the schema has.
fn beginning(schema: &str, intent: Intent) -> String {
    let milliseconds = |span: Duration| span.as_millis();
    let (mode, alone) = match intent {
        Intent::Look => ("ISOLATION LEVEL REPEATABLE READ READ ONLY", String::new()),
        Intent::Write => (
            // Each statement sees what was committed before it: the lock comes first.
            "ISOLATION LEVEL READ COMMITTED",
            // What is committed is on the disk, whatever is usual there.
            format!(
                "SELECT set_config('synchronous_commit', 'on', true)
                     WHERE current_setting('synchronous_commit') = 'off';
                 {};",
                schema::lock(schema)
            ),
        ),
    };
    format!(
        "BEGIN {mode};
         SET LOCAL search_path TO \"{schema}\";
         SET LOCAL statement_timeout = {};
         SET LOCAL lock_timeout = {};
         SET LOCAL idle_in_transaction_session_timeout = {};
         {alone}
         {}",
        milliseconds(STATEMENT_PATIENCE),
        milliseconds(LOCK_PATIENCE),
        milliseconds(IDLE_PATIENCE),
        schema::WHICH,
    )
}

type Connected = (Client, AbortOnDropHandle<()>);

async fn connect(server: &Server) -> Result<Connected, Fault> {
    let mut login = Config::new();
    login
        .host(&server.host)
        .port(server.port)
        .user(&server.user)
        .dbname(&server.database)
        .application_name(&server.application_name)
        .keepalives(true)
        .keepalives_idle(QUIET)
        .tcp_user_timeout(UNACKNOWLEDGED);
    if let Some(password) = &server.password {
        login.password(password.reveal());
    }
    let (tls, mode) = match &server.encryption {
        Encryption::Never => {
            login.ssl_mode(SslMode::Disable);
            return connect_with(&login, NoTls).await;
        }
        Encryption::WhereOffered(tls) => (tls, SslMode::Prefer),
        Encryption::Always(tls) => (tls, SslMode::Require),
    };
    login.ssl_mode(mode);
    let secure = Secure::to(tls, &server.host).map_err(Fault::Thread)?;
    connect_with(&login, secure).await
}

async fn connect_with<T>(login: &Config, tls: T) -> Result<Connected, Fault>
where
    T: MakeTlsConnect<Socket>,
    T::TlsConnect: TlsConnect<Socket>,
    T::Stream: TlsStream + Send + 'static,
{
    let (client, connection) = login.connect(tls).await?;
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a session of the history has ended");
        }
    });
    Ok((client, AbortOnDropHandle::new(driver)))
}

/// The place of a session: empty, or one that is ready.
#[derive(Default)]
pub(super) struct Desk(Mutex<Option<Session>>);

impl Desk {
    /// Begins a transaction, in the session that is there or in a new one: a server may end sessions
    /// at any time, and nothing has been asked yet.
    pub(super) async fn begin(&self, server: &Server, intent: Intent) -> Result<Begun<'_>, Fault> {
        let mut place = self.0.lock().await;
        if let Some(mut session) = place.take().filter(|one| !one.client.is_closed()) {
            match session.begin(server, intent).await {
                Ok(()) => return Ok(Begun { place, session }),
                Err(fault) if fault.is_of_session() => {}
                Err(fault) => return Err(fault),
            }
        }
        let mut session = Session::open(server).await?;
        session.begin(server, intent).await?;
        Ok(Begun { place, session })
    }

    /// Whether nobody uses it now.
    pub(super) fn is_free(&self) -> bool {
        self.0.try_lock().is_ok()
    }
}

/// A transaction. What is not committed is taken back, and the session closed.
pub(super) struct Begun<'a> {
    place: MutexGuard<'a, Option<Session>>,
    pub(super) session: Session,
}

impl Begun<'_> {
    /// The way to the server.
    pub(super) const fn client(&self) -> &Client {
        &self.session.client
    }

    /// Ends the transaction: what was written is durable when this returns.
    pub(super) async fn commit(mut self) -> Result<(), Fault> {
        self.session.client.batch_execute("COMMIT").await?;
        *self.place = Some(self.session);
        Ok(())
    }
}
