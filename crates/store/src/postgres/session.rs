//! A connection with its prepared statements, opened anew when it was lost; and the fate of a COMMIT that nobody heard of.
//!
//! Nothing waits without end: a server that does not answer within [`PATIENCE`] is treated as gone, and the connection is
//! given up with whatever transaction it held.
//!
//! Plans are kept, for any number of rows, while tables may grow a thousandfold before the server looks at them again. What
//! is read for many keys therefore stands in a LATERAL subquery behind OFFSET 0: the planner cannot turn that around into
//! a walk over a table that was small when it looked. Changes cannot be written so; their plans are made anew every
//! [`PLANS_KEPT`] transactions, with the size that the tables have by then.

use std::{collections::HashMap, future::Future, time::Duration};

use backstop_domain::ports::store::StoreError;
use tokio_postgres::{Client, Statement};

use super::{
    PostgresSettings,
    buckets::Key,
    connect::connect,
    trace::{self, Trace},
};
use crate::error::{Failure, Result};

/// How long one exchange with the server may take. A commit waits for a disk; anything longer is an outage.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the fate of a COMMIT is asked for while the server still works on it or is away, and how long between.
const INQUIRE_FOR: Duration = Duration::from_secs(8);
const INQUIRY_PAUSE: Duration = Duration::from_millis(250);

const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off";

/// For how many transactions a plan is kept. A batch writes 512 rows at the most.
const PLANS_KEPT: u32 = 200;

/// A connection that is there.
pub(crate) struct Session {
    client: Client,
    prepared: HashMap<&'static str, Statement>,
    transactions: u32,
    traces: Option<Key>,
}

impl Session {
    async fn open(settings: &PostgresSettings) -> std::result::Result<Self, StoreError> {
        let client = connect(settings).await?;
        within(async { Ok(client.batch_execute(PLANS).await?) }).await?;
        Ok(Self { client, prepared: HashMap::new(), transactions: 0, traces: None })
    }

    /// Counts one more transaction, and has plans made anew when it is time. Says whether the connection is there.
    async fn goes_on(&mut self) -> bool {
        self.transactions = self.transactions.wrapping_add(1);
        if self.transactions.is_multiple_of(PLANS_KEPT) {
            let discard = async { Ok(self.client.batch_execute("DISCARD PLANS").await?) };
            return within(discard).await.is_ok();
        }
        !self.client.is_closed()
    }

    /// The connection itself.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// A statement, prepared on its first use.
    pub(crate) async fn prepare(&mut self, sql: &'static str) -> Result<Statement> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.prepared.insert(sql, statement.clone());
        Ok(statement)
    }

    /// The row in which this connection's transactions leave their traces.
    pub(super) async fn traces(&mut self) -> Result<Key> {
        if let Some(row) = &self.traces {
            return Ok(row.clone());
        }
        let name: Vec<u8> = self.client.query_one(trace::NAME, &[]).await?.try_get(0)?;
        Ok(self.traces.insert(trace::row(&name)).clone())
    }

    /// Begins a transaction. Polled together with its first statements it costs no round trip of its own.
    pub(crate) async fn begin(&self) -> Result<()> {
        Ok(self.client.batch_execute("BEGIN").await?)
    }

    /// Makes it durable.
    pub(crate) async fn commit(&self) -> Result<()> {
        Ok(self.client.batch_execute("COMMIT").await?)
    }

    /// Undoes it.
    pub(super) async fn roll_back(&self) -> Result<()> {
        Ok(self.client.batch_execute("ROLLBACK").await?)
    }
}

/// A place for a connection.
pub(super) struct Line {
    settings: PostgresSettings,
    session: Option<Session>,
}

impl Line {
    /// A line that connects when it is first used.
    pub(super) fn new(settings: PostgresSettings) -> Self {
        Self { settings, session: None }
    }

    /// The connection; a new one, if the old one was lost.
    pub(super) async fn session(&mut self) -> std::result::Result<&mut Session, StoreError> {
        if let Some(session) = &mut self.session
            && !session.goes_on().await
        {
            self.session = None;
        }
        match &mut self.session {
            Some(session) => Ok(session),
            empty => Ok(empty.insert(Session::open(&self.settings).await?)),
        }
    }

    /// Gives the connection up, and with it whatever transaction it holds.
    pub(super) fn hang_up(&mut self) {
        self.session = None;
    }

    /// Undoes the transaction that the connection holds, if any. Says whether it did.
    pub(super) async fn roll_back(&mut self) -> bool {
        match &self.session {
            Some(session) => within(session.roll_back()).await.is_ok(),
            None => false,
        }
    }

    /// What became of a transaction whose COMMIT was sent and not answered; its [`Trace`] tells, also after a crash of the
    /// server.
    ///
    /// # Errors
    /// If the server cannot be asked for as long as callers wait.
    pub(super) async fn was_committed(&mut self, trace: &Trace) -> std::result::Result<bool, StoreError> {
        let asking = async {
            loop {
                match self.inquire(trace).await {
                    Ok(stands) => return stands,
                    Err(error) => {
                        tracing::warn!(%error, "the server cannot be asked about a COMMIT yet");
                        self.hang_up();
                    }
                }
                pause(INQUIRY_PAUSE).await;
            }
        };
        let unknown = || StoreError::Undecided("the end of a transaction is not known".into());
        tokio::time::timeout(INQUIRE_FOR, asking).await.map_err(|_| unknown())
    }

    async fn inquire(&mut self, trace: &Trace) -> std::result::Result<bool, StoreError> {
        let session = self.session().await?;
        Ok(within(trace::stands(trace, &session.client)).await?)
    }
}

/// The result of an exchange with the server, if it comes in time.
pub(super) async fn within<T>(exchange: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| {
        let problem = format!("PostgreSQL did not answer in {} s", PATIENCE.as_secs());
        Err(Failure::Store(StoreError::Unavailable(problem)))
    })
}

#[expect(clippy::disallowed_methods, reason = "the store's own runtime waits for the server in real time")]
async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}
