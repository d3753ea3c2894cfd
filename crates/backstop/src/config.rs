//! Configuration: one TOML file, the environment on top, and everything checked before the first socket opens.
//!
//! [`load`] is a function of its [`Source`] and of the files that this names; it reads no process environment. File and
//! variables become one tree in which each value knows where it came from ([`tree`]); each section is a struct of its
//! own; what comes out, [`Config`], holds the domain's values and nothing that could still be wrong. A mistake is one
//! [`ConfigError`] with three lines: what, where, and what to write instead. Strongest first:
//!
//! 1. `BACKSTOP_SECTION__KEY` variables, from the real environment and then from `.env`;
//! 2. the file;
//! 3. the variables of the services that Backstop replaces, see [`legacy_env`];
//! 4. in development, the built-in application, pretend providers and surfaces;
//! 5. the defaults in the structs.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use backstop_domain::{
    application::CodePolicy, channel::Channel, emergency::Emergency, limit::Limits, purpose::Purpose,
    rule::Rule, sign_in::SignInPolicy,
};

use build::{Builder, LegacySignIn, OwnVariables};
use entries::Entry;
use legacy_env::Legacy;
use read::Section;
use tree::Node;

pub mod application;
pub mod audit;
mod build;
pub mod channels;
mod codes;
pub mod compat;
pub mod countries;
mod dlt;
mod emergency;
mod entries;
mod environment;
mod error;
mod legacy_env;
mod limits;
pub mod notices;
mod price;
mod profile;
pub mod provider;
pub mod purposes;
mod read;
pub mod root_key;
pub mod routing;
pub(crate) mod rules;
mod secret_file;
pub mod server;
mod sign_in;
mod span;
pub mod store;
#[cfg(test)]
mod tests;
mod tree;
pub mod webhook;

pub use application::ApplicationConfig;
pub use error::{ConfigError, Place};
pub use profile::Profile;
pub use provider::ProviderSettings;

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "backstop.toml";
/// The sections that are arrays of named entries.
const ARRAYS: [&str; 3] = ["application", "provider", "webhook"];

/// What configuration is read from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file that was named; `None`: `backstop.toml` where it exists.
    pub file: Option<PathBuf>,
    /// Where relative paths begin, and `.env` lies.
    pub working_directory: PathBuf,
    /// The environment variables.
    pub environment: BTreeMap<String, String>,
    /// Whether to read the files that hold secrets. Without, a configuration can be checked where they are not.
    pub read_secrets: bool,
}

impl Source {
    /// The process's own working directory and environment.
    ///
    /// # Errors
    /// If there is no working directory any more.
    pub fn of_process(file: Option<PathBuf>, read_secrets: bool) -> std::io::Result<Self> {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Ok(Self {
            file,
            working_directory: std::env::current_dir()?,
            environment: std::env::vars_os().filter_map(text).collect(),
            read_secrets,
        })
    }
}

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What works, and should be looked at all the same.
    pub warnings: Vec<String>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// Every setting, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which rules hold.
    pub profile: Profile,
    /// The listener.
    pub server: server::Server,
    /// The database and its key.
    pub store: store::Store,
    /// How codes are made, unless an application says otherwise.
    pub codes: CodePolicy,
    /// Limits, unless an application says otherwise.
    pub limits: Limits,
    /// Where codes may go.
    pub countries: countries::Countries,
    /// The ladder.
    pub channels: channels::Channels,
    /// By what providers are ordered.
    pub routing: routing::Routing,
    /// How the audit log is kept.
    pub audit: audit::Audit,
    /// The weakest channel that may carry each purpose.
    pub floors: BTreeMap<Purpose, Channel>,
    /// The floor of purposes that are not named.
    pub default_floor: Channel,
    /// Clients, in the configured order.
    pub applications: Vec<ApplicationConfig>,
    /// Vendor accounts, in the configured order: the order in which they are tried.
    pub providers: Vec<ProviderSettings>,
    /// Which providers may be used for what; the first that says something wins.
    pub rules: Vec<Rule>,
    /// How long what people hold is good for.
    pub sign_in: SignInPolicy,
    /// The key that opens when nothing else does.
    pub emergency: Option<Emergency>,
    /// Who is told of security events.
    pub notices: notices::Notices,
    /// Receivers of events.
    pub webhooks: Vec<webhook::WebhookConfig>,
    /// Drop-in surfaces that are on.
    pub compat: compat::Compat,
}

