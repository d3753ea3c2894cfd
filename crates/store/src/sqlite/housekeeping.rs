//! What time, a restart and a restore leave to be written down.
//!
//! A verification past its end counts as expired whether or not the sweeper ran; the sweeper writes it and wipes the
//! caller's own code. It works from memory, a few hundred a call, so it never stands in the way for long.

use std::time::Duration;

use backstop_domain::{
    clock::Timestamp,
    id::VerificationId,
    ports::store::{IDEMPOTENCY_WINDOW, StoreError},
};
use rusqlite::params;

use super::{SqliteStore, rebuild, writer::Unit};
use crate::{
    acts::{nobody, receipts::HANDLES_LIVE_FOR},
    error::Result,
};

/// Verifications that one call ends.
const EXPIRED_PER_CALL: usize = 500;
/// Old answers that one call deletes.
const FORGOTTEN_PER_CALL: usize = 2000;
/// Verifications that one call deletes.
const DELETED_PER_CALL: i64 = 200;
/// Vendors' names of attempts that one call deletes.
const HANDLES_PER_CALL: usize = 2000;
/// How far the mark moves at a time.
const MARK_STEP: Duration = Duration::from_secs(3600);

impl SqliteStore {
    /// Ends every lease at once. For the program to call right after it took the exclusive lock: whoever held them is
    /// dead. The open deliveries then come out of `recover`, the oldest first; those from before a step back of the clock
    /// too, which seem to be of the future. What rests until silence is looked at goes on resting. Says how many there are.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn release_leases(&self) -> std::result::Result<u64, StoreError> {
        self.write(|unit| {
            let ended = unit.connection.execute(
                "UPDATE deliveries SET lease_until = min(created_at, ?1) \
                 WHERE lease_until IS NOT NULL AND lease_holder <> ?2",
                params![unit.memory.seen().as_millis(), nobody().to_string()],
            )?;
            unit.connection.execute(
                "UPDATE notices SET lease_holder = NULL, lease_until = NULL WHERE lease_until IS NOT NULL",
                [],
            )?;
            Ok(u64::try_from(ended).unwrap_or(u64::MAX))
        })
        .await
    }

    /// Cancels whatever is pending, wipes the callers' own codes, closes the outbox and forgets kept answers. For a
    /// restored backup: what it believes to be pending may have been used since it was made. Reads every row. Says how
    /// many verifications it canceled.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn cancel_pending(&self, now: Timestamp) -> std::result::Result<u64, StoreError> {
        self.write(move |unit| {
            let connection = &unit.connection;
            let canceled = connection.execute(
                "UPDATE verifications SET status = 'canceled', custom_code = NULL WHERE status = 'pending'",
                [],
            )?;
            connection.execute(
                "UPDATE deliveries SET lease_holder = NULL, lease_until = NULL, \
                 state = CASE state WHEN 'queued' THEN 'undeliverable' ELSE state END \
                 WHERE lease_until IS NOT NULL",
                [],
            )?;
            connection.execute(
                "UPDATE attempts SET state = 'unknown', outcome = 'unknown', finished_at = ?1 WHERE state = 'sending'",
                [now.as_millis()],
            )?;
            connection.execute("DELETE FROM idempotency", [])?;
            unit.memory.see(now);
            unit.reload()?;
            Ok(u64::try_from(canceled).unwrap_or(u64::MAX))
        })
        .await
    }
}

/// Writes the end of those that ran out.
pub(super) fn expire(unit: &mut Unit, now: Timestamp) -> Result<u64> {
    unit.memory.see(now);
    let out = unit.memory.run_out(now, EXPIRED_PER_CALL);
    let mut expired = 0;
    for (application, id, recipient) in &out {
        let changed = unit
            .connection
            .prepare_cached(
                "UPDATE verifications SET status = 'expired', custom_code = NULL \
                 WHERE application_id = ?1 AND id = ?2 AND status = 'pending'",
            )?
            .execute(params![application.0, id.to_string()])?;
        unit.memory.end(*application, *recipient, *id);
        expired += u64::try_from(changed).unwrap_or(0);
    }
    if out.len() < EXPIRED_PER_CALL {
        move_mark(unit, now)?;
    }
    // A full sweep leaves more behind: asking again at once keeps up with any load.
    let more = forget_answers(unit, now)? >= FORGOTTEN_PER_CALL;
    let more = forget_handles(unit, now - HANDLES_LIVE_FOR)? >= HANDLES_PER_CALL || more;
    Ok(expired.max(u64::from(more)))
}

/// Deletes what is older than `before`, application by application, from the beginning of the key.
pub(super) fn forget(unit: &mut Unit, before: Timestamp, now: Timestamp) -> Result<u64> {
    unit.memory.see(now);
    let connection = &unit.connection;
    let before = before.min(now - rebuild::CHARGES_LIVE_FOR);
    forget_handles(unit, before)?;
    let end = VerificationId::first_at(before).to_string();
    for application in rebuild::applications(connection)? {
        let mut last = connection.prepare_cached(
            "SELECT max(id), count(*) FROM (SELECT id FROM verifications \
             WHERE application_id = ?1 AND id < ?2 ORDER BY id LIMIT ?3)",
        )?;
        let found: (Option<String>, u64) = last
            .query_row(params![application.0, end, DELETED_PER_CALL], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (Some(last), count) = found else { continue };
        for delete in [
            "DELETE FROM reservations WHERE application_id = ?1 AND verification_id <= ?2",
            "DELETE FROM attempts WHERE application_id = ?1 AND verification_id <= ?2",
            "DELETE FROM deliveries WHERE application_id = ?1 AND verification_id <= ?2",
            "DELETE FROM checks WHERE application_id = ?1 AND verification_id <= ?2",
            "DELETE FROM verifications WHERE application_id = ?1 AND id <= ?2",
        ] {
            connection.prepare_cached(delete)?.execute(params![application.0, last])?;
        }
        return Ok(count);
    }
    Ok(0)
}

/// Notes how far back nothing is pending any more, so that the next boot need not look further.
fn move_mark(unit: &Unit, now: Timestamp) -> Result<()> {
    let mark = now - rebuild::MAX_LIFE;
    if mark.since(rebuild::pending_since(&unit.connection)?) >= MARK_STEP {
        rebuild::set_pending_since(&unit.connection, mark)?;
    }
    Ok(())
}

/// Deletes old answers, a few at a time. Says how many.
fn forget_answers(unit: &Unit, now: Timestamp) -> Result<usize> {
    let forgotten = unit
        .connection
        .prepare_cached(
            "DELETE FROM idempotency WHERE (at, key) IN \
             (SELECT at, key FROM idempotency WHERE at <= ?1 ORDER BY at, key LIMIT ?2)",
        )?
        .execute(params![(now - IDEMPOTENCY_WINDOW).as_millis(), FORGOTTEN_PER_CALL])?;
    Ok(forgotten)
}

/// Deletes vendors' names of attempts from before `before`, a few at a time. Says how many.
fn forget_handles(unit: &Unit, before: Timestamp) -> Result<usize> {
    let forgotten = unit
        .connection
        .prepare_cached(
            "DELETE FROM open_attempts WHERE (provider, handle) IN \
             (SELECT provider, handle FROM open_attempts WHERE at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![before.as_millis(), HANDLES_PER_CALL])?;
    Ok(forgotten)
}
