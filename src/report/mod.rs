//! A record of a run, for people and for programs: one file per format.
//!
//! Reports are pure: a record comes in, text goes out. Masking and writing belong to `cli`.

pub mod board;
<<<<<<< HEAD
mod diagnosis;
=======
pub mod doctor;
>>>>>>> 72ce27d (Add doctor: reach everything, exercise every read, say what is missing)
pub mod drill;
pub mod json;
pub mod line;
mod outcome;
pub mod plan;
pub mod samples;
pub mod schema;
pub mod text;
pub mod timeline;
pub mod wall;
