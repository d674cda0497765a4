//! What the chain kinds share: endpoints with fallback, the head and its age, the memory of
//! progress, and the expectations over them.
//!
//! A seam like `wire`: it is imported by the chain kinds, knows none of them, and speaks no
//! protocol of its own.

pub mod answer;
pub mod conversation;
pub mod endpoint;
pub mod expectation;
pub mod fallback;
pub mod follower;
pub mod head;
pub mod pace;
pub mod progress;
pub mod sighting;
