//! The one integration-test binary: real servers, the real binary, the layout of the code itself.

mod architecture;
mod cli;
mod config;
mod deploy;
mod engine;
mod harness;
mod probes;
mod registry;
