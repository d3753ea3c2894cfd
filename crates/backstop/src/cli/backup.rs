//! `backstop backup`: a whole copy of the store, while the service runs. Never holds the root key.

use std::path::PathBuf;

use clap::Args;

use super::{Answer, Exit, screen::Style};
use crate::control::protocol::{ControlReply, ControlRequest, Level};

/// Where to.
#[derive(Debug, Args)]
#[command(
    after_help = "The root key is never part of a backup: keep it elsewhere, or the backup does not open.\n\n\
                        Examples:\n  backstop backup /var/backups/backstop-2026-11-20.db"
)]
pub struct BackupArguments {
    /// A file that does not exist yet
    pub file: PathBuf,
}

impl BackupArguments {
    /// The request; the service has a working directory of its own, so the path goes whole.
    ///
    /// # Errors
    /// If the path is empty, or there is no working directory.
    pub fn request(self) -> anyhow::Result<ControlRequest> {
        Ok(ControlRequest::Backup { to: std::path::absolute(&self.file)? })
    }
}

/// What was written.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    let ControlReply::Backup(done) = reply else { return None };
    let text = format!("{} {}  {}", style.lamp(Level::Well), done.file.display(), size(done.bytes));
    Some(Answer::new(text, Exit::Well).with_hint("the root key is not in it: keep that elsewhere"))
}

/// `1.4 MB`, for people.
pub(super) fn size(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} bytes"),
    }
}
