//! Services with a deployer of their own (the EXTERNAL controller): the earlier task set is made
//! the primary one again, as long as it still runs whole.
//!
//! It makes no task set, scales none and deletes none, and moves no traffic between target groups:
//! all that is the deployer's. Where the earlier task set is gone or not whole, it refuses. The rest
//! of `deploy/ecs` calls it for services of that controller.

mod planning;
mod switching;

pub(super) use planning::plan;
pub(super) use switching::{SWITCH, begun, progress, switch};

/// The controller, as ECS names it.
pub(super) const CONTROLLER: &str = "EXTERNAL";
