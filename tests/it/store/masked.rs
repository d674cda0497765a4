//! No secret gets into a journal behind the mask, and what a later run acts on stays as it is.

use std::sync::Arc;

use smokejumper::deployment::{Answer, RollbackOutcome};
use smokejumper::event::Action;
use smokejumper::journal::{Entry, Observation};
use smokejumper::secret::Mask;
use smokejumper::store::Journal as _;
use smokejumper::store::masked::Masked;

use super::{call, deployment, judged, open, plan, wall};

const CANARY: &str = "canary-Pa55w0rd-xyzzy";

#[tokio::test]
async fn what_was_said_is_masked_and_what_is_acted_on_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mask = Mask::default();
    mask.hide(CANARY);
    let journal = Masked::new(Arc::new(open(&path).await), mask);
    let said = || format!("it answered {CANARY}");
    let mut found = judged();
    found.checks[0].reasons = vec![said()];
    let guards = || {
        vec![Observation {
            guard: "schema".to_owned(),
            answer: said(),
        }]
    };
    let entries = [
        Entry::Opened {
            service: "api".into(),
            deployment: deployment(),
            guards: guards(),
        },
        Entry::Ordered {
            service: "api".into(),
            deployment: deployment(),
            reason: Some(said()),
            overridden: Vec::new(),
        },
        Entry::Decided {
            action: Action::RollBack,
            because: vec![said()],
            judged: found,
        },
        Entry::Stopped {
            interlocks: vec![("guard".to_owned(), said())],
        },
        Entry::Answered {
            call: call(),
            answer: Answer::Unclear { why: said() },
        },
        Entry::Ended {
            outcome: RollbackOutcome::Failed,
            because: said(),
        },
        Entry::Ledger {
            software: deployment().software(),
            good: true,
            guards: guards(),
        },
    ];
    for entry in &entries {
        journal.append("s", "w", wall(0), entry).await.unwrap();
    }
    let meant = Entry::Intended { plan: plan() };
    journal.append("s", "w", wall(0), &meant).await.unwrap();
    let kept = journal.of_service("s").await.unwrap();
    assert_eq!(kept.len(), entries.len() + 1);
    let (last, said) = kept.split_last().unwrap();
    assert_eq!(last.entry, meant);
    for one in said {
        let told = format!("{:?}", one.entry);
        assert!(
            !told.contains(CANARY) && told.contains("it answered ***"),
            "{told}"
        );
    }
}
