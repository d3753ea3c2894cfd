//! In which order the providers of one channel are tried.
//!
//! - `priority`: as configured.
//! - `cost`: least expected cost per accepted message.
//! - `conversion`: least expected cost per approved verification, where a person who does not get in costs a price too.
//!   Learned per provider, channel and country; a country of which little is known begins with what the provider does in
//!   the others.
//!
//! A [`Ranker`] is a fold over [`Observation`]s: rows of one attempt merge, so nodes that exchange their rows come to the
//! same state in whatever order and however often these arrive. A crash loses nothing that is in the store. Memory is
//! bounded: the newest 4,096 attempts of an arm. Time and chance are arguments; the same rows, moment and seed give the
//! same [`Decision`].
//!
//! How it learns: [`belief`] says what one arm is believed to be, [`delay`] how long people take, so that a pending
//! attempt is not a failure, and [`choice`] who is tried first. A provider whose receipts say delivered while
//! nobody signs in is demoted under every ranking, and an [`Event`] says so.

mod belief;
mod choice;
mod decision;
mod delay;
mod group;
mod observation;
mod suspicion;
mod window;

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use self::{
    decision::{Candidate, Decision, Verdict},
    observation::{End, Observation},
    suspicion::Event,
};
use self::{
    delay::Delay,
    group::{Group, Scored},
    window::Window,
};
use crate::{channel::Channel, clock::Timestamp, price::Price, recipient::Region};

/// How often it is learned anew how long people take.
const DELAY_FRESH_MILLIS: i64 = 10_000;
/// A person who does not get in costs as much as half a dollar, unless the operator says otherwise.
const LOST_PERSON: &str = "0.50 USD";

/// By what the providers of a channel are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ranking {
    /// The configured order.
    #[default]
    Priority,
    /// Least expected cost per accepted message.
    Cost,
    /// Least expected cost per approved verification.
    Conversion,
}

/// No ranking has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown ranking; the rankings are priority, cost, conversion")]
pub struct UnknownRanking;

impl Ranking {
    /// The word in configuration, JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Cost => "cost",
            Self::Conversion => "conversion",
        }
    }
}

impl fmt::Display for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Ranking {
    type Err = UnknownRanking;
    fn from_str(text: &str) -> Result<Self, UnknownRanking> {
        let all = [Self::Priority, Self::Cost, Self::Conversion];
        all.into_iter().find(|ranking| ranking.as_str() == text).ok_or(UnknownRanking)
    }
}

/// A provider that may be tried, and what a message to this recipient costs with it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer<'a> {
    /// Its configured name.
    pub provider: &'a str,
    /// Nothing while a free tier lasts: a price of 0. `None`: not known.
    pub price: Option<Price>,
}

/// What is to be ordered.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// By what.
    pub ranking: Ranking,
    /// The channel whose providers these are.
    pub channel: Channel,
    /// The numbering region of the recipient.
    pub region: Option<Region>,
    /// Who may be tried, in the configured order.
    pub offers: &'a [Offer<'a>],
    /// Decides who is explored.
    pub seed: u64,
    /// The present moment.
    pub now: Timestamp,
}

/// Orders providers by what became of their messages.
#[derive(Debug)]
pub struct Ranker {
    lost_person: Option<Price>,
    /// By channel and country.
    groups: BTreeMap<(Channel, Option<Region>), Group>,
    /// By channel and provider, over all countries.
    everywhere: BTreeMap<Channel, BTreeMap<String, Window>>,
    delays: BTreeMap<Channel, (Timestamp, Delay)>,
    events: Vec<Event>,
}

impl Default for Ranker {
    fn default() -> Self {
        Self::new(LOST_PERSON.parse().ok())
    }
}

impl Ranker {
    /// One that has seen nothing. `lost_person`: what it costs if a person does not get in; `None`: nothing but the message.
    pub const fn new(lost_person: Option<Price>) -> Self {
        Self {
            lost_person,
            groups: BTreeMap::new(),
            everywhere: BTreeMap::new(),
            delays: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// Takes what is known of an attempt. Cheap; may be told again, and in any order.
    pub fn observe(&mut self, seen: &Observation) {
        let everywhere = self.everywhere.entry(seen.channel).or_default();
        match everywhere.get_mut(&seen.provider) {
            Some(window) => window.observe(seen),
            None => everywhere.entry(seen.provider.clone()).or_default().observe(seen),
        };
        self.groups.entry((seen.channel, seen.region)).or_default().observe(seen);
    }

    /// Orders the offers.
    pub fn order(&mut self, request: &Request<'_>) -> Decision {
        let (channel, now) = (request.channel, request.now);
        let everywhere = self.everywhere.entry(channel).or_default();
        let (learned_at, delay) = self
            .delays
            .entry(channel)
            .or_insert_with(|| (now, Delay::learn(everywhere.values().flat_map(Window::rows), now)));
        if delay::millis(*learned_at, now) >= DELAY_FRESH_MILLIS {
            *delay = Delay::learn(everywhere.values().flat_map(Window::rows), now);
            *learned_at = now;
        }
        let group = self.groups.entry((channel, request.region)).or_default();
        group.learn(request, everywhere, delay, &mut self.events);
        let scored = Scored { group, lost_person: self.lost_person };
        let mut candidates = match request.ranking {
            Ranking::Priority => scored.by_priority(request),
            Ranking::Cost => scored.by_cost(request),
            Ranking::Conversion => scored.by_conversion(request),
        };
        candidates.sort_by_key(|candidate| candidate.verdict == Verdict::Suspect);
        if let Some(first) = candidates.first_mut()
            && first.verdict == Verdict::Next
        {
            first.verdict = Verdict::Chosen;
        }
        Decision { ranking: request.ranking, rule: None, seed: request.seed, candidates }
    }

    /// What operators should hear, each once; empties the list.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
