//! Users that another system kept, a portion of its file at a time.
//!
//! Each row is a user by itself, made in a transaction of its own: a bad one stops none of the others, and whoever was
//! imported before is refused a second time, because the address is theirs. So a file that broke off is imported again as it
//! is. What is said of a row repeats nothing of it.

use backstop_engine::{
    manage::{ManageError, Manager},
    users::{NewUser, import},
};

use crate::{
    control::protocol::{ControlReply, ImportReply, ImportRow, RefusedRow},
    wiring::Installation,
};

pub(super) async fn import(
    installation: &Installation,
    manager: &Manager,
    rows: Vec<ImportRow>,
    dry_run: bool,
) -> anyhow::Result<ControlReply> {
    let mut reply = ImportReply { dry_run, ..ImportReply::default() };
    for row in rows {
        let taken = match read(manager, &row) {
            Ok(new) => take(installation, manager, new, dry_run).await,
            Err(problem) => Ok(Some(problem)),
        };
        match taken {
            Ok(None) => reply.imported += 1,
            Ok(Some(problem)) => reply.refused.push(RefusedRow { line: row.line, problem }),
            Err(error) => {
                reply.stopped = Some(error.to_string());
                break;
            }
        }
    }
    Ok(ControlReply::Import(reply))
}

fn read(manager: &Manager, row: &ImportRow) -> Result<NewUser, String> {
    // What the library says of a text may hold the text.
    let row = serde_json::from_str(row.row.expose()).map_err(|_| "row: is no JSON".to_owned())?;
    import::of_json(&row, manager.caller.application.default_region).map_err(|error| error.to_string())
}

/// Why this user cannot be taken, if so. An error is one of the store, which the next row would meet too.
async fn take(
    installation: &Installation,
    manager: &Manager,
    new: NewUser,
    dry_run: bool,
) -> Result<Option<String>, ManageError> {
    let engine = &installation.engine;
    let taken = match dry_run {
        true => engine.could_create(manager, new).await,
        false => {
            engine.import_users(manager, vec![new]).await.into_iter().try_for_each(|made| made.map(drop))
        }
    };
    match taken {
        Ok(()) => Ok(None),
        Err(error @ ManageError::Store(_)) => Err(error),
        Err(error) => Ok(Some(error.to_string())),
    }
}
