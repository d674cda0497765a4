//! What is to happen at scripted instants of the stand-in's clock: somebody deploys, an alarm fires.

use super::control::Control;
use super::state::Present;
use crate::clock::Moment;

/// Something that happens.
pub(super) type Happening = Box<dyn FnOnce(&Control) + Send>;

/// What is to come, and the instant at which something happens right now.
#[derive(Default)]
pub(super) struct Agenda {
    items: Vec<(Moment, Happening)>,
    pub(super) instant: Option<Present>,
}

impl Agenda {
    pub(super) fn add(&mut self, at: Moment, happening: Happening) {
        self.items.push((at, happening));
    }

    /// The earliest item that is due; none while another one happens.
    pub(super) fn next(&mut self, now: Moment) -> Option<(Moment, Happening)> {
        if self.instant.is_some() {
            return None;
        }
        let due = self.items.iter().enumerate();
        let (place, _) = due
            .filter(|(_, (at, _))| *at <= now)
            .min_by_key(|(_, (at, _))| *at)?;
        Some(self.items.remove(place))
    }
}

impl std::fmt::Debug for Agenda {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to come", self.items.len())
    }
}
