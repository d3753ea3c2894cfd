//! One server per database file.
//!
//! The writer keeps limits in memory, so two of them on one file would each grant the whole of every limit. The lock is
//! the operating system's, on a file beside the database: it ends with the process, however that ends, so a crash
//! leaves nothing to clean up. The file itself stays; only the lock on it means anything.

use std::{
    ffi::OsString,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use crate::sqlite::{create_private, private_file};

/// Held while serving; given up when dropped, or when the process ends.
#[derive(Debug)]
pub struct ExclusiveLock {
    file: File,
}

/// Why the lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process serves this database.
    #[error("another process is using this database (it holds {})", .0.display())]
    Held(PathBuf),
    /// The lock file cannot be made or locked.
    #[error("cannot lock {}: {problem}", path.display())]
    Unavailable {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        problem: String,
    },
}

impl ExclusiveLock {
    /// Takes the lock of the database at `database`, in a file of the same name and `.lock`.
    ///
    /// # Errors
    /// If another process has it, or the file cannot be used.
    pub fn acquire(database: &Path) -> Result<Self, LockError> {
        let mut name = OsString::from(database.as_os_str());
        name.push(".lock");
        let path = PathBuf::from(name);
        let unavailable = |problem: String| LockError::Unavailable { path: path.clone(), problem };
        create_private(&path).map_err(|error| unavailable(error.to_string()))?;
        let file = private_file().open(&path).map_err(|error| unavailable(error.to_string()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(path)),
            Err(TryLockError::Error(error)) => Err(unavailable(error.to_string())),
        }
    }
}

impl Drop for ExclusiveLock {
    fn drop(&mut self) {
        // Closing the file gives the lock up in any case; saying so first only makes it happen now.
        let _ = self.file.unlock();
    }
}
