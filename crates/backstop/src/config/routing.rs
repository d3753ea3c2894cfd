//! `[routing]`: by what the providers of a channel are ordered, where no rule says otherwise.

use backstop_domain::{price::Price, ranking::Ranking};
use serde::{Deserialize, Deserializer, de::Error};

use super::{error::ConfigError, read::Section};

/// What the section can say.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RoutingSection {
    ranking: Ranking,
    #[serde(deserialize_with = "price")]
    lost_person: Price,
}

/// What it costs if a person does not get in, unless the operator says otherwise.
const LOST_PERSON: &str = "0.50 USD";

impl Default for RoutingSection {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "a constant, read by every test of configuration")]
        let lost_person = LOST_PERSON.parse().expect("a price");
        Self { ranking: Ranking::default(), lost_person }
    }
}

/// How providers are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routing {
    /// By what.
    pub ranking: Ranking,
    /// What it costs if a person does not get in.
    pub lost_person: Price,
}

pub(crate) fn resolve(section: &Section<'_>) -> Result<Routing, ConfigError> {
    let RoutingSection { ranking, lost_person } = section.read()?;
    Ok(Routing { ranking, lost_person })
}

fn price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Price, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}
