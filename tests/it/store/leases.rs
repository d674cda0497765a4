//! The right to act on a service: one holder at a time, and none that is dead.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use smokejumper::store::sqlite::Holder;
use smokejumper::store::{Journal as _, LONGEST_LEASE, Lease};

use super::{open, open_as, wall};

const MINUTE: Duration = Duration::from_secs(60);

/// A process that does nothing for as long as it is let.
fn idle() -> Child {
    Command::new("sleep")
        .arg("3600")
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn held(by: &Holder, until: u64) -> Lease {
    Lease::Held {
        by: by.to_string(),
        until: wall(until),
    }
}

#[tokio::test]
async fn one_holds_it_until_it_ends_or_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut child = idle();
    let other = Holder::seen("elsewhere", child.id());
    let (ours, theirs) = (open(&path).await, open_as(&path, other).await);
    let me = Holder::this_process();
    assert_eq!(ours.lease("api", wall(0), MINUTE).await, Ok(Lease::Ours));
    assert_eq!(
        theirs.lease("api", wall(59), MINUTE).await,
        Ok(held(&me, 60))
    );
    assert_eq!(theirs.lease("web", wall(59), MINUTE).await, Ok(Lease::Ours));
    assert_eq!(
        theirs.release("api").await,
        Ok(()),
        "not theirs, so it stays"
    );
    assert_eq!(
        ours.lease("api", wall(30), MINUTE).await,
        Ok(Lease::Ours),
        "renewed"
    );
    assert_eq!(
        theirs.lease("api", wall(89), MINUTE).await,
        Ok(held(&me, 90))
    );
    assert_eq!(
        theirs.lease("api", wall(90), MINUTE).await,
        Ok(Lease::Ours),
        "it ended"
    );
    assert_eq!(theirs.release("api").await, Ok(()));
    assert_eq!(
        ours.lease("api", wall(91), MINUTE).await,
        Ok(Lease::Ours),
        "given back"
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn the_lease_of_a_killed_process_is_taken_at_once_and_that_of_a_living_one_never() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut child = idle();
    let dead = Holder::seen("elsewhere", child.id());
    let theirs = open_as(&path, dead.clone()).await;
    let ours = open(&path).await;
    assert_eq!(theirs.lease("api", wall(0), MINUTE).await, Ok(Lease::Ours));
    assert_eq!(
        ours.lease("api", wall(1), MINUTE).await,
        Ok(held(&dead, 60))
    );
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ours.lease("api", wall(2), MINUTE).await, Ok(Lease::Ours));
}

#[tokio::test]
async fn of_a_process_that_cannot_be_looked_at_the_end_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    // No such process: so nothing is known of when and where it ran.
    let elsewhere = Holder::seen("elsewhere", u32::MAX);
    let theirs = open_as(&path, elsewhere.clone()).await;
    let ours = open(&path).await;
    assert_eq!(theirs.lease("api", wall(0), MINUTE).await, Ok(Lease::Ours));
    let waiting = ours.lease("api", wall(59), MINUTE).await;
    assert_eq!(waiting, Ok(held(&elsewhere, 60)));
    assert_eq!(ours.lease("api", wall(60), MINUTE).await, Ok(Lease::Ours));
}

#[tokio::test]
async fn a_clock_that_goes_back_keeps_nobody_out_for_longer_than_a_lease_can_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let elsewhere = Holder::seen("elsewhere", u32::MAX);
    let theirs = open_as(&path, elsewhere.clone()).await;
    let ours = open(&path).await;
    const DAY: u64 = 86_400;
    let longest = LONGEST_LEASE.as_secs();
    assert_eq!(
        theirs.lease("api", wall(DAY), MINUTE).await,
        Ok(Lease::Ours)
    );
    let back = ours.lease("api", wall(0), MINUTE).await;
    assert_eq!(
        back,
        Ok(held(&elsewhere, longest)),
        "as if it had been granted now"
    );
    let later = ours.lease("api", wall(longest - 1), MINUTE).await;
    assert_eq!(
        later,
        Ok(held(&elsewhere, longest)),
        "and not again and again"
    );
    let ended = ours.lease("api", wall(longest), MINUTE).await;
    assert_eq!(ended, Ok(Lease::Ours));
}

#[tokio::test]
async fn no_lease_is_granted_for_longer_than_any_can_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let me = Holder::this_process();
    let ours = open(&path).await;
    let theirs = open_as(&path, Holder::seen("elsewhere", u32::MAX)).await;
    assert_eq!(
        ours.lease("api", wall(0), Duration::MAX).await,
        Ok(Lease::Ours)
    );
    let waiting = theirs.lease("api", wall(1), MINUTE).await;
    assert_eq!(waiting, Ok(held(&me, LONGEST_LEASE.as_secs())));
}
