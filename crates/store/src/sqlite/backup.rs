//! A copy of the database while it is in use.
//!
//! The copy is one moment's state, taken through a connection of its own, so neither writes nor reads wait for it. It
//! appears under its name only when it is whole, checked and on disk; a crash leaves a `.partial` file beside it. It
//! holds the keyring sealed and never the root key, so it is useless without the key file.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
};

use backstop_domain::ports::store::StoreError;
use futures::channel::oneshot;
use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use super::{Mode, SqliteStore, connection, receive};
use crate::error::{Failure, internal, unavailable};

impl SqliteStore {
    /// Copies the database into a new file at `to`.
    ///
    /// # Errors
    /// If there is a file already, or the copy cannot be made whole.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let to = to.to_owned();
        match (&self.mode, &self.path) {
            (Mode::Served { .. }, Some(path)) => {
                let (done, answer) = oneshot::channel();
                let path = path.clone();
                let copy = move || {
                    let copied = connection::reader(&path)
                        .map_err(Failure::into)
                        .and_then(|source| copy_to_new_file(&source, &to));
                    // A caller that went away does not want to know.
                    let _ = done.send(copied);
                };
                std::thread::Builder::new()
                    .name("store-backup".into())
                    .spawn(copy)
                    .map_err(|error| StoreError::Unavailable(format!("cannot start a backup: {error}")))?;
                receive(answer).await
            }
            (Mode::Inline(unit), _) => copy_to_new_file(&unit.lock().connection, &to),
            (Mode::Served { .. }, None) => Err(internal("a served store without a file")),
        }
    }
}

fn copy_to_new_file(source: &Connection, to: &Path) -> Result<(), StoreError> {
    if to.exists() {
        return Err(StoreError::Unavailable(format!("{} is there already", to.display())));
    }
    let partial = partial(to);
    let done = fill(source, &partial).and_then(|()| publish(&partial, to));
    if done.is_err() {
        // What is left of a failed copy is of no use; that it cannot be removed does not matter beside the failure.
        let _ = fs::remove_file(&partial);
    }
    done
}

fn fill(source: &Connection, partial: &Path) -> Result<(), StoreError> {
    if let Err(error) = fs::remove_file(partial)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(unavailable("remove", partial, &error));
    }
    connection::create_private(partial)?;
    let copy = || -> crate::error::Result<()> {
        let mut target = Connection::open(partial)?;
        {
            let backup = Backup::new(source, &mut target)?;
            match backup.step(-1)? {
                StepResult::Done => {}
                _ => return Err(StoreError::Unavailable("the database is locked".into()).into()),
            }
        }
        target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        let verdict: String = target.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if verdict != "ok" {
            return Err(
                internal("the copy is damaged, so the database may be: run a full integrity check").into()
            );
        }
        Ok(())
    };
    copy().map_err(Failure::into)
}

/// Puts the finished copy under its name, for good.
fn publish(partial: &Path, to: &Path) -> Result<(), StoreError> {
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    sync(partial).map_err(|error| unavailable("sync", partial, &error))?;
    fs::rename(partial, to).map_err(|error| unavailable("write", to, &error))?;
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        sync(folder).map_err(|error| unavailable("sync", folder, &error))?;
    }
    Ok(())
}

fn partial(to: &Path) -> PathBuf {
    let mut name = OsString::from(to.as_os_str());
    name.push(".partial");
    PathBuf::from(name)
}
