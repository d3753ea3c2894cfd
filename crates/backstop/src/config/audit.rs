//! `[audit]`: where the audit log is witnessed outside the database.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{error::ConfigError, read::Section};

/// What the section can say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuditSection {
    checkpoint_file: Option<PathBuf>,
}

/// How the audit log is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audit {
    /// Gets each checkpoint as a line of JSON.
    pub checkpoint_file: Option<PathBuf>,
}

pub(crate) fn resolve(section: &Section<'_>, working_directory: &Path) -> Result<Audit, ConfigError> {
    let AuditSection { checkpoint_file } = section.read()?;
    if checkpoint_file.as_ref().is_some_and(|file| file.file_name().is_none()) {
        let fix = "checkpoint_file = \"/var/log/backstop/checkpoints.jsonl\"";
        return Err(section.wrong("checkpoint_file", "names no file", fix));
    }
    Ok(Audit { checkpoint_file: checkpoint_file.map(|file| working_directory.join(file)) })
}
