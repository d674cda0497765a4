//! What an error reply, or an error of the connection, says and about whom.

use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{RedisError, ServerError, Value};

use crate::probe::wire::said::one_line;
use crate::probe::wire::{bounded, dial, tls_fault};
use crate::sample::{Fault, Reason};

/// The fault that an error reply to AUTH stands for: whatever its words, we were not let in,
/// unless the server lets nobody in yet, or nobody more for now.
pub fn of_login(error: &ServerError) -> Fault {
    let fault = of_server(error);
    match fault.reason {
        _ if fault.transient => fault,
        _ => Fault::new(Reason::Unauthorized, fault.detail),
    }
}

/// The fault that an error reply stands for.
pub fn of_server(error: &ServerError) -> Fault {
    let words = error.details().unwrap_or_default();
    let code = error.code();
    let detail = one_line(&format!("the server says: {code} {words}"));
    let fault = Fault::new(reason(code), detail);
    if may_mend(code, words) {
        fault.transient()
    } else {
        fault
    }
}

/// The fault that an error reply to one of our questions stands for. That our login may not ask says
/// nothing about the server; `grant` would let it.
pub fn of_question(error: &ServerError, grant: &str) -> Fault {
    let fault = of_server(error);
    match error.code() {
        "NOPERM" => Fault::new(
            Reason::NotPermitted,
            format!("{}; grant {grant}", fault.detail),
        ),
        _ => fault,
    }
}

/// Whether the server says that it is no node of a cluster.
pub fn knows_no_cluster(error: &ServerError) -> bool {
    let words = error.details().unwrap_or_default();
    words.starts_with("This instance has cluster support disabled")
}

fn reason(code: &str) -> Reason {
    match code {
        "NOAUTH" | "WRONGPASS" | "NOPERM" | "DENIED" => Reason::Unauthorized,
        // The data is still being read from disk.
        "LOADING" => Reason::NotReady,
        _ => Reason::ServerFault,
    }
}

/// Whether another try may well pass: a script or a failover is under way, a replica has lost its
/// master, all connections are taken.
fn may_mend(code: &str, words: &str) -> bool {
    matches!(code, "BUSY" | "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN")
        || words.starts_with("max number of clients")
}

/// The fault that an error while reading a reply stands for.
pub fn of_reply(error: &RedisError, doing: &str) -> Fault {
    // The library shares the cause among its clones, behind a pointer of its own.
    let io = error
        .source()
        .and_then(|cause| cause.downcast_ref::<Arc<dyn Error + Send + Sync>>())
        .and_then(|cause| cause.downcast_ref::<io::Error>());
    match io {
        Some(error) => of_stream(error, doing),
        None => Fault::new(
            Reason::Malformed,
            format!("the answer is not of Redis's protocol, while {doing}"),
        ),
    }
}

/// The fault that an error of the connection stands for.
pub fn of_stream(error: &io::Error, doing: &str) -> Fault {
    if bounded::is_overflow(error) {
        return Fault::new(
            Reason::TooLarge,
            format!("the server sent more than 1 MiB while {doing}"),
        );
    }
    match tls_fault::inside(error) {
        Some(error) => tls_fault::of_session(error, "the server"),
        None => dial::fault(error, doing),
    }
}

/// A reply in a few words.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Okay => "`OK`".to_owned(),
        Value::SimpleString(text) => format!("`{}`", one_line(text)),
        Value::BulkString(bytes) => format!("`{}`", one_line(&String::from_utf8_lossy(bytes))),
        Value::Int(number) => format!("the number {number}"),
        Value::Nil => "nothing".to_owned(),
        _ => "something else".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::parse_redis_value;

    fn error(line: &str) -> ServerError {
        match parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap() {
            Value::ServerError(error) => error,
            other => panic!("{other:?} is no error"),
        }
    }

    #[test]
    fn an_error_reply_says_whose_fault_it_is_and_whether_it_may_mend() {
        for (line, reason, mends) in [
            (
                "NOAUTH Authentication required.",
                Reason::Unauthorized,
                false,
            ),
            (
                "WRONGPASS invalid username-password pair",
                Reason::Unauthorized,
                false,
            ),
            (
                "NOPERM this user has no permissions",
                Reason::Unauthorized,
                false,
            ),
            (
                "LOADING Redis is loading the dataset in memory",
                Reason::NotReady,
                true,
            ),
            (
                "MASTERDOWN Link with MASTER is down",
                Reason::ServerFault,
                true,
            ),
            (
                "BUSY Redis is busy running a script",
                Reason::ServerFault,
                true,
            ),
            (
                "ERR max number of clients reached",
                Reason::ServerFault,
                true,
            ),
            (
                "READONLY You can't write against a read only replica.",
                Reason::ServerFault,
                false,
            ),
            (
                "MISCONF Redis is configured to save RDB snapshots",
                Reason::ServerFault,
                false,
            ),
            ("ERR unknown command 'PING'", Reason::ServerFault, false),
        ] {
            let fault = of_server(&error(line));
            assert_eq!((fault.reason, fault.transient), (reason, mends), "{line}");
            assert!(fault.detail.ends_with(line), "{}", fault.detail);
        }
    }

    #[test]
    fn whoever_is_not_let_in_is_unauthorized_unless_nobody_is_yet() {
        for (line, reason) in [
            ("ERR invalid password", Reason::Unauthorized),
            (
                "ERR AUTH <password> called without any password configured",
                Reason::Unauthorized,
            ),
            (
                "LOADING Redis is loading the dataset in memory",
                Reason::NotReady,
            ),
            ("ERR max number of clients reached", Reason::ServerFault),
            ("MASTERDOWN Link with MASTER is down", Reason::ServerFault),
        ] {
            assert_eq!(of_login(&error(line)).reason, reason, "{line}");
        }
    }
}
