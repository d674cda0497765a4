//! What the wire tells besides the answers: where requests go, and what time it is at AWS.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_ecs::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_sdk_ecs::primitives::{DateTime, DateTimeFormat};
use tokio::time::Instant;

use super::super::facts;
use crate::clock::WallTime;
use crate::deployment::{Examined, State};
use crate::quantity::human;

/// Listens to a client; clones hear for the same ear.
#[derive(Clone, Debug, Default)]
pub(super) struct Overheard(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    endpoint: Option<String>,
    /// The time of the last answer by the server's clock, and when it came in.
    date: Option<(WallTime, Instant)>,
}

impl Overheard {
    /// A client of ECS that is listened to.
    pub(super) fn ecs(&self, config: &SdkConfig) -> aws_sdk_ecs::Client {
        let builder = aws_sdk_ecs::config::Builder::from(config);
        aws_sdk_ecs::Client::from_conf(builder.interceptor(self.clone()).build())
    }

    /// Where requests went.
    pub(super) fn endpoint(&self) -> Examined {
        let heard = self.heard();
        match &heard.endpoint {
            Some(endpoint) => Examined::of("endpoint", State::Ok, endpoint.clone()),
            None => Examined::of("endpoint", State::Unknown, "no request was sent"),
        }
    }

    /// How far AWS's clock and ours lie apart; `ours` is now.
    pub(super) fn clock(&self, ours: WallTime) -> Examined {
        let date = self.heard().date;
        let Some((theirs, since)) = date else {
            return Examined::of("clock", State::Unknown, "no answer told AWS's time");
        };
        skewed(theirs.unix() + since.elapsed(), ours.unix())
    }

    /// A value is changed in one step, even by a thread that panics.
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Overheard {
    fn name(&self) -> &'static str {
        "Overheard"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.heard().endpoint = Some(context.request().uri().to_owned());
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        if let Some(date) = facts::wall(date.as_ref()) {
            self.heard().date = Some((date, Instant::now()));
        }
        Ok(())
    }
}

/// Tells the distance of two clocks, both as spans since 1970.
fn skewed(theirs: Duration, ours: Duration) -> Examined {
    let apart = theirs.abs_diff(ours);
    let rounded = human(Duration::from_secs(apart.as_secs()));
    let detail = if apart < RESOLUTION {
        "agrees with AWS's within 2s".to_owned()
    } else if ours > theirs {
        format!("{rounded} ahead of AWS's")
    } else {
        format!("{rounded} behind AWS's")
    };
    if apart <= MOST_SKEW {
        return Examined::of("clock", State::Ok, detail);
    }
    let why = format!("{detail}: set it right; AWS refuses what is signed 5m off");
    Examined::of("clock", State::Failed, why)
}

/// The header has whole seconds, and the answer took its way.
const RESOLUTION: Duration = Duration::from_secs(2);
/// AWS refuses signatures from five minutes on; a clock that is a minute off is on its way there.
const MOST_SKEW: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_more_than_a_minute_off_is_a_problem() {
        let cases = [
            (1_000, 1_000, State::Ok, "agrees with AWS's within 2s"),
            (1_000, 1_001, State::Ok, "agrees with AWS's within 2s"),
            (1_000, 1_030, State::Ok, "30s ahead of AWS's"),
            (1_060, 1_000, State::Ok, "1m behind AWS's"),
            (
                1_061,
                1_000,
                State::Failed,
                "1m1s behind AWS's: set it right; AWS refuses what is signed 5m off",
            ),
            (
                1_000,
                1_400,
                State::Failed,
                "6m40s ahead of AWS's: set it right; AWS refuses what is signed 5m off",
            ),
        ];
        for (theirs, ours, state, detail) in cases {
            let seconds = Duration::from_secs;
            let examined = skewed(seconds(theirs), seconds(ours));
            assert_eq!(
                (examined.state, &*examined.detail),
                (state, detail),
                "{theirs} {ours}"
            );
        }
    }
}
