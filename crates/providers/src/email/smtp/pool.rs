//! A few open connections to one server.
//!
//! A slot is held while a message travels, so a server that hangs ties up no more than that many. A kept connection is
//! asked whether it still lives before it is used, and closed after a while: servers cut idle ones without a word.

use std::{sync::Arc, time::Duration};

use backstop_domain::ports::Tasks;
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use super::{connection::Connection, opening, target::Target, verdict::Failure};

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(45);
/// How many messages one connection carries.
const CARRIES: u32 = 100;

/// The connections of one provider.
pub(super) struct Pool {
    target: Target,
    idle: Mutex<Vec<(Connection, Instant)>>,
    slots: Semaphore,
    tasks: Arc<dyn Tasks>,
}

impl Pool {
    pub(super) fn new(target: Target, connections: usize, tasks: Arc<dyn Tasks>) -> Self {
        Self { target, idle: Mutex::default(), slots: Semaphore::new(connections), tasks }
    }

    /// Waits for a free slot. `None` never comes: the slots are never closed.
    pub(super) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.acquire().await.ok()
    }

    /// A connection, and whether it was used before.
    pub(super) async fn take(&self, deadline: Instant) -> Result<(Connection, bool), Failure> {
        while let Some((mut connection, since)) = self.pop() {
            if since.elapsed() > IDLE {
                self.tasks.spawn(Box::pin(connection.quit()));
            } else if connection.is_ready(deadline).await {
                return Ok((connection, true));
            }
        }
        Ok((self.open(deadline).await?, false))
    }

    /// A new connection.
    pub(super) async fn open(&self, deadline: Instant) -> Result<Connection, Failure> {
        opening::open(&self.target, deadline).await
    }

    /// Keeps a connection if it can carry more; `failure` is how its last message ended.
    pub(super) fn put_back(&self, connection: Connection, failure: Option<&Failure>) {
        if failure.is_some_and(|failure| !failure.left_it_usable()) {
            return;
        }
        if connection.carried >= CARRIES {
            self.tasks.spawn(Box::pin(connection.quit()));
            return;
        }
        self.idle.lock().push((connection, Instant::now()));
    }

    fn pop(&self) -> Option<(Connection, Instant)> {
        self.idle.lock().pop()
    }
}
