//! The store on PostgreSQL, for several nodes.
//!
//! What acts decide on is locked in the rows and not remembered: any number of nodes may write. Starts, resends, checks,
//! attempts and receipts each go through a [`lane`], many in one transaction; everything else takes a connection of the pool for a
//! transaction of its own. All of it runs on two threads of the store's own, so callers may be on any executor. A node
//! that dies in a transaction leaves nothing of it; what was answered is durable, also through a restart of the server.

mod applications;
mod audit;
mod buckets;
mod cells;
mod connect;
mod deliveries;
mod housekeeping;
mod keyring;
mod lane;
mod ledger;
mod nodes;
mod notices;
mod operators;
mod opt_outs;
mod outbox;
mod people;
mod pool;
mod read;
mod recovery;
mod routing;
mod schema;
mod session;
mod settings;
mod spending;
mod tls;
mod trace;
mod verifications;

use std::{fmt, sync::Arc};

use backstop_domain::{clock::Timestamp, ports::store::StoreError};
use futures::channel::oneshot;
use tokio::runtime::{Builder, Runtime};

use self::{
    lane::{Lane, receive},
    ledger::LedgerDraft,
    outbox::OutboxDraft,
    pool::{Act, Hurry, Pool},
};
use crate::error::{Failure, internal};

pub use settings::PostgresSettings;

pub(crate) use buckets::{Charge, Key, live_text, pace as pace_row, recipient as recipient_row, row_of};
pub(crate) use ledger::write::BUCKETS;
pub(crate) use session::Session;
pub(crate) use spending::row_of_month;

/// Threads that talk to the server. A batch's acts run on one of them.
const THREADS: usize = 2;
/// Connections beside the pool's: one for each lane, and one for the clock and the nodes' reports.
const RESERVED: u32 = 6;

/// The Store port on PostgreSQL.
pub struct PostgresStore {
    settings: PostgresSettings,
    version: u32,
    starts: Lane<LedgerDraft>,
    resends: Lane<LedgerDraft>,
    checks: Lane<LedgerDraft>,
    attempts: Lane<OutboxDraft>,
    receipts: Lane<OutboxDraft>,
    pool: Arc<Pool>,
    /// For what must not stand behind queries: the clock, and what nodes tell each other.
    pulse: Arc<Pool>,
    sweeper: housekeeping::Sweeper,
    /// Taken when the store is dropped; until then it is there.
    runtime: Option<Runtime>,
}

impl PostgresStore {
    /// The schema that this program writes; it also runs on the next one.
    pub const SCHEMA_VERSION: u32 = schema::CURRENT;

    /// Connects, and brings the database's schema up to date: of several nodes that start at once, one does, and the
    /// others wait.
    ///
    /// # Errors
    /// If the server cannot be reached or used, or the schema is newer than the next one.
    pub async fn open(settings: &PostgresSettings) -> Result<Self, StoreError> {
        Self::opened(settings, true).await
    }

    /// As [`PostgresStore::open`], but refuses a database that needs a migration.
    ///
    /// # Errors
    /// As for [`PostgresStore::open`], and if the schema is older than this program's.
    pub async fn open_without_migrating(settings: &PostgresSettings) -> Result<Self, StoreError> {
        Self::opened(settings, false).await
    }

    /// The schema of a database, without opening it for work; 0 if it has none.
    ///
    /// # Errors
    /// If the server cannot be reached or used.
    pub async fn schema_version_of(settings: &PostgresSettings) -> Result<u32, StoreError> {
        let (runtime, pool) = (runtime()?, Arc::new(Pool::new(settings.clone(), 1)));
        let found =
            on(&runtime, &pool, Hurry::Caller, Box::new(|session| Box::pin(schema::version(session)))).await;
        runtime.shutdown_background();
        found
    }

    /// The schema that the database had when it was opened, after migrating.
    pub fn schema_version(&self) -> u32 {
        self.version
    }

