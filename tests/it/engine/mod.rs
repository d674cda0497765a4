//! The engine alone, with time paused: outcomes that no real server could be brought to in seconds.

mod platform;
mod watch;
