//! `backstop restore`: puts a backup in the store's place. Refused while a service holds the store.

use std::path::PathBuf;

use clap::Args;

use super::{Answer, Exit, backup::size, screen::Style};
use crate::control::protocol::{Level, RestoreReply};

/// From where.
#[derive(Debug, Args)]
#[command(
    after_help = "Stop the service first. The root key must be the one that the backup was made under.\n\n\
                        Examples:\n  backstop restore /var/backups/backstop-2026-11-20.db"
)]
pub struct RestoreArguments {
    /// What `backstop backup` wrote
    pub file: PathBuf,
}

/// What was put back.
pub fn answer(reply: &RestoreReply, style: Style) -> Answer {
    Answer::new(
        format!("{} {} restored, {}", style.lamp(Level::Well), reply.store, size(reply.bytes)),
        Exit::Well,
    )
}
