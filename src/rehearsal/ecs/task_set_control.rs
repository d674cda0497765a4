//! The handle of a service's task sets: what its own deployer (the EXTERNAL controller) does.

use super::operations::Refusal;
use super::service_control::ServiceControl;
use super::task_sets::TaskSet;

impl ServiceControl {
    /// The service's deployer makes a task set beside those that run, scaled to so many hundredths
    /// of the desired count; answers with its id.
    ///
    /// # Errors
    /// When the service or the task definition is unknown.
    pub fn create_task_set(&self, definition: &str, scale: usize) -> Result<String, Refusal> {
        self.with_world(|world, index| {
            let definition = world.deployable(definition)?;
            let revision = world.add_revision(index, &definition);
            let set = TaskSet {
                scale,
                ..TaskSet::default()
            };
            let (ids, present) = (&mut world.ids, world.present);
            Ok(world.services[index].add_task_set(&revision, set, ids, present))
        })?
    }

    /// The service's deployer gives a task set the traffic.
    ///
    /// # Errors
    /// When the service or the task set is unknown.
    pub fn make_primary(&self, set: &str) -> Result<(), Refusal> {
        self.with_world(|world, index| {
            let is_there = world.services[index].make_task_set_primary(set);
            is_there.then_some(()).ok_or_else(Refusal::no_task_set)
        })?
    }

    /// Takes a task set away, as its deployer does when it is not needed any more.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn delete_task_set(&self, set: &str) -> Result<(), Refusal> {
        self.with_world(|world, index| world.services[index].remove_task_set(set, world.present))
    }

    /// Begins to stop a task set's tasks.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn drain_task_set(&self, set: &str) -> Result<(), Refusal> {
        self.change_set(set, |set| set.draining = true)
    }

    /// Scales a task set to so many hundredths of the desired count.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn scale_task_set(&self, set: &str, scale: usize) -> Result<(), Refusal> {
        self.change_set(set, |set| set.scale = scale)
    }

    /// So many of a task set's tasks do not run.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn lose_tasks(&self, set: &str, missing: usize) -> Result<(), Refusal> {
        self.change_set(set, |set| set.missing = missing)
    }

    /// With `true`, a task set does not reach its steady state.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn unsettle_task_set(&self, set: &str, unsettled: bool) -> Result<(), Refusal> {
        self.change_set(set, |set| set.unsettled = unsettled)
    }

    /// The ids of the task sets, the primary one first.
    ///
    /// # Errors
    /// When the service is unknown.
    pub fn task_sets(&self) -> Result<Vec<String>, Refusal> {
        self.with_world(|world, index| {
            let sets = world.services[index].deployments.iter();
            sets.map(|set| set.id.clone()).collect()
        })
    }

    fn change_set(&self, id: &str, change: impl FnOnce(&mut TaskSet)) -> Result<(), Refusal> {
        self.with_world(|world, index| {
            let service = &mut world.services[index];
            change(service.sets.entry(id.to_owned()).or_default());
            service.keep_task_sets(&mut world.ids, world.present);
        })
    }
}
