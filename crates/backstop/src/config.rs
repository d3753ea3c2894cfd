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

use backstop_domain::{application::CodePolicy, channel::Channel, limit::Limits, purpose::Purpose};

use environment::Entry;
use read::Section;
use tree::{Node, Value};

pub mod application;
pub mod channels;
mod codes;
pub mod compat;
pub mod countries;
mod environment;
mod error;
mod legacy_env;
mod limits;
pub mod price;
mod profile;
pub mod provider;
pub mod purposes;
mod read;
pub mod root_key;
mod secret_file;
pub mod server;
mod span;
pub mod store;
#[cfg(test)]
mod tests;
mod tree;

pub use application::ApplicationConfig;
pub use error::{ConfigError, Place};
pub use profile::Profile;
pub use provider::ProviderSettings;

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "backstop.toml";
/// The sections that a file can have.
const SECTIONS: [&str; 11] = [
    "profile",
    "server",
    "store",
    "codes",
    "limits",
    "countries",
    "channels",
    "purposes",
    "application",
    "provider",
    "compat",
];
/// Those of them that are arrays of named entries.
const ARRAYS: [&str; 2] = ["application", "provider"];

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
    /// The weakest channel that may carry each purpose.
    pub floors: BTreeMap<Purpose, Channel>,
    /// The floor of purposes that are not named.
    pub default_floor: Channel,
    /// Clients, in the configured order.
    pub applications: Vec<ApplicationConfig>,
    /// Vendor accounts, in the configured order: the order in which they are tried.
    pub providers: Vec<ProviderSettings>,
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
    let mut applications = entries(&mut root, "application")?;
    let mut providers = entries(&mut root, "provider")?;
    environment::overlay(&mut root, &settings, &ARRAYS);
    known_sections(&root)?;
    let profile = match Section::new("profile", &root).child("profile") {
        Some(section) => Section::new("profile", section.node).read()?,
        None if file.is_some() => Profile::Production,
        None => Profile::Development,
    };
    if profile == Profile::Development {
        add_development(&mut root, &mut applications, &mut providers)?;
    }
    environment::overlay_entries(&mut applications, "application", &settings, file.is_none())?;

    let legacy_counts = file.is_some() || profile == Profile::Production;
    let legacy = if legacy_counts {
        let configured = kinds(&providers);
        legacy_env::read(&environment, &configured, None)
    } else {
        let unused = legacy_env::vendor_variables(&environment);
        if !unused.is_empty() {
            warnings.push(format!(
                "{} set and not used: without a config file nothing leaves this machine. \
                 A backstop.toml or BACKSTOP_PROFILE=production uses them",
                unused.join(", ")
            ));
        }
        legacy_env::read(&BTreeMap::new(), &[], None)
    };
    warnings.extend(legacy.warnings);
    providers.extend(legacy.providers);
    let own_variables = env_files(&applications, source, &mut providers, &mut warnings)?;
    environment::overlay_entries(&mut providers, "provider", &settings, file.is_none())?;

    let builder = Builder { root: &root, profile, source, warnings };
    let config = builder.build(&applications, &providers, &legacy.codes, &legacy.limits, &own_variables)?;
    Ok(Loaded { config: config.0, warnings: config.1, file })
}

/// Joins the sections into a [`Config`].
struct Builder<'a> {
    root: &'a Node,
    profile: Profile,
    source: &'a Source,
    warnings: Vec<String>,
}

/// Codes and limits out of an application's `env_file`.
type OwnVariables = BTreeMap<String, (Node, Node)>;

