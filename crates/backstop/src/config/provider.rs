//! `[[provider]]`: a vendor account, its breaker, its limits and its prices.
//!
//! The keys that every provider has are read here; the others belong to its kind, which says in the registry what it
//! needs. Half a provider is an error, not a provider that fails when it is needed.

use std::{collections::BTreeMap, fmt, time::Duration};

use backstop_domain::{breaker::BreakerSettings, channel::Channel, recipient::Region};
use backstop_providers::registry::{self, Form, KindInfo, ProviderConfig};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value as Json};

use super::{
    application::Surroundings,
    channels,
    error::{ConfigError, Place},
    price::Price,
    profile::Profile,
    read::{Section, nearest},
    secret_file::{self, is_placeholder},
    span::Span,
    tree::{Node, Value},
};

/// What stands for a secret that was not to be read.
const NOT_READ: &str = "(not read)";

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
    price: Prices,
    monthly_spend_limit: Option<Price>,
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
            price: Prices::default(),
            monthly_spend_limit: None,
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

/// What a message costs: the same everywhere, or by numbering region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prices {
    /// Where no region says otherwise.
    pub everywhere: Option<Price>,
    /// By numbering region of the recipient.
    pub by_region: BTreeMap<Region, Price>,
}

impl<'de> Deserialize<'de> for Prices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = Prices;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a price such as \"0.0079 USD\", or { US = \"0.0079 USD\", IN = \"0.083 USD\" }")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Prices, E> {
                let price =
                    text.parse().map_err(|_| E::invalid_value(de::Unexpected::Other("text"), &self))?;
                Ok(Prices { everywhere: Some(price), by_region: BTreeMap::new() })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Prices, A::Error> {
                let mut prices = Prices::default();
                while let Some((region, price)) = map.next_entry::<String, Price>()? {
                    let region = Region::parse(&region).filter(|region| region.has_numbers());
                    let region = region
                        .ok_or_else(|| de::Error::custom("a price is by numbering region, such as US"))?;
                    prices.by_region.insert(region, price);
                }
                Ok(prices)
            }
        }
        deserializer.deserialize_map(Either)
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
    pub price: Prices,
    /// What it may cost in a calendar month.
    pub monthly_spend_limit: Option<Price>,
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
            .field("monthly_spend_limit", &self.monthly_spend_limit)
            .field("enabled", &self.enabled)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// The keys of [`ProviderSection`].
