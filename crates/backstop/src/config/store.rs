//! `[store]`: the database, and the root key that opens what is sealed in it.

use std::path::{Path, PathBuf};

use backstop_domain::secret::SecretString;
use serde::Deserialize;

use super::{error::ConfigError, read::Section, root_key::RootKeySource};

const DEFAULT_URL: &str = "sqlite://data/backstop.db";
const DEFAULT_ROOT_KEY_FILE: &str = "data/root.key";

/// What the section can say.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreSection {
    url: String,
    root_key: Option<SecretString>,
    root_key_file: Option<PathBuf>,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self { url: DEFAULT_URL.into(), root_key: None, root_key_file: None }
    }
}

/// The database and its key.
#[derive(Debug, Clone)]
pub struct Store {
    /// As configured: `sqlite://data/backstop.db`.
    pub url: String,
    /// The database file.
    pub path: PathBuf,
    /// Where the root key comes from.
    pub root_key: RootKeySource,
}

pub(crate) fn resolve(section: &Section<'_>, working_directory: &Path) -> Result<Store, ConfigError> {
    let said: StoreSection = section.read()?;
    let Some(path) = said.url.strip_prefix("sqlite://").filter(|path| !path.is_empty()) else {
        let fix = format!("url = \"{DEFAULT_URL}\"");
        return Err(section.wrong("url", "must be sqlite:// and the path of a file", fix));
    };
    let root_key = match (said.root_key, said.root_key_file) {
        (Some(_), Some(_)) => {
            return Err(section.wrong("root_key", "and root_key_file are both set", "keep one of them"));
        }
        (Some(text), None) => RootKeySource::given(&text).ok_or_else(|| {
            let fix =
                "make one with `openssl rand -hex 32`, or remove root_key: `backstop init` makes a file";
            section.wrong("root_key", "must be 32 bytes as hex or base64", fix)
        })?,
        (None, file) => {
            let file = file.unwrap_or_else(|| PathBuf::from(DEFAULT_ROOT_KEY_FILE));
            RootKeySource::File(working_directory.join(file))
        }
    };
    Ok(Store { path: working_directory.join(path), url: said.url, root_key })
}
