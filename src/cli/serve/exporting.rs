//! The exporter beside the daemon: the one that is declared now. A section `telemetry` that is declared
//! otherwise brings another one; the one before sends what it still has.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::plan::telemetry::TelemetryPlan;
use crate::telemetry::otlp::{Around, Exporter, Traced};

/// An exporter that goes by what is declared.
#[derive(Debug)]
pub(super) struct Exporting {
    /// Where runs and happenings are handed in.
    pub(super) traced: Traced,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Exporting {
    /// Begins with what is declared now.
    pub(super) fn begin(declared: watch::Receiver<Arc<TelemetryPlan>>, around: Around) -> Self {
        let (traced, stop) = (Traced::default(), CancellationToken::new());
        let task = follow(declared, around, traced.clone(), stop.clone());
        Self {
            traced,
            stop,
            task: tokio::spawn(task),
        }
    }

    /// Sends what is left, within the bound of an exporter.
    pub(super) async fn finish(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::debug!(%error, "the exporter did not end in order");
        }
    }
}

async fn follow(
    mut declared: watch::Receiver<Arc<TelemetryPlan>>,
    around: Around,
    traced: Traced,
    stop: CancellationToken,
) {
    let mut exporter = start(&declared.borrow_and_update().clone(), &around, &traced);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            changed = declared.changed() => {
                if changed.is_err() {
                    break;
                }
                let plan = Arc::clone(&declared.borrow_and_update());
                let next = start(&plan, &around, &traced);
                if let Some(before) = std::mem::replace(&mut exporter, next) {
                    before.finish().await;
                }
            }
        }
    }
    if let Some(last) = exporter {
        last.finish().await;
    }
}

fn start(plan: &TelemetryPlan, around: &Around, traced: &Traced) -> Option<Exporter> {
    let Some(otlp) = &plan.otlp else {
        traced.end();
        return None;
    };
    Some(Exporter::start(otlp, around, traced))
}
