//! Smokejumper watches a deployment with real probes, judges it, rolls it back when it is bad, and
//! proves that the rollback helped.
//!
//! `Document → Plan → Probe → Sample → Window → Finding → Assessment → Decision → Effect → Event → Report`
//!
//! The modules stand in the order of that line; ARCHITECTURE.md says which may know which.

// Words: values that everyone uses.
pub mod clock;
pub mod deployment;
pub mod event;
pub mod journal;
pub mod quantity;
pub mod sample;
pub mod secret;

// What was declared.
pub mod config;
pub mod plan;

// What is seen, and what it means.
pub mod decision;
pub mod expect;
pub mod probe;
pub mod verdict;
pub mod window;

// AWS, as whoever looks at it or acts on it asks it.
mod aws;

// What is acted upon.
pub mod deploy;
pub mod notify;
pub mod store;

// The shell.
pub mod cli;
pub mod diagnostic;
pub mod engine;
pub mod rehearsal;
pub mod report;
pub mod server;
pub mod telemetry;
