//! `[[provider]]`: a vendor account, its breaker, its limits and its prices.
//!
//! The keys that every provider has are read here; the others belong to its kind, which says in the registry what it
//! needs. Half a provider is an error, not a provider that fails when it is needed.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use backstop_domain::{
    breaker::BreakerSettings,
    channel::Channel,
    price::{Price, PriceList},
};
use backstop_engine::deliver::Money;
use backstop_providers::registry::{Dlt, ProviderConfig};
use serde::Deserialize;

use super::{
    application::Surroundings,
    channels, dlt,
    error::{ConfigError, Place},
    price,
    read::Section,
    span::Span,
    tree::{Node, Value},
};

mod settings;

/// The keys that every provider has, whatever its kind.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProviderSection {
    name: String,
    kind: String,
    channels: Option<Vec<Channel>>,
    enabled: bool,
    timeout: Span,
    per_minute: Option<u32>,
    per_hour: Option<u32>,
    per_day: Option<u32>,
    #[serde(deserialize_with = "price::read")]
    price: PriceList,
    #[serde(deserialize_with = "price::read_one")]
    monthly_spend_limit: Option<Price>,
    free_per_month: u32,
    credit_floor: Option<f64>,
    #[serde(deserialize_with = "dlt::read")]
    dlt: Option<Dlt>,
    breaker: BreakerSection,
}

impl Default for ProviderSection {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: String::new(),
            channels: None,
            enabled: true,
            timeout: Span::seconds(10),
            per_minute: None,
            per_hour: None,
            per_day: None,
            price: PriceList::default(),
            monthly_spend_limit: None,
            free_per_month: 0,
            credit_floor: None,
            dlt: None,
            breaker: BreakerSection::default(),
        }
    }
}

/// When the provider's breaker opens and closes.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BreakerSection {
    failures: usize,
    open_for: Span,
    successes: u32,
}

impl Default for BreakerSection {
    fn default() -> Self {
        let usual = BreakerSettings::default();
        Self { failures: usual.failures, open_for: Span(usual.open_for), successes: usual.successes }
    }
}

/// The most messages in a span; `None`: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// In any minute.
    pub per_minute: Option<u32>,
    /// In any hour.
    pub per_hour: Option<u32>,
    /// In any day.
    pub per_day: Option<u32>,
}

/// A vendor account, as configured.
#[derive(Clone)]
pub struct ProviderSettings {
    /// What the registry builds it from. Holds credentials.
    pub config: ProviderConfig,
    /// When its breaker opens and closes.
    pub breaker: BreakerSettings,
    /// Our own limits on it.
    pub rate_limits: RateLimits,
    /// What its messages cost, where the vendor does not say.
    pub price: PriceList,
    /// What is watched of its money.
    pub money: Money,
    /// Whether it is to be used.
    pub enabled: bool,
    /// Whether its messages cost money.
    pub paid: bool,
    /// The application whose `env_file` brought it, and which alone may use it.
    pub owner: Option<String>,
    /// Where it was configured.
    pub place: Place,
    /// Where each of its keys was.
    pub places: BTreeMap<String, Place>,
    /// The files that its secrets were read from.
    pub secret_files: Vec<PathBuf>,
}

impl fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("name", &self.config.name)
            .field("kind", &self.config.kind)
            .field("channels", &self.config.channels)
            .field("timeout", &self.config.timeout)
            .field("settings", &self.config.settings.keys().collect::<Vec<_>>())
            .field("breaker", &self.breaker)
            .field("rate_limits", &self.rate_limits)
            .field("price", &self.price)
            .field("enabled", &self.enabled)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// The keys of [`ProviderSection`].
pub(crate) const COMMON_KEYS: [&str; 14] = [
    "name",
    "kind",
    "channels",
    "enabled",
    "timeout",
    "per_minute",
    "per_hour",
    "per_day",
    "price",
    "monthly_spend_limit",
    "free_per_month",
    "credit_floor",
    "dlt",
    "breaker",
];

