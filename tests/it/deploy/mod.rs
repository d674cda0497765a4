//! The ECS adapter through the real SDK: against the stand-in, and against ministack.

mod acting;
mod choice;
mod codedeploy;
mod concerns;
mod diagnosis;
mod edge_cases;
mod external;
mod lies;
mod lifecycle;
mod ministack;
mod own;
mod pin_digest;
mod pinning;
mod planning;
mod proof;
mod races;
mod schedules;
pub mod stage;
mod targets;
mod tasks;
mod wire;
mod without_records;
