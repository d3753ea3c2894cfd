//! What a kind of database does for the program beside the Store port. One file per kind implements it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use backstop_domain::{
    keyring::RootKey,
    ports::{Clock, Store},
};

use crate::control::protocol::Level;

/// An opened database.
pub(super) struct Opened {
    /// The port.
    pub(super) store: Arc<dyn Store>,
    /// The time that goes with it.
    pub(super) clock: Arc<dyn Clock>,
    /// What opens the keyring in it.
    pub(super) root: RootKey,
    /// Whether it was empty.
    pub(super) is_new: bool,
    /// The rest.
    pub(super) backing: Box<dyn Backing>,
}

/// How a database is.
pub(crate) struct Health {
    /// Whether it is well.
    pub(crate) level: Level,
    /// In one clause.
    pub(crate) finding: String,
    /// What to do, if it is not.
    pub(crate) fix: Option<String>,
}

/// A kind of database. Dropping it gives the database up.
#[async_trait]
pub(crate) trait Backing: Send + Sync {
    /// Where commands reach the one service that runs on it; `None`: any number may run, and a command is one more.
    fn socket(&self) -> Option<PathBuf>;

    /// Copies it, as of one moment, into a file that does not exist yet.
    async fn backup(&self, to: &Path) -> anyhow::Result<()>;

    /// Looks how it is.
    async fn health(&self) -> Health;
}
