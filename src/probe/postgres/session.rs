//! One login and one question: from a stream to an answer.
//!
//! The connection is driven by the very future that asks, so that whoever drops that future closes
//! the socket: no task is spawned, none can be left behind.

use std::pin::pin;

use futures_util::{FutureExt as _, TryStreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::{TlsConnect, TlsStream};
use tokio_postgres::{Client, Config, Connection, NoTls, SimpleQueryMessage};

use super::answer::{Answer, Column};
use super::encryption::{Established, Stream};
use super::fault::{self, Broken};
use super::target::Target;
use crate::probe::Attempt;
use crate::sample::{Fault, Phase};

/// Logs in and asks. Enters [`Phase::Ttfb`] once the session stands and the query leaves, and
/// [`Phase::Body`] with the first sign of the answer: what comes before (login, transaction,
/// preparation) belongs to the phase of the request.
///
/// # Errors
/// Whatever the server, the connection or the size of the answer stands against it.
pub async fn ask(
    attempt: &mut Attempt,
    stream: Stream,
    target: &Target,
    query: &str,
) -> Result<Answer, Fault> {
    let mut login = target.login.clone();
    match stream {
        Stream::Plain(stream) => {
            login.ssl_mode(SslMode::Disable);
            converse(attempt, &login, stream, NoTls, query).await
        }
        Stream::Encrypted(stream) => {
            // "Direct" makes the library take the stream as it is: TLS has been agreed on.
            login.ssl_mode(SslMode::Require);
            login.ssl_negotiation(SslNegotiation::Direct);
            converse(attempt, &login, *stream, Established, query).await
        }
    }
    .map_err(|broken| fault::of(broken, &target.mask))
}

async fn converse<S, T>(
    attempt: &mut Attempt,
    login: &Config,
    stream: S,
    tls: T,
    query: &str,
) -> Result<Answer, Broken>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    T: TlsConnect<S>,
    T::Stream: TlsStream + Send,
{
    let (client, connection) = login
        .connect_raw(stream, tls)
        .await
        .map_err(Broken::LoggingIn)?;
    let (answer, connection) = drive(connection, put(attempt, &client, query)).await;
    if let Some(connection) = connection {
        say_goodbye(client, connection);
    }
    answer
}

/// Keeps the connection going until the question is answered; gives it back if it still stands.
async fn drive<S, T>(
    mut connection: Connection<S, T>,
    asking: impl Future<Output = Result<Answer, Broken>>,
) -> (Result<Answer, Broken>, Option<Connection<S, T>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut asking = pin!(asking);
    let ended = tokio::select! {
        biased;
        answer = &mut asking => return (answer, Some(connection)),
        ended = &mut connection => ended,
    };
    // What the server said before it hung up is still on its way to the question, and tells more
    // than that it hung up. Without the connection nothing can come after it.
    drop(connection);
    let answer = match (asking.await, ended) {
        (Err(Broken::Asking(error)), Err(cause)) if error.is_closed() => Err(Broken::Asking(cause)),
        (answer, _) => answer,
    };
    (answer, None)
}

/// Puts the question, in a transaction that cannot write and that ends when our time does.
async fn put(attempt: &mut Attempt, client: &Client, query: &str) -> Result<Answer, Broken> {
    let left = attempt.remaining().as_millis().max(1);
    let begin = format!("begin read only; set local statement_timeout = {left}");
    client.batch_execute(&begin).await.map_err(Broken::Asking)?;
    let columns = columns(client, query).await?;
    let mut answer = Answer::new(columns);
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
            answer.take(&row)?;
        }
    }
    Ok(answer)
}

/// Lets the server read the query without running it: it refuses a text with several statements,
/// which could leave the transaction, and it tells the types, which the answer's text does not.
async fn columns(client: &Client, query: &str) -> Result<Vec<Column>, Broken> {
    let statement = client.prepare(query).await.map_err(Broken::Asking)?;
    if statement.columns().is_empty() {
        return Err(Broken::NoColumns);
    }
    // Dropping the statement frees its name on the server within this transaction, as a pool that
    // shares its connections needs.
    Ok(statement.columns().iter().map(Column::of).collect())
}

/// Tells the server that we are leaving, if the socket takes it at once; otherwise it sees the
/// connection end. Waiting for it would cost the run time that the target is not to blame for.
fn say_goodbye<S, T>(client: Client, connection: Connection<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    drop(client);
    if let Some(Err(error)) = connection.now_or_never() {
        tracing::debug!(%error, "the server did not take the goodbye");
    }
}
