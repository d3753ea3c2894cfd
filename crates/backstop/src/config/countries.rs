//! `[countries]`: where codes may be sent, and how a number without `+` is read.

use backstop_domain::recipient::Region;
use serde::Deserialize;

use super::{error::ConfigError, read::Section};

/// What the section can say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CountriesSection {
    allow: Option<Vec<String>>,
    default_region: Option<String>,
}

/// Where codes may go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Countries {
    /// Numbering regions that may be sent to; `None`: all.
    pub allow: Option<Vec<Region>>,
    /// Where a number without `+` is read as a national form; `None`: such a number is refused.
    pub default_region: Option<Region>,
}

pub(crate) fn resolve(section: Option<&Section<'_>>) -> Result<Countries, ConfigError> {
    let Some(section) = section else { return Ok(Countries::default()) };
    let said: CountriesSection = section.read()?;
    let read = |key: &str, text: &String| {
        region(text).ok_or_else(|| {
            section.wrong(
                key,
                "holds something that is not a numbering region",
                format!(
                    "write two-letter codes, such as {key} = {}",
                    if key == "allow" { "[\"IN\", \"US\"]" } else { "\"IN\"" }
                ),
            )
        })
    };
    let allow =
        said.allow.map(|all| all.iter().map(|text| read("allow", text)).collect::<Result<Vec<_>, _>>());
    let allow = allow.transpose()?;
    if allow.as_ref().is_some_and(Vec::is_empty) {
        let fix = "allow = [\"IN\", \"US\"], with the countries you serve";
        return Err(section.wrong("allow", "is empty, so no number could be sent to", fix));
    }
    let default_region = said.default_region.as_ref().map(|text| read("default_region", text)).transpose()?;
    if let (Some(allow), Some(default)) = (&allow, default_region)
        && !allow.contains(&default)
    {
        let fix = "add it to allow, or remove default_region";
        return Err(section.wrong("default_region", "is not among the countries in allow", fix));
    }
    Ok(Countries { allow, default_region })
}

/// Two letters that some telephone numbers begin in.
fn region(text: &str) -> Option<Region> {
    Region::parse(text).filter(|region| region.has_numbers())
}
