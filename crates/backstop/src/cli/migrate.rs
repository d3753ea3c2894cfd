//! `backstop migrate`: brings the store to the schema of this version, or moves an installation from SQLite to
//! PostgreSQL. Refused while a service holds the store.

use clap::Args;

use super::{
    Answer, Exit,
    screen::{Style, columns},
};
use crate::control::protocol::{Level, MigrateReply, MoveReply};

/// From where to where, if it is a move.
#[derive(Debug, Args)]
#[command(
    after_help = "`backstop serve` brings the schema up to date when it starts; this is for those who want it apart.\n\n\
                        A move copies everything, pending codes too, into an empty database; the file stays as it is. \
                        The root key is the same before and after.\n\n\
                        Examples:\n  backstop migrate\n  backstop backup before.db && backstop migrate\n  backstop migrate \
                        --from sqlite://data/backstop.db --to postgres://backstop@db.internal/backstop?sslmode=verify-full"
)]
pub struct MigrateArguments {
    /// Move the installation that is in this SQLite file
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,
    /// Into this PostgreSQL database [default: store.url; a password belongs into store.password_file]
    #[arg(long, value_name = "URL", requires = "from")]
    pub to: Option<String>,
}

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

/// What was moved.
pub fn moved(reply: &MoveReply, style: Style) -> Answer {
    let rows: Vec<_> =
        reply.tables.iter().map(|table| vec![table.name.clone(), table.rows.to_string()]).collect();
    let text =
        format!("{} {} moved to {}\n{}", style.lamp(Level::Well), reply.from, reply.to, columns(&rows, "  "));
    let hint = "next: name that database in store.url on every node, each with the same root key";
    Answer::new(text, Exit::Well).with_hint(hint)
}
