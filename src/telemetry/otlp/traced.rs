//! The task that sends spans, some at a time.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Around;
use super::send::{Collector, Refusal};
use super::spans::{self, Kept};
use super::steps::Steps;
use super::troubles::Troubles;
use crate::engine::instruments::Signal;

/// As many spans go in one message: collectors take four megabytes, and a span has at most some two
/// kilobytes.
const SPANS_AT_ONCE: usize = 512;
/// Spans wait at most this long for others to go with them.
const SPANS_EVERY: Duration = Duration::from_secs(5);

/// Sends what comes through the queue until nobody hands in any more, or it is told to stop.
pub(super) async fn send(
    collector: Collector,
    around: Around,
    mut queue: mpsc::Receiver<Kept>,
    stop: CancellationToken,
) {
    let outbound = Arc::clone(&around.outbound);
    let mut troubles = Troubles::new(Signal::Traces, outbound, around.mask.clone());
    let mut steps = Steps::new(around.mask.clone());
    let mut batch = Vec::with_capacity(SPANS_AT_ONCE);
    loop {
        let goes_on = gather(&mut queue, &mut batch, &stop).await;
        let told = batch.drain(..).flat_map(|kept| match kept {
            Kept::Run(seen) => spans::run(&seen, &around.mask).into_iter().collect(),
            Kept::Step(happening) => steps.take(*happening),
        });
        let mut told: Vec<Span> = told.collect();
        if !goes_on {
            told.extend(steps.leave(around.clock.wall()));
        }
        for part in told.chunks(SPANS_AT_ONCE) {
            let message = collector.packed(&spans::request(part, &around.resource));
            let sent = collector
                .send_for_long(&around.clock, Signal::Traces, &message, &stop)
                .await;
            let lost = match &sent {
                Ok(taken) => taken.rejected,
                Err(Refusal::Passing { .. } | Refusal::Final(_)) => {
                    u64::try_from(part.len()).unwrap_or(u64::MAX)
                }
            };
            around.outbound.lose(lost);
            troubles.hear(&sent);
        }
        if !goes_on {
            return;
        }
    }
}

/// Waits until a message is full, or has waited long enough, or nothing comes any more: then it is false.
async fn gather(
    queue: &mut mpsc::Receiver<Kept>,
    batch: &mut Vec<Kept>,
    stop: &CancellationToken,
) -> bool {
    let due = tokio::time::sleep(SPANS_EVERY);
    tokio::pin!(due);
    loop {
        tokio::select! {
            read = queue.recv_many(batch, SPANS_AT_ONCE) => {
                if read == 0 {
                    return false;
                }
                if batch.len() >= SPANS_AT_ONCE {
                    return true;
                }
            }
            () = &mut due => return true,
            () = stop.cancelled() => {
                while let Ok(kept) = queue.try_recv() {
                    batch.push(kept);
                }
                return false;
            }
        }
    }
}
