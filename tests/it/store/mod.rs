//! The stores, through their seam: the contract of the journal, files that cannot be used, several
//! processes at once, processes that die.

mod contract;
mod files;
mod history;
mod leases;
mod masked;
mod processes;

use std::path::Path;
use std::time::Duration;

use smokejumper::clock::WallTime;
use smokejumper::deployment::{
    Actuator, Answer, Call, Deployment, Images, Revision, RollbackOutcome, RollbackPlan, Software,
    StartedRollback, Wanted,
};
use smokejumper::event::{Action, Verdict};
use smokejumper::journal::{Entry, Judged, JudgedCheck, Observation};
use smokejumper::sample::CheckId;
use smokejumper::store::sqlite::{Holder, Sqlite};

/// A moment on the wall, with all its nanoseconds.
fn wall(seconds: u64) -> WallTime {
    WallTime::since_unix_epoch(Duration::new(1_800_000_000 + seconds, 123_456_789))
}

async fn open(path: &Path) -> Sqlite {
    open_as(path, Holder::this_process()).await
}

async fn open_as(path: &Path, holder: Holder) -> Sqlite {
    Sqlite::open(path, holder).await.unwrap()
}

fn revision(number: u64) -> Revision {
    Revision {
        id: format!("arn:aws:ecs:eu-west-1:1:task-definition/api:{number}"),
        label: format!("api:{number}"),
    }
}

fn images(digest: &str) -> Images {
    Images::from([("web".to_owned(), digest.to_owned())])
}

fn deployment() -> Deployment {
    Deployment {
        id: "arn:aws:ecs:eu-west-1:1:service-deployment/prod/api/1".to_owned(),
        service: "api".to_owned(),
        revision: revision(42),
        previous: Some(revision(41)),
        created: Some(wall(0)),
        images: images("sha256:bad"),
        service_revision: Some("service-revision/7".to_owned()),
    }
}

fn plan() -> RollbackPlan {
    RollbackPlan {
        deployment: deployment(),
        target: revision(41),
        actuator: Actuator::StopServiceDeployment,
        images: images("sha256:good"),
        handle: Some("hook-1".to_owned()),
        expected: Some(Duration::from_millis(254_500)),
        not_restored: vec!["network configuration".to_owned()],
        caveats: vec!["slow".to_owned()],
        wanted: Wanted {
            to: Some("api:41".to_owned()),
            pin_digest: true,
            avoid: vec![deployment().software()],
            good: Vec::new(),
        },
    }
}

fn call() -> Call {
    Call {
        operation: "StopServiceDeployment".to_owned(),
        subject: deployment().id,
        argument: None,
    }
}

fn judged() -> Judged {
    Judged {
        verdict: Some(Verdict::Fail),
        checks: vec![JudgedCheck {
            check: CheckId::new("api-health"),
            verdict: Verdict::Fail,
            reasons: vec!["9 of 10 samples fail; \"quoted\"\nand broken".to_owned()],
            codes: vec!["error_rate".to_owned()],
            samples: (u64::MAX, 9),
        }],
    }
}

fn observations() -> Vec<Observation> {
    vec![Observation {
        guard: "schema".to_owned(),
        answer: "revision=\u{1F680}".to_owned(),
    }]
}

/// One entry of every kind.
fn entries() -> Vec<Entry> {
    let answer = |answer| Entry::Answered {
        call: call(),
        answer,
    };
    let request = Some("r-1".to_owned());
    vec![
        Entry::Opened {
            service: "api".into(),
            deployment: deployment(),
            guards: observations(),
        },
        Entry::Ordered {
            service: "api".into(),
            deployment: deployment(),
            reason: Some("it is slow".to_owned()),
            overridden: vec!["cooldown".to_owned()],
        },
        Entry::Decided {
            action: Action::RollBack,
            because: vec!["api-health: error_rate".to_owned()],
            judged: judged(),
        },
        Entry::Stopped {
            interlocks: vec![("cooldown".to_owned(), "a line".to_owned())],
        },
        Entry::Intended { plan: plan() },
        Entry::Calling { call: call() },
        answer(Answer::Accepted {
            request: request.clone(),
        }),
        answer(Answer::Refused {
            request,
            code: "ConflictException".to_owned(),
        }),
        answer(Answer::Unclear {
            why: "reset".to_owned(),
        }),
        Entry::Carried {
            started: StartedRollback {
                plan: plan(),
                carrier: "ecs-svc/1".to_owned(),
            },
        },
        Entry::Restored,
        Entry::Ended {
            outcome: RollbackOutcome::RolledBackVerified,
            because: "all is well".to_owned(),
        },
        Entry::Ledger {
            software: Software {
                revision: revision(41),
                images: images("sha256:good"),
            },
            good: true,
            guards: observations(),
        },
        Entry::Closed {
            verdict: Verdict::Fail,
        },
        Entry::Left,
    ]
}
