//! How bytes travel to a target: name → address → connection → TLS → one HTTP exchange. Shared by
//! the kinds; knows nothing of what the answer should be.
//!
//! Every failure becomes a [`Fault`](crate::sample::Fault) with its reason here, in one place, so
//! that "refused" means the same for every kind.

pub mod bounded;
pub mod connection;
mod counted;
pub mod dial;
mod encoding;
pub mod exchange;
mod http_fault;
pub mod message;
mod resolve;
pub mod said;
pub mod tls;
mod tls_fault;
mod unverified;
