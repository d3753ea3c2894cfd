//! `backstop migrate`: brings the store to this version's schema, as `serve` does when it starts.

use clap::Args;

use super::{Answer, Exit, screen::Style};
use crate::control::protocol::{Level, MigrateReply};

/// Nothing to say.
#[derive(Debug, Args)]
#[command(
    after_help = "`backstop serve` does the same when it starts; this is for those who want it apart.\n\n\
                        Examples:\n  backstop migrate\n  backstop backup before.db && backstop migrate"
)]
pub struct MigrateArguments {}

/// Which schema the store has now.
pub fn answer(reply: &MigrateReply, style: Style) -> Answer {
    let MigrateReply { store, before, schema } = reply;
    let change = match before {
        None => format!("made with schema {schema}"),
        Some(before) if before == schema => format!("has schema {schema}, nothing to do"),
        Some(before) => format!("went from schema {before} to {schema}"),
    };
    Answer::new(format!("{} {store} {change}", style.lamp(Level::Well)), Exit::Well)
}
