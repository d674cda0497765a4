//! Of what nobody is to be reminded for now. That is for whoever knows of silences to say; asked before
//! each reminder, and never for anything that is news.

use std::fmt;

use crate::notify::notice::Topic;

/// Says of what it is silent. Asked while an outbox is held: it must answer at once.
pub trait Hush: fmt::Debug + Send + Sync {
    /// Whether nobody is to be reminded of this now.
    fn is_silent(&self, topic: &Topic) -> bool;
}

/// It is never silent.
impl Hush for () {
    fn is_silent(&self, _: &Topic) -> bool {
        false
    }
}
