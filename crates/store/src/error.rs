//! What goes wrong below, in the words of the port.
//!
//! Three kinds matter to a caller: try again later, a row is damaged, we made a mistake. Whatever a full disk, a lock or
//! a vanished file causes is the first; it means that nothing was changed. No message repeats a value of a row.

use backstop_domain::ports::store::StoreError;
use rusqlite::ErrorCode;

/// An error on its way up, before it becomes a [`StoreError`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// From the database.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// Already in the words of the port.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What acts and queries return.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error,
            Failure::Sqlite(error) if is_unavailable(&error) => Self::Unavailable(error.to_string()),
            Failure::Sqlite(error) => Self::Internal(error.to_string()),
        }
    }
}

/// Whether the trouble is around the database and not in what we asked of it.
fn is_unavailable(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}

/// A file that cannot be made, read or moved.
pub(crate) fn unavailable(doing: &str, path: &std::path::Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("cannot {doing} {}: {error}", path.display()))
}

/// Says what is wrong with a row: table, column and key, never the value.
pub(crate) fn bad_row(
    table: &'static str,
    column: &'static str,
    key: String,
    problem: impl std::fmt::Display,
) -> Failure {
    StoreError::BadRow { table, column, key, problem: problem.to_string() }.into()
}

/// A mistake of ours, or a database that is not one of ours.
pub(crate) fn internal(problem: impl Into<String>) -> StoreError {
    StoreError::Internal(problem.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn from_code(code: i32) -> StoreError {
        Failure::Sqlite(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)).into()
    }

    #[test]
    fn trouble_around_the_database_is_told_apart_from_a_mistake_in_it() {
        for code in [
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_BUSY,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_READONLY,
        ] {
            assert!(matches!(from_code(code), StoreError::Unavailable(_)), "{code}");
        }
        for code in [ffi::SQLITE_CONSTRAINT, ffi::SQLITE_CORRUPT, ffi::SQLITE_ERROR, ffi::SQLITE_MISUSE] {
            assert!(matches!(from_code(code), StoreError::Internal(_)), "{code}");
        }
    }
}
