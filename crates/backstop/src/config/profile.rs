//! Development or production, and the development set-up that needs no configuration at all.

use serde::Deserialize;

/// Which rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Nothing leaves this machine, and only this machine is answered.
    Development,
    /// Real people, real vendors; everything that is only for development is refused.
    Production,
}

impl Profile {
    /// The word in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// What development adds where the configuration says nothing: an application, pretend providers, every surface.
pub(crate) const DEVELOPMENT: &str = include_str!("development.toml");
