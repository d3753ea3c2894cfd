//! What the doctor found.

use serde::{Deserialize, Serialize};

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorReply {
    /// One line for each thing that was looked at.
    pub lines: Vec<DoctorLine>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorLine {
    /// What: `store`, or a provider's name.
    pub subject: String,
    /// How it is.
    pub level: Level,
    /// What was seen.
    pub finding: String,
    /// What to do about it.
    pub fix: Option<String>,
}

/// How something is; the worst line decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It works.
    Well,
    /// It works, and should be looked at.
    Warning,
    /// It does not work.
    Broken,
}
