//! Looks again and again at what lies outside every service and what people must hear of: whether all
//! rollbacks are stopped, by whatever hand, and whether the history can be written.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::frozen;
use super::live::{Freeze, StoreNow};
use super::recorder::Recorder;
use super::telling::Telling;

/// A person is told within a few seconds; what only one look saw is no news.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(2);

/// What was seen at one look.
type Seen = (Option<Freeze>, StoreNow);

/// Looks from now on, until what is returned is dropped. What it finds first is told as well: it may
/// have changed while nobody looked, and who was told already is not told twice.
pub(super) fn watch(
    telling: &Telling,
    kill_switch: PathBuf,
    recorder: Arc<dyn Recorder>,
) -> AbortOnDropHandle<()> {
    let telling = telling.clone();
    AbortOnDropHandle::new(tokio::spawn(async move {
        let (mut told, mut last): (Option<Seen>, Option<Seen>) = (None, None);
        loop {
            let (file, recorder) = (kill_switch.clone(), Arc::clone(&recorder));
            // A disk may hang: this task alone waits for it.
            let look = move || (frozen::read(&file), recorder.standing());
            if let Ok(seen) = tokio::task::spawn_blocking(look).await {
                let is_settled = last.as_ref().is_some_and(|last| is_like(last, &seen));
                if is_settled {
                    tell(&telling, told.as_ref(), &seen);
                    told = Some(seen.clone());
                }
                last = Some(seen);
            }
            tokio::time::sleep(LOOKED_AT_EVERY).await;
        }
    }))
}

fn tell(telling: &Telling, before: Option<&Seen>, seen: &Seen) {
    let (freeze, store) = seen;
    if before.is_none_or(|(before, _)| before != freeze) {
        telling.frozen(freeze.as_ref());
    }
    if before.is_none_or(|before| is_troubled(before) != is_troubled(seen)) {
        telling.stored(store);
    }
}

/// Whether two looks saw the same; the words of a trouble may differ.
fn is_like(one: &Seen, other: &Seen) -> bool {
    one.0 == other.0 && is_troubled(one) == is_troubled(other)
}

const fn is_troubled((_, store): &Seen) -> bool {
    store.trouble.is_some()
}
