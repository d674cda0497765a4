//! Things to rehearse with: an ECS stand-in, a toy service, and the incident that puts them together.
//!
//! Used by the commands and by the tests alike; never by anything that touches a real service.

pub mod ecs;
pub mod incident;
pub mod toy;
