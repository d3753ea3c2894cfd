//! What is done to a store as a whole, and not through a service: migrating, moving and restoring it.

use std::path::Path;

use anyhow::{anyhow, bail};

use super::{
    postgres,
    protocol::{MigrateReply, MoveReply, MovedTable, RestoreReply},
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

/// Copies an installation from a SQLite file into a PostgreSQL database: the one at the URL `to`, else the configured one.
/// `say` hears what is being done.
///
/// # Errors
/// If a URL is not of its kind, the file is in use or made with another root key, or the database is not empty.
pub fn move_store(
    config: &Config,
    from: &str,
    to: Option<&str>,
    mut say: impl FnMut(&str),
) -> anyhow::Result<MoveReply> {
    let here = std::env::current_dir()?;
    let parse = |option: &str, url: &str| {
        let wrong = |problem: String| anyhow!("the URL after {option} {problem}");
        Database::parse(url, &here).map_err(wrong)
    };
    let source = parse("--from", from)?;
    let target = match to {
        Some(url) => parse("--to", url)?,
        None => config.store.database.clone(),
    };
    let (Database::Sqlite { path, .. }, Database::Postgres(settings)) = (&source, &target) else {
        bail!(
            "an installation is moved from SQLite to PostgreSQL, not from {source} to {target}\n  fix: --from \
             sqlite://data/backstop.db --to postgres://..."
        );
    };
    say(&format!("moving {source} to {target}"));
    let report = runtime()?.block_on(postgres::fill(settings, &config.store, path))?;
    let table = |(name, rows): (&str, u64)| MovedTable { name: name.to_owned(), rows };
    Ok(MoveReply {
        from: source.to_string(),
        to: target.to_string(),
        tables: report.tables.into_iter().map(table).collect(),
    })
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
