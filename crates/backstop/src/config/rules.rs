//! `[[rule]]`: which providers may be used for what, and by what they are ordered. The first rule that says something wins.

use backstop_domain::{
    channel::Channel,
    purpose::Purpose,
    ranking::Ranking,
    recipient::Region,
    rule::{Prefix, Rule},
};
use serde::{Deserialize, Deserializer, de::Error};

use super::{
    ApplicationConfig, ProviderSettings,
    error::ConfigError,
    read::Section,
    tree::{Node, Value},
};

/// What one rule can say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RuleSection {
    application: Option<String>,
    #[serde(deserialize_with = "country")]
    country: Option<Region>,
    #[serde(deserialize_with = "prefix")]
    prefix: Option<Prefix>,
    channel: Option<Channel>,
    #[serde(deserialize_with = "purpose")]
    purpose: Option<Purpose>,
    providers: Option<Vec<String>>,
    ranking: Option<Ranking>,
}

/// Takes the rules out of the tree, in order.
pub(crate) fn take(root: &mut Node) -> Result<Vec<Node>, ConfigError> {
    let Some(node) = root.table_mut().remove("rule") else { return Ok(Vec::new()) };
    let wrong = |node: &Node| {
        ConfigError::new(
            "rule cannot be read",
            node.place.clone(),
            "rule must be a list of tables",
            "write [[rule]], with two brackets, above each",
        )
    };
    let Value::List(items) = &node.value else { return Err(wrong(&node)) };
    match items.iter().find(|item| item.table().is_none()) {
        Some(item) => Err(wrong(item)),
        None => Ok(items.clone()),
    }
}

/// Checks the rules against what they name.
pub(crate) fn resolve(
    nodes: &[Node],
    applications: &[ApplicationConfig],
    providers: &[ProviderSettings],
) -> Result<Vec<Rule>, ConfigError> {
    let mut rules = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let section = Section::new(format!("rule {}", index + 1), node);
        let said: RuleSection = section.read()?;
        if let Some(name) = &said.application
            && !applications.iter().any(|application| application.name == *name)
        {
            return Err(section.wrong(
                "application",
                "names no [[application]]",
                "name one, or leave it out",
            ));
        }
        let known = |name: &String| providers.iter().any(|provider| provider.config.name == *name);
        if let Some(missing) = said.providers.iter().flatten().find(|name| !known(name)) {
            let names: Vec<&str> = providers.iter().map(|provider| provider.config.name.as_str()).collect();
            let finding = format!("names \"{missing}\", which is no [[provider]]");
            return Err(section.wrong("providers", finding, format!("name some of {}", names.join(", "))));
        }
        if said.providers.is_none() && said.ranking.is_none() {
            let fix = "providers = [\"...\"] or ranking = \"cost\", or remove the rule";
            return Err(section.wrong(
                "ranking",
                "and providers are both missing: the rule says nothing",
                fix,
            ));
        }
        rules.push(Rule {
            application: said.application,
            country: said.country,
            prefix: said.prefix,
            channel: said.channel,
            purpose: said.purpose,
            providers: said.providers,
            ranking: said.ranking,
        });
    }
    Ok(rules)
}

fn country<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Region>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let region = Region::parse(&text).filter(|region| region.has_numbers());
    region.map(Some).ok_or_else(|| D::Error::custom("a country is a numbering region, such as IN"))
}

fn prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Prefix>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(D::Error::custom)
}

fn purpose<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Purpose>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(D::Error::custom)
}
