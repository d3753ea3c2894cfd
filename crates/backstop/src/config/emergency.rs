//! `[emergency]`: the master key that opens when nothing else does. Off until a key is set.
//!
//! Only its SHA-256 is kept after the start. A key that could be guessed stops the boot outside development.

use std::path::{Path, PathBuf};

use backstop_domain::{emergency::Emergency, secret::SecretString, user::Role};
use ipnet::IpNet;
use serde::Deserialize;

use super::{
    application::secret, error::ConfigError, profile::Profile, read::Section, secret_file::is_placeholder,
};

/// 128 random bits in base64 without padding.
const SHORTEST: usize = 22;

/// What the section can say.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EmergencySection {
    master_key: Option<SecretString>,
    master_key_file: Option<PathBuf>,
    roles: Vec<Role>,
    networks: Vec<String>,
    approvals: u8,
}

impl Default for EmergencySection {
    fn default() -> Self {
        let admin = "admin".to_owned().try_into().map_or_else(|_| Vec::new(), |admin| vec![admin]);
        Self { master_key: None, master_key_file: None, roles: admin, networks: Vec::new(), approvals: 1 }
    }
}

/// Reads the section; `legacy` is the key of a service's variable, which says less than the section.
pub(crate) fn resolve(
    section: &Section<'_>,
    (profile, working_directory, read_secrets): (Profile, &Path, bool),
    legacy: Option<&SecretString>,
) -> Result<Option<Emergency>, ConfigError> {
    let said: EmergencySection = section.read()?;
    section.within("approvals", &said.approvals, &(1..=2), "approvals = 1")?;
    if said.roles.is_empty() {
        return Err(section.wrong("roles", "is empty", "roles = [\"admin\"], or remove [emergency]"));
    }
    let networks = said.networks.iter().map(|text| {
        backstop_http::trusted_proxy(text).ok_or_else(|| {
            let finding = "holds something that is neither an address nor a network";
            section.wrong("networks", finding, "networks = [\"10.0.0.0/8\"]")
        })
    });
    let networks: Vec<IpNet> = networks.collect::<Result<_, _>>()?;
    let given = secret(
        section,
        "master_key",
        said.master_key,
        said.master_key_file,
        working_directory,
        read_secrets,
    )?;
    let Some(key) = given.as_ref().or(legacy) else { return Ok(None) };
    if profile == Profile::Production && (key.expose().len() < SHORTEST || is_placeholder(key.expose())) {
        let fix = "master_key_file = a file with what `openssl rand -base64 32` prints";
        return Err(section.wrong("master_key", "has less than 128 bits", fix));
    }
    Ok(Some(Emergency::new(key, said.roles, networks, said.approvals)))
}
