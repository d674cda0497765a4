//! A task of the deployment under test: who it is and where, and how people name it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// A task and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPlace {
    /// The last part of its identifier.
    pub id: Arc<str>,
    /// Its private address.
    pub address: IpAddr,
}

impl fmt::Display for TaskPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", short(&self.id))
    }
}

/// The beginning of a task's identifier: people tell tasks apart by it.
#[must_use]
pub fn short(id: &str) -> String {
    match id.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}…", &id[..end]),
        None => id.to_owned(),
    }
}

/// Real identifiers have 32 digits; eight of them are the same by chance once in a hundred million.
const SHORT: usize = 8;
