//! The Store port, twice: what was acknowledged is durable, what was refused left no trace.
//!
//! A map of this room. `acts` are the rules of every call, written once over what a database lets them read and write.
//! [`SqliteStore`] is the port for one process: one writer with its `memory`, readers beside it. [`PostgresStore`] is the
//! port for several nodes: batches that lock what they decide on. `batch` turns many callers into one transaction and
//! knows no database; `fields`, `rows`, `words`, `people`, `notices`, `observations`, `operators` and `usage` read rows of either; `schema` says which
//! migrations a program runs on, and `error` sorts what can go wrong. [`transfer()`] moves an installation from the one
//! to the other. The schemas are in `migrations/`, with the same numbers and names. [`ExclusiveLock`] keeps a second
//! server away from a SQLite file, because the writer's memory is true only while nobody else writes.

mod acts;
mod batch;
mod error;
mod fields;
mod lock;
mod memory;
mod notices;
mod observations;
mod operators;
mod people;
mod postgres;
mod rows;
mod schema;
mod sqlite;
mod transfer;
mod usage;
mod words;

pub use lock::{ExclusiveLock, LockError};
pub use postgres::{PostgresSettings, PostgresStore};
pub use sqlite::SqliteStore;
pub use transfer::{TransferReport, transfer};
