//! `[channels]`: the ladder, and when to stop waiting for one route.

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
    escalate_after: BTreeMap<Channel, Span>,
}

impl Default for ChannelsSection {
    fn default() -> Self {
        Self {
            order: vec![Channel::Sms, Channel::Whatsapp, Channel::Email],
            hedge_after: Span::seconds(2),
            escalate_after: usual_waits(),
        }
    }
}

/// How long silence lasts on each channel before the next one is tried.
fn usual_waits() -> BTreeMap<Channel, Span> {
    let waits = [(Channel::Sms, 30), (Channel::Whatsapp, 20), (Channel::Email, 60)];
    waits.into_iter().map(|(channel, seconds)| (channel, Span::seconds(seconds))).collect()
}

/// The ladder and its patience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channels {
    /// The ladder when a start names none, first to last.
    pub order: Vec<Channel>,
    /// After this, another provider of the same channel starts beside a silent one.
    pub hedge_after: Duration,
    /// How long neither receipt nor check moves on to the next channel; a channel not named waits for its failure.
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
    // What is not named keeps its usual wait, as every other key does.
    let mut waits = usual_waits();
    waits.extend(said.escalate_after);
    for (channel, wait) in &waits {
        let key = format!("escalate_after.{channel}");
        section.within(
            &key,
            wait,
            &(Span::seconds(5)..=Span::seconds(600)),
            "escalate_after = { sms = \"30s\" }",
        )?;
    }
    Ok(Channels {
        order: said.order,
        hedge_after: said.hedge_after.0,
        escalate_after: waits.into_iter().map(|(channel, wait)| (channel, wait.0)).collect(),
    })
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
