//! Writing, reading and deleting a key of our own.
//!
//! The key begins with [`PREFIX`] and ends with a number that nobody has had before, so that it is
//! nobody else's; it has an expiry, so that it goes by itself when we die on the way. No other key is
//! touched. On a node of a cluster it is one that belongs to this very node.

use std::time::Duration;

use redis::{Cmd, ServerError, Value};
use ulid::Ulid;

use super::cluster::Slots;
use super::fault;
use super::talk::Talk;
use crate::clock::Moment;
use crate::probe::Attempt;
use crate::sample::{Fault, Reason, Unit};

/// What every key of ours begins with.
pub const PREFIX: &str = "smokejumper:round-trip:";

/// How long a key stays that nobody came to delete.
const EXPIRY: Duration = Duration::from_secs(60);

/// The readings of a round trip, with unit and meaning.
pub const READINGS: [(&str, Unit, &str); 3] = [
    ("write_time", Unit::Seconds, "how long writing the key took"),
    ("read_time", Unit::Seconds, "how long reading it took"),
    ("delete_time", Unit::Seconds, "how long deleting it took"),
];

/// Writes a key, reads it and deletes it; says what is wrong with what came back.
///
/// # Errors
/// [`Reason::NotPermitted`] where our login may not, what the server says against it, or what the
/// connection met.
pub async fn go(attempt: &mut Attempt, talk: &mut Talk) -> Result<Option<String>, Fault> {
    let value = Ulid::new().to_string();
    let (key, took) = write(attempt, talk, &value).await?;
    report(attempt, 0, took);
    let (read, took) = timed(
        attempt,
        talk,
        redis::cmd("GET").arg(&key),
        "reading the key",
    )
    .await?;
    let read = read.map_err(|error| refused(&error))?;
    report(attempt, 1, took);
    let delete = timed(
        attempt,
        talk,
        redis::cmd("DEL").arg(&key),
        "deleting the key",
    )
    .await?;
    let (deleted, took) = (delete.0.map_err(|error| refused(&error))?, delete.1);
    report(attempt, 2, took);
    Ok(match (read, deleted) {
        (Value::BulkString(text), Value::Int(1)) if text == value.as_bytes() => None,
        (Value::BulkString(text), _) if text == value.as_bytes() => Some(
            "round trip: the key was written and read, and was gone when it was deleted".to_owned(),
        ),
        (read, _) => Some(format!(
            "round trip: what was written was read as {}",
            fault::shown(&read)
        )),
    })
}

/// Writes the value under a key of this server.
async fn write(
    attempt: &mut Attempt,
    talk: &mut Talk,
    value: &str,
) -> Result<(String, Duration), Fault> {
    const DOING: &str = "writing a key";
    let mut key = format!("{PREFIX}{}", Ulid::new());
    let mut answer = timed(attempt, talk, &set(&key, value), DOING).await?;
    // The slot is another node's, or on its way to one.
    let is_elsewhere = |error: &ServerError| matches!(error.code(), "MOVED" | "ASK");
    if answer.0.as_ref().is_err_and(is_elsewhere) {
        key = own_key(attempt, talk).await?;
        answer = timed(attempt, talk, &set(&key, value), DOING).await?;
    }
    match answer {
        (Ok(Value::Okay), took) => Ok((key, took)),
        (Ok(other), _) => Err(Fault::new(
            Reason::Malformed,
            format!("SET is answered with {}, not with OK", fault::shown(&other)),
        )),
        (Err(error), _) => Err(refused(&error)),
    }
}

/// `NX`: should the key be somebody's after all, it stays what it is.
fn set(key: &str, value: &str) -> Cmd {
    let mut command = redis::cmd("SET");
    command
        .arg(key)
        .arg(value)
        .arg("NX")
        .arg("EX")
        .arg(EXPIRY.as_secs());
    command
}

/// A key whose slot this node serves.
async fn own_key(attempt: &mut Attempt, talk: &mut Talk) -> Result<String, Fault> {
    /// With one slot of 16384, as many tries find it but for one time in twenty thousand.
    const TRIES: usize = 160_000;
    let mut nodes = redis::cmd("CLUSTER");
    nodes.arg("NODES");
    let answer = talk
        .exchange(attempt, &nodes, "asking for the slots of this node")
        .await?;
    let Value::BulkString(nodes) = answer.map_err(|error| refused(&error))? else {
        return Err(Fault::new(
            Reason::Malformed,
            "CLUSTER NODES is not answered with a text",
        ));
    };
    let slots = Slots::of_myself(&String::from_utf8_lossy(&nodes));
    let start = Ulid::new();
    let mut keys = (0..TRIES).map(|at| format!("{PREFIX}{start}:{at}"));
    keys.find(|key| slots.has(key.as_bytes())).ok_or_else(|| {
        let detail = "round trip: this node of the cluster serves no slot: a replica takes no writes, let `url` name a primary";
        Fault::new(Reason::ServerFault, detail)
    })
}

async fn timed(
    attempt: &mut Attempt,
    talk: &mut Talk,
    command: &Cmd,
    doing: &str,
) -> Result<(Result<Value, ServerError>, Duration), Fault> {
    let began: Moment = attempt.now();
    let answer = talk.exchange(attempt, command, doing).await?;
    Ok((answer, attempt.now().since(began)))
}

fn report(attempt: &mut Attempt, at: usize, took: Duration) {
    let (name, unit, _) = READINGS[at];
    attempt.reading(name, took.as_secs_f64(), unit);
}

/// What it means that the server refuses one of our commands.
fn refused(error: &ServerError) -> Fault {
    let said = fault::of_server(error);
    match error.code() {
        "NOPERM" => Fault::new(
            Reason::NotPermitted,
            format!("{}; grant ~{PREFIX}* +set +get +del", said.detail),
        ),
        "READONLY" => Fault {
            detail: format!(
                "{}; a round trip writes: let `url` name the primary, or leave `round_trip` out",
                said.detail
            ),
            ..said
        },
        _ => said,
    }
}
