//! Of what nobody is reminded for now: checks that are silent, and whatever was told of in an earlier run
//! and is not selected in this one, of which nobody here knows how it does. What was decided and done
//! about a deployment is never silent. Asked by the notifiers, through `telling`.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use super::silencing::Silencing;
use crate::notify::dispatcher::hush::Hush;
use crate::notify::notice::Topic;
use crate::plan::Unselected;
use crate::sample::CheckId;

/// Says what is silent. Clones share what they know.
#[derive(Clone, Debug)]
pub(super) struct Silent {
    silencing: Silencing,
    elsewhere: Arc<RwLock<Elsewhere>>,
}

/// What is declared and does not run here.
#[derive(Debug, Default)]
struct Elsewhere {
    services: HashSet<Arc<str>>,
    checks: HashSet<(Arc<str>, CheckId)>,
}

impl Silent {
    pub(super) fn new(silencing: Silencing) -> Self {
        Self {
            silencing,
            elsewhere: Arc::default(),
        }
    }

    /// Takes over what was not selected.
    pub(super) fn declare(&self, unselected: &Unselected) {
        *self
            .elsewhere
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Elsewhere {
            services: unselected.services.iter().cloned().collect(),
            checks: unselected.checks.iter().cloned().collect(),
        };
    }

    /// Whether a silence mutes this.
    pub(super) fn mutes(&self, topic: &Topic) -> bool {
        let Topic { service, check, .. } = topic;
        topic.is_a_check()
            && self
                .silencing
                .mutes(service.as_deref(), check.as_ref())
                .is_some()
    }

    fn is_elsewhere(&self, topic: &Topic) -> bool {
        let Some(service) = &topic.service else {
            return false;
        };
        let check = topic.check.as_ref();
        let check = check.map(|check| (Arc::clone(service), check.clone()));
        let elsewhere = self.elsewhere.read();
        let elsewhere = elsewhere.unwrap_or_else(PoisonError::into_inner);
        elsewhere.services.contains(service)
            || check.is_some_and(|check| elsewhere.checks.contains(&check))
    }
}

impl Hush for Silent {
    fn is_silent(&self, topic: &Topic) -> bool {
        self.mutes(topic) || self.is_elsewhere(topic)
    }
}
