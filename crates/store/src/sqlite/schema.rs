//! Migrations: plain SQL files, each applied once, in order, with its number, in one transaction.
//!
//! The number lives in `PRAGMA user_version`, so a crash leaves a database wholly before or wholly after a migration.
//! A program runs on its own schema and on the next one (changes first expand, a later release contracts), so that
//! nodes and downgrades by one step work; anything newer, and a file that is not ours, is refused with the way out.

use rusqlite::{Connection, TransactionBehavior};

use crate::{
    error::{Result, internal},
    schema::{refuse_newer, refuse_older},
};

/// Every migration, oldest first; the first has number 1.
const MIGRATIONS: [&str; 12] = [
    include_str!("../../migrations/sqlite/0001_init.sql"),
    include_str!("../../migrations/sqlite/0002_paces_and_nodes.sql"),
    include_str!("../../migrations/sqlite/0003_receipts.sql"),
    include_str!("../../migrations/sqlite/0004_routing.sql"),
    include_str!("../../migrations/sqlite/0005_vendor_checks.sql"),
    include_str!("../../migrations/sqlite/0006_signing_keys.sql"),
    include_str!("../../migrations/sqlite/0007_people.sql"),
    include_str!("../../migrations/sqlite/0008_audit.sql"),
    include_str!("../../migrations/sqlite/0009_notices.sql"),
    include_str!("../../migrations/sqlite/0010_sign_in.sql"),
    include_str!("../../migrations/sqlite/0011_operators.sql"),
    include_str!("../../migrations/sqlite/0012_watched_records.sql"),
];

/// The schema that this program writes.
pub(super) const CURRENT: u32 = MIGRATIONS.len() as u32;

/// The number of the last migration that a database has seen; 0 for an empty one.
pub(super) fn version(connection: &Connection) -> Result<u32> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Brings a database up to [`CURRENT`].
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    refuse_newer(version(connection)?, CURRENT)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = version(&transaction)?;
    if before == 0 {
        refuse_foreign(&transaction)?;
    }
    for (migration, number) in MIGRATIONS.iter().zip(1_u32..) {
        if number > before {
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", number)?;
        }
    }
    transaction.commit()?;
    if before < CURRENT {
        tracing::info!(store.schema.before = before, store.schema.after = CURRENT, "the store was migrated");
    }
    Ok(())
}

/// Refuses a database that this program cannot run on as it is.
pub(super) fn require_current(connection: &Connection) -> Result<()> {
    let found = version(connection)?;
    refuse_newer(found, CURRENT)?;
    refuse_older(found, CURRENT)
}

fn refuse_foreign(connection: &Connection) -> Result<()> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Err(internal("this SQLite file holds another program's tables; choose another file").into());
    }
    Ok(())
}
