//! What people read at night: every message of a window and of the daemon, as lines.

use std::sync::Arc;
use std::time::Duration;

use smokejumper::clock::{Moment, WallTime};
use smokejumper::deployment::{
    Actuator, Deployment, Images, Revision, RollbackOutcome, RollbackPlan, Standing, Wanted,
};
use smokejumper::event::{Action, Event, Verdict, What};
use smokejumper::notify::narrator::Narrator;
use smokejumper::notify::{Kind, Notice, notices};
use smokejumper::sample::CheckId;

fn revision(number: u32) -> Revision {
    Revision {
        id: format!("arn:aws:ecs:eu-west-1:1:task-definition/api:{number}"),
        label: format!("api:{number}"),
    }
}

fn deployment() -> Deployment {
    Deployment {
        id: "arn:aws:ecs:eu-west-1:1:service-deployment/prod/api/d1".to_owned(),
        service: "api".to_owned(),
        revision: revision(42),
        previous: Some(revision(41)),
        created: None,
        images: Images::new(),
        service_revision: None,
    }
}

fn plan() -> RollbackPlan {
    RollbackPlan {
        deployment: deployment(),
        target: revision(41),
        actuator: Actuator::StopServiceDeployment,
        images: Images::new(),
        handle: None,
        expected: Some(Duration::from_secs(90)),
        not_restored: vec!["network configuration".to_owned()],
        caveats: Vec::new(),
        wanted: Wanted::default(),
    }
}

fn judged(check: &str, to: Verdict, because: &str) -> What {
    What::CheckJudged {
        check: CheckId::new(check),
        from: Some(Verdict::Pass),
        to,
        because: because.to_owned(),
    }
}

fn decided(action: Action, because: &str) -> What {
    What::Decided {
        action,
        because: vec![because.to_owned()],
    }
}

/// What is told of a window in which this happens.
fn told(happenings: Vec<What>) -> Vec<Notice> {
    let mut narrator = Narrator::of(Arc::from("api"));
    let pinned = What::Pinned {
        deployment: deployment(),
        standing: Standing::Completed,
        rollback: Ok(Box::new(plan())),
    };
    let all = std::iter::once(pinned).chain(happenings);
    all.filter_map(|what| {
        narrator.take(&Event {
            at: Moment::ORIGIN,
            wall: WallTime::default(),
            service: Some(Arc::from("api")),
            what,
        })
    })
    .collect()
}

fn failing() -> Vec<What> {
    vec![
        judged(
            "health",
            Verdict::Warn,
            "p95 1.2s over 60 samples, limit 1s",
        ),
        judged(
            "orders",
            Verdict::Fail,
            "error rate 12.1 % over 58 samples, limit 5 %",
        ),
        decided(Action::RollBack, "orders: error_rate"),
        What::RollbackIntended(Box::new(plan())),
        What::VerificationStarted { checks: 2 },
    ]
}

fn shown(notice: &Notice) -> String {
    let (kind, effect) = (notice.kind.name(), notice.effect);
    format!("[{} {kind} {effect:?}]\n{}\n", notice.call(), notice.text())
}

#[test]
fn every_message_of_a_window_is_understood_by_who_was_just_woken() {
    let mut page = String::new();
    for notice in told(failing()) {
        page.push_str(&shown(&notice));
    }
    let ends = [
        (
            RollbackOutcome::RolledBackVerified,
            "api:41 passes the same checks",
        ),
        (
            RollbackOutcome::RolledBackUnhealthy,
            "orders: error rate 11.0 %, limit 5 %",
        ),
        (RollbackOutcome::RolledBackByEcs, ""),
        (
            RollbackOutcome::Failed,
            "access denied: ecs:StopServiceDeployment",
        ),
        (RollbackOutcome::Timeout, "it was not complete within 15m"),
        (
            RollbackOutcome::Refused,
            "cooldown: the last rollback was 12m ago",
        ),
        (
            RollbackOutcome::NoTarget,
            "there is no earlier good revision",
        ),
        (RollbackOutcome::Superseded, "a newer deployment took over"),
        (RollbackOutcome::DryRun, "dry run"),
    ];
    for (outcome, because) in ends {
        let mut all = failing();
        let because = because.to_owned();
        all.push(What::RollbackEnded { outcome, because });
        page.push_str(&shown(told(all).last().expect("told")));
    }
    let warned = judged(
        "health",
        Verdict::Warn,
        "p95 1.2s over 60 samples, limit 1s",
    );
    let others = [
        vec![decided(Action::Accept, "all checks passed")],
        vec![
            warned,
            decided(Action::Accept, "health: p95 is only warned of"),
        ],
        vec![decided(Action::Hold, "too few samples to say")],
        vec![
            judged("db", Verdict::Fail, "used_pct 97 %, limit 90 %"),
            decided(
                Action::Hold,
                "database errors: do not roll back, investigate",
            ),
        ],
    ];
    for happenings in others {
        page.push_str(&shown(told(happenings).last().expect("told")));
    }
    insta::assert_snapshot!(page);
}

#[test]
fn every_message_of_the_daemon_is_understood_as_well() {
    let (at, service, check) = (
        WallTime::default(),
        Arc::from("api"),
        CheckId::new("orders"),
    );
    let now = |to| {
        notices::judged(&notices::Judged {
            at,
            service: &service,
            check: &check,
            to,
            because: "p95 2.4s over 60 samples, limit 2s",
            revision: Some("api:42"),
            link: Some("https://smokejumper.test/checks/orders"),
        })
        .expect("told")
    };
    let failing = now(Verdict::Fail);
    let page: String = [
        failing.clone(),
        now(Verdict::Warn),
        now(Verdict::Pass),
        notices::taken_in_hand(at, &failing, "ann", "holds the deployment: looking"),
        notices::freeze(at, true, Some("ann"), "audit until noon"),
        notices::freeze(at, false, None, ""),
        notices::configuration(at, Some("3 errors in smokejumper.yaml")),
        notices::configuration(at, None),
        notices::store(
            at,
            "/var/lib/smokejumper/history.sqlite",
            Some("no space left"),
        ),
        notices::store(at, "/var/lib/smokejumper/history.sqlite", None),
        notices::test(at, Kind::RollbackEnded, Some(&service)),
    ]
    .iter()
    .map(shown)
    .collect();
    insta::assert_snapshot!(page);
}

#[test]
fn all_of_one_deployment_is_one_incident() {
    let mut all = failing();
    all.push(What::RollbackEnded {
        outcome: RollbackOutcome::RolledBackVerified,
        because: String::new(),
    });
    let told = told(all);
    assert!(
        told.iter()
            .all(|one| one.subject == told[0].subject && one.thread == told[0].subject)
    );
    assert!(
        told.iter().all(|one| one.severity <= one.kind.worst()),
        "{told:#?}"
    );
}
