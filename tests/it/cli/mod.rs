//! The program as a user runs it: what was typed in, what comes out, with which exit code.

mod baseline;
mod control;
mod crash;
mod credentials;
mod crowd;
mod demo;
mod doctor;
mod drill;
mod gate;
mod interruptions;
mod load;
mod ministack;
mod names;
mod own;
pub mod page;
mod plan;
pub mod program;
mod replay;
mod reports;
mod rollback;
mod secrets;
mod session;
mod troubles;
mod usage;
mod watch;
