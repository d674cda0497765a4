//! What leaves for the tools that people keep, over real wires: metrics and spans to a collector, and the
//! log.

mod blackbox;
mod collector;
mod exported;
mod rolled_back;
mod troubles;
