//! Where database, vendors and engine come together: from a configuration to a service that is ready to run.

mod backing;
mod notices;
mod postgres;
mod sqlite;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use backstop_domain::{
    application::{Application, Authority},
    id::NodeId,
    keyring::RootKey,
    limit::Pace,
    ports::{Clock, Store, Witness, store::Applications},
    ranking::Ranking,
    rule::Rule,
};
use backstop_engine::{
    Credential, Engine, Parts, access::Grant, deliver::ProviderSettings as EngineProvider,
};
use backstop_providers::{
    DevInbox, HttpClient,
    registry::{self, Shared},
};

use crate::{
    config::{
        ApplicationConfig, Config, ConfigError, Profile, ProviderSettings, compat::Surface, store::Database,
    },
    keyring,
    runtime::{OsRandom, TokioTasks},
    witness::CheckpointFile,
};

pub(crate) use backing::Health;
use backing::{Backing, Opened};

/// An opened installation: the engine and what it stands on. While it lives it holds what the kind of
/// database lets one service hold.
pub(crate) struct Installation {
    /// The configuration that it was opened with.
    pub(crate) config: Config,
    /// The service.
    pub(crate) engine: Arc<Engine>,
    /// The store.
    pub(crate) store: Arc<dyn Store>,
    /// The tasks, to wait for at the end.
    pub(crate) tasks: TokioTasks,
    /// The clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// Chance.
    pub(crate) random: Arc<OsRandom>,
    /// The development inbox.
    pub(crate) inbox: Option<Arc<DevInbox>>,
    /// What opens the keyring.
    pub(crate) root: RootKey,
    /// Whether the store was made just now.
    pub(crate) is_new: bool,
    /// What the kind of database does beside the port. The last field: it gives the database up.
    pub(crate) backing: Box<dyn Backing>,
}

impl std::fmt::Debug for Installation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installation").field("store", &self.config.store.database).finish_non_exhaustive()
    }
}

/// Opens the store, its keyring and the providers. Sends nothing and listens nowhere.
///
/// # Errors
/// If another process has the store, the root key is missing or another one, or a provider cannot be made.
pub(crate) async fn open(config: Config) -> anyhow::Result<Installation> {
    let (random, tasks) = (Arc::new(OsRandom), TokioTasks::default());
    let Opened { store, clock, root, is_new, backing } = match &config.store.database {
        Database::Sqlite { path, .. } => sqlite::open(path, &config.store, random.as_ref()).await?,
        Database::Postgres(settings) => postgres::open(settings, &config.store).await?,
    };
    let now = clock.now();
    let ring = keyring::open(store.as_ref(), &root, random.as_ref(), now).await?;

    let inbox = (config.profile == Profile::Development).then(|| Arc::new(DevInbox::new()));
    let shared = Shared {
        client: HttpClient::new()?,
        clock: clock.clone(),
        random: random.clone(),
        tasks: Arc::new(tasks.clone()),
        inbox: inbox.clone(),
    };
    let providers = config
        .providers
        .iter()
        .filter(|settings| settings.enabled)
        .map(|settings| provider(settings, &shared))
        .collect::<Result<Vec<_>, _>>()?;
    let mut applications = Vec::new();
    for settings in &config.applications {
        let id = store.application(&settings.name, now).await?;
        applications.push(application(&config, settings, id));
    }
    let notices = notices::settings(&config, &applications, &shared.client)?;
    let engine = Engine::new(Parts {
        clock: clock.clone(),
        random: random.clone(),
        store: store.clone(),
        tasks: Arc::new(tasks.clone()),
        witness: config
            .audit
            .checkpoint_file
            .clone()
            .map(|file| Arc::new(CheckpointFile::new(file)) as Arc<dyn Witness>),
        keyring: ring,
        root: root.clone(),
        applications,
        providers,
        hedge_after: config.channels.hedge_after,
        rules: rules(&config),
        escalate_after: config.channels.escalate_after.clone(),
        lost_person: Some(config.routing.lost_person),
        notices,
        public_url: config.server.public_url.clone(),
        emergency: config.emergency.clone(),
        retention: config.store.retention,
        node: NodeId::new(now, random.as_ref()),
    });
    admit(&engine, &config, store.as_ref()).await?;
    engine.meet().await?;
    engine.read_switches().await?;
    Ok(Installation { config, engine, store, tasks, clock, random, inbox, root, is_new, backing })
}

