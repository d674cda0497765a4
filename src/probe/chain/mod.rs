//! What the chain kinds share: endpoints with fallback, JSON-RPC, the head and its age, the memory
//! of progress, the references beside which a head is judged, and the expectations over all that.
//!
//! A seam like `wire`: it is imported by the chain kinds, knows none of them, and speaks no
//! protocol of its own.

pub mod answer;
pub mod beside;
pub mod complaint;
pub mod conversation;
pub mod endpoint;
pub mod envelope;
pub mod expectation;
pub mod fallback;
pub mod finality;
pub mod follower;
pub mod head;
pub mod hint;
pub mod identity;
pub mod named;
pub mod pace;
pub mod progress;
pub mod quorum;
pub mod references;
pub mod rpc;
pub mod sighting;
