//! On SQLite: one service to a file, held by a lock beside it; commands reach it over a socket beside that.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use async_trait::async_trait;
use backstop_domain::{
    keyring::RootKey,
    ports::{
        Clock, Random,
        store::{Keys, StoreError},
    },
};
use backstop_store::{ExclusiveLock, SqliteStore};

use super::backing::{Backing, Health, Opened};
use crate::{
    config::{
        root_key::{RootKeySource, read_root_key, write_root_key},
        store::Store,
    },
    control::protocol::Level,
    runtime::SystemClock,
};

struct Sqlite {
    // Before the lock, so that the file is closed when the next one may open it.
    store: Arc<SqliteStore>,
    path: PathBuf,
    _lock: ExclusiveLock,
}

pub(super) async fn open(path: &Path, config: &Store, random: &dyn Random) -> anyhow::Result<Opened> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("the folder of the store, {}", folder.display()))?;
    }
    let lock = ExclusiveLock::acquire(path)?;
    let read = read_root_key(&config.root_key)?;
    let clock = Arc::new(SystemClock::default());
    let now = clock.now();
    let opened = if config.migrate {
        SqliteStore::open(path, now)
    } else {
        SqliteStore::open_without_migrating(path, now)
    };
    let store = Arc::new(opened.with_context(|| format!("the store {}", path.display()))?);
    // The lock is ours, so whoever held leases is dead.
    store.release_leases().await?;
    let is_new = store.root_fingerprint().await?.is_none();
    let root = match read {
        Some(key) => key,
        None => root_key(&config.root_key, is_new, random)?,
    };
    let backing = Sqlite { store: store.clone(), path: path.to_owned(), _lock: lock };
    Ok(Opened { store, clock, root, is_new, backing: Box::new(backing) })
}

/// A root key for an empty store, and only for one: what was sealed under another would be lost.
fn root_key(source: &RootKeySource, is_new: bool, random: &dyn Random) -> anyhow::Result<RootKey> {
    match source {
        RootKeySource::File(path) if is_new => {
            write_root_key(path, random).with_context(|| format!("the root key {}", path.display()))
        }
        RootKeySource::File(path) => bail!(
            "the root key is missing\n  {} does not exist, and the store was made with a key\n  fix: put the key back; \
             it is not in a backup and cannot be made again",
            path.display()
        ),
        RootKeySource::Given(key) => Ok(key.clone()),
    }
}

/// The socket beside a database file.
pub(super) fn socket_beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sock");
    name.into()
}

#[async_trait]
impl Backing for Sqlite {
    fn socket(&self) -> Option<PathBuf> {
        Some(socket_beside(&self.path))
    }

    async fn backup(&self, to: &Path) -> anyhow::Result<()> {
        Ok(self.store.backup(to).await?)
    }

    async fn health(&self) -> Health {
        match self.store.root_fingerprint().await {
            Ok(_) => Health {
                level: Level::Well,
                finding: format!("schema {}", self.store.schema_version()),
                fix: None,
            },
            Err(error) => broken(&error, "look at the disk: space, permissions, health"),
        }
    }
}

pub(super) fn broken(error: &StoreError, fix: &str) -> Health {
    Health { level: Level::Broken, finding: error.to_string(), fix: Some(fix.to_owned()) }
}
