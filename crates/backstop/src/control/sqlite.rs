//! Upkeep of a SQLite file, while no service holds it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use backstop_domain::ports::Clock;
use backstop_store::{ExclusiveLock, SqliteStore};

use crate::runtime::SystemClock;

/// Brings the file to this version's schema: from which one, and to which.
pub(super) fn migrate(path: &Path) -> anyhow::Result<(Option<u32>, u32)> {
    let existed = path.exists();
    let _lock = lock(path)?;
    let before = if existed { Some(SqliteStore::schema_version_of(path)?) } else { None };
    let store = SqliteStore::open(path, SystemClock::default().now())?;
    Ok((before, store.schema_version()))
}

/// Puts a backup in the file's place and cancels what was pending in it: codes that were on their way when it was made are
/// old by now. The file that was there stays beside it, with `.before-restore` at its end. Says how large the file is and
/// how many verifications were canceled.
pub(super) async fn restore(path: &Path, backup: &Path) -> anyhow::Result<(u64, u64)> {
    if SqliteStore::schema_version_of(backup)? == 0 {
        bail!(
            "{} is not a backup of a store\n  fix: name a file that `backstop backup` made",
            backup.display()
        );
    }
    let _lock = lock(path)?;
    let aside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let draft = aside(".restoring");
    fs::copy(backup, &draft).with_context(|| format!("copying {}", backup.display()))?;
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))?;
    let now = SystemClock::default().now();
    let store = SqliteStore::open(&draft, now)?;
    store.release_leases().await?;
    let canceled = store.cancel_pending(now).await?;
    drop(store);
    if path.exists() {
        // Opening and closing it brings what is still in its log into the file.
        drop(SqliteStore::open(path, now)?);
        let before = aside(".before-restore");
        if before.exists() {
            fs::remove_file(&before)?;
        }
        // A second name for the old store, and then one rename: at every instant there is a whole store at `path`.
        fs::hard_link(path, before)?;
    }
    fs::rename(&draft, path)?;
    Ok((fs::metadata(path)?.len(), canceled))
}

/// Holds the file while it is worked on.
pub(super) fn lock(path: &Path) -> anyhow::Result<ExclusiveLock> {
    ExclusiveLock::acquire(path).context("the store is in use\n  fix: stop the service first")
}
