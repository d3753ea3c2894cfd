//! The store on SQLite: one writer with its memory, readers beside it; or all of it inline on the caller's thread.
//!
//! Served, acts go through the [`writer`]'s queue and queries through the [`readers`]. Inline, for simulations, the
//! same acts run on the polling thread, each in a transaction of its own, with a pause before the act and one between
//! the commit and the answer: a simulated crash can fall into either, and a seed replays exactly. A real crash is the
//! same: what was answered is durable, what was not answered may or may not be, and never in part.

mod applications;
mod audit;
mod backup;
mod cells;
mod connection;
mod deliveries;
mod housekeeping;
mod inserts;
mod keyring;
mod ledger;
mod lookups;
mod nodes;
mod notices;
mod operators;
mod outbox;
mod paces;
mod people;
mod queue;
mod readers;
mod rebuild;
mod receipts;
mod routing;
mod schema;
mod spending;
mod verifications;
mod writer;

use std::{
    fmt,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};

use backstop_domain::{clock::Timestamp, ports::store::StoreError};
use parking_lot::Mutex;
use rusqlite::Connection;

use self::{queue::Urgency, readers::Readers, writer::Writer};
use crate::{
    batch::{Answer, call, execute},
    error::{Result, internal},
};

pub(crate) use connection::{create_private, private_file};
pub(crate) use writer::Unit;

/// The Store port on SQLite.
pub struct SqliteStore {
    mode: Mode,
    path: Option<PathBuf>,
    version: u32,
}

enum Mode {
    // Declared in the order in which they end: the readers first, so that the writer's close is the last and tidies up.
    Served { readers: Readers, writer: Writer },
    Inline(Mutex<Unit>),
}

impl SqliteStore {
    /// The schema that this program writes; it also runs on the next one.
    pub const SCHEMA_VERSION: u32 = schema::CURRENT;

    /// Opens the database file, makes it if it is not there, and brings its schema up to date. `now` decides what is
    /// still remembered.
    ///
    /// # Errors
    /// If the file cannot be used, belongs to another program, or has a schema newer than the next one.
    pub fn open(path: &Path, now: Timestamp) -> std::result::Result<Self, StoreError> {
        Self::served(path, now, schema::migrate)
    }

    /// As [`SqliteStore::open`], but refuses a database that needs a migration.
    ///
    /// # Errors
    /// As for [`SqliteStore::open`], and if the schema is older than this program's.
    pub fn open_without_migrating(path: &Path, now: Timestamp) -> std::result::Result<Self, StoreError> {
        Self::served(path, now, |connection| schema::require_current(connection))
    }

    /// A store without threads on a file, for simulations.
    ///
    /// # Errors
    /// As for [`SqliteStore::open`].
    pub fn inline(path: &Path, now: Timestamp) -> std::result::Result<Self, StoreError> {
        let connection = connection::writer(path)?;
        Self::inline_on(connection, Some(path), now)
    }

    /// A store without threads and without a file, for simulations.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn inline_in_memory(now: Timestamp) -> std::result::Result<Self, StoreError> {
        Self::inline_on(connection::in_memory()?, None, now)
    }

    /// Does to an inline store what a new process does: forgets the memory and reads it back from the rows at `now`.
    ///
    /// # Errors
    /// If the rows cannot be read, or the store is not inline: that one is restarted by dropping and opening it.
    pub fn restart(&self, now: Timestamp) -> std::result::Result<(), StoreError> {
        match &self.mode {
            Mode::Inline(unit) => {
                let mut unit = unit.lock();
                unit.memory = rebuild::memory(&unit.connection, now)?;
                Ok(())
            }
            Mode::Served { .. } => Err(internal("only an inline store restarts in place")),
        }
    }

    /// How many rows an inline store has changed since it was opened: a simulation looks at the rows again only if this
    /// moved. 0 for a store with threads.
    pub fn changes(&self) -> u64 {
        match &self.mode {
            Mode::Inline(unit) => unit.lock().connection.total_changes(),
            Mode::Served { .. } => 0,
        }
    }

    /// The schema that the database had when it was opened, after migrating.
    pub fn schema_version(&self) -> u32 {
        self.version
    }

    /// The schema of a database file, without opening it for work; 0 if it is empty.
    ///
    /// # Errors
    /// If there is no such file or it is not a database.
    pub fn schema_version_of(path: &Path) -> std::result::Result<u32, StoreError> {
        Ok(schema::version(&connection::reader(path)?)?)
    }

    fn served(
        path: &Path,
        now: Timestamp,
        settle: impl FnOnce(&mut Connection) -> Result<()>,
    ) -> std::result::Result<Self, StoreError> {
        let mut connection = connection::writer(path)?;
        settle(&mut connection)?;
        let version = schema::version(&connection)?;
        let memory = rebuild::memory(&connection, now)?;
        let readers = Readers::start(path)?;
        let writer = Writer::start(Unit::new(connection, memory))?;
        Ok(Self { mode: Mode::Served { readers, writer }, path: Some(path.to_owned()), version })
    }

    fn inline_on(
        mut connection: Connection,
        path: Option<&Path>,
        now: Timestamp,
    ) -> std::result::Result<Self, StoreError> {
        schema::migrate(&mut connection)?;
        let version = schema::version(&connection)?;
        let memory = rebuild::memory(&connection, now)?;
        let unit = Mutex::new(Unit::new(connection, memory));
        Ok(Self { mode: Mode::Inline(unit), path: path.map(Path::to_owned), version })
    }

    /// Runs an act in a transaction; ends when it is durable.
    async fn write<T, F>(&self, act: F) -> std::result::Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Unit) -> Result<T> + Send + 'static,
    {
        self.write_as(Urgency::Work, act).await
    }

    /// The same, in another line of the queue.
    async fn write_as<T, F>(&self, urgency: Urgency, act: F) -> std::result::Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Unit) -> Result<T> + Send + 'static,
    {
        match &self.mode {
            Mode::Served { writer, .. } => receive(writer.submit(urgency, act)?).await,
            Mode::Inline(unit) => {
                pause().await;
                let (member, answer) = call(act);
                execute(&mut *unit.lock(), vec![member]);
                pause().await;
                receive(answer).await
            }
        }
    }

    /// Runs a query on one moment's state.
    pub(crate) async fn read<T, F>(&self, query: F) -> std::result::Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        match &self.mode {
            Mode::Served { readers, .. } => receive(readers.submit(query)?).await,
            Mode::Inline(unit) => {
                pause().await;
                let result = connection::at_one_moment(&unit.lock().connection, query);
                pause().await;
                result
            }
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).field("version", &self.version).finish()
    }
}

async fn receive<T>(answer: Answer<T>) -> std::result::Result<T, StoreError> {
    answer.await.unwrap_or_else(|_| Err(internal("the store ended before it answered")))
}

/// Lets others run once.
fn pause() -> impl Future<Output = ()> {
    Pause { paused: false }
}

struct Pause {
    paused: bool,
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.paused {
            return Poll::Ready(());
        }
        self.paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
