//! Looks at the services again and again, many with one question, and tells each station what it sees.
//!
//! Gently: every ten seconds or so, not in step with other instances, more and more seldom while the
//! platform limits us or does not answer. That something is new is all that it looks for.

use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::outfit::Outside;
use super::station::Seen;
use crate::deploy::{DeployError, Lookout};
use crate::deployment::Sighting;
use crate::plan::ServicePlan;

/// Between two looks; shorter where a bake is short.
const USUAL: Duration = Duration::from_secs(10);
/// At a bake of seconds, as in a rehearsal.
const SHORTEST: Duration = Duration::from_secs(1);
/// While the platform cannot be asked.
const LONGEST: Duration = Duration::from_secs(120);
/// One look may take so long; one that hangs is one that failed.
const ANSWER: Duration = Duration::from_secs(30);

/// Connecting to one platform may take so long.
const CONNECTING: Duration = Duration::from_secs(60);

/// A service to look at, and where it is told what is seen.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) service: ServicePlan,
    pub(super) seen: watch::Sender<Seen>,
}

/// Starts looking; dropping the handle ends it.
pub(super) fn start(
    outside: &Arc<dyn Outside>,
    watched: Vec<Watched>,
    stop: &CancellationToken,
) -> AbortOnDropHandle<()> {
    let (outside, stop) = (Arc::clone(outside), stop.clone());
    AbortOnDropHandle::new(tokio::spawn(async move {
        tokio::select! {
            () = keep_looking(&*outside, Arc::new(watched)) => {}
            () = stop.cancelled() => {}
        }
    }))
}

/// Connects, and looks at each group from then on, at its own pace: one that is limited, or cannot be
/// connected to, holds up no other.
async fn keep_looking(outside: &dyn Outside, watched: Arc<Vec<Watched>>) {
    // They end with this one.
    let mut looking = JoinSet::new();
    let mut missing: Vec<usize> = (0..watched.len()).collect();
    let mut pause = SHORTEST;
    while !missing.is_empty() {
        let mut failed = Vec::new();
        for (places, lookout) in connect(outside, &watched, &missing).await {
            match lookout {
                Ok(lookout) => {
                    looking.spawn(look_at(Arc::clone(&watched), places, lookout));
                }
                // There may be no credentials yet: it is tried again.
                Err(error) => {
                    tell_all(&watched, &places, &error);
                    failed.extend(places);
                }
            }
        }
        missing = failed;
        pause = (pause * 2).min(LONGEST);
        if !missing.is_empty() {
            tokio::time::sleep(jittered(pause)).await;
        }
    }
    while looking.join_next().await.is_some() {}
}

/// The lookouts over the services at these places.
async fn connect(
    outside: &dyn Outside,
    watched: &[Watched],
    missing: &[usize],
) -> Vec<(Vec<usize>, Result<Arc<dyn Lookout>, DeployError>)> {
    let services = missing.iter().map(|place| watched[*place].service.clone());
    let services: Vec<ServicePlan> = services.collect();
    match tokio::time::timeout(CONNECTING, outside.lookouts(&services)).await {
        Ok(found) => {
            let found = found.into_iter();
            let there = |(places, lookout): (Vec<usize>, _)| {
                let places = places.into_iter().map(|place| missing[place]);
                (places.collect(), lookout)
            };
            found.map(there).collect()
        }
        Err(_) => vec![(missing.to_vec(), Err(silent()))],
    }
}

async fn look_at(watched: Arc<Vec<Watched>>, places: Vec<usize>, lookout: Arc<dyn Lookout>) {
    let bakes = places
        .iter()
        .map(|place| watched[*place].service.policy.bake);
    let usual = usual(bakes.min().unwrap_or(USUAL));
    let mut pause = usual;
    loop {
        let seen = look_once(&*lookout, places.len()).await;
        let is_limited = seen
            .iter()
            .any(|one| matches!(one, Err(DeployError::Passing(_))));
        pause = match is_limited {
            true => (pause * 2).min(LONGEST),
            false => usual,
        };
        for (place, seen) in places.iter().zip(seen) {
            tell(&watched[*place].seen, seen);
        }
        tokio::time::sleep(jittered(pause)).await;
    }
}

/// One look, which may hang or end by a fault of its own: the next one is made all the same.
async fn look_once(lookout: &dyn Lookout, services: usize) -> Vec<Result<Sighting, DeployError>> {
    let looking = AssertUnwindSafe(lookout.look()).catch_unwind();
    let error = match tokio::time::timeout(ANSWER, looking).await {
        Ok(Ok(seen)) => return seen,
        Ok(Err(_)) => {
            let why = "looking at it ended by a fault of its own: this is a bug";
            DeployError::Passing(why.to_owned())
        }
        Err(_) => silent(),
    };
    vec![Err(error); services]
}

fn silent() -> DeployError {
    DeployError::Passing("the platform does not answer".to_owned())
}

/// How often services are looked at whose shortest bake is this: a new deployment is seen within a
/// tenth of it.
fn usual(bake: Duration) -> Duration {
    (bake / 10).clamp(SHORTEST, USUAL)
}

fn tell_all(watched: &[Watched], places: &[usize], error: &DeployError) {
    for place in places {
        tell(&watched[*place].seen, Err(error.clone()));
    }
}

/// Tells a station what is seen, where that is another thing than before; of each look that fails, since
/// it matters how long they do.
fn tell(station: &watch::Sender<Seen>, seen: Result<Sighting, DeployError>) {
    let seen = Some(seen.map_err(|error| error.to_string()));
    station.send_if_modified(|known| {
        let is_new = *known != seen || matches!(seen, Some(Err(_)));
        *known = seen;
        is_new
    });
}

/// The span, up to a fifth longer or shorter, so that many instances do not ask in step.
fn jittered(span: Duration) -> Duration {
    // The standard library's hasher keys are random; nothing here needs better randomness.
    let dice = RandomState::new().hash_one(0_u8) % 401;
    span.mul_f64(0.8 + f64::from(u32::try_from(dice).unwrap_or(200)) / 1_000.0)
}
