//! `[channels]`: the ladder, when a second provider starts beside a silent one, and what silence after that means.

use std::{collections::BTreeMap, time::Duration};

use backstop_domain::channel::Channel;
use serde::Deserialize;

use super::{error::ConfigError, read::Section, span::Span};

/// What the section can say.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ChannelsSection {
    pub(crate) order: Vec<Channel>,
    hedge_after: Span,
    escalate_after: EscalateAfter,
}

impl Default for ChannelsSection {
    fn default() -> Self {
        Self {
            order: vec![Channel::Sms, Channel::Whatsapp, Channel::Email],
            hedge_after: Span::seconds(2),
            escalate_after: EscalateAfter::default(),
        }
    }
}

/// How long a message may be silent, by channel. A call is never followed up by itself.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EscalateAfter {
    sms: Span,
    whatsapp: Span,
    telegram: Span,
    email: Span,
}

impl Default for EscalateAfter {
    fn default() -> Self {
        Self {
            sms: Span::seconds(30),
            whatsapp: Span::seconds(20),
            telegram: Span::seconds(20),
            email: Span::seconds(60),
        }
    }
}

/// The ladder and its patience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channels {
    /// The ladder when a start names none, first to last.
    pub order: Vec<Channel>,
    /// After this, another provider of the same channel starts beside a silent one.
    pub hedge_after: Duration,
    /// After this, a message that was taken and of which nothing was heard is followed by another route, where receipts are
    /// arriving at all.
    pub escalate_after: BTreeMap<Channel, Duration>,
}

pub(crate) fn resolve(section: &Section<'_>) -> Result<Channels, ConfigError> {
    let said: ChannelsSection = section.read()?;
    if said.order.is_empty() {
        return Err(section.wrong("order", "is empty", "order = [\"sms\", \"whatsapp\", \"email\"]"));
    }
    distinct(section, "order", &said.order)?;
    let hedging = Span::millis(100)..=Span::seconds(60);
    section.within("hedge_after", &said.hedge_after, &hedging, "hedge_after = \"2s\"")?;
    let EscalateAfter { sms, whatsapp, telegram, email } = said.escalate_after;
    let spans = [
        (Channel::Sms, sms),
        (Channel::Whatsapp, whatsapp),
        (Channel::Telegram, telegram),
        (Channel::Email, email),
    ];
    let patience = Span::seconds(5)..=Span::seconds(600);
    let mut escalate_after = BTreeMap::new();
    for (channel, span) in spans {
        let key = format!("escalate_after.{channel}");
        section.within(&key, &span, &patience, "escalate_after = { sms = \"30s\" }")?;
        escalate_after.insert(channel, span.0);
    }
    Ok(Channels { order: said.order, hedge_after: said.hedge_after.0, escalate_after })
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
