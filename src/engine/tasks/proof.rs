//! Whether what is probed is the deployment under test, by the tasks that run: for the start and the
//! end of the window. Pure; called by `watch`.

use std::collections::HashSet;

use crate::deployment::{Deployment, Task};
use crate::probe::attempt::short;

/// What speaks against it that the tasks which run are those of the deployment under test, made of
/// its images, in one line; nothing when they are.
///
/// While a deployment is rolled out, tasks of others beside its own are as they should be, and this
/// is the line that says how far it has come.
#[must_use]
pub fn discrepancy(deployment: &Deployment, tasks: &[Task]) -> Option<String> {
    let running: Vec<&Task> = tasks.iter().filter(|task| task.running).collect();
    let own: Vec<&Task> = running
        .iter()
        .copied()
        .filter(|task| task.of_deployment)
        .collect();
    let revision = &deployment.revision;
    if own.is_empty() {
        return Some(match running.len() {
            0 => format!("no task runs, and none of {revision} with it"),
            all => {
                format!("none of {all} running tasks is of the deployment under test, {revision}")
            }
        });
    }
    if own.len() < running.len() {
        let (others, all) = (running.len() - own.len(), running.len());
        return Some(format!(
            "{others} of {all} running tasks are not of the deployment under test, {revision}"
        ));
    }
    let mut strange = own.iter().filter_map(|task| strangeness(deployment, task));
    let first = strange.next()?;
    Some(match strange.count() {
        0 => first,
        more => format!("{first}; and {more} more such tasks"),
    })
}

/// How many tasks of the deployment that ran at the start of the window no longer run at its end,
/// in one line: tasks that are replaced while nobody deploys have crashed or were found unhealthy.
#[must_use]
pub fn replaced(at_start: &[Task], at_end: &[Task]) -> Option<String> {
    let own = |tasks: &'_ [Task]| -> HashSet<String> {
        let own = tasks
            .iter()
            .filter(|task| task.running && task.of_deployment);
        own.map(|task| task.id.clone()).collect()
    };
    let (before, after) = (own(at_start), own(at_end));
    let mut gone: Vec<&String> = before.difference(&after).collect();
    gone.sort();
    let first = gone.first()?;
    let (count, all) = (gone.len(), before.len());
    Some(format!(
        "{count} of {all} tasks of the deployment under test did not live through the window, among them {}",
        short(first)
    ))
}

/// What a task of the deployment runs that it should not.
fn strangeness(deployment: &Deployment, task: &Task) -> Option<String> {
    let id = short(&task.id);
    if task.revision.id != deployment.revision.id {
        let (runs, expected) = (&task.revision, &deployment.revision);
        return Some(format!("task {id} runs {runs}, expected {expected}"));
    }
    // Only what both sides name can be compared; images that were not resolved have no digest.
    let differs = |(container, expected): (&String, &String)| {
        let runs = task.images.get(container)?;
        (runs != expected)
            .then(|| format!("task {id} runs digest {runs} as {container}, expected {expected}"))
    };
    deployment.images.iter().find_map(differs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::{Images, Revision};

    fn revision(label: &str) -> Revision {
        Revision {
            id: format!("arn:{label}"),
            label: label.to_owned(),
        }
    }

    fn images(digest: &str) -> Images {
        Images::from([("api".to_owned(), digest.to_owned())])
    }

    fn deployment() -> Deployment {
        Deployment {
            id: "arn:d".into(),
            service: "api".into(),
            revision: revision("api:2"),
            previous: Some(revision("api:1")),
            created: None,
            images: images("sha256:b"),
            service_revision: None,
        }
    }

    fn task(id: &str, label: &str, digest: &str) -> Task {
        Task {
            id: id.into(),
            revision: revision(label),
            images: images(digest),
            of_deployment: label == "api:2",
            running: true,
            address: None,
        }
    }

    #[test]
    fn each_thing_that_is_wrong_is_one_line() {
        let own = || task("0a1b2c3d4e5f", "api:2", "sha256:b");
        let old = || task("99", "api:1", "sha256:a");
        let mut starting = old();
        starting.running = false;
        let mut unresolved = own();
        unresolved.images.clear();
        let mut moved = own();
        moved.revision = revision("api:3");
        let cases = [
            (vec![own(), own()], None, "all as it should be"),
            (
                vec![own(), starting.clone()],
                None,
                "what does not run is not asked",
            ),
            (
                vec![unresolved],
                None,
                "a digest that is not known is not another",
            ),
            (
                vec![own(), old(), old(), own()],
                Some("2 of 4 running tasks are not of the deployment under test, api:2"),
                "two revisions side by side",
            ),
            (
                vec![old()],
                Some("none of 1 running tasks is of the deployment under test, api:2"),
                "only others",
            ),
            (
                vec![starting],
                Some("no task runs, and none of api:2 with it"),
                "nothing",
            ),
            (
                vec![own(), task("77", "api:2", "sha256:c")],
                Some("task 77 runs digest sha256:c as api, expected sha256:b"),
                "another image of the same revision",
            ),
            (
                vec![
                    task("0a1b2c3d4e5f", "api:2", "sha256:c"),
                    task("77", "api:2", "sha256:c"),
                ],
                Some(
                    "task 0a1b2c3d… runs digest sha256:c as api, expected sha256:b; \
                     and 1 more such tasks",
                ),
                "several",
            ),
            (
                vec![moved],
                Some("task 0a1b2c3d… runs api:3, expected api:2"),
                "started by the deployment, of another revision",
            ),
        ];
        for (tasks, told, why) in cases {
            assert_eq!(discrepancy(&deployment(), &tasks).as_deref(), told, "{why}");
        }
    }

    #[test]
    fn tasks_that_were_replaced_are_counted_and_those_of_others_are_not() {
        let own = |id: &str| task(id, "api:2", "sha256:b");
        let start = [own("1"), own("2"), own("3"), task("9", "api:1", "sha256:a")];
        assert_eq!(replaced(&start, &start), None);
        let end = [own("2"), own("4"), own("5")];
        let told = "2 of 3 tasks of the deployment under test did not live through the window, among them 1";
        assert_eq!(replaced(&start, &end).as_deref(), Some(told));
        let scaled_out = [own("1"), own("2"), own("3"), own("4")];
        assert_eq!(replaced(&start, &scaled_out), None);
    }
}
