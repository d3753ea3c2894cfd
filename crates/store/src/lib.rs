//! The Store port on SQLite: what was acknowledged is durable, what was refused left no trace.
//!
//! A map of this room. [`SqliteStore`] is the port. `batch` turns many callers into one transaction and knows no
//! database; `error` sorts what can go wrong; `sqlite` holds the writer, its memory and the acts, one file per thing.
//! The schema is in `migrations/`. [`ExclusiveLock`] keeps a second server away from the file, because the writer's
//! memory is true only while nobody else writes.

mod acts;
mod batch;
mod error;
mod fields;
mod lock;
mod memory;
mod postgres;
mod rows;
mod sqlite;
mod transfer;
mod words;

pub use lock::{ExclusiveLock, LockError};
pub use postgres::{PostgresSettings, PostgresStore};
pub use sqlite::SqliteStore;
pub use transfer::{TransferReport, transfer};
