//! The engine alone, with time paused: outcomes that no real server could be brought to in seconds.

mod before;
mod by_hand;
mod interlocks;
mod interruptions;
mod ledger;
mod left;
mod load;
mod platform;
mod replay;
mod resuming;
mod silence;
mod stage;
mod tasks;
mod troubles;
mod verification;
mod watch;
mod words;
