//! How bytes travel to a target: name → address → connection → TLS → one HTTP exchange. Shared by
//! the kinds; knows nothing of what the answer should be.
//!
//! Every failure becomes a [`Fault`](crate::sample::Fault) with its reason here, in one place, so
//! that "refused" means the same for every kind.

pub mod address;
pub mod aside;
pub mod bounded;
pub mod channel;
pub mod connection;
mod counted;
pub mod dial;
mod encoding;
pub mod exchange;
pub mod host_port;
pub mod http_address;
mod http_fault;
pub mod message;
pub mod payload;
mod progress;
pub mod protocol;
mod race;
mod resolve;
pub mod said;
pub mod session;
pub mod shortage;
pub mod tls;
pub mod tls_fault;
