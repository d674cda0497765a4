//! What is rehearsed on this machine: the ECS stand-in that `demo` and the tests deploy to.

pub mod ecs;
