//! `backstop restore`: puts a backup in the store's place, or finishes what `pg_restore` began. Refused while a service
//! holds the store.

use std::path::PathBuf;

use clap::Args;

use super::{Answer, Exit, backup::size, screen::Style};
use crate::control::protocol::{Level, RestoreReply};

/// From where.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[command(
    after_help = "Stop the service first, on PostgreSQL every node. The root key must be the one that the backup was \
                        made under.\n\nExamples:\n  backstop restore /var/backups/backstop-2026-11-20.db\n  pg_restore \
                        --clean --if-exists --dbname backstop backstop.dump && backstop restore --cancel-pending"
)]
pub struct RestoreArguments {
    /// What `backstop backup` wrote
    pub file: Option<PathBuf>,
    /// On PostgreSQL, after pg_restore: cancel what was pending when the copy was made
    #[arg(long)]
    pub cancel_pending: bool,
}

/// What was put back.
pub fn answer(reply: &RestoreReply, style: Style) -> Answer {
    let size = reply.bytes.map_or(String::new(), |bytes| format!(", {}", size(bytes)));
    let canceled = match reply.canceled {
        0 => "nothing was pending in it".to_owned(),
        1 => "1 pending verification was canceled".to_owned(),
        many => format!("{many} pending verifications were canceled"),
    };
    let text = format!("{} {} restored{size}; {canceled}", style.lamp(Level::Well), reply.store);
    Answer::new(text, Exit::Well)
}
