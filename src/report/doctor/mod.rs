//! What a doctor found: for a person, for a program, and as the policy that is missing.

mod json;
mod policy;
mod text;

pub use json::{
    CheckReport, DoctorReport, ItemReport, PermissionReport, ServiceReport, render as json,
};
pub use text::render as text;
