//! On PostgreSQL: any number of nodes, each with the same root key and the store's time.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use async_trait::async_trait;
use backstop_domain::ports::{BoxFuture, store::Keys};
use backstop_store::{PostgresSettings, PostgresStore};
use tokio_util::task::AbortOnDropHandle;

use super::{
    backing::{Backing, Health, Opened},
    sqlite::broken,
};
use crate::{
    config::{
        root_key::{RootKeySource, read_root_key},
        store::Store,
    },
    control::{no_backup, protocol::Level},
    runtime::StoreClock,
};

struct Postgres {
    store: Arc<PostgresStore>,
    settings: PostgresSettings,
    clock: Arc<StoreClock>,
    _following: AbortOnDropHandle<()>,
}

pub(super) async fn open(settings: &PostgresSettings, config: &Store) -> anyhow::Result<Opened> {
    let root = read_root_key(&config.root_key)?.with_context(|| no_root_key(&config.root_key))?;
    let opened = if config.migrate {
        PostgresStore::open(settings).await
    } else {
        PostgresStore::open_without_migrating(settings).await
    };
    let store = Arc::new(opened?);
    let is_new = store.root_fingerprint().await?.is_none();
    let asked = store.clone();
    let ask = move || -> BoxFuture<'static, _> {
        let store = asked.clone();
        Box::pin(async move { store.time().await })
    };
    let clock = Arc::new(StoreClock::new(Box::new(ask)).await?);
    let backing = Postgres {
        store: store.clone(),
        settings: settings.clone(),
        clock: clock.clone(),
        _following: clock.follow(),
    };
    Ok(Opened { store, clock, root, is_new, backing: Box::new(backing) })
}

/// A node must not make a key of its own: another may be making one now, and then nobody could open what both wrote.
fn no_root_key(source: &RootKeySource) -> String {
    let missing = match source {
        RootKeySource::File(path) => format!("\n  {} does not exist", path.display()),
        RootKeySource::Given(_) => String::new(),
    };
    format!(
        "the root key is missing{missing}\n  fix: for a new installation make one with `backstop init`; then give the same \
         file to every node. It is not in a backup and cannot be made again"
    )
}

#[async_trait]
impl Backing for Postgres {
    fn socket(&self) -> Option<PathBuf> {
        None
    }

    async fn backup(&self, _: &Path) -> anyhow::Result<()> {
        bail!("{}", no_backup(&self.settings))
    }

    async fn health(&self) -> Health {
        let found = async {
            let (round_trip, version) = (self.clock.round_trip().await?, self.store.server_version().await?);
            Ok((round_trip, version, self.settings.is_durable().await?))
        };
        let (round_trip, version, is_durable) = match found.await {
            Ok(found) => found,
            Err(error) => return broken(&error, "look at the server, its log, and the network between"),
        };
        // After the number a distribution's builds say whose they are.
        let version = version.split(' ').next().unwrap_or_default();
        let finding = format!(
            "PostgreSQL {version}, answers in {:.1} ms, schema {}",
            round_trip.as_secs_f64() * 1_000.0,
            self.store.schema_version()
        );
        let (level, but, fix) = if !is_durable {
            let fix = "set both to on: as it is, a crash of the server loses what was answered";
            (Level::Broken, "; fsync or full_page_writes is off", Some(fix))
        } else if self.settings.trusts_the_network() {
            let fix = "sslmode=verify-full in store.url, and sslrootcert if its authority is your own";
            (Level::Warning, "; whoever is on the way there can pose as it", Some(fix))
        } else {
            (Level::Well, "", None)
        };
        let finding = format!("{finding}{but}");
        Health { level, finding, fix: fix.map(str::to_owned) }
    }
}
