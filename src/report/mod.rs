//! A record of a run, for people and for programs: one file per format.
//!
//! Reports are pure: a record comes in, text goes out. Masking and writing belong to `cli`.

pub mod board;
mod diagnosis;
pub mod doctor;
pub mod drill;
pub mod html;
pub mod json;
pub mod junit;
pub mod line;
mod load;
pub mod markdown;
pub mod metrics;
mod outcome;
pub mod plan;
pub mod prometheus;
pub mod prospect;
mod punctuality;
pub mod samples;
pub mod schema;
pub mod stored;
pub mod text;
pub mod timeline;
pub mod wall;
