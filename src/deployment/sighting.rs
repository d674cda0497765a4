//! What is seen of a service from afar: enough to tell that something new is deployed there, and no more.

use crate::clock::WallTime;

/// What is deployed at a service now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The platform's mark of what is deployed: another one is another deployment. It need not be the
    /// identifier by which a deployment is pinned.
    pub mark: String,
    /// The revision that the newest deployment brings, as people call it: `api:42`.
    pub revision: Option<String>,
    /// Whether it is still being rolled out.
    pub is_in_flight: bool,
    /// When it was created, by the platform's clock.
    pub created: Option<WallTime>,
}
