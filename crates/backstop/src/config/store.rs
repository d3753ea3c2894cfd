//! `[store]`: the database, how long it keeps things, and the root key that opens what is sealed in it.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use backstop_domain::secret::SecretString;
use backstop_store::PostgresSettings;
use serde::Deserialize;

use super::{application::secret, error::ConfigError, read::Section, root_key::RootKeySource, span::Span};

const DEFAULT_URL: &str = "sqlite://data/backstop.db";
const DEFAULT_ROOT_KEY_FILE: &str = "data/root.key";
const DAY: u64 = 86_400;

/// What the section can say.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreSection {
    url: String,
    password: Option<SecretString>,
    password_file: Option<PathBuf>,
    connections: Option<u32>,
    migrate: bool,
    retention: Span,
    root_key: Option<SecretString>,
    root_key_file: Option<PathBuf>,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            url: DEFAULT_URL.into(),
            password: None,
            password_file: None,
            connections: None,
            migrate: true,
            retention: Span::seconds(90 * DAY),
            root_key: None,
            root_key_file: None,
        }
    }
}

/// The database and its key.
#[derive(Debug, Clone)]
pub struct Store {
    /// Which database.
    pub database: Database,
    /// Where the root key comes from.
    pub root_key: RootKeySource,
    /// Whether a start brings the schema up to date.
    pub migrate: bool,
    /// How long a verification is kept after its start.
    pub retention: Duration,
}

/// Where the facts are kept. Prints as its URL, without a password.
#[derive(Debug, Clone)]
pub enum Database {
    /// A file of SQLite's, for one node.
    Sqlite {
        /// As configured: `sqlite://data/backstop.db`.
        url: String,
        /// The file.
        path: PathBuf,
    },
    /// A server, for several nodes.
    Postgres(Box<PostgresSettings>),
}

impl Database {
    /// Reads a URL of either kind.
    ///
    /// # Errors
    /// What is wrong with it, in words that go on after "the URL".
    pub fn parse(url: &str, working_directory: &Path) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite { url: url.to_owned(), path: working_directory.join(path) });
        }
        if url.starts_with("postgres") {
            return PostgresSettings::parse(url).map(|settings| Self::Postgres(Box::new(settings)));
        }
        Err("must be sqlite:// and the path of a file, or postgres:// and a server".into())
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { url, .. } => f.write_str(url),
            Self::Postgres(settings) => settings.fmt(f),
        }
    }
}

pub(crate) fn resolve(
    section: &Section<'_>,
    working_directory: &Path,
    read_secrets: bool,
) -> Result<Store, ConfigError> {
    let said: StoreSection = section.read()?;
    let example = "url = \"postgres://backstop@db.internal/backstop?sslmode=verify-full\"";
    let mut database = Database::parse(&said.url, working_directory).map_err(|problem| {
        let fix = if said.url.starts_with("postgres") {
            example.into()
        } else {
            format!("url = \"{DEFAULT_URL}\"")
        };
        section.wrong("url", problem, fix)
    })?;
    let retention = (Span::seconds(2 * DAY))..=(Span::seconds(3_650 * DAY));
    section.within("retention", &said.retention, &retention, "retention = \"90d\"")?;
    match &mut database {
        Database::Sqlite { .. } => {
            let given = [
                ("password", said.password.is_some()),
                ("password_file", said.password_file.is_some()),
                ("connections", said.connections.is_some()),
            ];
            if let Some((key, _)) = given.into_iter().find(|(_, given)| *given) {
                return Err(section.wrong(
                    key,
                    "is for PostgreSQL only",
                    format!("remove {key}, or {example}"),
                ));
            }
        }
        Database::Postgres(settings) => {
            if let Some(connections) = said.connections {
                section.within("connections", &connections, &(7..=64), "connections = 8")?;
                settings.connections = connections;
            }
            let key = if said.password_file.is_some() { "password_file" } else { "password" };
            let given = said.password.is_some() || said.password_file.is_some();
            if given && settings.has_password() {
                return Err(section.wrong(
                    key,
                    "is set, and the URL holds a password",
                    "take it out of the URL",
                ));
            }
            let password = secret(
                section,
                "password",
                said.password,
                said.password_file,
                working_directory,
                read_secrets,
            )?;
            if let Some(password) = password {
                settings.set_password(&password);
            }
        }
    }
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
    Ok(Store { database, root_key, migrate: said.migrate, retention: said.retention.0 })
}
