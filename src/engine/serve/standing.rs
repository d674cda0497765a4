//! Looks again and again at what lies outside every window and what people must hear of: whether rollbacks
//! are stopped, by whatever hand, and whether the history can be written.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::brakes::{Brakes, Change, Pulled};
use super::happenings::{Herald, News, Severity};
use super::live::{Freeze, StoreNow};
use super::recorder::Recorder;

/// A person is told within a few seconds; what only one look saw is no news.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(2);

/// Looks from now on, until what is returned is dropped. What it finds first is told to people as well: it
/// may have changed while nobody looked, and who was told already is not told twice.
pub(super) fn watch(
    herald: &Herald,
    brakes: &Brakes,
    recorder: Arc<dyn Recorder>,
) -> AbortOnDropHandle<()> {
    let (herald, brakes) = (herald.clone(), brakes.clone());
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut last: Option<(Pulled, StoreNow)> = None;
        let mut is_told_troubled: Option<bool> = None;
        loop {
            let (look, recorder) = (brakes.look(), Arc::clone(&recorder));
            // A disk may hang: this task alone waits for it.
            let looking = move || {
                let seen = (look.see(), recorder.standing());
                (look, seen)
            };
            if let Ok((look, seen)) = tokio::task::spawn_blocking(looking).await {
                if let Some((pulled, store)) = &last {
                    for change in brakes.changed(pulled, &look, &seen.0) {
                        tell(&herald, &brakes, &change);
                    }
                    let is_troubled = seen.1.trouble.is_some();
                    let is_settled = store.trouble.is_some() == is_troubled;
                    if is_settled && is_told_troubled.replace(is_troubled) != Some(is_troubled) {
                        herald.people.stored(&seen.1);
                    }
                }
                last = Some(seen);
            }
            tokio::time::sleep(LOOKED_AT_EVERY).await;
        }
    }))
}

/// Tells that somebody pulled a kill switch, or let it go, by hand.
fn tell(herald: &Herald, brakes: &Brakes, change: &Change) {
    let Change {
        brake,
        freeze,
        is_new,
    } = change;
    let by = freeze.as_ref().and_then(|freeze| freeze.by.as_deref());
    herald.people.frozen(brake.as_ref(), freeze.as_ref(), by);
    if *is_new {
        herald.tell(news(brakes, change));
    }
}

fn news(brakes: &Brakes, change: &Change) -> News {
    let service = change.brake.as_ref();
    let file = brakes.file(service.map(|name| &**name));
    let shown = file.display().to_string();
    let which = service.map_or_else(
        || "all rollbacks on this machine".to_owned(),
        |service| format!("the rollbacks of {service} on this machine"),
    );
    let (kind, text) = match &change.freeze {
        Some(Freeze { reason, .. }) => ("frozen", format!("{shown} stops {which}: {reason}")),
        None => {
            let of = service.map(|service| format!(" of {service}"));
            let of = of.unwrap_or_default();
            let text = format!("rollbacks{of} are allowed again: {shown} is gone");
            ("thawed", text)
        }
    };
    let freeze = change.freeze.as_ref();
    let news = News::new(kind, Severity::Warning, text)
        .fact("by", freeze.and_then(|freeze| freeze.by.clone()))
        .fact("reason", freeze.map(|freeze| freeze.reason.clone()));
    match service {
        Some(service) => news.of(service),
        None => news,
    }
}
