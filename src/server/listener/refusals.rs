//! Connections that were not accepted, told now and then: a flood of them must not become one of the log.

use std::net::SocketAddr;
use std::time::Duration;

use crate::clock::Moment;

/// Told no more often than this.
const EVERY: Duration = Duration::from_secs(10);

/// How many there were.
#[derive(Debug, Default)]
pub struct Refusals {
    /// When they were told.
    told: Option<Moment>,
    /// How many there were since then.
    since: u64,
}

impl Refusals {
    /// Counts one, and tells how many there were where it is time.
    pub fn one_more(&mut self, peer: SocketAddr, now: Moment) {
        if let Some(count) = self.due(now) {
            tracing::warn!(%peer, count, "too many connections: some were not accepted");
        }
    }

    fn due(&mut self, now: Moment) -> Option<u64> {
        self.since += 1;
        if self.told.is_some_and(|told| now.since(told) < EVERY) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_once_in_a_while_with_its_count() {
        let mut refusals = Refusals::default();
        let told =
            |refusals: &mut Refusals, second| refusals.due(Moment::at(Duration::from_secs(second)));
        assert_eq!(told(&mut refusals, 1), Some(1));
        assert_eq!(told(&mut refusals, 2), None);
        assert_eq!(told(&mut refusals, 3), None);
        assert_eq!(told(&mut refusals, 11), Some(3));
    }
}
