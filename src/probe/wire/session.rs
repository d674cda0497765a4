//! What a run talks over, as facts; and how equal facts of a check share their memory.
//!
//! Most runs of a check talk over the same kind of session: the same address, protocol and cipher.
//! Facts are plain values and cheap to compare; the text that samples carry is made once.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpStream;

use super::tls::TlsFacts;
use crate::sample::{Session, TlsSession};

/// What a connection is, as long as it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The address at the other end.
    pub address: Option<IpAddr>,
    /// The protocol as it is spoken: `HTTP/1.1`.
    pub protocol: Option<&'static str>,
    /// The TLS session; absent without TLS.
    pub tls: Option<TlsFacts>,
}

impl Facts {
    /// The facts of a connection without TLS, and without a protocol that is worth naming.
    #[must_use]
    pub fn of(stream: &TcpStream) -> Self {
        Self {
            // Absent when the other side has gone already, which the next step finds out.
            address: stream.peer_addr().ok().map(|address| address.ip()),
            ..Self::default()
        }
    }

    fn session(&self, reused: bool) -> Session {
        Session {
            address: self.address,
            reused,
            protocol: self.protocol.map(str::to_owned),
            tls: self.tls.map(|tls| TlsSession {
                version: tls.version.to_owned(),
                cipher: tls.cipher.to_owned(),
                resumed: tls.resumed,
            }),
        }
    }

    fn is(&self, session: &Session, reused: bool) -> bool {
        let tls = self.tls.map(|tls| (tls.version, tls.cipher, tls.resumed));
        let its = session.tls.as_ref();
        session.address == self.address
            && session.reused == reused
            && session.protocol.as_deref() == self.protocol
            && its.map(|its| (&*its.version, &*its.cipher, its.resumed)) == tls
    }
}

/// The sessions that a check met lately, so that equal ones are one.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<Vec<Arc<Session>>>);

impl Sessions {
    /// The session of these facts: the one met before, where it is the same.
    pub fn share(&self, facts: &Facts, reused: bool) -> Arc<Session> {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = met.iter().find(|known| facts.is(known, reused)) {
            return Arc::clone(known);
        }
        let session = Arc::new(facts.session(reused));
        if met.len() == MET {
            met.remove(0);
        }
        met.push(Arc::clone(&session));
        session
    }
}

/// How many different sessions a check remembers: a few addresses, each opened and used again. One
/// with more makes some of them anew.
const MET: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: u8) -> Facts {
        Facts {
            address: Some(IpAddr::from([10, 0, 0, last])),
            protocol: Some("HTTP/1.1"),
            tls: Some(TlsFacts::example()),
        }
    }

    #[test]
    fn equal_sessions_are_one_and_different_ones_are_not() {
        let sessions = Sessions::default();
        let first = sessions.share(&at(1), false);
        assert!(Arc::ptr_eq(&first, &sessions.share(&at(1), false)));
        let plain = Facts { tls: None, ..at(1) };
        let resumed = TlsFacts {
            resumed: true,
            ..TlsFacts::example()
        };
        let resumed = Facts {
            tls: Some(resumed),
            ..at(1)
        };
        let nameless = Facts {
            protocol: None,
            ..at(1)
        };
        for (other, reused) in [
            (at(1), true),
            (at(2), false),
            (plain, false),
            (resumed, false),
            (nameless, false),
        ] {
            let other = sessions.share(&other, reused);
            assert_ne!(*other, *first);
        }
        assert!(Arc::ptr_eq(&first, &sessions.share(&at(1), false)));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_newest() {
        let sessions = Sessions::default();
        for last in 0..100 {
            sessions.share(&at(last), false);
        }
        assert_eq!(sessions.0.lock().unwrap().len(), MET);
        let newest = sessions.share(&at(99), false);
        assert!(Arc::ptr_eq(&newest, &sessions.share(&at(99), false)));
    }
}