    /// What the server's clock says: the one that all nodes go by.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn time(&self) -> Result<Timestamp, StoreError> {
        self.run_at_once(Box::new(|session| {
            Box::pin(async move {
                let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
                let statement = session.prepare(sql).await?;
                let now: i64 = session.client().query_one(&statement, &[]).await?.try_get(0)?;
                Ok(Timestamp::from_millis(now))
            })
        }))
        .await
    }

    /// What the server calls itself: `15.18`.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn server_version(&self) -> Result<String, StoreError> {
        self.run(Box::new(|session| {
            Box::pin(async move {
                let statement = session.prepare("SELECT current_setting('server_version')").await?;
                Ok(session.client().query_one(&statement, &[]).await?.try_get(0)?)
            })
        }))
        .await
    }

    async fn opened(settings: &PostgresSettings, migrates: bool) -> Result<Self, StoreError> {
        let runtime = runtime()?;
        let places = settings.connections.saturating_sub(RESERVED).max(1);
        let pool = Arc::new(Pool::new(settings.clone(), places));
        let settle: Act<u32> = Box::new(move |session| Box::pin(schema::settle(session, migrates)));
        let version = match on(&runtime, &pool, Hurry::None, settle).await {
            Ok(version) => version,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let (starts, of_starts) = Lane::new(settings.clone());
        let (resends, of_resends) = Lane::new(settings.clone());
        let (checks, of_checks) = Lane::new(settings.clone());
        let (attempts, of_attempts) = Lane::new(settings.clone());
        let (receipts, of_receipts) = Lane::new(settings.clone());
        runtime.spawn(of_starts);
        runtime.spawn(of_resends);
        runtime.spawn(of_checks);
        runtime.spawn(of_attempts);
        runtime.spawn(of_receipts);
        let pulse = Arc::new(Pool::new(settings.clone(), 1));
        let (settings, sweeper) = (settings.clone(), housekeeping::Sweeper::default());
        Ok(Self {
            settings,
            version,
            starts,
            resends,
            checks,
            attempts,
            receipts,
            pool,
            pulse,
            sweeper,
            runtime: Some(runtime),
        })
    }

    /// Runs an act on a connection of the pool.
    async fn run<T: Send + 'static>(&self, act: Act<T>) -> Result<T, StoreError> {
        let runtime = self.runtime.as_ref().ok_or_else(|| internal("the store has ended"))?;
        on(runtime, &self.pool, Hurry::Caller, act).await
    }

    /// Runs an act that gives up by itself when the server does not answer.
    async fn run_in_steps<T: Send + 'static>(&self, act: Act<T>) -> Result<T, StoreError> {
        let runtime = self.runtime.as_ref().ok_or_else(|| internal("the store has ended"))?;
        on(runtime, &self.pool, Hurry::Steps, act).await
    }

    /// Runs an act on the connection that is kept free for it.
    async fn run_at_once<T: Send + 'static>(&self, act: Act<T>) -> Result<T, StoreError> {
        let runtime = self.runtime.as_ref().ok_or_else(|| internal("the store has ended"))?;
        on(runtime, &self.pulse, Hurry::Caller, act).await
    }

    /// Runs an act that may take as long as it takes.
    pub(crate) async fn run_long<T: Send + 'static>(&self, act: Act<T>) -> Result<T, StoreError> {
        let runtime = self.runtime.as_ref().ok_or_else(|| internal("the store has ended"))?;
        on(runtime, &self.pool, Hurry::None, act).await
    }
}

async fn on<T: Send + 'static>(
    runtime: &Runtime,
    pool: &Arc<Pool>,
    hurry: Hurry,
    act: Act<T>,
) -> Result<T, StoreError> {
    let (caller, answer) = oneshot::channel();
    let pool = pool.clone();
    runtime.spawn(async move {
        // A caller that went away does not want to know.
        let _ = caller.send(pool.run(hurry, act).await.map_err(Failure::into));
    });
    receive(answer).await
}

fn runtime() -> Result<Runtime, StoreError> {
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("store-postgres")
        .enable_all()
        .build()
        .map_err(|error| StoreError::Unavailable(format!("cannot start the store's threads: {error}")))
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        // Whoever waits for an answer holds the store, so nothing is under way any more.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("settings", &self.settings)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
