//! Which samples a bake judges, and when it is over: those that started within it, and exactly at its
//! end. It knows no time but that which it is told, so that a recording of the window is judged over
//! the same samples and as of the same moment. A value; used by `watch`.

use std::time::Duration;

use super::record::Stamp;
use crate::clock::Moment;
use crate::deployment::Standing;
use crate::sample::Sample;

/// The stretch of time that is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bake {
    pub(super) start: Stamp,
    end: Moment,
    /// A deployment that is still being rolled out at the end of the bake gets as long again.
    patience_end: Moment,
    is_prolonged: bool,
}

/// A prolonged bake ends at a whole millisecond: what is typed to replay it is exact.
const NANOS_A_MILLI: u128 = 1_000_000;

impl Bake {
    pub(super) fn new(start: Stamp, lasts: Duration) -> Self {
        let end = start.moment + lasts;
        Self {
            start,
            end,
            patience_end: end + lasts,
            is_prolonged: false,
        }
    }

    /// Whether it is over. It is prolonged as long as the deployment is being rolled out.
    pub(super) fn is_over(&mut self, now: Moment, standing: Standing) -> bool {
        if now < self.end {
            return false;
        }
        let is_over = standing != Standing::InFlight || now >= self.patience_end;
        self.is_prolonged |= !is_over;
        is_over
    }

    /// When it may be over next.
    pub(super) fn next_end(&self, now: Moment) -> Moment {
        if now < self.end {
            self.end
        } else {
            self.patience_end
        }
    }

    /// Whether a sample is of it. One that started after the end is only while a rollout outlasts it.
    pub(super) fn judges(&mut self, sample: &Sample, standing: Standing) -> bool {
        let is_late = sample.started > self.end;
        self.is_prolonged |= is_late && standing == Standing::InFlight;
        !is_late || self.is_prolonged
    }

    /// The end, once it is over. Samples that started later are not of it.
    pub(super) fn end(&self, now: Moment) -> Moment {
        if !self.is_prolonged {
            return self.end;
        }
        let lasted = now.since(self.start.moment).as_nanos();
        let millis = u64::try_from(lasted.div_ceil(NANOS_A_MILLI)).unwrap_or(u64::MAX);
        self.start.moment + Duration::from_millis(millis)
    }

    /// What is needed besides the recording to replay a prolonged bake.
    pub(super) fn caveat(&self, end: Moment) -> Option<String> {
        // To the millisecond: what is written for people is rounded.
        let millis = end.since(self.start.moment).as_millis();
        self.is_prolonged.then(|| {
            format!(
                "the rollout outlasted the bake; a replay of this recording needs --for {millis}ms"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::WallTime;
    use crate::sample::{CheckId, Outcome, Phases};
    use Standing::{Completed, InFlight};

    fn at(millis: u64) -> Moment {
        Moment::at(Duration::from_millis(millis))
    }

    fn sample(millis: u64) -> Sample {
        Sample {
            check: CheckId::new("web"),
            started: at(millis),
            latency: Duration::ZERO,
            phases: Phases::default(),
            outcome: Outcome::Pass,
            fault: None,
            readings: Vec::new(),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            sending: None,
            session: None,
            trace: None,
        }
    }

    fn bake() -> Bake {
        let start = Stamp {
            moment: at(100),
            wall: WallTime::default(),
        };
        Bake::new(start, Duration::from_secs(10))
    }

    #[test]
    fn a_bake_is_over_exactly_at_its_end_however_late_we_look() {
        let mut bake = bake();
        assert!(!bake.is_over(at(10_099), InFlight));
        assert!(bake.judges(&sample(10_100), Completed), "at its very end");
        assert!(!bake.judges(&sample(10_101), Completed), "after it");
        assert!(bake.is_over(at(10_150), Completed));
        assert_eq!(bake.end(at(10_150)), at(10_100));
        assert_eq!(bake.caveat(at(10_100)), None);
    }

    #[test]
    fn a_rollout_prolongs_it_once_by_its_own_length() {
        let mut bake = bake();
        assert!(!bake.is_over(at(10_200), InFlight));
        assert_eq!(bake.next_end(at(10_200)), at(20_100));
        assert!(
            bake.judges(&sample(12_000), Completed),
            "it goes on until it is looked at again"
        );
        assert!(bake.is_over(at(12_100), Completed));
        let now = at(12_100) + Duration::from_nanos(1);
        assert_eq!(bake.end(now), at(12_101));
        let caveat = bake.caveat(at(12_101)).unwrap();
        assert!(caveat.ends_with("--for 12001ms"), "{caveat}");
        assert!(bake.is_over(at(20_100), InFlight), "patience ends");
    }

    #[test]
    fn a_sample_after_the_end_is_proof_that_it_went_on() {
        let mut bake = bake();
        assert!(bake.judges(&sample(10_200), InFlight));
        assert!(bake.is_over(at(10_300), Completed));
        assert_eq!(bake.end(at(10_300)), at(10_300), "the sample is within it");
    }
}
