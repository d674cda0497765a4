//! Who is asked where several answer under one name. A word of the configuration language, shared by
//! all kinds that ask over HTTP.

use schemars::JsonSchema;

/// Who is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Addresses {
    /// Whoever the host's name stands for.
    #[default]
    Resolved,
    /// Each address that the host's name has at the time of the run, at most 16, at the same time and
    /// each over a connection of its own: one sample an address, so that one bad machine of three is
    /// seen as that. A redirect to another host goes to whoever that one's name stands for.
    Each,
    /// Each running task of the deployment under test, at its private address and the port of the
    /// URL; one sample a task and run, so that one bad task of four is seen as that. The URL, the
    /// host header and the name in TLS stay as declared. It is for the bake of `watch`: anywhere
    /// else, and where tasks have no address of their own (bridge and host networks), nothing is
    /// learnt. A redirect away from the URL's origin leads to no task: nothing is learnt then.
    Tasks,
}

impl Addresses {
    /// The word for it, as declared.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Each => "each",
            Self::Tasks => "tasks",
        }
    }
}
