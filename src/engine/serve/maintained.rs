//! What fails only because of a maintenance condemns no deployment: a check that is not to run now may have
//! begun to run in a window that was opened before. Heard before each rollback that nobody ordered, together
//! with whoever else has an objection.

use std::sync::Arc;

use async_trait::async_trait;

use super::silencing::Silencing;
use crate::engine::desk::Counsel;
use crate::sample::CheckId;

/// Objects to rollbacks for what a silence stops, and says what others object.
#[derive(Debug)]
pub(super) struct Advice {
    pub(super) silencing: Silencing,
    pub(super) others: Arc<dyn Counsel>,
}

#[async_trait]
impl Counsel for Advice {
    async fn objects(&self, service: &str, failed: &[CheckId]) -> Option<String> {
        match self.maintained(service, failed) {
            Some(why) => Some(why),
            None => self.others.objects(service, failed).await,
        }
    }
}

impl Advice {
    /// Why none of these checks is to run; nothing where one of them is, or where there are none.
    fn maintained(&self, service: &str, failed: &[CheckId]) -> Option<String> {
        let stopped = failed
            .iter()
            .map(|check| self.silencing.stops_named(service, check));
        let stopped: Option<Vec<String>> = stopped.collect();
        let why = stopped?.into_iter().next()?;
        Some(format!("what fails is under maintenance: {why}"))
    }
}