pub(crate) const COMMON_KEYS: [&str; 11] = [
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
    let info = kind(section, &said.kind, around.profile)?;
    let channels = said.channels.unwrap_or_else(|| match info.channels {
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
    one_currency(section, &said.price, said.monthly_spend_limit)?;
    let settings = settings(section, own, info, around)?;
    let places = section.node.table().into_iter().flatten();
    Ok(ProviderSettings {
        config: ProviderConfig {
            name: said.name,
            kind: said.kind,
            channels,
            timeout: said.timeout.0,
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
        price: said.price,
        monthly_spend_limit: said.monthly_spend_limit,
        enabled: said.enabled,
        paid: info.paid,
        owner: owner.map(str::to_owned),
        place: section.node.place.clone(),
        places: places.map(|(key, node)| (key.clone(), node.place.clone())).collect(),
    })
}

/// Parts the keys that every provider has from those of its kind.
fn split(node: &Node) -> (Node, BTreeMap<String, Node>) {
    let all = node.table().cloned().unwrap_or_default();
    let (common, own) = all.into_iter().partition(|(key, _)| COMMON_KEYS.contains(&key.as_str()));
    (Node { value: Value::Table(common), place: node.place.clone() }, own)
}

/// What the registry knows about a kind.
fn kind(section: &Section<'_>, kind: &str, profile: Profile) -> Result<&'static KindInfo, ConfigError> {
    let names: Vec<&str> = registry::kinds().iter().map(|info| info.kind).collect();
    if kind.is_empty() {
        return Err(section.wrong("kind", "is missing", format!("kind = one of {}", names.join(", "))));
    }
    let Some(info) = registry::kinds().iter().find(|info| info.kind == kind) else {
        let fix = match nearest(kind, &names) {
            Some(near) => format!("kind = \"{near}\"; `backstop providers kinds` lists all"),
            None => format!("kind = one of {}", names.join(", ")),
        };
        return Err(section.wrong("kind", "is not one that this program knows", fix));
    };
    if info.development_only && profile == Profile::Production {
        let finding = format!("{} shows codes instead of sending them: production refuses it", info.kind);
        return Err(section.wrong("kind", finding, "use a real provider, or profile = \"development\""));
    }
    Ok(info)
}

/// The settings of a kind, secrets read out of their files, checked against what the kind says it needs.
fn settings(
    section: &Section<'_>,
    own: BTreeMap<String, Node>,
    info: &KindInfo,
    around: &Surroundings<'_>,
) -> Result<Map<String, Json>, ConfigError> {
    let mut settings = Map::new();
    for (key, node) in own {
        let secret_of = key
            .strip_suffix("_file")
            .and_then(|base| info.keys.iter().find(|known| known.name == base && known.secret));
        let known = info.keys.iter().find(|known| known.name == key);
        match (known, secret_of) {
            (Some(known), _) => {
                if known.secret && settings.contains_key(&key) {
                    return Err(both(section, &key));
                }
                if around.profile == Profile::Production
                    && (known.secret || known.required)
                    && node.as_text().is_some_and(is_placeholder)
                {
                    let fix = format!("set {key} to what the vendor gave you, or remove the provider");
                    return Err(section.wrong(&key, "is a placeholder", fix));
                }
                settings.insert(key.clone(), json(&node, known.form));
            }
            (None, Some(secret)) => {
                let Some(path) = node.as_text() else {
                    return Err(section.wrong(
                        &key,
                        "must be the path of a file",
                        format!("{key} = \"/run/secrets/...\""),
                    ));
                };
                if settings.contains_key(secret.name) {
                    return Err(both(section, secret.name));
                }
                let text = if around.read_secrets {
                    let full = format!("{}.{key}", section.name);
                    let secret = secret_file::read(&around.working_directory.join(path), &full, &node.place)?;
                    secret.expose().to_owned()
                } else {
                    NOT_READ.to_owned()
                };
                settings.insert(secret.name.to_owned(), Json::String(text));
            }
            (None, None) => return Err(unknown(section, &key, info)),
        }
    }
    let missing = info.keys.iter().find(|known| known.required && !settings.contains_key(known.name));
    if let Some(missing) = missing {
        let key = if missing.secret { format!("{}_file", missing.name) } else { missing.name.to_owned() };
        let example = if missing.secret {
            format!("\"/run/secrets/{}\"", entry_name(section))
        } else {
            format!("... ({})", missing.what)
        };
        return Err(ConfigError::new(
            format!("provider \"{}\" is half configured", entry_name(section)),
            section.node.place.clone(),
            format!("{key} is missing"),
            format!("{key} = {example}, or remove the provider"),
        ));
    }
    Ok(settings)
}

fn entry_name<'a>(section: &'a Section<'_>) -> &'a str {
    section.name.strip_prefix("provider.").unwrap_or(&section.name)
}

fn both(section: &Section<'_>, key: &str) -> ConfigError {
    section.wrong(key, format!("and {key}_file are both set"), format!("keep one of {key} and {key}_file"))
}

fn unknown(section: &Section<'_>, key: &str, info: &KindInfo) -> ConfigError {
    let keys: Vec<&str> = COMMON_KEYS.into_iter().chain(info.keys.iter().map(|known| known.name)).collect();
    let fix = match nearest(key, &keys) {
        Some(near) => format!("write {near}, or remove {key}"),
        None => format!("remove it; the keys of {} are {}", info.kind, keys.join(", ")),
    };
    ConfigError::new(
        format!("unknown key {}.{key}", section.name),
        section.place(key),
        format!("{key} is not a setting of the kind {}", info.kind),
        fix,
    )
}

fn one_currency(section: &Section<'_>, prices: &Prices, limit: Option<Price>) -> Result<(), ConfigError> {
    let Some(limit) = limit else { return Ok(()) };
    let other = prices
        .everywhere
        .iter()
        .chain(prices.by_region.values())
        .find(|price| price.currency() != limit.currency());
    match other {
        Some(other) => Err(section.wrong(
            "monthly_spend_limit",
            format!("is in {}, and a price is in {}", limit.currency(), other.currency()),
            "write prices and limit in the currency that the vendor bills",
        )),
        None => Ok(()),
    }
}

/// The value as a kind reads it. A variable is a text; the kind itself takes texts for numbers and switches.
fn json(node: &Node, form: Form) -> Json {
    if let (Value::Text(text), Place::Variable(_), Form::Table) = (&node.value, &node.place, form)
        && let Some(table) = Node::parse_value(text, &Place::BuiltIn)
    {
        return json(&table, form);
    }
    match &node.value {
        Value::Text(text) => Json::String(text.clone()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Boolean(flag) => Json::Bool(*flag),
        Value::List(items) => Json::Array(items.iter().map(|item| json(item, Form::Text)).collect()),
        Value::Table(table) => {
            Json::Object(table.iter().map(|(key, node)| (key.clone(), json(node, Form::Text))).collect())
        }
    }
}