fn provider(settings: &ProviderSettings, shared: &Shared) -> Result<EngineProvider, ConfigError> {
    let spans = [
        (settings.rate_limits.per_minute, Duration::from_secs(60)),
        (settings.rate_limits.per_hour, Duration::from_secs(3_600)),
        (settings.rate_limits.per_day, Duration::from_secs(86_400)),
    ];
    Ok(EngineProvider {
        name: settings.config.name.clone(),
        kind: settings.config.kind.clone(),
        channels: settings.config.channels.clone(),
        provider: registry::build(&settings.config, shared)
            .map_err(|error| ConfigError::of_provider(settings, &error))?,
        breaker: settings.breaker,
        timeout: settings.config.timeout,
        pace: spans.into_iter().filter_map(|(max, span)| Some(Pace { max: max?, span })).collect(),
        price: settings.price.clone(),
        money: settings.money.clone(),
        texts_india: !settings.paid || settings.config.dlt.is_some(),
    })
}

fn application(
    config: &Config,
    settings: &ApplicationConfig,
    id: backstop_domain::application::ApplicationId,
) -> Application {
    Application {
        id,
        name: settings.name.clone(),
        brand: settings.brand.clone(),
        codes: settings.codes.clone(),
        limits: settings.limits.clone(),
        ladder: config.channels.order.clone(),
        floors: config.floors.clone(),
        default_floor: config.default_floor,
        default_region: config.countries.default_region,
        countries: config.countries.allow.clone(),
        origins: settings.origins.clone(),
        public_purposes: settings.public_purposes.clone(),
        public_channels: settings.public_channels.clone(),
        native_apps: settings.native_apps,
        providers: serving(config, settings),
        templates: settings.templates.clone(),
        sign_in: config.sign_in.clone(),
    }
}

/// The rules, and after them what holds where none says anything.
fn rules(config: &Config) -> Vec<Rule> {
    let usual = config.routing.ranking;
    let last = (usual != Ranking::default()).then(|| Rule { ranking: Some(usual), ..Rule::default() });
    config.rules.iter().cloned().chain(last).collect()
}

/// The providers of an application: those that it names, else all that no other application has for itself.
fn serving(config: &Config, settings: &ApplicationConfig) -> Option<Vec<String>> {
    if settings.providers.is_some() {
        return settings.providers.clone();
    }
    let open =
        |provider: &&ProviderSettings| provider.owner.as_ref().is_none_or(|owner| *owner == settings.name);
    Some(config.providers.iter().filter(open).map(|provider| provider.config.name.clone()).collect())
}

/// Lets in the keys of the configuration and those that were made by command.
async fn admit(engine: &Engine, config: &Config, store: &dyn Applications) -> anyhow::Result<()> {
    let mut by_id = BTreeMap::new();
    for settings in &config.applications {
        let Some(application) = engine.application(&settings.name) else { continue };
        let grant = |authority| Grant { application: application.clone(), authority, key: None };
        if let Some(key) = &settings.secret_key {
            engine.access().admit(Credential::of(key.expose()), grant(Authority::Secret));
        }
        if let Some(key) = &settings.publishable_key {
            engine.access().admit(Credential::of(key), grant(Authority::Public));
        }
        by_id.insert(application.id, application);
    }
    for key in store.keys().await? {
        if let (Some(application), None) = (by_id.get(&key.application), key.revoked_at) {
            let grant =
                Grant { application: application.clone(), authority: key.authority, key: Some(key.id) };
            engine.access().admit(Credential(key.hash), grant);
        }
    }
    Ok(())
}

impl Installation {
    /// The application that a drop-in surface fronts, if it is on.
    pub(crate) fn surface(&self, surface: Surface) -> Option<String> {
        self.config.compat.applications.get(&surface).cloned()
    }
}

/// Where commands reach the one service that runs on a store, if it is of the kind that has one.
pub(crate) fn socket_of(config: &Config) -> Option<PathBuf> {
    match &config.store.database {
        Database::Sqlite { path, .. } => Some(sqlite::socket_beside(path)),
        Database::Postgres(_) => None,
    }
}
