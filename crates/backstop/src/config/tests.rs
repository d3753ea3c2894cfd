//! The configuration as a whole, from files and variables to settings and refusals.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path};

use super::{ConfigError, Loaded, Source, load};

mod development;
mod environment;
mod legacy;
mod refusals;
mod sample;

/// A production file that is right, to spoil one thing at a time.
const GOOD: &str = r#"
[countries]
allow = ["IN", "US"]

[[application]]
name = "shop"
secret_key = "sk_shop_1f0c9a7e51d2b846"

[[provider]]
name = "twilio-main"
kind = "twilio"
channels = ["sms"]
account_sid = "AC0123456789abcdef0123456789abcdef"
auth_token = "0f3c9a7e51d2b8461f0c9a7e51d2b846"
from = "+14155550100"
dlt = "at-vendor"
"#;

/// A working directory of its own, and the variables of a process.
struct Setting {
    folder: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

impl Setting {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: BTreeMap::new() }
    }

    /// With this `backstop.toml`.
    fn file(text: &str) -> Self {
        Self::new().with("backstop.toml", text)
    }

    /// With this file beside it, readable by its owner only.
    fn with(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self
    }

    /// With this variable.
    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn source(&self) -> Source {
        Source {
            file: None,
            working_directory: self.path().to_owned(),
            environment: self.environment.clone(),
            read_secrets: true,
        }
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        load(&self.source())
    }

    fn loaded(&self) -> Loaded {
        self.load().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The refusal, as a person reads it.
    fn refusal(&self) -> String {
        self.load().expect_err("this configuration should be refused").to_string()
    }
}
