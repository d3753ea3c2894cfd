//! Upkeep of a PostgreSQL database: migrating it, and finishing what `pg_restore` began.
//!
//! Copying is left to PostgreSQL's own programs, which do it online and know every setting of the server.

use backstop_store::{PostgresSettings, PostgresStore};

/// Why `backup` does nothing here, and what does.
pub(crate) fn no_backup(settings: &PostgresSettings) -> String {
    format!(
        "PostgreSQL is copied by its own program\n  fix: pg_dump --format=custom --file=backstop.dump '{settings}'; the root \
         key is not in it: keep that elsewhere"
    )
}

/// Why `restore FILE` does nothing here, and what does.
pub(super) fn no_restore(settings: &PostgresSettings) -> String {
    format!(
        "PostgreSQL is restored by its own program\n  fix: stop every node, pg_restore --clean --if-exists --dbname='{settings}' \
         backstop.dump, then `backstop restore --cancel-pending`"
    )
}

/// Brings the database to this version's schema: from which one, and to which.
pub(super) async fn migrate(settings: &PostgresSettings) -> anyhow::Result<(Option<u32>, u32)> {
    let before = PostgresStore::schema_version_of(settings).await?;
    let store = PostgresStore::open(settings).await?;
    Ok(((before > 0).then_some(before), store.schema_version()))
}

/// Cancels what was pending when the copy was made: what became of those codes since is not known.
pub(super) async fn cancel_pending(settings: &PostgresSettings) -> anyhow::Result<u64> {
    let store = PostgresStore::open(settings).await?;
    Ok(store.cancel_pending(store.time().await?).await?)
}
