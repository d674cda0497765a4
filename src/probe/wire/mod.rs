//! How bytes travel to a target: name → address → connection → TLS. Shared by the kinds; knows no
//! protocol above TLS.
//!
//! Every failure becomes a [`Fault`] with its reason here, in one place, so that "refused" means
//! the same for every kind.

pub mod dial;
pub mod tls;
