//! The store of a team: a schema of its own in a PostgreSQL database, which several instances may
//! write to at once.
//!
//! Whoever writes holds a lock of the schema for the length of one transaction, so that all that is
//! said of one writer of a file holds here as well; whoever reads waits for nobody. Every step has a
//! deadline, of ours and of the server's. What is left of a session after an error or after somebody
//! stopped waiting is closed, never used again. Made by `cli` from what is declared.

mod fault;
pub mod history;
mod schema;
mod secure;
mod session;

use crate::probe::wire::address::place_name;
use crate::probe::wire::tls::Tls;
use crate::secret::{Mask, Secret};

/// A server, who we are there, and where in it the store is. Not `Debug`: it holds the password.
#[derive(Clone)]
pub struct Server {
    /// The host to connect to.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// With which password; absent where the server asks for none.
    pub password: Option<Secret>,
    /// The database.
    pub database: String,
    /// The schema; it is made where it does not exist. Small letters, digits and `_`.
    pub schema: String,
    /// What the server's log and its list of sessions call us.
    pub application_name: String,
    /// What to do about TLS.
    pub encryption: Encryption,
}

/// What to do about TLS.
#[derive(Clone)]
pub enum Encryption {
    /// Do not ask for it.
    Never,
    /// Take it where it is offered.
    WhereOffered(Tls),
    /// Insist on it: without TLS nothing is sent, least of all a password.
    Always(Tls),
}

impl Server {
    /// What people call it, without who logs in: `postgres://db.example:5432/shop, schema
    /// smokejumper`.
    #[must_use]
    pub fn name(&self) -> String {
        let server = place_name("postgres", &self.host, self.port);
        format!("{server}/{}, schema {}", self.database, self.schema)
    }

    /// Hides the password in whatever the server says.
    fn mask(&self) -> Mask {
        let mask = Mask::default();
        if let Some(password) = &self.password {
            mask.hide(password.reveal());
        }
        mask
    }
}
