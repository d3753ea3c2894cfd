//! The one writer: a connection and the memory that belongs to it, and the thread that feeds them batches.
//!
//! Callers put their acts into a bounded [`Queue`]. The thread takes what is there, the most urgent first and 512 at the
//! most, into one transaction. While a
//! commit waits for the disk the next batch gathers, so the busier it is the more each sync carries. The thread ends
//! when the store is dropped, after the queue is empty. A crash loses only what no caller was told of.

use std::{sync::Arc, thread::JoinHandle};

use backstop_domain::ports::store::StoreError;
use rusqlite::Connection;

use super::{
    queue::{Queue, Urgency},
    rebuild,
};
use crate::{
    batch::{Answer, Ground, MAX_BATCH, Transactions, call, execute},
    error::{Failure, Result},
    memory::Memory,
};

/// What an act works on: the rows, and the memory of them.
pub(crate) struct Unit {
    pub(super) connection: Connection,
    pub(super) memory: Memory,
    stale: bool,
}

impl Unit {
    /// Takes over a connection, and the memory that was read from its rows.
    pub(super) fn new(connection: Connection, memory: Memory) -> Self {
        Self { connection, memory, stale: false }
    }

    /// Forgets the memory and reads it back from the rows.
    pub(super) fn reload(&mut self) -> Result<()> {
        self.memory.replace(rebuild::memory(&self.connection, self.memory.seen())?);
        self.stale = false;
        Ok(())
    }

    fn run(&self, statement: &str) -> std::result::Result<(), StoreError> {
        let run = || -> Result<()> {
            self.connection.prepare_cached(statement)?.execute([])?;
            Ok(())
        };
        run().map_err(Failure::into)
    }
}

impl Ground for Unit {
    fn mark(&self) -> u64 {
        self.connection.total_changes() + self.memory.changes()
    }
}

impl Transactions for Unit {
    fn begin(&mut self) -> std::result::Result<(), StoreError> {
        self.run("BEGIN IMMEDIATE")?;
        if self.stale {
            self.reload()?;
            tracing::warn!("a transaction was undone; the limits were read back from the rows");
        }
        self.memory.prune_now_and_then();
        Ok(())
    }

    fn commit(&mut self) -> std::result::Result<(), StoreError> {
        self.run("COMMIT")
    }

    fn undo(&mut self) {
        self.stale = true;
        if !self.connection.is_autocommit()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::error!(error = %error, "a transaction could not be rolled back");
        }
    }
}

/// The writer's thread and the way to it.
pub(super) struct Writer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(mut unit: Unit) -> std::result::Result<Self, StoreError> {
        let queue = Arc::new(Queue::default());
        let waiting = queue.clone();
        let work = move || loop {
            let batch = waiting.take(MAX_BATCH);
            if batch.is_empty() {
                return;
            }
            execute(&mut unit, batch);
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(work)
            .map_err(|error| StoreError::Unavailable(format!("cannot start the writer: {error}")))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Puts an act into the queue.
    pub(super) fn submit<T, F>(&self, urgency: Urgency, act: F) -> std::result::Result<Answer<T>, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Unit) -> Result<T> + Send + 'static,
    {
        let (member, answer) = call(act);
        self.queue.push(urgency, member)?;
        Ok(answer)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened; there is nothing left to tell.
            let _ = thread.join();
        }
    }
}
