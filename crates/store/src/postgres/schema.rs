//! Migrations: plain SQL files, each applied once, in order, with its number, in one transaction under a lock.
//!
//! The numbers and names are those of the other database. A node that starts while another migrates waits; a crash
//! leaves a database wholly before or wholly after. A program runs on its own schema and on the next one (changes first
//! expand, a later release contracts), so that nodes are upgraded one by one; anything newer is refused.

use super::session::Session;
use crate::{
    error::{Result, internal},
    schema::{refuse_newer, refuse_older},
};

/// Every migration, oldest first; the first has number 1.
const MIGRATIONS: [&str; 12] = [
    include_str!("../../migrations/postgres/0001_init.sql"),
    include_str!("../../migrations/postgres/0002_paces_and_nodes.sql"),
    include_str!("../../migrations/postgres/0003_receipts.sql"),
    include_str!("../../migrations/postgres/0004_routing.sql"),
    include_str!("../../migrations/postgres/0005_vendor_checks.sql"),
    include_str!("../../migrations/postgres/0006_signing_keys.sql"),
    include_str!("../../migrations/postgres/0007_people.sql"),
    include_str!("../../migrations/postgres/0008_audit.sql"),
    include_str!("../../migrations/postgres/0009_notices.sql"),
    include_str!("../../migrations/postgres/0010_sign_in.sql"),
    include_str!("../../migrations/postgres/0011_operators.sql"),
    include_str!("../../migrations/postgres/0012_watched_records.sql"),
];

/// The schema that this program writes.
pub(super) const CURRENT: u32 = MIGRATIONS.len() as u32;

/// `backstop` in bytes: nobody else's advisory lock by chance.
const LOCK: i64 = 0x6261_636b_7374_6f70;

/// The number of the last migration that a database has seen; 0 for an empty one.
pub(super) async fn version(session: &mut Session) -> Result<u32> {
    let client = session.client();
    // From the rows of the catalogue: a look-up by name is answered from a cache, which a wait for a lock does not clear.
    let look = "SELECT EXISTS (SELECT 1 FROM pg_tables \
                WHERE schemaname = current_schema() AND tablename = 'backstop_schema')";
    let there: bool = client.query_one(look, &[]).await?.try_get(0)?;
    if !there {
        return Ok(0);
    }
    let version: i32 = client.query_one("SELECT version FROM backstop_schema", &[]).await?.try_get(0)?;
    Ok(u32::try_from(version).map_err(|_| internal("backstop_schema holds no version"))?)
}

/// Brings a database up to [`CURRENT`], or refuses one that is not. Says what it has then.
pub(super) async fn settle(session: &mut Session, migrates: bool) -> Result<u32> {
    let found = version(session).await?;
    refuse_newer(found, CURRENT)?;
    if found >= CURRENT {
        return Ok(found);
    }
    if !migrates {
        refuse_older(found, CURRENT)?;
    }
    migrate(session).await?;
    version(session).await
}

async fn migrate(session: &mut Session) -> Result<()> {
    session.begin().await?;
    // However long another node migrates, and however long we do.
    session.client().batch_execute("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0").await?;
    session.client().query("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let before = version(session).await?;
    refuse_newer(before, CURRENT)?;
    if before == 0 {
        let table =
            "CREATE TABLE backstop_schema (version INTEGER NOT NULL); INSERT INTO backstop_schema VALUES (0)";
        session.client().batch_execute(table).await?;
    }
    for (migration, number) in MIGRATIONS.iter().zip(1_u32..) {
        if number > before {
            session.client().batch_execute(migration).await?;
        }
    }
    if before < CURRENT {
        let reached = format!("UPDATE backstop_schema SET version = {CURRENT}");
        session.client().batch_execute(&reached).await?;
        tracing::info!(store.schema.before = before, store.schema.after = CURRENT, "the store was migrated");
    }
    session.commit().await
}
