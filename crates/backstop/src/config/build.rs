//! From the merged tree to a [`Config`]: each section on its own, then what holds between them.

use std::collections::BTreeMap;

use backstop_domain::{
    application::CodePolicy, channel::Channel, limit::Limits, recipient::Region, secret::SecretString,
};

use super::{
    ApplicationConfig, Config, Profile, ProviderSettings, Source, application, audit, channels, codes,
    compat, countries, emergency, entries::Entry, error::ConfigError, limits, notices, provider, purposes,
    read::Section, routing, rules, server, sign_in, store, tree::Node, webhook,
};

/// Joins the sections into a [`Config`].
pub(super) struct Builder<'a> {
    pub(super) root: &'a Node,
    pub(super) rules: &'a [Node],
    pub(super) webhooks: &'a [Entry],
    pub(super) profile: Profile,
    pub(super) source: &'a Source,
    pub(super) warnings: Vec<String>,
    pub(super) legacy: LegacySignIn<'a>,
}

/// What the variables of the services say of signing in.
pub(super) struct LegacySignIn<'a> {
    pub(super) master_key: Option<&'a SecretString>,
    pub(super) sms_backup: Option<bool>,
}

/// Codes and limits out of an application's `env_file`.
pub(super) type OwnVariables = BTreeMap<String, (Node, Node)>;

impl Builder<'_> {
    /// Checks everything; gives the settings and what should be looked at.
    pub(super) fn build(
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
        let store =
            store::resolve(&section("store"), &self.source.working_directory, self.source.read_secrets)?;
        let usual = codes::resolve(Some(&Section::new("codes", legacy_codes)), &CodePolicy::default())?;
        let codes = codes::resolve(Some(&section("codes")), &usual)?;
        let usual =
            limits::resolve(Some(&Section::new("limits", legacy_limits)), &Limits::default(), self.profile)?;
        let limits = limits::resolve(Some(&section("limits")), &usual, self.profile)?;
        let countries = countries::resolve(Some(&section("countries")))?;
        let channels = channels::resolve(&section("channels"))?;
        let routing = routing::resolve(&section("routing"))?;
        let audit = audit::resolve(&section("audit"), &self.source.working_directory)?;
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
        let mut webhooks = Vec::new();
        for entry in self.webhooks {
            let section = Section::new(format!("webhook.{}", entry.name), &entry.node);
            webhooks.push(webhook::resolve(&section, &applications, &around)?);
        }
        let notices = notices::resolve(&section("notices"), &webhooks, &mut self.warnings)?;
        let rules = rules::resolve(self.rules, &applications, &vendors)?;
        let compat = compat::resolve(Some(&section("compat")), &names)?;
        let config = Config {
            profile: self.profile,
            server,
            store,
            codes,
            limits,
            countries,
            channels,
            routing,
            audit,
            floors,
            default_floor: purposes::DEFAULT_FLOOR,
            applications,
            providers: vendors,
            rules,
            sign_in: sign_in::resolve(&section("sign_in"), self.legacy.sms_backup)?,
            emergency: emergency::resolve(
                &section("emergency"),
                (self.profile, &self.source.working_directory, self.source.read_secrets),
                self.legacy.master_key,
            )?,
            notices,
            webhooks,
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
        let india = |region: &Region| region.as_str() == "IN";
        if config.countries.allow.as_ref().is_some_and(|allowed| allowed.iter().any(india)) {
            for provider in active().filter(|provider| provider.paid && provider.config.dlt.is_none()) {
                if provider.config.channels.contains(&Channel::Sms) {
                    self.warnings.push(format!(
                        "provider \"{}\" sends no text to India: operators drop what is not registered; set dlt",
                        provider.config.name
                    ));
                }
            }
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
