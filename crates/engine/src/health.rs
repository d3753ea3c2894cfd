//! Can people get in: over which channels, and since when.
//!
//! A channel works while one of its providers may be tried. What is told of it here is the same for everybody and names no
//! person; since when is this node's own memory, from its start on.

use std::collections::BTreeMap;

use backstop_domain::{breaker::BreakerState, channel::Channel, clock::Timestamp};
use parking_lot::Mutex;

use crate::{Engine, deliver::routes::ProviderHealth};

/// One channel.
#[derive(Debug, Clone)]
pub struct ChannelHealth {
    /// Which.
    pub channel: Channel,
    /// Whether a code can be tried over it.
    pub works: bool,
    /// Since when that is so, as this node knows.
    pub since: Timestamp,
    /// Its providers in the configured order.
    pub providers: Vec<ProviderHealth>,
}

/// When each channel began to work, or stopped.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Mutex<BTreeMap<Channel, (bool, Timestamp)>>);

impl ProviderHealth {
    /// Whether it may be tried.
    pub fn may_be_tried(&self) -> bool {
        !self.is_off && self.breaker != BreakerState::Open
    }
}

impl Engine {
    /// How every channel is that a provider serves.
    pub fn channels(&self) -> Vec<ChannelHealth> {
        let now = self.clock.now();
        let providers = self.routes.health(now);
        let mut pulse = self.pulse.0.lock();
        let channels = Channel::ALL.into_iter().filter_map(|channel| {
            let serving = providers.iter().filter(|provider| provider.channels.contains(&channel));
            let serving: Vec<ProviderHealth> = serving.cloned().collect();
            if serving.is_empty() {
                return None;
            }
            let works = serving.iter().any(ProviderHealth::may_be_tried);
            let entry = pulse.entry(channel).or_insert((works, now));
            if entry.0 != works {
                *entry = (works, now);
            }
            Some(ChannelHealth { channel, works, since: entry.1, providers: serving })
        });
        channels.collect()
    }
}