/// Reads one entry.
pub(crate) fn resolve(
    section: &Section<'_>,
    owner: Option<&str>,
    around: &Surroundings<'_>,
) -> Result<ProviderSettings, ConfigError> {
    let (common, own) = split(section.node);
    let said: ProviderSection = Section::new(section.name.clone(), &common).read()?;
    let info = settings::kind(section, &said.kind, around.profile)?;
    let channels = said.channels.clone().unwrap_or_else(|| match info.channels {
        [only] => vec![*only],
        _ => Vec::new(),
    });
    let serves = info.channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join("\", \"");
    if channels.is_empty() {
        let fix = format!("channels = [\"{serves}\"], or some of these");
        return Err(section.wrong("channels", "is missing or empty", fix));
    }
    if let Some(other) = channels.iter().find(|channel| !info.channels.contains(channel)) {
        let finding = format!("names {other}, which the kind {} does not serve", info.kind);
        return Err(section.wrong("channels", finding, format!("channels = [\"{serves}\"]")));
    }
    channels::distinct(section, "channels", &channels)?;
    let second = Span::seconds(1);
    section.within("timeout", &said.timeout, &(second..=Span::seconds(60)), "timeout = \"10s\"")?;
    section.within("breaker.failures", &said.breaker.failures, &(1..=100), "breaker = { failures = 5 }")?;
    let hour = Span(Duration::from_secs(3600));
    section.within(
        "breaker.open_for",
        &said.breaker.open_for,
        &(second..=hour),
        "breaker = { open_for = \"60s\" }",
    )?;
    section.within("breaker.successes", &said.breaker.successes, &(1..=10), "breaker = { successes = 2 }")?;
    let money = money(section, &said)?;
    let (settings, secret_files) = settings::settings(section, own, info, around)?;
    let places = section.node.table().into_iter().flatten();
    Ok(ProviderSettings {
        config: ProviderConfig {
            name: said.name,
            kind: said.kind,
            channels,
            timeout: said.timeout.0,
            dlt: said.dlt,
            settings,
        },
        breaker: BreakerSettings {
            failures: said.breaker.failures,
            open_for: said.breaker.open_for.0,
            successes: said.breaker.successes,
        },
        rate_limits: RateLimits {
            per_minute: said.per_minute,
            per_hour: said.per_hour,
            per_day: said.per_day,
        },
        money,
        price: said.price,
        enabled: said.enabled,
        paid: info.paid,
        owner: owner.map(str::to_owned),
        place: section.node.place.clone(),
        places: places.map(|(key, node)| (key.clone(), node.place.clone())).collect(),
        secret_files,
    })
}

/// What is watched of a provider's money. A month's limit needs prices to count by.
fn money(section: &Section<'_>, said: &ProviderSection) -> Result<Money, ConfigError> {
    let prices = || said.price.everywhere.iter().chain(said.price.by_region.values());
    if let Some(limit) = said.monthly_spend_limit {
        let fix = "price = \"0.0079 USD\", or by region: price = { US = \"0.0079 USD\", IN = \"0.083 USD\" }";
        if prices().next().is_none() {
            return Err(section.wrong("price", "is missing: monthly_spend_limit counts by it", fix));
        }
        if prices().any(|price| !price.same_currency(limit)) {
            let finding = "is in another currency than monthly_spend_limit";
            return Err(section.wrong("price", finding, "write both in the currency of the vendor's bill"));
        }
    }
    let first = prices().next();
    if said.free_per_month > 0
        && first.is_some_and(|first| prices().any(|price| !price.same_currency(*first)))
    {
        let finding = "is in several currencies, and free_per_month counts in one";
        return Err(section.wrong("price", finding, "write all prices in the currency of the vendor's bill"));
    }
    if said.credit_floor.is_some_and(|floor| !floor.is_finite() || floor.abs() > 1e9) {
        return Err(section.wrong("credit_floor", "is no amount", "credit_floor = 20.0"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
    let credit_floor = said.credit_floor.map(|floor| (floor * 1e6).round() as i64);
    Ok(Money {
        monthly_spend_limit: said.monthly_spend_limit,
        free_per_month: said.free_per_month,
        credit_floor,
    })
}

/// Parts the keys that every provider has from those of its kind.
fn split(node: &Node) -> (Node, BTreeMap<String, Node>) {
    let all = node.table().cloned().unwrap_or_default();
    let (common, own) = all.into_iter().partition(|(key, _)| COMMON_KEYS.contains(&key.as_str()));
    (Node { value: Value::Table(common), place: node.place.clone() }, own)
}