impl Builder<'_> {
    fn build(
        mut self,
        applications: &[Entry],
        providers: &[Entry],
        legacy_codes: &Node,
        legacy_limits: &Node,
        own: &OwnVariables,
    ) -> Result<(Config, Vec<String>), ConfigError> {
        let empty = Node::empty(self.root.place.clone());
        let section = |name: &str| Section::new(name, self.root.at(name).unwrap_or(&empty));
        let server = server::resolve(&section("server"), self.profile, &mut self.warnings)?;
        let store = store::resolve(&section("store"), &self.source.working_directory)?;
        let usual = codes::resolve(Some(&Section::new("codes", legacy_codes)), &CodePolicy::default())?;
        let codes = codes::resolve(Some(&section("codes")), &usual)?;
        let usual =
            limits::resolve(Some(&Section::new("limits", legacy_limits)), &Limits::default(), self.profile)?;
        let limits = limits::resolve(Some(&section("limits")), &usual, self.profile)?;
        let countries = countries::resolve(Some(&section("countries")))?;
        let channels = channels::resolve(&section("channels"))?;
        let floors = purposes::resolve(Some(&section("purposes")), &channels.order, &mut self.warnings)?;

        let around = application::Surroundings {
            profile: self.profile,
            codes: &codes,
            limits: &limits,
            working_directory: &self.source.working_directory,
            read_secrets: self.source.read_secrets,
        };
        let mut clients = Vec::new();
        for entry in applications {
            let section = Section::new(format!("application.{}", entry.name), &entry.node);
            let (own_codes, own_limits) = match own.get(&entry.name) {
                Some((own_codes, own_limits)) => (
                    codes::resolve(
                        Some(&Section::new(format!("{}.codes", section.name), own_codes)),
                        &codes,
                    )?,
                    limits::resolve(
                        Some(&Section::new(format!("{}.limits", section.name), own_limits)),
                        &limits,
                        self.profile,
                    )?,
                ),
                None => (codes.clone(), limits.clone()),
            };
            let around = application::Surroundings { codes: &own_codes, limits: &own_limits, ..around };
            clients.push((section.clone(), application::resolve(&section, &around)?));
        }
        application::cross_check(&clients, &mut self.warnings)?;

        let mut vendors = Vec::new();
        for entry in providers {
            let section = Section::new(format!("provider.{}", entry.name), &entry.node);
            vendors.push(provider::resolve(&section, entry.owner.as_deref(), &around)?);
        }
        share_out(&mut clients, &vendors)?;
        let applications: Vec<ApplicationConfig> = clients.into_iter().map(|(_, client)| client).collect();
        if applications.is_empty() {
            return Err(ConfigError::new(
                "no application is configured",
                self.root.place.clone(),
                "nobody could start a verification",
                "add [[application]] with name = \"shop\" and secret_key_file = \"/run/secrets/shop\"",
            ));
        }
        let names: Vec<&str> = applications.iter().map(|application| application.name.as_str()).collect();
        let compat = compat::resolve(Some(&section("compat")), &names)?;
        let config = Config {
            profile: self.profile,
            server,
            store,
            codes,
            limits,
            countries,
            channels,
            floors,
            default_floor: purposes::DEFAULT_FLOOR,
            applications,
            providers: vendors,
            compat,
        };
        self.judge(&config)?;
        Ok((config, self.warnings))
    }

    /// What is right in every section and wrong, or odd, in all of them together.
    fn judge(&mut self, config: &Config) -> Result<(), ConfigError> {
        let active = || config.providers.iter().filter(|provider| provider.enabled);
        if config.countries.allow.is_none()
            && let Some(paid) =
                active().find(|provider| provider.paid && provider.config.channels != [Channel::Email])
        {
            return Err(ConfigError::new(
                "countries.allow is missing",
                paid.place.clone(),
                format!("provider \"{}\" costs money, and would send to every country", paid.config.name),
                "[countries] allow = [\"IN\", \"US\"], with the countries you serve",
            ));
        }
        if active().next().is_none() {
            self.warnings.push("no provider is configured: no code can be sent".into());
        } else if config.channels.order != channels::ChannelsSection::default().order {
            // The usual ladder names channels for everybody; somebody's own ladder means what it names.
            let served =
                |channel: &Channel| active().any(|provider| provider.config.channels.contains(channel));
            for channel in config.channels.order.iter().filter(|channel| !served(channel)) {
                self.warnings.push(format!("channels.order names {channel}, and no provider serves it"));
            }
        }
        Ok(())
    }
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

/// Takes an array of named entries out of the tree.
fn entries(root: &mut Node, array: &str) -> Result<Vec<Entry>, ConfigError> {
    let Some(node) = root.table_mut().remove(array) else { return Ok(Vec::new()) };
    let shape = |place: &Place| {
        ConfigError::new(
            format!("{array} cannot be read"),
            place.clone(),
            format!("{array} must be a list of tables"),
            format!("write [[{array}]], with two brackets, above each"),
        )
    };
    let Value::List(items) = node.value else { return Err(shape(&node.place)) };
    let mut entries: Vec<Entry> = Vec::new();
    for node in items {
        let Some(table) = node.table() else { return Err(shape(&node.place)) };
        let named = table.get("name");
        let name = named.and_then(Node::as_text).unwrap_or_default().to_owned();
        let place = named.unwrap_or(&node).place.clone();
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 40 || !name.chars().all(letters) {
            let finding = "name must be 1 to 40 characters from a-z, 0-9, - and _";
            let example = if array == "provider" { "twilio-main" } else { "shop" };
            let problem = if name.is_empty() {
                format!("{array} has no name")
            } else {
                format!("{array}.name cannot be used")
            };
            return Err(ConfigError::new(problem, place, finding, format!("name = \"{example}\"")));
        }
        let key = environment::variable_name(&name);
        if entries.iter().any(|other| environment::variable_name(&other.name) == key) {
            let finding = "another has the same name, or one that differs only in - and _";
            return Err(ConfigError::new(
                format!("{array} \"{name}\" is there twice"),
                place,
                finding,
                "give one of them another name",
            ));
        }
        entries.push(Entry { name, node, owner: None });
    }
    Ok(entries)
}

