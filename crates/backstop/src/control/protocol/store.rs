//! The store as a whole.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A copy of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupReply {
    /// Where it lies.
    pub file: PathBuf,
    /// How large it is.
    pub bytes: u64,
}

/// The schema of the store, after `migrate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrateReply {
    /// The store, as configured.
    pub store: String,
    /// The version that was found; `None`: the store was new.
    pub before: Option<u32>,
    /// The version that it has now.
    pub schema: u32,
}

/// A store that was put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreReply {
    /// The store, as configured.
    pub store: String,
    /// How large it is; `None` where other programs put it back.
    pub bytes: Option<u64>,
    /// How many verifications were pending in it, and are canceled now.
    pub canceled: u64,
}

/// An installation that was moved to another kind of database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveReply {
    /// Where it was, and still is.
    pub from: String,
    /// Where it is now, without a password.
    pub to: String,
    /// What went over.
    pub tables: Vec<MovedTable>,
}

/// A table that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedTable {
    /// Its name.
    pub name: String,
    /// How many rows.
    pub rows: u64,
}
