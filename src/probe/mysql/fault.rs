//! What an error of the server, or of the connection, says and about whom.

use mysql_common::constants::CapabilityFlags;
use mysql_common::io::ParseBuf;
use mysql_common::packets::ErrPacket;

use super::packets::Broken;
use crate::probe::database::TooManyRows;
use crate::probe::wire::said::one_line;
use crate::probe::wire::{dial, tls_fault};
use crate::sample::{Fault, Reason};

/// An error that the server reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its number.
    pub code: u16,
    /// Its words, on one line.
    pub words: String,
}

/// How a question ended without an answer.
#[derive(Debug)]
pub enum Refusal {
    /// The server reports an error.
    Server(Said),
    /// Something else, which is told already.
    Told(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Told(fault)
    }
}

impl From<TooManyRows> for Refusal {
    fn from(TooManyRows(most): TooManyRows) -> Self {
        let detail =
            format!("the query returns more than {most} rows; let it count or add a limit");
        Self::Told(Fault::new(Reason::TooLarge, detail))
    }
}

impl Refusal {
    /// The fault that it stands for.
    pub fn fault(self) -> Fault {
        match self {
            Self::Server(said) => said.fault(),
            Self::Told(fault) => fault,
        }
    }
}

impl Said {
    /// Reads an error packet; nothing where it is none.
    pub fn read(body: &[u8], capabilities: CapabilityFlags) -> Option<Self> {
        // What is reported before the login has no state: those words then follow at once.
        let parse = |capabilities| ParseBuf(body).parse::<ErrPacket<'_>>(capabilities).ok();
        let packet = parse(capabilities)
            .or_else(|| parse(capabilities - CapabilityFlags::CLIENT_PROTOCOL_41))?;
        match packet {
            ErrPacket::Error(error) => Some(Self {
                code: error.error_code(),
                words: one_line(&error.message_str()),
            }),
            ErrPacket::Progress(_) => None,
        }
    }

    /// The fault that it stands for.
    pub fn fault(&self) -> Fault {
        let mut detail = format!("the server says: {} (error {})", self.words, self.code);
        match self.code {
            READ_ONLY_TRANSACTION => detail.push_str("; a check's query may only read"),
            BLOCKED => detail.push_str(
                "; it is our address that is blocked, and nothing is learnt: `flush hosts` lets us \
                 in again, and a larger max_connect_errors keeps it so",
            ),
            _ => {}
        }
        let fault = Fault::new(self.reason(), detail);
        if MAY_MEND.contains(&self.code) {
            fault.transient()
        } else {
            fault
        }
    }

    /// Whether our login may not do what was asked.
    pub fn is_a_lack_of_permission(&self) -> bool {
        LACKS.contains(&self.code)
    }

    /// Whether the table, or its database, is not there.
    pub fn is_absent(&self) -> bool {
        ABSENT.contains(&self.code)
    }

    fn reason(&self) -> Reason {
        match self.code {
            code if LACKS.contains(&code) || STRANGERS.contains(&code) => Reason::Unauthorized,
            code if OURS.contains(&code) => Reason::Timeout,
            code if NOT_SERVING.contains(&code) => Reason::NotReady,
            BLOCKED => Reason::NotPermitted,
            _ => Reason::ServerFault,
        }
    }
}

