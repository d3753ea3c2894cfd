//! `[[application]]`: a client of Backstop, its keys, its rules where they differ, and its texts.
//!
//! Each key opens one application only: two applications with the same key stop the boot. In production a secret key
//! has 16 bytes or more and is nobody's sample.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use backstop_domain::{
    application::CodePolicy,
    channel::Channel,
    limit::Limits,
    purpose::Purpose,
    secret::SecretString,
    template::{Template, Templates},
};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    channels, codes,
    error::ConfigError,
    limits,
    profile::Profile,
    read::Section,
    secret_file::{self, is_placeholder},
};

/// Shorter secrets can be guessed.
const SHORTEST_SECRET: usize = 16;

/// What one entry can say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ApplicationSection {
    name: String,
    brand: Option<String>,
    secret_key: Option<SecretString>,
    secret_key_file: Option<PathBuf>,
    publishable_key: Option<String>,
    origins: Vec<String>,
    public_purposes: Vec<Purpose>,
    public_channels: Option<Vec<Channel>>,
    native_apps: bool,
    providers: Option<Vec<String>>,
    /// Read by [`codes::resolve`].
    codes: Option<IgnoredAny>,
    /// Read by [`limits::resolve`].
    limits: Option<IgnoredAny>,
    templates: BTreeMap<Channel, String>,
    /// Read before this, because its variables are settings too.
    env_file: Option<PathBuf>,
}

/// A client of Backstop, as configured.
#[derive(Debug, Clone)]
pub struct ApplicationConfig {
    /// Names it: in the store, and before the colon in Basic authentication.
    pub name: String,
    /// The name in messages.
    pub brand: String,
    /// Speaks for the application; more are made with `backstop keys create`.
    pub secret_key: Option<SecretString>,
    /// Stands in page source, and may do little.
    pub publishable_key: Option<String>,
    /// Origins that the publishable key may be used from, in lower case.
    pub origins: Vec<String>,
    /// Purposes that the publishable key may start.
    pub public_purposes: Vec<Purpose>,
    /// Channels that the publishable key may use; `None`: the ladder's.
    pub public_channels: Option<Vec<Channel>>,
    /// Whether public calls without `Origin` are taken.
    pub native_apps: bool,
    /// Providers that serve it, in order; `None`: all, in the configured order.
    pub providers: Option<Vec<String>>,
    /// How its codes are made and judged.
    pub codes: CodePolicy,
    /// Its limits.
    pub limits: Limits,
    /// Its own texts.
    pub templates: Templates,
}

/// What holds for an application unless it says otherwise, and how to read.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) profile: Profile,
    pub(crate) codes: &'a CodePolicy,
    pub(crate) limits: &'a Limits,
    pub(crate) working_directory: &'a Path,
    pub(crate) read_secrets: bool,
}

/// The text of a key, or of the file that holds it.
pub(crate) fn secret(
    section: &Section<'_>,
    key: &str,
    given: Option<SecretString>,
    file: Option<PathBuf>,
    working_directory: &Path,
    read_secrets: bool,
) -> Result<Option<SecretString>, ConfigError> {
    match (given, file) {
        (Some(_), Some(_)) => Err(section.wrong(
            key,
            format!("and {key}_file are both set"),
            format!("keep one of {key} and {key}_file"),
        )),
        (Some(secret), None) => Ok(Some(secret)),
        (None, Some(_)) if !read_secrets => Ok(None),
        (None, Some(file)) => {
            let file_key = format!("{key}_file");
            let place = section.place(&file_key);
            let path = working_directory.join(file);
            secret_file::read(&path, &format!("{}.{file_key}", section.name), &place).map(Some)
        }
        (None, None) => Ok(None),
    }
}

/// Reads one entry.
pub(crate) fn resolve(
    section: &Section<'_>,
    around: &Surroundings<'_>,
) -> Result<ApplicationConfig, ConfigError> {
    let said: ApplicationSection = section.read()?;
    let secret_key = secret(
        section,
        "secret_key",
        said.secret_key,
        said.secret_key_file,
        around.working_directory,
        around.read_secrets,
    )?;
    if let Some(key) = &secret_key {
        strong(section, "secret_key", key.expose(), around.profile)?;
    }
    if let Some(key) = &said.publishable_key {
        strong(section, "publishable_key", key, around.profile)?;
    }
    if let Some(channels) = &said.public_channels {
        channels::distinct(section, "public_channels", channels)?;
    }
    let mut templates = BTreeMap::new();
    for (channel, text) in &said.templates {
        let key = format!("templates.{channel}");
        let fix = format!("{channel} = \"{{code}} is your {{brand}} code, valid for {{minutes}} minutes.\"");
        let template = Template::parse(text)
            .map_err(|wrong| section.wrong(&key, format!("is refused: {wrong}"), fix))?;
        templates.insert(*channel, template);
    }
    Ok(ApplicationConfig {
        brand: said.brand.unwrap_or_else(|| said.name.clone()),
        name: said.name,
        secret_key,
        publishable_key: said.publishable_key,
        origins: said.origins.iter().map(|text| origin(section, text)).collect::<Result<_, _>>()?,
        public_purposes: said.public_purposes,
        public_channels: said.public_channels,
        native_apps: said.native_apps,
        providers: said.providers,
        codes: codes::resolve(section.child("codes").as_ref(), around.codes)?,
        limits: limits::resolve(section.child("limits").as_ref(), around.limits, around.profile)?,
        templates: Templates::new(templates),
    })
}

/// Refuses keys that anybody could guess.
fn strong(section: &Section<'_>, key: &str, value: &str, profile: Profile) -> Result<(), ConfigError> {
    let fix = format!("{key} = a random text, as `openssl rand -hex 24` makes one");
    if value.trim().is_empty() || value.contains(char::is_whitespace) {
        return Err(section.wrong(key, "is empty or holds white space", fix));
    }
    if profile == Profile::Development {
        return Ok(());
    }
    if is_placeholder(value) {
        return Err(section.wrong(key, "is a placeholder", fix));
    }
    if value.len() < SHORTEST_SECRET {
        return Err(section.wrong(key, format!("is shorter than {SHORTEST_SECRET} characters"), fix));
    }
    Ok(())
}

/// `https://shop.example`: a scheme, a host, perhaps a port, and nothing more.
fn origin(section: &Section<'_>, text: &str) -> Result<String, ConfigError> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@', '*', ' ', ',']) => {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(section.wrong(
            "origins",
            "holds something that is not an origin",
            "origins = [\"https://shop.example\"], without a path and without *",
        )),
    }
}

/// Refuses what is right in each application and wrong in all of them together.
pub(crate) fn cross_check(
    applications: &[(Section<'_>, ApplicationConfig)],
    warnings: &mut Vec<String>,
) -> Result<(), ConfigError> {
    let mut keys: Vec<(&str, &str)> = Vec::new();
    for (section, application) in applications {
        let secret = application.secret_key.as_ref().map(|key| ("secret_key", key.expose()));
        let public = application.publishable_key.as_deref().map(|key| ("publishable_key", key));
        for (name, key) in [secret, public].into_iter().flatten() {
            if keys.iter().any(|(_, other)| *other == key) {
                return Err(section.wrong(name, "is used twice", format!("give {name} a value of its own")));
            }
            keys.push((name, key));
        }
        let reachable = !application.origins.is_empty() || application.native_apps;
        if application.publishable_key.is_some() && (!reachable || application.public_purposes.is_empty()) {
            warnings.push(format!(
                "{}.publishable_key is good for nothing yet: set public_purposes, and origins or native_apps",
                section.name
            ));
        }
    }
    Ok(())
}
