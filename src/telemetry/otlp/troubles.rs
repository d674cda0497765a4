//! What goes wrong with a collector: counted always, told once, and once that it is over.

use std::sync::Arc;

use super::send::{Refusal, Taken};
use crate::engine::instruments::{Outbound, Signal};
use crate::secret::Mask;

/// What goes wrong with one signal.
#[derive(Debug)]
pub(super) struct Troubles {
    signal: Signal,
    outbound: Arc<Outbound>,
    mask: Mask,
    told: Option<String>,
}

impl Troubles {
    pub(super) const fn new(signal: Signal, outbound: Arc<Outbound>, mask: Mask) -> Self {
        Self {
            signal,
            outbound,
            mask,
            told: None,
        }
    }

    /// Takes in what became of a message.
    pub(super) fn hear(&mut self, sent: &Result<Taken, Refusal>) {
        let signal = self.signal.name();
        let why = match sent {
            Ok(taken) if taken.rejected > 0 => {
                let Taken { rejected, why } = taken;
                format!("the collector does not take all {signal}: {rejected} rejected: {why}")
            }
            Ok(taken) if !taken.why.is_empty() => {
                format!("the collector takes {signal}, and warns: {}", taken.why)
            }
            Ok(_) => {
                if self.told.take().is_some() {
                    tracing::info!("the collector takes {signal} again");
                }
                return;
            }
            Err(refusal) => format!("the collector does not take {signal}: {refusal}"),
        };
        if !matches!(sent, Ok(Taken { rejected: 0, .. })) {
            self.outbound.refuse(self.signal);
        }
        let why = self.mask.apply(&why);
        if self.told.as_ref() != Some(&why) {
            tracing::warn!("{why}");
        }
        self.told = Some(why);
    }
}
