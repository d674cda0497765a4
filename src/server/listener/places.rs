//! How many connections there may be, and how many of one address.
//!
//! Where none is free, a connection on which nothing is being answered makes room for the new one: the
//! one that has been so the longest, of the address that has its share, or of anybody where all places
//! are taken. Streams that somebody listens to, and answers that are on their way, keep their places;
//! they are bounded otherwise, below the share of an address. So nobody who opens connections and is
//! silent, or asks slowly, keeps a health check out.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// So many connections at once: some tens of people, their pages live, and a few scrapers.
pub const MOST: usize = 512;

/// So many of them from one address: a proxy in front of everyone gets along with it, and nobody alone
/// takes all. More than may listen to events at once.
pub const MOST_OF_ONE: usize = 256;

/// The places. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Places(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    held: HashMap<Name, Held>,
    of: HashMap<IpAddr, usize>,
    /// Those on which nothing is being answered, by when that began.
    idle: BTreeMap<Name, Name>,
    /// Names are given in order, and so are the times at which connections became idle.
    next: Name,
}

type Name = u64;

#[derive(Debug)]
struct Held {
    ip: IpAddr,
    /// How many requests are being answered on it.
    busy: usize,
    /// Its place among the idle ones; absent while it is busy.
    idle_since: Option<Name>,
    leave: CancellationToken,
}

/// A place, given back when this and all that is answered on it is dropped.
#[derive(Clone, Debug)]
pub struct Place(Arc<Own>);

#[derive(Debug)]
struct Own {
    places: Places,
    name: Name,
    leave: CancellationToken,
}

/// A request is being answered, until this is dropped.
#[derive(Debug)]
pub struct Answering(Place);

impl Places {
    /// Takes a place for a connection from there; none where there is none and none can be made.
    pub fn take(&self, ip: IpAddr) -> Option<Place> {
        let mut taken = self.lock();
        let own = taken.of.get(&ip).copied().unwrap_or_default();
        if own >= MOST_OF_ONE {
            taken.dismiss(|held| held.ip == ip)?;
        } else if taken.held.len() >= MOST {
            taken.dismiss(|_| true)?;
        }
        let name = taken.number();
        let leave = CancellationToken::new();
        *taken.of.entry(ip).or_default() += 1;
        let held = Held {
            ip,
            busy: 0,
            idle_since: None,
            leave: leave.clone(),
        };
        taken.held.insert(name, held);
        taken.rest(name);
        let places = self.clone();
        Some(Place(Arc::new(Own {
            places,
            name,
            leave,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    const fn number(&mut self) -> Name {
        self.next += 1;
        self.next
    }

    /// Sends away the connection that has been idle the longest among these; none where none is idle.
    fn dismiss(&mut self, is_meant: impl Fn(&Held) -> bool) -> Option<()> {
        let mut idle = self.idle.values().copied();
        let name = idle.find(|name| self.held.get(name).is_some_and(&is_meant))?;
        self.forget(name)?.leave.cancel();
        Some(())
    }

    /// Nothing is being answered on a connection any more.
    fn rest(&mut self, name: Name) {
        let since = self.number();
        if let Some(held) = self.held.get_mut(&name) {
            held.idle_since = Some(since);
            self.idle.insert(since, name);
        }
    }

    fn forget(&mut self, name: Name) -> Option<Held> {
        let held = self.held.remove(&name)?;
        if let Some(since) = held.idle_since {
            self.idle.remove(&since);
        }
        if let Some(own) = self.of.get_mut(&held.ip) {
            *own -= 1;
            if *own == 0 {
                self.of.remove(&held.ip);
            }
        }
        Some(held)
    }
}

impl Place {
    /// Says that a request is being answered.
    #[must_use]
    pub fn answer(&self) -> Answering {
        let mut taken = self.0.places.lock();
        if let Some(held) = taken.held.get_mut(&self.0.name) {
            held.busy += 1;
            if let Some(since) = held.idle_since.take() {
                taken.idle.remove(&since);
            }
        }
        Answering(self.clone())
    }

    /// Waits until the place is wanted for somebody else.
    pub async fn wanted(&self) {
        self.0.leave.cancelled().await;
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let own = &self.0.0;
        let mut taken = own.places.lock();
        let Some(held) = taken.held.get_mut(&own.name) else {
            return;
        };
        held.busy -= 1;
        if held.busy == 0 {
            taken.rest(own.name);
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // Of one that was sent away nothing is left.
        drop(self.places.lock().forget(self.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn busy(places: &Places, last: u8, count: usize) -> Vec<Answering> {
        let taken = (0..count).map(|_| places.take(ip(last)).unwrap());
        taken.map(|place| place.answer()).collect()
    }

    #[test]
    fn nobody_takes_all_places_and_each_is_given_back() {
        let places = Places::default();
        let mut own = busy(&places, 1, MOST_OF_ONE);
        assert!(places.take(ip(1)).is_none());
        let others = busy(&places, 2, MOST - MOST_OF_ONE);
        assert!(places.take(ip(3)).is_none());
        own.pop();
        let third = places.take(ip(3));
        assert!(third.is_some());
        drop((own, others, third));
        let taken = places.lock();
        assert_eq!(
            (taken.held.len(), taken.of.len(), taken.idle.len()),
            (0, 0, 0)
        );
    }

    #[test]
    fn who_is_silent_the_longest_makes_room_and_who_is_answered_does_not() {
        let places = Places::default();
        let left = |place: &Place| place.0.leave.is_cancelled();
        let answered = busy(&places, 1, MOST_OF_ONE - 2);
        let (first, second) = (places.take(ip(1)).unwrap(), places.take(ip(1)).unwrap());
        // The first has just been answered: the second is silent the longest.
        drop(first.answer());
        let foreign = places.take(ip(2)).unwrap();
        let third = places.take(ip(1)).unwrap();
        assert_eq!((left(&first), left(&second)), (false, true));
        let fourth = places.take(ip(1)).unwrap();
        assert!(left(&first) && !left(&foreign) && !left(&third));
        // What it still answers, or is left of it, changes nothing.
        drop(second.answer());
        drop((first, second));
        assert_eq!(places.lock().of[&ip(1)], MOST_OF_ONE);
        let asked = (third.answer(), fourth.answer());
        assert!(places.take(ip(1)).is_none());
        drop((answered, asked, third, fourth, foreign));
        assert!(places.lock().held.is_empty());
    }

    #[test]
    fn where_all_places_are_taken_anybody_who_is_silent_makes_room() {
        let places = Places::default();
        let silent = places.take(ip(1)).unwrap();
        let others = [2, 3].map(|last| busy(&places, last, MOST_OF_ONE - usize::from(last == 3)));
        assert!(places.take(ip(4)).is_some());
        assert!(silent.0.leave.is_cancelled());
        drop(others);
    }
}
