//! How many requests each caller may send: a bucket for each that fills as time passes.
//!
//! Those who are known share the bucket of their name, others that of their address; whoever shows
//! wrong tokens empties no bucket but that of its address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;

use super::{Caller, Known};
use crate::clock::Moment;
use crate::plan::server::RateLimit;
use crate::server::listener::Peer;
use crate::server::problem::Problem;

/// The buckets.
#[derive(Debug, Default)]
pub struct Limits {
    /// When each bucket will be full again: nothing else has to be known of it.
    full_at: HashMap<Whom, Moment>,
}

/// Whose bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whom {
    Named(Arc<str>),
    At(Option<IpAddr>),
}

/// So many buckets are kept that are not full; beyond, those are counted together whom nobody knows.
const MOST_BUCKETS: usize = 4_096;

impl Limits {
    /// Takes a request out of a caller's bucket.
    ///
    /// # Errors
    /// When it is empty, with the time after which it is not.
    pub fn count(
        &mut self,
        caller: &Caller,
        peer: &Peer,
        limit: RateLimit,
        now: Moment,
    ) -> Result<(), Problem> {
        let one = limit.per / limit.requests.max(1);
        let whom = self.bucket(caller, peer, now);
        let full_at = self.full_at.get(&whom).copied().unwrap_or(now).max(now) + one;
        let missing = full_at.since(now).saturating_sub(limit.per);
        if !missing.is_zero() {
            return Err(too_many(limit, missing));
        }
        self.full_at.insert(whom, full_at);
        Ok(())
    }

    fn bucket(&mut self, caller: &Caller, peer: &Peer, now: Moment) -> Whom {
        let whom = match caller.known {
            Known::Token | Known::Session { .. } | Known::Certificate => {
                return Whom::Named(Arc::clone(&caller.name));
            }
            Known::Not | Known::Near => Whom::At(peer.address.map(|address| address.ip())),
        };
        if self.full_at.len() >= MOST_BUCKETS && !self.full_at.contains_key(&whom) {
            // Those that are full by now say nothing.
            self.full_at.retain(|_, full_at| *full_at > now);
            if self.full_at.len() >= MOST_BUCKETS {
                return Whom::At(None);
            }
        }
        whom
    }
}

fn too_many(limit: RateLimit, missing: Duration) -> Problem {
    let (requests, per) = (limit.requests, crate::quantity::human(limit.per));
    let detail = format!("more than {requests} requests in {per}");
    // Rounded up: a client that comes back then is served.
    let after = missing.as_secs() + 1;
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail).after(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(known: Known) -> Caller {
        Caller {
            name: Arc::from("ci"),
            scope: None,
            known,
        }
    }

    fn from(last: u8) -> Peer {
        Peer {
            address: Some(([10, 0, 0, last], 1).into()),
            ..Peer::default()
        }
    }

    const LIMIT: RateLimit = RateLimit {
        requests: 3,
        per: Duration::from_secs(3),
    };

    #[test]
    fn a_bucket_is_emptied_and_fills_again() {
        let mut limits = Limits::default();
        let nobody = caller(Known::Not);
        let mut at = |seconds| {
            let now = Moment::at(Duration::from_secs(seconds));
            let counted = limits.count(&nobody, &from(1), LIMIT, now);
            counted.map_err(|problem| problem.retry_after)
        };
        assert_eq!([at(10), at(10), at(10)], [Ok(()), Ok(()), Ok(())]);
        assert_eq!(at(10), Err(Some(2)));
        assert_eq!([at(11), at(11)], [Ok(()), Err(Some(2))]);
        assert_eq!([at(60), at(60), at(60)], [Ok(()), Ok(()), Ok(())]);
        assert!(at(60).is_err());
    }

    #[test]
    fn callers_have_buckets_of_their_own() {
        let mut limits = Limits::default();
        let now = Moment::at(Duration::from_secs(10));
        for _ in 0..9 {
            let stranger = limits.count(&caller(Known::Not), &from(1), LIMIT, now);
            assert!(stranger.is_ok() || stranger.is_err_and(|problem| problem.code == "too_many"));
        }
        assert!(
            limits
                .count(&caller(Known::Not), &from(2), LIMIT, now)
                .is_ok()
        );
        assert!(
            limits
                .count(&caller(Known::Token), &from(1), LIMIT, now)
                .is_ok()
        );
        let session = Known::Session { id: [0; 16] };
        assert!(limits.count(&caller(session), &from(3), LIMIT, now).is_ok());
        assert!(
            limits
                .count(&caller(Known::Token), &from(3), LIMIT, now)
                .is_ok()
        );
        assert!(
            limits
                .count(&caller(Known::Token), &from(4), LIMIT, now)
                .is_err()
        );
    }

    #[test]
    fn strangers_take_no_more_room_than_there_is() {
        let mut limits = Limits::default();
        let now = Moment::at(Duration::from_secs(10));
        for number in 0..10_000_u32 {
            let peer = Peer {
                address: Some((std::net::Ipv4Addr::from(number), 1).into()),
                ..Peer::default()
            };
            limits.count(&caller(Known::Not), &peer, LIMIT, now).ok();
        }
        assert!(
            limits.full_at.len() <= MOST_BUCKETS + 1,
            "{}",
            limits.full_at.len()
        );
        let later = now + Duration::from_secs(60);
        assert!(
            limits
                .count(&caller(Known::Not), &from(9), LIMIT, later)
                .is_ok()
        );
    }
}
