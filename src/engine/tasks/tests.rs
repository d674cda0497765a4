//! Who is asked, and whose failures count.

use super::*;
use crate::clock::WallTime;
use crate::deployment::{Images, Revision};
use crate::sample::{CheckId, Phases};

/// Stands still until it is moved.
#[derive(Debug, Default)]
struct Hands(std::sync::Mutex<Duration>);

impl Hands {
    fn pass(&self, seconds: u64) {
        *self.0.lock().unwrap() += Duration::from_secs(seconds);
    }
}

impl Clock for Hands {
    fn now(&self) -> Moment {
        Moment::at(*self.0.lock().unwrap())
    }

    fn wall(&self) -> WallTime {
        WallTime::default()
    }
}

struct Stage {
    clock: Arc<Hands>,
    sender: watch::Sender<Known>,
    attendance: Attendance,
}

fn stage() -> Stage {
    let clock = Arc::new(Hands::default());
    let (sender, known) = watch::channel(Known::default());
    let mut attendance = Attendance::new(known, Whose::Deployment, clock.clone());
    attendance.warm_up = Duration::from_secs(30);
    Stage {
        clock,
        sender,
        attendance,
    }
}

impl Stage {
    fn tells(&self, tasks: &[Task]) {
        self.sender.send_modify(|known| {
            known.tasks = Some(tasks.to_vec().into());
            known.trouble = None;
        });
    }

    fn asked(&mut self) -> Vec<String> {
        let whom = self.attendance.next_run(0).into_iter();
        whom.map(|one| one.map_or_else(|why| why, |place| place.to_string()))
            .collect()
    }

    /// What becomes of a run that ends so.
    fn heard(&mut self, id: &str, outcome: Outcome) -> Outcome {
        let place = TaskPlace {
            id: Arc::from(id),
            address: [10, 0, 0, 1].into(),
        };
        let reason = match outcome {
            Outcome::Pass => None,
            Outcome::Fail => Some(Reason::Status),
            Outcome::Error => Some(Reason::Refused),
            Outcome::Unknown => Some(Reason::Resolver),
        };
        let fault = reason.map(|reason| Fault::new(reason, format!("{place}: not well")));
        let mut sample = Sample {
            check: CheckId::new("web"),
            started: self.clock.now(),
            latency: Duration::ZERO,
            phases: Phases::default(),
            outcome,
            fault,
            readings: Vec::new(),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            sending: None,
            session: None,
            trace: None,
        };
        self.attendance.hear(0, &place, &mut sample);
        let reason = sample.fault.as_ref().map(|fault| fault.reason.outcome());
        assert_eq!(reason.unwrap_or(Outcome::Pass), sample.outcome);
        sample.outcome
    }
}

fn task(id: &str) -> Task {
    Task {
        id: id.into(),
        revision: Revision {
            id: "arn:api:2".into(),
            label: "api:2".into(),
        },
        images: Images::new(),
        of_deployment: true,
        running: true,
        address: Some("10.0.0.1".into()),
    }
}

#[test]
fn those_that_run_of_the_deployment_are_asked_each_by_itself() {
    let mut stage = stage();
    let (mut old, mut starting, mut bridged, mut odd) =
        (task("old"), task("new"), task("b"), task("c"));
    old.of_deployment = false;
    starting.running = false;
    bridged.address = None;
    odd.address = Some("nowhere".into());
    stage.tells(&[task("0a1b2c3d4e5f"), old, starting, bridged, odd]);
    let asked = stage.asked();
    assert_eq!(asked[0], "task 0a1b2c3d…");
    assert!(
        asked[1].starts_with("task b has no address of its own"),
        "{asked:?}"
    );
    assert_eq!(asked[2], "the address of task c cannot be read");
    assert_eq!(asked.len(), 3);
}

#[test]
fn where_nobody_can_be_asked_it_is_said_why() {
    let mut stage = stage();
    assert_eq!(
        stage.asked(),
        ["it cannot be seen which tasks run: no answer yet"]
    );
    stage
        .sender
        .send_modify(|known| known.trouble = Some("denied".into()));
    assert_eq!(stage.asked(), ["it cannot be seen which tasks run: denied"]);
    stage.tells(&[]);
    assert_eq!(stage.asked(), ["no task of the deployment under test runs"]);
    stage.tells(&[task("a")]);
    stage
        .sender
        .send_modify(|known| known.trouble = Some("throttled".into()));
    assert_eq!(stage.asked(), ["task a"], "what was said last stands");
    stage.attendance.whose = Whose::Others;
    assert_eq!(stage.asked(), ["no task of another deployment runs"]);
}

#[test]
fn of_very_many_tasks_each_has_its_turn() {
    let mut stage = stage();
    let ids: Vec<String> = (0..2 * MOST_ASKED).map(|n| format!("t{n}")).collect();
    stage.tells(&ids.iter().map(|id| task(id)).collect::<Vec<_>>());
    let mut seen = HashSet::new();
    for _ in 0..2 {
        let asked = stage.asked();
        assert_eq!(asked.len(), MOST_ASKED);
        seen.extend(asked);
        assert_eq!(
            stage.attendance.next_run(1).len(),
            MOST_ASKED,
            "another check"
        );
    }
    assert_eq!(seen.len(), ids.len());
}

#[test]
fn a_task_that_starts_is_not_blamed_until_it_has_passed_or_had_its_time() {
    use Outcome::{Error, Fail, Pass, Unknown};
    let mut stage = stage();
    stage.tells(&[task("a"), task("b")]);
    stage.asked();
    assert_eq!(stage.heard("a", Error), Unknown);
    assert_eq!(stage.heard("a", Pass), Pass);
    assert_eq!(stage.heard("a", Fail), Fail, "it was up");
    stage.clock.pass(29);
    stage.asked();
    assert_eq!(stage.heard("b", Error), Unknown);
    stage.clock.pass(1);
    assert_eq!(stage.heard("b", Error), Error, "it had its time");
    stage.tells(&[task("a"), task("b"), task("c")]);
    stage.asked();
    assert_eq!(stage.heard("c", Error), Unknown, "each has its own");
}

#[test]
fn once_a_task_died_without_ever_passing_no_other_is_excused() {
    use Outcome::{Error, Pass, Unknown};
    let mut stage = stage();
    stage.tells(&[task("a"), task("b")]);
    stage.asked();
    assert_eq!(stage.heard("a", Pass), Pass);
    assert_eq!(stage.heard("b", Error), Unknown);
    stage.tells(&[task("b"), task("c")]);
    stage.asked();
    assert_eq!(
        stage.heard("c", Error),
        Unknown,
        "the one that went had been up"
    );
    stage.tells(&[task("c"), task("d")]);
    stage.asked();
    assert_eq!(stage.heard("d", Error), Error, "b never was");
}
