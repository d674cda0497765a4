//! The daemon's side that others see: the API, the metrics, the events and the pages, over HTTP.
//!
//! It judges nothing and decides nothing. What is true now and what may be ordered it asks of the
//! daemon's [`Handle`], the past of the history; whoever is slow, hangs or floods costs a bounded part
//! of memory and holds nobody up. Reading order: `shared` (what all handlers hold), `router` (which
//! paths there are and what each passes through), `auth` (who may do what), `listener` (connections).
//! Called by `cli::serve`.
//!
//! [`Handle`]: crate::engine::serve::handle::Handle

pub mod api;
pub mod auth;
pub mod feed;
pub mod health;
pub mod listener;
mod metrics;
pub mod page;
pub mod problem;
pub mod router;
pub mod shared;
mod watching;

pub use self::listener::{BindError, Server};
pub use self::problem::Problem;
pub use self::shared::{Current, Shared};
