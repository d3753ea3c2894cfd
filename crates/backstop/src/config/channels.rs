//! `[channels]`: the ladder, and when a second provider starts beside a silent one.

use std::time::Duration;

use backstop_domain::channel::Channel;
use serde::Deserialize;

use super::{error::ConfigError, read::Section, span::Span};

/// What the section can say.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ChannelsSection {
    pub(crate) order: Vec<Channel>,
    hedge_after: Span,
}

impl Default for ChannelsSection {
    fn default() -> Self {
        Self { order: vec![Channel::Sms, Channel::Whatsapp, Channel::Email], hedge_after: Span::seconds(2) }
    }
}

/// The ladder and its patience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channels {
    /// The ladder when a start names none, first to last.
    pub order: Vec<Channel>,
    /// After this, another provider of the same channel starts beside a silent one.
    pub hedge_after: Duration,
}

pub(crate) fn resolve(section: &Section<'_>) -> Result<Channels, ConfigError> {
    let said: ChannelsSection = section.read()?;
    if said.order.is_empty() {
        return Err(section.wrong("order", "is empty", "order = [\"sms\", \"whatsapp\", \"email\"]"));
    }
    distinct(section, "order", &said.order)?;
    let hedging = Span::millis(100)..=Span::seconds(60);
    section.within("hedge_after", &said.hedge_after, &hedging, "hedge_after = \"2s\"")?;
    Ok(Channels { order: said.order, hedge_after: said.hedge_after.0 })
}

/// Refuses a channel that is listed twice.
pub(crate) fn distinct(section: &Section<'_>, key: &str, channels: &[Channel]) -> Result<(), ConfigError> {
    let twice = channels.iter().enumerate().find(|(index, channel)| channels[..*index].contains(channel));
    match twice {
        Some((_, channel)) => {
            Err(section.wrong(key, format!("names {channel} twice"), format!("keep one {channel} in {key}")))
        }
        None => Ok(()),
    }
}
