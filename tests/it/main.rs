//! The one integration-test binary: real servers, the real binary, the layout of the code itself.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "all of this is test code; clippy knows only the functions marked as tests"
)]

mod architecture;
mod aws;
mod cli;
mod config;
mod dashboards;
mod deploy;
mod engine;
mod exactness;
mod harness;
mod notify;
mod probes;
mod registry;
mod server;
mod store;
mod telemetry;
