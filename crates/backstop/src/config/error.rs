//! Why the configuration is refused: three lines that say what, where and what to do.
//!
//! A refusal never repeats a value: the wrong value may be a password that went into the wrong place.

use std::{fmt, sync::Arc};

use backstop_providers::registry::BuildError;

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

    /// Why `provider` cannot be built, as its kind says, at the line where that was configured.
    pub fn of_provider(provider: &ProviderSettings, error: &BuildError) -> Self {
        let finding = match &error.key {
            Some(key) => format!("{key} {}", error.problem),
            None => error.problem.clone(),
        };
        // A key may have come out of its file, or be a part of a table.
        let key = error.key.as_deref().map(|key| key.split('.').next().unwrap_or(key));
        let place = key
            .and_then(|key| provider.places.get(key).or_else(|| provider.places.get(&format!("{key}_file"))));
        Self::new(
            format!("provider \"{}\" cannot be used", provider.config.name),
            place.unwrap_or(&provider.place).clone(),
            finding,
            error.fix.clone(),
        )
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
