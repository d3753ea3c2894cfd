//! What a lane's transaction leaves behind, so that it can be found out whether it was done when its COMMIT was not
//! answered.
//!
//! The server's own word on a transaction (`pg_xact_status`) is not enough. A transaction's number is not durable before
//! its COMMIT is: after a crash of the server the next transaction, anybody's, gets the same number, and what became of
//! that one would be told. So each connection of a lane has a row of its own in buckets, and each of its transactions
//! first writes a word there that nobody wrote before. Whoever asks locks the row, which waits for the end of whoever
//! wrote it last; then the word that stands there says which transaction was done. Nobody else touches the row, until it
//! is swept when it is old.

use backstop_domain::clock::Timestamp;
use tokio_postgres::{Client, Statement};

use super::buckets::{self, Key};
use crate::error::Result;

/// Names a row for a connection.
pub(super) const NAME: &str = "SELECT uuid_send(gen_random_uuid())";

/// Leaves a word.
pub(super) const LEAVE: &str = "INSERT INTO buckets AS b (key, latest, charges, live) \
     VALUES ($1, $2, gen_random_uuid()::text, '') ON CONFLICT (key) DO UPDATE \
     SET latest = greatest(b.latest, excluded.latest), charges = excluded.charges RETURNING b.charges";

/// Waits for the end of whoever left a word, and reads the one that stands. A first one that was undone stands nowhere,
/// and a row that is not there cannot be locked: it is made.
const READ: &str = "INSERT INTO buckets AS b (key, latest, charges, live) VALUES ($1, 0, '', '') \
     ON CONFLICT (key) DO UPDATE SET live = '' RETURNING b.charges";

/// The row that a transaction left its word in, and the word.
#[derive(Debug, Clone, Default)]
pub(super) struct Trace {
    row: Key,
    word: String,
}

/// The row of a connection, from what [`NAME`] answered.
pub(super) fn row(name: &[u8]) -> Key {
    buckets::connection(name)
}

/// Leaves a trace in the transaction that has begun; `statement` is [`LEAVE`].
pub(super) async fn leave(client: &Client, statement: &Statement, row: Key, now: Timestamp) -> Result<Trace> {
    let left = client.query_one(statement, &[&row, &now.as_millis()]).await?;
    Ok(Trace { word: left.try_get(0)?, row })
}

/// Whether the transaction that left this trace was done. It has ended when this answers.
pub(super) async fn stands(trace: &Trace, client: &Client) -> Result<bool> {
    let found = client.query_one(READ, &[&trace.row]).await?;
    Ok(found.try_get::<_, String>(0)? == trace.word)
}
