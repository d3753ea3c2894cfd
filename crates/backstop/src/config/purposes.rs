//! `[purposes.<name>]`: what a code may travel over, by what it is for.

use std::collections::BTreeMap;

use backstop_domain::{channel::Channel, purpose::Purpose};
use serde::Deserialize;

use super::{error::ConfigError, read::Section};

/// The floor of a purpose that names none: every channel will do, because a person at a gate must get in.
pub const DEFAULT_FLOOR: Channel = Channel::Email;

/// What the section of one purpose can say.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PurposeSection {
    floor: Channel,
}

impl Default for PurposeSection {
    fn default() -> Self {
        Self { floor: DEFAULT_FLOOR }
    }
}

/// The weakest channel that may carry each purpose.
pub(crate) fn resolve(
    section: Option<&Section<'_>>,
    order: &[Channel],
    warnings: &mut Vec<String>,
) -> Result<BTreeMap<Purpose, Channel>, ConfigError> {
    let mut floors = BTreeMap::new();
    let Some(section) = section else { return Ok(floors) };
    for name in section.node.table().map(|table| table.keys()).into_iter().flatten() {
        let purpose: Purpose = name.parse().map_err(|_| {
            section.wrong(name, "is not a purpose", "a purpose is 1 to 64 characters from a-z, 0-9 and _")
        })?;
        let Some(child) = section.child(name) else { continue };
        let said: PurposeSection = child.read()?;
        if !order.iter().any(|channel| *channel >= said.floor) {
            warnings.push(format!(
                "purposes.{name}.floor is {}, and no channel in channels.order is that strong: \
                 codes for it go out only where a start names the channel",
                said.floor
            ));
        }
        floors.insert(purpose, said.floor);
    }
    Ok(floors)
}