// Numbers of errors, which MySQL and MariaDB share below 1900 (MySQL's server error reference).
/// ER_DBACCESS_DENIED_ERROR, ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR,
/// ER_SPECIFIC_ACCESS_DENIED_ERROR.
const LACKS: &[u16] = &[1044, 1142, 1143, 1227];
/// ER_ACCESS_DENIED_ERROR, ER_HOST_NOT_PRIVILEGED, ER_NOT_SUPPORTED_AUTH_MODE,
/// ER_ACCESS_DENIED_NO_PASSWORD_ERROR, ER_MUST_CHANGE_PASSWORD, ER_MUST_CHANGE_PASSWORD_LOGIN,
/// ER_ACCOUNT_HAS_BEEN_LOCKED of MySQL and of MariaDB, ER_SECURE_TRANSPORT_REQUIRED.
const STRANGERS: &[u16] = &[1045, 1130, 1251, 1698, 1820, 1862, 3118, 4151, 3159];
/// ER_HOST_IS_BLOCKED: too many connections from our address were left in the middle of the login. The
/// server serves everybody else.
const BLOCKED: u16 = 1129;
/// Our own limit on the statement: ER_STATEMENT_TIMEOUT of MariaDB, ER_QUERY_TIMEOUT of MySQL.
const OURS: &[u16] = &[1969, 3024];
/// ER_BAD_DB_ERROR, ER_NO_SUCH_TABLE.
const ABSENT: &[u16] = &[1049, 1146];
/// ER_SERVER_SHUTDOWN, ER_SERVER_OFFLINE_MODE.
const NOT_SERVING: &[u16] = &[1053, 3032];
/// ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION.
const READ_ONLY_TRANSACTION: u16 = 1792;
/// Another try may well pass: ER_CON_COUNT_ERROR, ER_OUT_OF_RESOURCES, ER_LOCK_WAIT_TIMEOUT,
/// ER_LOCK_DEADLOCK, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED.
const MAY_MEND: &[u16] = &[1040, 1041, 1205, 1213, 1203, 1226];

/// The fault that a broken stream of packets stands for.
pub fn of_packets(broken: Broken, doing: &str) -> Fault {
    match broken {
        Broken::Stream(error) => match tls_fault::inside(&error) {
            Some(error) => tls_fault::of_session(error, "the server"),
            None => dial::fault(&error, doing),
        },
        Broken::TooMuch => Fault::new(
            Reason::TooLarge,
            format!("the server sends more than a check may read while {doing}"),
        ),
        Broken::OutOfStep => garbage(&format!("a packet out of its sequence came while {doing}")),
    }
}

/// The fault of words that are not MySQL's.
pub fn garbage(why: &str) -> Fault {
    Fault::new(
        Reason::Malformed,
        format!("the answer is not of MySQL's protocol: {}", one_line(why)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_whose_fault_it_is_and_whether_it_may_mend() {
        for (code, reason, mends) in [
            (1045, Reason::Unauthorized, false),
            (1142, Reason::Unauthorized, false),
            (1227, Reason::Unauthorized, false),
            (1049, Reason::ServerFault, false),
            (1064, Reason::ServerFault, false),
            (1792, Reason::ServerFault, false),
            (1040, Reason::ServerFault, true),
            (1213, Reason::ServerFault, true),
            (1053, Reason::NotReady, true),
            (3032, Reason::NotReady, true),
            (1129, Reason::NotPermitted, false),
            (1130, Reason::Unauthorized, false),
            (3118, Reason::Unauthorized, false),
            (4151, Reason::Unauthorized, false),
            (1969, Reason::Timeout, true),
            (3024, Reason::Timeout, true),
        ] {
            let words = String::new();
            let fault = Said { code, words }.fault();
            assert_eq!((fault.reason, fault.transient), (reason, mends), "{code}");
        }
    }

    #[test]
    fn an_error_is_read_with_its_state_and_before_the_login_without() {
        let with = b"\xff\x15\x04#28000Access denied";
        let without = b"\xff\x10\x04Too many connections";
        let capabilities = CapabilityFlags::CLIENT_PROTOCOL_41;
        for (body, code, words) in [
            (&with[..], 1045, "Access denied"),
            (without, 1040, "Too many connections"),
        ] {
            let said = Said::read(body, capabilities).unwrap();
            assert_eq!((said.code, said.words.as_str()), (code, words));
        }
        for garbage in [&b""[..], b"\xff", b"\x00\x00\x00", b"\xfe12345"] {
            assert_eq!(Said::read(garbage, capabilities), None, "{garbage:?}");
        }
    }
}
