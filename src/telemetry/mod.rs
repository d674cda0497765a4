//! What leaves for the tools that people keep: metrics and traces over OTLP, and the log.
//!
//! Nothing here is waited for by anybody who probes, judges or rolls back: queues have bounds, what finds
//! no place is counted and given up, and a collector that hangs holds up only what is meant for it.
//! Started by `cli`.

pub mod log;
pub mod otlp;
