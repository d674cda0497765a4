//! Things to rehearse with: an ECS stand-in, a toy service, the incident that puts them together,
//! and the drill, which simulates faults against a policy.
//!
//! Used by the commands and by the tests alike; never by anything that touches a real service.

pub mod drill;
pub mod ecs;
pub mod incident;
pub mod toy;
