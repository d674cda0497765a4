//! Whoever looks on: told of every request before it is answered, so that a test can act at just
//! that instant.

use std::fmt;
use std::sync::Arc;

use super::control::Control;

/// Who is told of every request, by the name of its operation.
#[derive(Clone, Default)]
pub(super) struct Onlooker(Option<Told>);

type Told = Arc<dyn Fn(&Control, &str) + Send + Sync>;

impl Onlooker {
    pub(super) fn new(told: impl Fn(&Control, &str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    pub(super) fn tell(&self, control: &Control, operation: &str) {
        if let Some(told) = &self.0 {
            told(control, operation);
        }
    }
}

impl fmt::Debug for Onlooker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "somebody"
        } else {
            "nobody"
        })
    }
}
