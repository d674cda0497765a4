//! The daemon's side that others see, over real sockets: a server of ours, a daemon that plays a script,
//! a history in memory.

mod acting;
mod asking;
pub mod browser;
mod certificates;
mod client;
mod doors;
mod endurance;
mod events;
mod memory;
mod openapi;
mod settings;
mod stage;
