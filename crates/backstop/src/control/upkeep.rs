//! What is done to a store as a whole, and not through a service: migrating and restoring it.

use std::path::Path;

use anyhow::bail;

use super::{
    postgres,
    protocol::{MigrateReply, RestoreReply},
    runtime, sqlite,
};
use crate::config::{Config, store::Database};

/// Brings the store to this version's schema.
///
/// # Errors
/// If the store is in use or cannot be opened.
pub fn migrate(config: &Config) -> anyhow::Result<MigrateReply> {
    let database = &config.store.database;
    let (before, schema) = match database {
        Database::Sqlite { path, .. } => sqlite::migrate(path)?,
        Database::Postgres(settings) => runtime()?.block_on(postgres::migrate(settings))?,
    };
    Ok(MigrateReply { store: database.to_string(), before, schema })
}

/// Puts a backup in the store's place, and cancels what was pending in it. Without one it cancels what is pending in a
/// database that other programs put back.
///
/// # Errors
/// If the store is in use, the backup is not one, or the store's kind is restored by other means.
pub fn restore(config: &Config, backup: Option<&Path>) -> anyhow::Result<RestoreReply> {
    let database = &config.store.database;
    let (bytes, canceled) = match (database, backup) {
        (Database::Sqlite { path, .. }, Some(backup)) => {
            let (bytes, canceled) = runtime()?.block_on(sqlite::restore(path, backup))?;
            (Some(bytes), canceled)
        }
        (Database::Sqlite { .. }, None) => bail!(
            "--cancel-pending is for PostgreSQL\n  fix: name a file that `backstop backup` made; what is pending in it is \
             canceled"
        ),
        (Database::Postgres(settings), None) => {
            (None, runtime()?.block_on(postgres::cancel_pending(settings))?)
        }
        (Database::Postgres(settings), Some(_)) => bail!("{}", postgres::no_restore(settings)),
    };
    Ok(RestoreReply { store: database.to_string(), bytes, canceled })
}
