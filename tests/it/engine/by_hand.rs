//! A rollback by hand, where the journal cannot be written.

use std::sync::Arc;

use rusqlite::Connection;
use smokejumper::cli::state;
use smokejumper::deployment::RollbackOutcome;
use smokejumper::engine::by_hand::{ByHand, Wish};
use smokejumper::engine::record::Record;

use super::platform::Manner;
use super::stage::{Stage, outcome, stage};

async fn ordered(stage: &Stage, overridden: &[&str]) -> Record {
    let by_hand = ByHand {
        context: &stage.context,
        service: &stage.service,
        checks: &stage.checks,
        target: Arc::clone(&stage.platform) as _,
        wish: Wish {
            to: None,
            reason: None,
            overridden: overridden.iter().map(|name| (*name).to_owned()).collect(),
            pace: stage.pace,
            journaling: state::journal_in(stage.state.path()).await,
            kill_switch: None,
        },
    };
    let prospect = by_hand.look().await.expect("the platform can be asked");
    by_hand.carry_out(&prospect).await
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_takes_nothing_can_be_overridden() {
    let stage = stage(Manner::Heals, true);
    // As on a disk that is full: it can be opened and read.
    stage.happened("before", Vec::new()).await;
    let file = stage.state.path().join("journal.sqlite");
    let full = "CREATE TRIGGER full BEFORE INSERT ON entries \
                BEGIN SELECT RAISE(ABORT, 'full'); END";
    let connection = Connection::open(file).expect("the journal");
    connection.execute_batch(full).expect("full");
    let refused = ordered(&stage, &[]).await;
    assert_eq!(outcome(&refused), Some(RollbackOutcome::Refused));
    assert_eq!(stage.accepted(), 0);
    let done = ordered(&stage, &["journal"]).await;
    assert_eq!(
        outcome(&done),
        Some(RollbackOutcome::RolledBackVerified),
        "{done:#?}"
    );
    assert_eq!(stage.accepted(), 1);
}
