//! What the daemon hands over is remembered behind it, and sent on where somebody keeps traces.

use std::fmt;
use std::sync::Arc;

use crate::engine::serve::live::StoreNow;
use crate::engine::serve::recorder::Recorder;
use crate::store::behind::{Behind, State};
use crate::store::history::Batch;
use crate::telemetry::log;
use crate::telemetry::otlp::Traced;

/// Takes everything over at once; never waits.
pub struct Remembering {
    history: Arc<Behind>,
    traced: Traced,
}

impl Remembering {
    /// Into this history, and into traces as long as there is somebody who keeps them.
    #[must_use]
    pub const fn new(history: Arc<Behind>, traced: Traced) -> Self {
        Self { history, traced }
    }
}

impl fmt::Debug for Remembering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remembering")
    }
}

impl Recorder for Remembering {
    fn take(&self, batch: Batch) {
        batch.samples.iter().for_each(log::ran);
        let (samples, happenings) = (batch.samples.iter(), batch.happenings.iter());
        samples.for_each(|seen| self.traced.ran(seen));
        happenings.for_each(|happening| self.traced.happened(happening));
        self.history.hand_in(batch);
    }

    fn standing(&self) -> StoreNow {
        let State {
            place,
            trouble,
            waiting,
            lost,
        } = self.history.state();
        StoreNow {
            place,
            trouble,
            waiting,
            lost,
        }
    }
}
