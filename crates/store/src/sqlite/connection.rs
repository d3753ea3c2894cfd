//! Opening a database file, and the settings that every connection runs with.
//!
//! WAL with `synchronous = FULL`: what COMMIT said is durable survives a power cut, and readers never wait for the
//! writer. `secure_delete` overwrites what is wiped. Settings are read back, because SQLite ignores what it cannot do
//! without a word. The file belongs to its owner alone, and so do the files that SQLite puts beside it.

use std::{
    fs::{DirBuilder, OpenOptions},
    path::Path,
    time::Duration,
};

use backstop_domain::ports::store::StoreError;
use rusqlite::{Connection, OpenFlags};

use crate::error::{Failure, Result, internal, unavailable};

const BUSY: Duration = Duration::from_secs(5);
/// Statements that stay prepared: all that there are.
const PREPARED: usize = 96;

/// What is set, and what must be read back. An in-memory database has a journal of its own kind.
const SETTINGS: [(&str, &str, &str); 6] = [
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", "2"),
    ("foreign_keys", "OFF", "0"),
    ("secure_delete", "ON", "1"),
    ("temp_store", "MEMORY", "2"),
    ("wal_autocheckpoint", "4000", "4000"),
];

/// The connection that writes; makes the file and its folder if they are not there.
pub(super) fn writer(path: &Path) -> Result<Connection> {
    create_private(path)?;
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&connection, "wal")?;
    Ok(connection)
}

/// A writing connection to a database that lives in memory only.
pub(super) fn in_memory() -> Result<Connection> {
    let connection = Connection::open_in_memory()?;
    prepare(&connection, "memory")?;
    Ok(connection)
}

/// A connection that cannot write.
pub(super) fn reader(path: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(connection)
}

fn prepare(connection: &Connection, journal: &str) -> Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    for (name, value, _) in SETTINGS {
        connection.pragma_update_and_check(None, name, value, |_| Ok(())).or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(()),
            other => Err(other),
        })?;
    }
    confirm(connection, journal)
}

fn confirm(connection: &Connection, journal: &str) -> Result<()> {
    for (name, _, wanted) in SETTINGS {
        let wanted = if name == "journal_mode" { journal } else { wanted };
        let found = setting(connection, name)?;
        if found != wanted {
            return Err(internal(format!("SQLite runs with {name} = {found}, wanted {wanted}")).into());
        }
    }
    Ok(())
}

/// A setting as SQLite tells it.
pub(super) fn setting(connection: &Connection, name: &str) -> Result<String> {
    let value: rusqlite::types::Value = connection.pragma_query_value(None, name, |row| row.get(0))?;
    Ok(match value {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => format!("{other:?}"),
    })
}

/// Makes the file before SQLite does, so that it is never readable by others, not even for a moment.
pub(crate) fn create_private(path: &Path) -> std::result::Result<(), StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private_folder()
            .recursive(true)
            .create(folder)
            .map_err(|error| unavailable("make the folder", folder, &error))?;
    }
    private_file()
        .create(true)
        .truncate(false)
        .open(path)
        .map(drop)
        .map_err(|error| unavailable("open", path, &error))
}

/// Options for a file that its owner alone can read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn private_folder() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "modes exist on Unix only"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Runs `query` on one moment's state of the database.
pub(super) fn at_one_moment<T>(
    connection: &Connection,
    query: impl FnOnce(&Connection) -> Result<T>,
) -> std::result::Result<T, StoreError> {
    let read = || -> Result<T> {
        let moment = connection.unchecked_transaction()?;
        let result = query(&moment)?;
        moment.commit()?;
        Ok(result)
    };
    read().map_err(Failure::into)
}
