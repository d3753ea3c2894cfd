//! Two threads that only read, beside the writer. Each query sees one moment's state, and never waits for a write.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use backstop_domain::ports::store::StoreError;
use futures::channel::oneshot;
use parking_lot::Mutex;
use rusqlite::Connection;

use super::connection;
use crate::{
    batch::Answer,
    error::{Result, internal},
};

const THREADS: usize = 2;
/// How many queries may wait.
const QUEUE: usize = 1024;

type Query = Box<dyn FnOnce(&Connection) + Send>;

/// The queue into the reading threads.
#[derive(Debug)]
pub(super) struct Readers {
    queue: Option<SyncSender<Query>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Opens the connections and starts the threads.
    pub(super) fn start(path: &Path) -> Result<Self> {
        let (queue, waiting) = sync_channel::<Query>(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut threads = Vec::with_capacity(THREADS);
        for number in 1..=THREADS {
            let connection = connection::reader(path)?;
            let waiting = waiting.clone();
            let thread = std::thread::Builder::new()
                .name(format!("store-reader-{number}"))
                .spawn(move || {
                    while let Some(query) = next(&waiting) {
                        query(&connection);
                    }
                })
                .map_err(|error| StoreError::Unavailable(format!("cannot start a reader: {error}")))?;
            threads.push(thread);
        }
        Ok(Self { queue: Some(queue), threads })
    }

    /// Puts a query into the queue.
    pub(super) fn submit<T, F>(&self, query: F) -> std::result::Result<Answer<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job: Query = Box::new(move |connection| {
            // A caller that went away does not want to know.
            let _ = caller.send(connection::at_one_moment(connection, query));
        });
        let queue = self.queue.as_ref().ok_or_else(|| internal("the readers have ended"))?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Unavailable(format!("{QUEUE} reads are waiting")),
            TrySendError::Disconnected(_) => StoreError::Unavailable("the readers have ended".into()),
        })?;
        Ok(answer)
    }
}

fn next(waiting: &Mutex<Receiver<Query>>) -> Option<Query> {
    waiting.lock().recv().ok()
}

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.queue.take());
        for thread in self.threads.drain(..) {
            // A panic of the thread was reported when it happened; there is nothing left to tell.
            let _ = thread.join();
        }
    }
}
