//! What an error of the server or of the client library says, and about whom.

use std::error::Error as _;
use std::io;

use tokio_postgres::error::{DbError, SqlState};

use super::bounds::TooMuch;
use crate::probe::wire::said::one_line;
use crate::probe::wire::{dial, tls_fault};
use crate::quantity::Bytes;
use crate::sample::{Fault, Reason};
use crate::secret::Mask;

/// How a session ended without an answer.
#[derive(Debug)]
pub enum Broken {
    /// While logging in.
    LoggingIn(tokio_postgres::Error),
    /// While asking.
    Asking(tokio_postgres::Error),
    /// The query is of a sort that gives no rows.
    NoColumns,
    /// The query gives more rows than a check may read.
    TooManyRows(u64),
}

/// The fault that a broken session stands for. The mask hides the password, should the server
/// repeat it.
pub fn of(broken: Broken, mask: &Mask) -> Fault {
    let mut fault = match broken {
        Broken::LoggingIn(error) => of_error(&error, Step::Login),
        Broken::Asking(error) => of_error(&error, Step::Question),
        Broken::NoColumns => Fault::new(
            Reason::Expectation,
            "the query is of a sort that returns no rows, so that it proves nothing",
        ),
        Broken::TooManyRows(most) => Fault::new(
            Reason::TooLarge,
            format!("the query returns more than {most} rows; let it count or add a limit"),
        ),
    };
    fault.detail = mask.apply(&fault.detail);
    fault
}

impl Broken {
    /// Whether the server refused a statement because our login may not run it.
    pub fn is_a_lack_of_permission(&self) -> bool {
        match self {
            Self::Asking(error) => error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE),
            Self::LoggingIn(_) | Self::NoColumns | Self::TooManyRows(_) => false,
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Login,
    Question,
}

fn of_error(error: &tokio_postgres::Error, step: Step) -> Fault {
    let doing = match step {
        Step::Login => "logging in",
        Step::Question => "waiting for the query's answer",
    };
    if let Some(TooMuch { allowed }) = TooMuch::inside(error) {
        let hint = match step {
            Step::Login => "",
            Step::Question => "; let the query select less",
        };
        let allowed = Bytes(allowed);
        let detail = format!("the server sends more than {allowed} while {doing}{hint}");
        return Fault::new(Reason::TooLarge, detail);
    }
    if let Some(said) = error.as_db_error() {
        return of_server(said);
    }
    let Some(cause) = error.source() else {
        let (reason, what) = if error.is_closed() {
            (Reason::Closed, "connection closed")
        } else {
            (Reason::Malformed, "a message out of place came")
        };
        return Fault::new(reason, format!("{what} while {doing}"));
    };
    match (cause.downcast_ref::<io::Error>(), step) {
        (Some(error), _) => of_stream(error, doing),
        // What is left of a login are the library's own words: a method that it does not know, a
        // password that is asked for and that the URL lacks, a server that cannot prove that it
        // knows the password.
        (None, Step::Login) => Fault::new(
            Reason::Unauthorized,
            format!("{} while {doing}", one_line(&cause.to_string())),
        ),
        (None, Step::Question) => garbage(&cause.to_string()),
    }
}

fn of_stream(error: &io::Error, doing: &str) -> Fault {
    if let Some(error) = tls_fault::inside(error) {
        return tls_fault::of_session(error, "the server");
    }
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => garbage(&error.to_string()),
        _ => dial::fault(error, doing),
    }
}

fn garbage(why: &str) -> Fault {
    let why = one_line(why);
    Fault::new(
        Reason::Malformed,
        format!("the answer is not of PostgreSQL's protocol: {why}"),
    )
}

fn of_server(error: &DbError) -> Fault {
    let state = error.code();
    let mut detail = format!(
        "the server says: {} (SQLSTATE {})",
        one_line(error.message()),
        state.code()
    );
    if *state == SqlState::READ_ONLY_SQL_TRANSACTION {
        detail.push_str("; a check's query may only read");
    }
    let fault = Fault::new(reason(state), detail);
    if may_mend(state) {
        fault.transient()
    } else {
        fault
    }
}

fn reason(state: &SqlState) -> Reason {
    match state.code() {
        // Starting up, shutting down, recovering: the server itself says that it is not ready.
        "57P01" | "57P02" | "57P03" => Reason::NotReady,
        // Our own limit on the statement, set to what was left of the run's time.
        "57014" => Reason::Timeout,
        "42501" => Reason::Unauthorized,
        code if code.starts_with("28") => Reason::Unauthorized,
        _ => Reason::ServerFault,
    }
}

/// Whether another try may well pass: the server lacks connections, memory or disk space for now,
/// lost a connection behind it, or gave way to another transaction.
fn may_mend(state: &SqlState) -> bool {
    ["53", "08", "40"]
        .iter()
        .any(|class| state.code().starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlstate_says_whose_fault_it_is_and_whether_it_may_mend() {
        for (code, expected, mends, why) in [
            (
                "28P01",
                Reason::Unauthorized,
                false,
                "a wrong password stays wrong",
            ),
            (
                "28000",
                Reason::Unauthorized,
                false,
                "pg_hba.conf refuses us",
            ),
            (
                "42501",
                Reason::Unauthorized,
                false,
                "the role may not read the table",
            ),
            (
                "57P01",
                Reason::NotReady,
                true,
                "an administrator stops the server",
            ),
            ("57P03", Reason::NotReady, true, "the server is starting up"),
            ("57014", Reason::Timeout, true, "our own statement timeout"),
            (
                "53300",
                Reason::ServerFault,
                true,
                "users are refused as we are, for now",
            ),
            ("53100", Reason::ServerFault, true, "the disk is full"),
            (
                "40001",
                Reason::ServerFault,
                true,
                "a standby cancelled the query",
            ),
            ("25006", Reason::ServerFault, false, "the query writes"),
            ("42601", Reason::ServerFault, false, "the query is no SQL"),
            (
                "3D000",
                Reason::ServerFault,
                false,
                "the database does not exist",
            ),
        ] {
            let state = SqlState::from_code(code);
            let fault = Fault::new(reason(&state), "");
            assert_eq!(fault.reason, expected, "{code}: {why}");
            assert_eq!(fault.transient || may_mend(&state), mends, "{code}: {why}");
        }
    }
}
