//! What a look may ask beside what it must know: it has half of the time that is left, and what goes
//! wrong with it is a note and no fault.

use std::future::Future;
use std::time::Duration;

use super::sighting::Sighting;
use crate::sample::{Fault, Reason};

/// Waits for an answer for no longer than this; `what` was asked.
///
/// # Errors
/// The fault of who was asked, or that no answer came in time.
pub async fn within<T>(
    share: Duration,
    what: &str,
    asked: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let ended = tokio::time::timeout(share, asked).await;
    let late = || Fault::new(Reason::Timeout, format!("{what} was not answered in time"));
    ended.unwrap_or_else(|_| Err(late()))
}

/// Notes that a hint is missing, and why; `about` what it would have been.
pub fn missed(seen: &mut Sighting, about: &str, fault: &Fault) {
    seen.limited |= fault.reason == Reason::Throttled;
    seen.note(format!("no hint about {about}: {}", fault.detail));
}
