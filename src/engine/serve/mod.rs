//! `serve`: probes without end, opens a window for each deployment that appears, remembers, and answers
//! whoever asks.
//!
//! A service has a station: its monitor (its checks, judged over the last minutes) and, while a
//! deployment bakes, a window, which is a `watch` like any other. Reading order: `outfit` (what is
//! given), `live` (what is true now), `handle` (what others may ask), `daemon`, `lookout`, `station` with
//! `monitor`, `looking`, `open_window`, `baked`, `narrated` and `ordered`; `board` and `pulse` (what is shown),
//! `happenings` (what is told to whoever listens), `telling` with `reminding` and `standing` (what people
//! are told), `recorder` (what is remembered).

mod adding;
mod answering;
mod baked;
mod board;
mod brakes;
mod common_cause;
mod daemon;
mod freezing;
mod frozen;
pub mod handle;
pub mod happenings;
pub mod live;
mod looking;
mod lookout;
mod maintained;
mod manning;
mod monitor;
mod narrated;
mod open_window;
mod ordered;
pub mod outfit;
mod pulse;
pub mod recorder;
mod reload;
mod reminding;
mod sighted;
mod silence;
mod silencing;
mod standing;
mod station;
mod telling;
#[cfg(test)]
mod tests;
mod told;
mod trace;

pub use daemon::Daemon;
