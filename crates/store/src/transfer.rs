//! Moving an installation from SQLite to PostgreSQL, with everything that waits for its code.
//!
//! The caller holds the file's exclusive lock, so nothing changes meanwhile. Rows go over page by page into one
//! transaction: a crash, a full disk or a lost connection leaves the target as empty as it was. What the SQLite writer
//! remembers (charges, live verifications) becomes rows there, so limits hold across the move. Leases end with it: the
//! first node that starts takes the open deliveries over.

mod copy;
mod memory;
mod tables;

use backstop_domain::{clock::Timestamp, ports::store::StoreError};
use tokio::sync::mpsc;

use self::tables::{Page, TABLES};
use crate::{PostgresStore, SqliteStore, error::internal};

/// How many rows came over, by table, in the order of copying.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransferReport {
    /// Name and rows.
    pub tables: Vec<(&'static str, u64)>,
}

/// Copies all of `from` into `to`, which must be new.
///
/// # Errors
/// If either cannot be used, or `to` is in use by an installation. Nothing was written then.
pub async fn transfer(
    from: &SqliteStore,
    to: &PostgresStore,
    now: Timestamp,
) -> Result<TransferReport, StoreError> {
    if from.schema_version() != SqliteStore::SCHEMA_VERSION
        || to.schema_version() != PostgresStore::SCHEMA_VERSION
    {
        return Err(internal(
            "both databases must have this program's schema: run `backstop migrate` on each",
        ));
    }
    let (pages, arriving) = mpsc::channel(2);
    let writing = to.receive(arriving, now);
    let reading = read(from, pages);
    let (read, written) = futures::join!(reading, writing);
    // If the writer gave up, the reader only knows that nobody listened.
    let report = written?;
    read?;
    Ok(report)
}

async fn read(from: &SqliteStore, pages: mpsc::Sender<Page>) -> Result<(), StoreError> {
    for (index, table) in TABLES.iter().enumerate() {
        let mut after = None;
        loop {
            let rows = from.page(table, after.take()).await?;
            let Some(last) = rows.last() else { break };
            after = Some(table.key_of(last));
            let unheard = |_| internal("the target gave up");
            pages.send(Page { table: index, rows }).await.map_err(unheard)?;
        }
    }
    pages.send(Page::END).await.map_err(|_| internal("the target gave up"))
}
