//! The task that sends the instruments, again and again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Around;
use super::metrics::{self, Frame, Unwanted};
use super::send::{Collector, PATIENCE, Refusal, Taken};
use super::troubles::Troubles;
use crate::clock::Moment;
use crate::engine::instruments::Signal;

/// Sends until it is told to stop, and then once more.
pub(super) async fn send(collector: Collector, around: Around, stop: CancellationToken) {
    let collector = Arc::new(collector);
    let outbound = Arc::clone(&around.outbound);
    let mut troubles = Troubles::new(Signal::Metrics, outbound, around.mask.clone());
    let mut left_alone_until = Moment::ORIGIN;
    loop {
        let goes_on = tokio::select! {
            () = tokio::time::sleep(collector.0.every) => true,
            () = stop.cancelled() => false,
        };
        if goes_on && around.clock.now() < left_alone_until {
            continue;
        }
        let frame = Frame {
            resource: around.resource.clone(),
            since: around.since,
            now: around.clock.wall(),
        };
        // What is not sent now is contained in what is sent next: the sums only grow.
        let sent = export(&collector, &around, frame).await;
        if let Err(Refusal::Passing { after, .. }) = &sent {
            left_alone_until = around.clock.now() + after.unwrap_or(Duration::ZERO).min(PATIENCE);
        }
        troubles.hear(&sent);
        if !goes_on {
            return;
        }
    }
}

/// Sends what is counted now. Of many checks it is long, and so it is told on a thread where no probes
/// run, one message ahead of what is sent.
async fn export(
    collector: &Arc<Collector>,
    around: &Around,
    frame: Frame,
) -> Result<Taken, Refusal> {
    let instruments = (around.instruments.0)();
    let (mask, packing) = (around.mask.clone(), Arc::clone(collector));
    let (told, mut messages) = mpsc::channel(1);
    let telling = tokio::task::spawn_blocking(move || {
        metrics::tell(&instruments, &mask, &frame, |request| {
            let packed = packing.packed(&request);
            told.blocking_send(packed).map_err(|_| Unwanted)
        })
    });
    let mut all = Taken::default();
    while let Some(message) = messages.recv().await {
        let sent = collector.send(&around.clock, Signal::Metrics, &message);
        let taken = sent.await?;
        all.rejected += taken.rejected;
        if !taken.why.is_empty() {
            all.why = taken.why;
        }
    }
    match telling.await {
        Ok(Ok(()) | Err(Unwanted)) => Ok(all),
        Err(error) => Err(Refusal::Final(format!("it could not be told: {error}"))),
    }
}
