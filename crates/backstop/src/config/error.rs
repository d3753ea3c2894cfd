//! Why the configuration is refused: three lines that say what, where and what to do.
//!
//! A refusal never repeats a value: the wrong value may be a password that went into the wrong place.

use std::{fmt, sync::Arc};

use super::provider::ProviderSettings;

/// Where a setting was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A part of the development set-up that the program brings along.
    BuiltIn,
    /// A line of a file, counted from 1; line 0 stands for the whole file.
    File {
        /// The file, as it was named.
        name: Arc<str>,
        /// The line.
        line: usize,
    },
    /// An environment variable, or a line of `.env`.
    Variable(Arc<str>),
    /// The environment as a whole: there is no file.
    Environment,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in development settings"),
            Self::File { name, line: 0 } => f.write_str(name),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Variable(name) => f.write_str(name),
            Self::Environment => f.write_str("environment"),
        }
    }
}

/// The configuration cannot be used. Prints as it stands on a terminal:
///
/// ```text
/// backstop: provider "msg91" is half configured
///   backstop.toml:41  auth_key_file is missing
///   fix: auth_key_file = "/run/secrets/msg91", or remove the provider
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// What is wrong, in one clause.
    pub problem: String,
    /// Where it was read.
    pub place: Place,
    /// What was found there. Never a value.
    pub finding: String,
    /// What to write instead.
    pub fix: String,
}

impl ConfigError {
    pub(super) fn new(
        problem: impl Into<String>,
        place: Place,
        finding: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { problem: problem.into(), place, finding: finding.into(), fix: fix.into() }
    }

    /// What is wrong with `provider`, as its kind says when it is built, at the line where it is configured.
    pub fn of_provider(provider: &ProviderSettings, key: Option<&str>, problem: &str, fix: &str) -> Self {
        let name = &provider.config.name;
        let finding = key.map_or_else(|| problem.to_owned(), |key| format!("{key}: {problem}"));
        let place = key.and_then(|key| provider.places.get(key)).unwrap_or(&provider.place);
        Self::new(format!("provider \"{name}\" cannot be used"), place.clone(), finding, fix)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "backstop: {}", self.problem)?;
        writeln!(f, "  {}  {}", self.place, self.finding)?;
        write!(f, "  fix: {}", self.fix)
    }
}

impl std::error::Error for ConfigError {}
