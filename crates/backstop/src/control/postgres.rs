//! Upkeep of a PostgreSQL database: migrating it, moving a SQLite file into it, and finishing what `pg_restore` began.
//!
//! Copying is left to PostgreSQL's own programs, which do it online and know every setting of the server.

use std::path::Path;

use anyhow::{Context, ensure};
use backstop_domain::ports::{Clock, store::Keys};
use backstop_store::{PostgresSettings, PostgresStore, SqliteStore, TransferReport, transfer};

use super::sqlite;
use crate::{
    config::{root_key::read_root_key, store::Store},
    runtime::SystemClock,
};

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

/// Copies everything that is in a SQLite file into an empty database. The file is held while it is read and stays as it
/// is; a database that holds an installation already is left alone.
pub(super) async fn fill(
    settings: &PostgresSettings,
    config: &Store,
    path: &Path,
) -> anyhow::Result<TransferReport> {
    ensure!(
        path.exists(),
        "{} does not exist\n  fix: name the file that the installation is in, as sqlite://PATH",
        path.display()
    );
    let _lock = sqlite::lock(path)?;
    let from = SqliteStore::open(path, SystemClock::default().now()).context("the SQLite file")?;
    let fingerprint = from.root_fingerprint().await?;
    let root = read_root_key(&config.root_key)?
        .context("the root key is missing\n  fix: name it in store.root_key_file")?;
    ensure!(
        fingerprint.as_deref() == Some(root.fingerprint().as_str()),
        "the SQLite file belongs to another root key\n  fix: give store.root_key_file the key that it was made with"
    );
    let to = PostgresStore::open(settings).await.context("the PostgreSQL database")?;
    ensure!(
        to.root_fingerprint().await?.is_none(),
        "the PostgreSQL database holds an installation already\n  fix: name an empty database; nothing was changed"
    );
    let now = to.time().await?;
    Ok(transfer(&from, &to, now).await?)
}
