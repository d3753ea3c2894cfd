//! The audit log.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Private;

/// Whether the log is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditVerifyReply {
    /// Whether it is.
    pub whole: bool,
    /// How many records there are, if it is.
    pub records: Option<u64>,
    /// The hash of the last one.
    pub head: Option<String>,
    /// How many checkpoints it meets.
    pub checkpoints: Option<u64>,
    /// Where it breaks, if it does.
    pub broken: Option<BrokenRecord>,
}

/// The record at which the log breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenRecord {
    /// Its number.
    pub seq: u64,
    /// What is wrong with it, as the end of a sentence.
    pub problem: String,
}

/// The beginning of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditExportReply {
    /// The number of the last record to export: the one that tells of the export.
    pub until: u64,
}

/// Records in order, and what was signed of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPageReply {
    /// The records.
    pub records: Vec<AuditRow>,
    /// Checkpoints of them.
    pub checkpoints: Vec<CheckpointRow>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its number.
    pub seq: u64,
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// The hash of the record before, in hex.
    pub prev: String,
    /// What happened.
    pub body: Value,
    /// Its own hash.
    pub hash: String,
    /// What is personal about it, where that was asked for and is not erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Private>,
}

/// One checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRow {
    /// The number of the record that it signs.
    pub seq: u64,
    /// Itself, as in the file outside the store.
    pub line: Value,
}
