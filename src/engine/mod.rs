//! The loop: runs probes when they are due, feeds the judge, and carries out what was decided.
//!
//! `gate` and `watch` differ only in who asks and in whether effects are armed; `replay` feeds the same
//! judge from a recording. The engine prints
//! nothing: it emits events and returns a [`record::Record`].

mod acting;
mod addresses;
mod asking;
mod bake;
mod baking;
pub mod before;
pub mod brakes;
pub mod by_hand;
pub mod clock;
mod completion;
pub mod context;
pub mod control;
pub mod desk;
pub mod doctor;
pub mod freeze;
pub mod gate;
pub mod guard;
pub mod guards;
pub mod hand;
pub mod in_force;
pub mod instruments;
pub mod judged;
pub mod logbook;
pub mod open_loop;
pub mod panel;
mod pinning;
mod presence;
pub mod record;
pub mod recorded;
pub mod replay;
mod resuming;
pub mod rollback;
mod ruled;
pub mod sampling;
pub mod schedule;
pub mod serve;
pub mod slots;
mod stalls;
pub mod streams;
pub mod tape;
pub mod tasks;
pub mod threads;
pub mod traces;
pub mod troubles;
mod unkept;
mod verification;
pub mod watch;
