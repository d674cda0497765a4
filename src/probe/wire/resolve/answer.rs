//! What is asked about a name and what comes of it, as values.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::probe::Source;

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    Four,
    /// IPv6.
    Six,
    /// Both in one question, as the system's resolution has it.
    Both,
}

/// A question. Equal ones that are in flight at the same time are asked once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Who is asked.
    pub source: Source,
    /// What for.
    pub family: Family,
    /// The name, in lower case.
    pub name: Arc<str>,
}

/// Addresses, in the order in which they were told; never none.
pub type Addresses = Arc<[IpAddr]>;

/// The addresses, or why there are none.
pub type Answer = Result<Addresses, Miss>;

/// An answer, and for how long it may be repeated.
#[derive(Clone, Debug)]
pub struct Told {
    /// The answer.
    pub answer: Answer,
    /// For how long; zero for what must be asked anew.
    pub lasts: Duration,
}

impl Told {
    /// An answer that teaches nothing and is repeated to nobody.
    pub fn cannot_tell(why: impl Into<Arc<str>>) -> Self {
        Self {
            answer: Err(Miss::CannotTell(why.into())),
            lasts: Duration::ZERO,
        }
    }

    /// Whether somebody who knows has answered.
    pub const fn is_definite(&self) -> bool {
        !matches!(self.answer, Err(Miss::CannotTell(_)))
    }
}

/// Why there is no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// There is no such name, of whatever family (RFC 8020).
    NoSuchName,
    /// The name has no address of the family.
    NoAddress,
    /// Nobody could tell.
    CannotTell(Arc<str>),
}

impl Miss {
    /// The asking itself failed.
    pub fn lost() -> Self {
        Self::CannotTell(Arc::from("the asking was given up"))
    }

    /// The one of two that says more about the name: that it does not exist holds for both families;
    /// then that one of them could not be told.
    pub fn weightier<'a>(&'a self, other: &'a Self) -> &'a Self {
        let weight = |miss: &Self| match miss {
            Self::NoSuchName => 2,
            Self::CannotTell(_) => 1,
            Self::NoAddress => 0,
        };
        if weight(other) > weight(self) {
            other
        } else {
            self
        }
    }
}
