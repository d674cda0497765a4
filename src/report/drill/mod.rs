//! Drills for people and for programs: text, JSON, and a page with detection curves.
//!
//! Pure, as all reports: drills come in, text goes out.

pub mod chart;
pub mod html;
pub mod json;
pub mod text;
mod words;
