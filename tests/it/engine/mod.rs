//! The engine alone, with time paused: outcomes that no real server could be brought to in seconds.

mod before;
mod by_hand;
mod daemon;
mod faults;
mod freeze;
mod in_force;
mod interlocks;
mod interruptions;
mod ledger;
mod left;
mod load;
mod platform;
mod remembered;
mod reminding;
mod replay;
mod resuming;
mod sightings;
mod silence;
mod stage;
mod tasks;
mod telling;
mod troubles;
mod verification;
mod watch;
mod words;
mod yard;