/// Reads, merges and checks the configuration.
///
/// # Errors
/// The first thing that is wrong: what, where and what to write instead.
pub fn load(source: &Source) -> Result<Loaded, ConfigError> {
    let dotenv = fs::read_to_string(source.working_directory.join(".env")).ok();
    let environment = environment::with_dotenv(&source.environment, dotenv.as_deref());
    let settings = environment::settings(&environment);
    let file = find_file(source)?;
    let mut warnings = Vec::new();

    let mut root = match &file {
        Some(path) => read_file(path)?,
        None => Node::empty(Place::Environment),
    };
    let mut applications = entries::take(&mut root, "application")?;
    let mut providers = entries::take(&mut root, "provider")?;
    let mut webhooks = entries::take(&mut root, "webhook")?;
    let rules = rules::take(&mut root)?;
    environment::overlay(&mut root, &settings, &ARRAYS);
    entries::known_sections(&root)?;
    let profile = match Section::new("profile", &root).child("profile") {
        Some(section) => Section::new("profile", section.node).read()?,
        None if file.is_some() => Profile::Production,
        None => Profile::Development,
    };
    if profile == Profile::Development {
        add_development(&mut root, &mut applications, &mut providers)?;
    }
    environment::overlay_entries(&mut applications, "application", &settings, file.is_none())?;
    environment::overlay_entries(&mut webhooks, "webhook", &settings, file.is_none())?;

    let legacy_counts = file.is_some() || profile == Profile::Production;
    let legacy = if legacy_counts {
        let configured = kinds(&providers);
        legacy_env::read(&environment, &configured, None)
    } else {
        let unused = legacy_env::vendor_variables(&environment);
        if !unused.is_empty() {
            warnings.push(format!(
                "the environment holds {}, not used: without a config file nothing leaves this machine. \
                 A backstop.toml or BACKSTOP_PROFILE=production uses them",
                unused.join(", ")
            ));
        }
        legacy_env::read(&BTreeMap::new(), &[], None)
    };
    warnings.extend(legacy.warnings);
    providers.extend(legacy.providers);
    let (mut master_key, mut sms_backup) = (legacy.master_key, legacy.sms_backup);
    let own_variables = env_files(&applications, source, |found| {
        providers.extend(found.providers);
        warnings.extend(found.warnings);
        master_key = master_key.take().or(found.master_key);
        sms_backup = sms_backup.or(found.sms_backup);
    })?;
    environment::overlay_entries(&mut providers, "provider", &settings, file.is_none())?;

    let builder = Builder {
        root: &root,
        rules: &rules,
        webhooks: &webhooks,
        profile,
        source,
        warnings,
        legacy: LegacySignIn { master_key: master_key.as_ref(), sms_backup },
    };
    let config = builder.build(&applications, &providers, &legacy.codes, &legacy.limits, &own_variables)?;
    Ok(Loaded { config: config.0, warnings: config.1, file })
}

/// The file to read, if there is one.
fn find_file(source: &Source) -> Result<Option<PathBuf>, ConfigError> {
    let Some(named) = &source.file else {
        let usual = source.working_directory.join(DEFAULT_FILE);
        return Ok(usual.exists().then_some(usual));
    };
    let path = source.working_directory.join(named);
    if path.is_file() {
        return Ok(Some(path));
    }
    Err(ConfigError::new(
        "the configuration file cannot be read",
        Place::File { name: named.display().to_string().into(), line: 0 },
        "there is no such file",
        "name another with --config, or make one with `backstop init`",
    ))
}

fn read_file(path: &Path) -> Result<Node, ConfigError> {
    let name: Arc<str> = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into();
    let place = Place::File { name, line: 0 };
    let text = fs::read_to_string(path).map_err(|error| {
        let fix = "let this user read it, or name another with --config";
        ConfigError::new(
            "the configuration file cannot be read",
            place.clone(),
            error.kind().to_string(),
            fix,
        )
    })?;
    Node::parse(&text, &place)
}

/// Fills what development needs and nobody configured.
fn add_development(
    root: &mut Node,
    applications: &mut Vec<Entry>,
    providers: &mut Vec<Entry>,
) -> Result<(), ConfigError> {
    let mut built_in = Node::parse(profile::DEVELOPMENT, &Place::BuiltIn)?;
    if providers.is_empty() {
        *providers = entries::take(&mut built_in, "provider")?;
    }
    if applications.is_empty() {
        *applications = entries::take(&mut built_in, "application")?;
        if let Some(compat) = built_in.table_mut().remove("compat") {
            root.table_mut().entry("compat".into()).or_insert(compat);
        }
    }
    Ok(())
}

fn kinds(providers: &[Entry]) -> Vec<&str> {
    providers.iter().filter_map(|entry| entry.node.at("kind")?.as_text()).collect()
}

/// Reads the applications' own variables, and hands over what is not the application's alone to say.
fn env_files(
    applications: &[Entry],
    source: &Source,
    mut take: impl FnMut(Legacy),
) -> Result<OwnVariables, ConfigError> {
    let mut own = OwnVariables::new();
    for entry in applications {
        let Some(named) = entry.node.at("env_file").filter(|_| source.read_secrets) else { continue };
        let name = named.as_text().unwrap_or_default();
        let text = fs::read_to_string(source.working_directory.join(name)).map_err(|error| {
            ConfigError::new(
                format!("application.{}.env_file cannot be read", entry.name),
                named.place.clone(),
                error.kind().to_string(),
                "name the .env file of the service, or remove env_file",
            )
        })?;
        let variables = environment::parse_dotenv(&text);
        let mut legacy = legacy_env::read(&variables, &[], Some((&entry.name, name)));
        for warning in &mut legacy.warnings {
            warning.insert_str(0, &format!("{name}: "));
        }
        own.insert(entry.name.clone(), (legacy.codes.clone(), legacy.limits.clone()));
        take(legacy);
    }
    Ok(own)
}
