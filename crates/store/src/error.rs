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
    /// From the other database.
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
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
            Failure::Postgres(error) if is_out_of_reach(&error) => Self::Unavailable(plainly(&error)),
            Failure::Postgres(error) => Self::Internal(plainly(&error)),
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

/// Whether the server is gone, or takes no work now: SQLSTATE classes 08 (connection), 53 (resources, among them a full
/// disk), 57 (operator intervention, among them a restart and a statement out of time), 58 (system), and single codes for
/// a server that is read-only, a lock that did not come and a session that was given up.
fn is_out_of_reach(error: &tokio_postgres::Error) -> bool {
    match error.code().map(tokio_postgres::error::SqlState::code) {
        Some(code) => {
            ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class))
                || ["25006", "55P03", "25P03"].contains(&code)
        }
        None => true,
    }
}

/// Whether the server has ended the session, or nobody knows: then a COMMIT that was on its way may have arrived.
pub(crate) fn ends_the_session(failure: &Failure) -> bool {
    use tokio_postgres::error::Severity;
    match failure {
        Failure::Postgres(error) => error.as_db_error().is_none_or(|told| {
            matches!(told.parsed_severity(), None | Some(Severity::Fatal | Severity::Panic))
        }),
        Failure::Store(error) => error.passes(),
        Failure::Sqlite(_) => false,
    }
}

/// Whether the server undid the transaction so that another could go on (SQLSTATE class 40: deadlock, serialization).
pub(crate) fn gave_way(failure: &Failure) -> bool {
    matches!(failure, Failure::Postgres(error) if error.code().is_some_and(|code| code.code().starts_with("40")))
}

/// The server's own words: the condition, and never the row, which stands in the detail.
fn plainly(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(told) => format!("{} ({})", told.message(), told.code().code()),
        None => error.to_string(),
    }
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
