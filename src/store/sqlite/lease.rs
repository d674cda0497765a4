//! The right to act on a service: one row a service, taken and given back in one transaction.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::fault::Fault;
use super::holder::Holder;
use super::{nanoseconds, wall};
use crate::clock::WallTime;
use crate::store::{LONGEST_LEASE, Lease};

/// Takes or renews the lease of a service.
pub(super) fn take(
    connection: &mut Connection,
    service: &str,
    holder: &Holder,
    now: WallTime,
    span: Duration,
) -> Result<Lease, Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let held = held(&transaction, service)?;
    let theirs = held.filter(|(by, until)| by != holder && now < *until && !by.is_gone());
    let lease = match theirs {
        None => {
            put(&transaction, service, holder, later(now, span))?;
            Lease::Ours
        }
        Some((by, until)) => {
            // A clock that went back makes a lease look longer than any can be. It is not taken at
            // once, for its holder may live and renew it; but it does not grow either.
            let last = until.min(later(now, LONGEST_LEASE));
            if last < until {
                put(&transaction, service, &by, last)?;
            }
            Lease::Held {
                by: by.to_string(),
                until: last,
            }
        }
    };
    transaction.commit()?;
    Ok(lease)
}

/// Who else holds the lease of a service.
pub(super) fn look(
    connection: &mut Connection,
    service: &str,
    holder: &Holder,
    now: WallTime,
) -> Result<Option<(String, WallTime)>, Fault> {
    let transaction = connection.transaction()?;
    let held = held(&transaction, service)?;
    let theirs = held.filter(|(by, until)| by != holder && now < *until && !by.is_gone());
    Ok(theirs.map(|(by, until)| (by.to_string(), until)))
}

/// Gives the lease of a service back, if it is ours.
pub(super) fn give_back(
    connection: &mut Connection,
    service: &str,
    holder: &Holder,
) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if held(&transaction, service)?.is_some_and(|(by, _)| by == *holder) {
        transaction.execute("DELETE FROM leases WHERE service = ?", [service])?;
    }
    transaction.commit()?;
    Ok(())
}

fn held(transaction: &Transaction<'_>, service: &str) -> Result<Option<(Holder, WallTime)>, Fault> {
    let row: Option<(String, i64)> = transaction
        .query_row(
            "SELECT holder, until FROM leases WHERE service = ?",
            [service],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((holder, until)) = row else {
        return Ok(None);
    };
    let holder = serde_json::from_str(&holder).map_err(|_| Fault::Lease(service.to_owned()))?;
    Ok(Some((holder, wall(until))))
}

fn put(
    transaction: &Transaction<'_>,
    service: &str,
    holder: &Holder,
    until: WallTime,
) -> Result<(), Fault> {
    let holder =
        serde_json::to_string(holder).map_err(|error| Fault::Unwritable(error.to_string()))?;
    transaction.execute(
        "INSERT INTO leases (service, holder, until) VALUES (?, ?, ?)
         ON CONFLICT (service) DO UPDATE SET holder = excluded.holder, until = excluded.until",
        params![service, holder, nanoseconds(until)],
    )?;
    Ok(())
}

fn later(now: WallTime, span: Duration) -> WallTime {
    WallTime::since_unix_epoch(now.unix().saturating_add(span.min(LONGEST_LEASE)))
}
