//! Reading the writer's memory back from the rows, when the store opens and after an undone transaction.
//!
//! Everything is found by ranges of keys that begin with time: no index, no table scan. A charge counts for a day and
//! belongs to a verification that lived for a day at most, so two days of keys hold all charges. A verification that
//! was never ended because the program was down for long is found from a mark that the sweeper moves: nothing older
//! than the mark is pending.

use std::time::Duration;

use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    id::VerificationId,
    limit::{Bucket, LONGEST_WINDOW},
    ports::store::IDEMPOTENCY_WINDOW,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    error::Result,
    fields::Fields,
    memory::{Live, Memory, Remembered},
    rows,
};

/// The longest life of a code.
pub(super) const MAX_LIFE: Duration = Duration::from_secs(86_400);
/// A charge counts for the longest window and belongs to a verification that may have lived for its whole life before.
pub(super) const CHARGES_LIVE_FOR: Duration = LONGEST_WINDOW.saturating_add(MAX_LIFE);
/// The key of the mark in `meta`.
const MARK: &str = "pending_since";

/// Reads the memory of `now` from the rows.
pub(super) fn memory(connection: &Connection, now: Timestamp) -> Result<Memory> {
    let mut memory = Memory::at(now);
    let charges_from = VerificationId::first_at(now - CHARGES_LIVE_FOR);
    let pending_from = VerificationId::first_at(pending_since(connection)?.min(now - MAX_LIFE));
    for application in applications(connection)? {
        deliveries(connection, application, charges_from, now, &mut memory)?;
        checks(connection, application, charges_from, now, &mut memory)?;
        pending(connection, application, pending_from, &mut memory)?;
    }
    answers(connection, now, &mut memory)?;
    memory.prune();
    Ok(memory)
}

/// The moment before which no verification is pending.
pub(super) fn pending_since(connection: &Connection) -> Result<Timestamp> {
    let mut query = connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    let text: Option<String> = query.query_row([MARK], |row| row.get(0)).optional()?;
    Ok(Timestamp::from_millis(text.and_then(|text| text.parse().ok()).unwrap_or(0)))
}

/// Moves the mark on.
pub(super) fn set_pending_since(connection: &Connection, mark: Timestamp) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
        )?
        .execute(params![MARK, mark.as_millis().to_string()])?;
    Ok(())
}

/// The applications that have verifications, by jumping from one to the next along the key.
pub(super) fn applications(connection: &Connection) -> Result<Vec<ApplicationId>> {
    let mut next = connection.prepare_cached(
        "SELECT application_id FROM verifications WHERE application_id > ?1 \
                         ORDER BY application_id LIMIT 1",
    )?;
    let mut found = Vec::new();
    let mut after = i64::MIN;
    while let Some(id) = next.query_row([after], |row| row.get(0)).optional()? {
        found.push(ApplicationId(id));
        after = id;
    }
    Ok(found)
}

fn deliveries(
    connection: &Connection,
    application: ApplicationId,
    from: VerificationId,
    now: Timestamp,
    memory: &mut Memory,
) -> Result<()> {
    let mut query = connection.prepare_cached(
        "SELECT application_id, verification_id, id, created_at, recipient, network, public, given_back \
         FROM deliveries WHERE application_id = ?1 AND verification_id >= ?2 AND created_at > ?3",
    )?;
    let horizon = (now - LONGEST_WINDOW).as_millis();
    let mut rows = query.query(params![application.0, from.to_string(), horizon])?;
    while let Some(row) = rows.next()? {
        let mut fields = Fields::after_key(row, "deliveries", 3);
        let at = fields.moment("created_at")?;
        let recipient = fields.hash("recipient")?;
        let network = fields.hash_if_any("network")?;
        let public: bool = fields.take("public")?;
        let given_back: bool = fields.take("given_back")?;
        for bucket in [
            Bucket::Recipient(application, recipient),
            Bucket::Installation(recipient),
            Bucket::Application(application),
        ] {
            memory.record(bucket, public, at);
        }
        if let Some(network) = network.filter(|_| !given_back) {
            memory.record(Bucket::Network(application, network), public, at);
        }
    }
    Ok(())
}

fn checks(
    connection: &Connection,
    application: ApplicationId,
    from: VerificationId,
    now: Timestamp,
    memory: &mut Memory,
) -> Result<()> {
    let mut query = connection.prepare_cached(
        "SELECT application_id, verification_id, number, at, recipient, public FROM checks \
         WHERE application_id = ?1 AND verification_id >= ?2 AND at > ?3 AND charged",
    )?;
    let horizon = (now - LONGEST_WINDOW).as_millis();
    let mut rows = query.query(params![application.0, from.to_string(), horizon])?;
    while let Some(row) = rows.next()? {
        let mut fields = Fields::after_key(row, "checks", 3);
        let at = fields.moment("at")?;
        let bucket = Bucket::Checks(application, fields.hash("recipient")?);
        memory.record(bucket, fields.take("public")?, at);
    }
    Ok(())
}

fn pending(
    connection: &Connection,
    application: ApplicationId,
    from: VerificationId,
    memory: &mut Memory,
) -> Result<()> {
    let mut query = connection.prepare_cached(
        "SELECT application_id, id, authority, recipient, purpose, join_hash, expires_at FROM verifications \
         WHERE application_id = ?1 AND id >= ?2 AND status = 'pending'",
    )?;
    let mut rows = query.query(params![application.0, from.to_string()])?;
    while let Some(row) = rows.next()? {
        let mut fields = Fields::of(row, "verifications", 2);
        fields.take::<i64>("application_id")?;
        let id = fields.parsed("id")?;
        let authority = rows::authority_of(&mut fields)?;
        let recipient = fields.hash("recipient")?;
        let live = Live {
            id,
            authority,
            purpose: fields.parsed("purpose")?,
            join: fields.hash_if_any("join_hash")?,
            expires_at: fields.moment("expires_at")?,
        };
        memory.add_live(application, recipient, live);
    }
    Ok(())
}

fn answers(connection: &Connection, now: Timestamp, memory: &mut Memory) -> Result<()> {
    let mut query = connection
        .prepare_cached("SELECT at, key, body, answer FROM idempotency WHERE at > ?1 ORDER BY at")?;
    let mut rows = query.query([(now - IDEMPOTENCY_WINDOW).as_millis()])?;
    while let Some(row) = rows.next()? {
        let mut fields = Fields::of(row, "idempotency", 1);
        let at = fields.moment("at")?;
        let key = fields.hash("key")?;
        let remembered = Remembered { body: fields.hash("body")?, answer: fields.take("answer")?, at };
        memory.remember(key, remembered);
    }
    Ok(())
}
