//! Whether the time of day may be believed when something is to be dropped because it is old. What a
//! wrong clock drops is gone, and what is kept a while longer costs room: so whoever cannot be sure waits.
//!
//! A machine that starts with its clock ahead says nothing of a jump. But what is remembered says when
//! somebody was here last: where that is long ago, either nobody was here, or the clock is wrong, and it
//! has to run for a while before it is believed. Asked by [`super::writer`] before each step.

use std::time::Duration;

use tokio::time::Instant;
use ulid::Ulid;

use crate::clock::{Clock, WallTime};
use crate::quantity::human;
use crate::store::StoreError;
use crate::store::history::{History, Page};

/// Nothing is dropped for so long after our own clock was set, for it may be set back; and so long a
/// clock has to run that is far ahead of what is remembered. What was remembered within it, by the same
/// clock, says nothing for it.
pub(super) const WAITED: Duration = Duration::from_secs(3_600);
/// So far back from that lies at most what was remembered last where the clock is believed at once. A
/// quiet daemon that begins anew has it further back, and only waits.
const NEAR: Duration = Duration::from_secs(5 * 3_600);

/// Whether the time of day is believed.
#[derive(Debug)]
pub(super) struct Trust {
    begun: Instant,
    is_earned: bool,
    is_told: bool,
}

impl Trust {
    /// Of a clock of which nothing is known yet.
    pub(super) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            is_earned: false,
            is_told: false,
        }
    }

    /// Whether something may be dropped on the word of this clock.
    ///
    /// # Errors
    /// When it is not known, since the history cannot be read.
    pub(super) async fn is_given(
        &mut self,
        clock: &dyn Clock,
        below: &dyn History,
    ) -> Result<bool, StoreError> {
        let jump = clock.jump();
        if jump.is_some_and(|jump| clock.now().since(jump.at) < WAITED) {
            return Ok(false);
        }
        if !self.is_earned {
            self.is_earned = self.begun.elapsed() >= WAITED || self.is_near(clock, below).await?;
        }
        Ok(self.is_earned)
    }

    /// Whether what was remembered last, not counting the last while, is near to the present; nothing
    /// at all is nothing that could be lost.
    async fn is_near(
        &mut self,
        clock: &dyn Clock,
        below: &dyn History,
    ) -> Result<bool, StoreError> {
        let now = clock.wall();
        let until = WallTime::since_unix_epoch(now.unix().saturating_sub(WAITED));
        let page = Page {
            before: Some(named_at(until)),
            limit: 1,
            ..Page::default()
        };
        let Some(last) = below.happenings(&page).await?.pop() else {
            return Ok(true);
        };
        let ahead = until.since(last.at);
        if ahead > NEAR && !self.is_told {
            self.is_told = true;
            let (ahead, waited) = (human(Duration::from_secs(ahead.as_secs())), human(WAITED));
            tracing::warn!(
                %ahead,
                "the clock is far ahead of what the history remembers: nothing of it is thinned before \
                 the clock has run for {waited}"
            );
        }
        Ok(ahead <= NEAR)
    }
}

/// The least name of what happens at a time: names are ULIDs, and sort by it.
fn named_at(at: WallTime) -> String {
    let millis = u64::try_from(at.unix().as_millis()).unwrap_or(u64::MAX);
    Ulid::from_parts(millis, 0).to_string()
}
