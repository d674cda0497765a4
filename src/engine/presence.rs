//! Whether what is probed is the deployment under test: its tasks and their images are looked at
//! when the window begins and when it ends. A look that fails proves nothing and stops nothing; a
//! deployment of which no task runs at the end is not accepted.

use super::asking;
use super::baking::{Baked, hold};
use super::tasks::{discrepancy, replaced};
use super::watch::Watch;
use crate::decision::Decision;
use crate::deployment::{Deployment, Standing, Task};

/// How long the platform may take to show the tasks.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(30);

impl Watch<'_> {
    /// The tasks that run now, where the platform shows them.
    pub(super) async fn tasks_now(&self, deployment: &Deployment) -> Option<Vec<Task>> {
        let deadline = self.context.clock.now() + ANSWER;
        let asked = asking::once(self.context, deadline, self.target.tasks(deployment));
        let tasks = tokio::select! {
            tasks = asked => tasks,
            () = self.context.stop.cancelled() => return None,
        };
        match tasks {
            Ok(tasks) => (!tasks.is_empty()).then_some(tasks),
            Err(error) => {
                self.warn(format!("the running tasks cannot be looked at: {error}"));
                None
            }
        }
    }

    /// Holds what runs when the window begins against what is to be judged, and says what a person
    /// should know. While a deployment is rolled out, others run beside it as they should.
    pub(super) fn look_at_start(
        &self,
        deployment: &Deployment,
        standing: Standing,
        tasks: Option<&[Task]>,
    ) -> Option<String> {
        let is_whole = standing == Standing::Completed;
        let line = discrepancy(deployment, tasks.filter(|_| is_whole)?)?;
        Some(self.note(format!("at the start of the window {line}")))
    }

    /// Holds what runs at the end of the bake against what was to be judged. Adds what a person
    /// should know, and takes an acceptance back where nothing of the deployment runs.
    pub(super) async fn confirm(
        &self,
        deployment: &Deployment,
        at_start: Option<&[Task]>,
        baked: &mut Baked,
    ) -> Vec<String> {
        if !matches!(baked.decision, Decision::Accept { .. }) {
            return Vec::new();
        }
        let Some(at_end) = self.tasks_now(deployment).await else {
            return Vec::new();
        };
        let mut notes = Vec::new();
        if let Some(line) = discrepancy(deployment, &at_end) {
            if !at_end.iter().any(|task| runs(task, deployment)) {
                baked.decision = hold(&format!("what was probed is something else: {line}"));
            }
            notes.push(self.note(format!("at the end of the window {line}")));
        }
        let gone = at_start.and_then(|at_start| replaced(at_start, &at_end));
        notes.extend(gone.map(|line| self.note(line)));
        notes
    }
}

/// Whether a task runs the revision under test, whoever started it.
fn runs(task: &Task, deployment: &Deployment) -> bool {
    task.running && task.revision.id == deployment.revision.id
}