/// Refuses sections that do not exist.
fn known_sections(root: &Node) -> Result<(), ConfigError> {
    for (name, node) in root.table().into_iter().flatten() {
        if !SECTIONS.contains(&name.as_str()) {
            let fix = match read::nearest(name, &SECTIONS) {
                Some(near) => format!("write {near}, or remove {name}"),
                None => format!("remove it; there are {}", SECTIONS.join(", ")),
            };
            return Err(ConfigError::new(
                format!("unknown key {name}"),
                node.place.clone(),
                format!("{name} is not a setting"),
                fix,
            ));
        }
        if name != "profile" && node.table().is_none() {
            return Err(ConfigError::new(
                format!("{name} cannot be read"),
                node.place.clone(),
                format!("{name} must be a table"),
                format!("write [{name}] on a line of its own, and its keys below"),
            ));
        }
    }
    Ok(())
}

/// Fills what development needs and nobody configured.
fn add_development(
    root: &mut Node,
    applications: &mut Vec<Entry>,
    providers: &mut Vec<Entry>,
) -> Result<(), ConfigError> {
    let mut built_in = Node::parse(profile::DEVELOPMENT, &Place::BuiltIn)?;
    if providers.is_empty() {
        *providers = entries(&mut built_in, "provider")?;
    }
    if applications.is_empty() {
        *applications = entries(&mut built_in, "application")?;
        if let Some(compat) = built_in.table_mut().remove("compat") {
            root.table_mut().entry("compat".into()).or_insert(compat);
        }
    }
    Ok(())
}

fn kinds(providers: &[Entry]) -> Vec<&str> {
    providers.iter().filter_map(|entry| entry.node.at("kind")?.as_text()).collect()
}

/// Reads the applications' own variables; their providers join `providers`, each for its application alone.
fn env_files(
    applications: &[Entry],
    source: &Source,
    providers: &mut Vec<Entry>,
    warnings: &mut Vec<String>,
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
        let legacy = legacy_env::read(&variables, &[], Some((&entry.name, name)));
        warnings.extend(legacy.warnings.into_iter().map(|warning| format!("{name}: {warning}")));
        providers.extend(legacy.providers);
        own.insert(entry.name.clone(), (legacy.codes, legacy.limits));
    }
    Ok(own)
}

/// Checks the applications' providers, and keeps those that came with one application's variables from the others.
fn share_out(
    clients: &mut [(Section<'_>, ApplicationConfig)],
    vendors: &[ProviderSettings],
) -> Result<(), ConfigError> {
    let owned = vendors.iter().any(|vendor| vendor.owner.is_some());
    for (section, client) in clients {
        let theirs = |vendor: &&ProviderSettings| vendor.owner.as_deref() == Some(client.name.as_str());
        let usable =
            vendors.iter().filter(theirs).chain(vendors.iter().filter(|vendor| vendor.owner.is_none()));
        let usable: Vec<String> = usable.map(|vendor| vendor.config.name.clone()).collect();
        match &client.providers {
            Some(named) => {
                if let Some(missing) = named.iter().find(|name| !usable.contains(name)) {
                    let known = vendors.iter().any(|vendor| vendor.config.name == **missing);
                    let finding =
                        if known { "names another application's provider" } else { "names no [[provider]]" };
                    let fix = format!("name some of {}", usable.join(", "));
                    return Err(section.wrong("providers", finding, fix));
                }
                if named.is_empty() {
                    let fix = "name some, or remove providers: then all of them serve it";
                    return Err(section.wrong("providers", "is empty, so nothing could be sent", fix));
                }
            }
            None if owned => client.providers = Some(usable),
            None => {}
        }
    }
    Ok(())
}
