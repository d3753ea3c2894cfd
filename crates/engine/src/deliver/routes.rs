//! The providers, how they are, and which routes a delivery has.
//!
//! Breakers and closed routes are this process's memory: after a restart every provider gets a fresh chance. Paces are
//! counted by the store, for all nodes; what is remembered here is only until when one is used up.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use backstop_domain::{
    application::Application,
    breaker::{BreakerState, Passage},
    channel::Channel,
    clock::Timestamp,
    id::AttemptId,
    limit::Pace,
    outcome::Outcome,
    plan::{Availability, Route},
    ports::{
        Provider,
        store::{NodeReport, OpenBreaker, OptOuts, ProviderSwitch},
    },
    price::Price,
    ranking::Decision,
    recipient::Region,
};
use parking_lot::Mutex;

use super::ProviderSettings;

mod abilities;
mod entry;
mod mailers;
mod money;

use entry::Entry;

/// How a provider is, for people.
#[derive(Debug, Clone)]
pub struct ProviderHealth {
    /// Its configured name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// What it serves.
    pub channels: Vec<Channel>,
    /// Whether an operator switched it off.
    pub is_off: bool,
    /// Its breaker.
    pub breaker: BreakerState,
    /// Failures in a row.
    pub consecutive_failures: usize,
    /// When it last took a message.
    pub last_success: Option<Timestamp>,
    /// When it last did not, and what it was.
    pub last_error: Option<(Timestamp, &'static str)>,
    /// Why it would be passed over now, or come last; `None`: it may simply be tried.
    pub why_not: Option<&'static str>,
    /// The routes of it that the vendor refuses, and until when they are left alone.
    pub closed: Vec<(Channel, Option<Region>, Timestamp)>,
}

/// An attempt that asks the store for a place in its provider's pace.
pub(crate) struct Asking<'a>(Option<&'a Entry>);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.0 {
            entry.asking.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// A channel of a delivery's ladder, with the providers to try there in order.
#[derive(Debug, Clone)]
pub(crate) struct Rung {
    pub(crate) channel: Channel,
    /// The numbering region of the address there.
    pub(crate) region: Option<Region>,
    pub(crate) providers: Vec<String>,
    /// Why they stand in this order, where there was a choice.
    pub(crate) decision: Option<Decision>,
}

/// The configured providers in order.
pub struct RouteTable {
    entries: Vec<Entry>,
    escalate_after: BTreeMap<Channel, Duration>,
    looked_at_spending: Mutex<Option<Timestamp>>,
}

impl std::fmt::Debug for RouteTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| &entry.settings)).finish()
    }
}

impl RouteTable {
    pub(crate) fn new(providers: Vec<ProviderSettings>, escalate_after: BTreeMap<Channel, Duration>) -> Self {
        Self {
            entries: providers.into_iter().map(Entry::new).collect(),
            escalate_after,
            looked_at_spending: Mutex::new(None),
        }
    }

    /// Whether any provider of this application serves `channel`.
    pub fn serves(&self, application: &Application, channel: Channel) -> bool {
        self.of(application).iter().any(|entry| entry.settings.channels.contains(&channel))
    }

    /// How every provider is, in the configured order.
    pub fn health(&self, now: Timestamp) -> Vec<ProviderHealth> {
        let health = |entry: &Entry| {
            let condition = entry.condition.lock();
            let why = |channel: &Channel| entry.standing(&condition, *channel, None, now).why;
            ProviderHealth {
                name: entry.settings.name.clone(),
                kind: entry.settings.kind.clone(),
                channels: entry.settings.channels.clone(),
                is_off: condition.is_off,
                breaker: condition.breaker.state(now),
                consecutive_failures: condition.breaker.consecutive_failures(),
                last_success: condition.last_success,
                last_error: condition.last_error,
                why_not: entry.settings.channels.iter().find_map(why),
                closed: condition.closed_now(now),
            }
        };
        self.entries.iter().map(health).collect()
    }

    /// The way to a provider, to look at it without sending.
    pub fn provider(&self, name: &str) -> Option<Arc<dyn Provider>> {
        self.entry(name).map(|entry| entry.settings.provider.clone())
    }

    /// The providers of an application that serve a channel, in its order, and what a message costs there.
    pub(crate) fn serving(
        &self,
        application: &Application,
        channel: Channel,
        region: Option<Region>,
    ) -> Vec<(&str, Option<Price>)> {
        self.of(application)
            .into_iter()
            .filter(|entry| entry.settings.channels.contains(&channel))
            .map(|entry| (entry.settings.name.as_str(), entry.settings.price.of(region)))
            .collect()
    }

    /// The routes of a ladder with its providers in order, each with whether it may be used now.
    pub(crate) fn routes(&self, ladder: &[Rung], opted_out: &OptOuts, now: Timestamp) -> Vec<Route> {
        let mut routes = Vec::new();
        for rung in ladder {
            for name in &rung.providers {
                let Some(entry) = self.entry(name) else { continue };
                let availability = if opted_out.forbid(rung.channel, name) {
                    Availability::Closed
                } else {
                    entry.standing(&entry.condition.lock(), rung.channel, rung.region, now).availability
                };
                routes.push(Route { channel: rung.channel, provider: name.clone(), availability });
            }
        }
        routes
    }

    /// Why a route may not simply be used now; `None`: it may.
    pub(crate) fn why_not(
        &self,
        name: &str,
        channel: Channel,
        region: Option<Region>,
        now: Timestamp,
    ) -> Option<&'static str> {
        let entry = self.entry(name)?;
        entry.standing(&entry.condition.lock(), channel, region, now).why
    }

    /// Whether a provider may be tried by what holds for everybody; see [`Entry::works_for_everybody`].
    pub(crate) fn works_for_everybody(
        &self,
        name: &str,
        channel: Channel,
        region: Option<Region>,
        now: Timestamp,
    ) -> bool {
        self.entry(name).is_some_and(|entry| entry.works_for_everybody(channel, region, now))
    }

    /// How many messages a provider may get.
    pub(crate) fn pace(&self, name: &str) -> Vec<Pace> {
        self.entry(name).map(|entry| entry.settings.pace.clone()).unwrap_or_default()
    }

    pub(crate) fn timeout(&self, name: &str) -> Option<(Arc<dyn Provider>, Duration)> {
        self.entry(name).map(|entry| (entry.settings.provider.clone(), entry.settings.timeout))
    }

    /// Takes the probe of a half-open breaker for an attempt that is about to be written down. Looked up and taken in one
    /// act, so that deliveries which come together cannot share it. Says whether the route may still be used: if not, the
    /// plan has to look again.
    pub(crate) fn reserve(
        &self,
        route: &Route,
        region: Option<Region>,
        attempt: AttemptId,
        now: Timestamp,
    ) -> bool {
        let Some(entry) = self.entry(&route.provider) else { return false };
        let mut condition = entry.condition.lock();
        match entry.standing(&condition, route.channel, region, now).availability {
            Availability::Exhausted(_) | Availability::Closed => return false,
            Availability::HeldBack(_) if !matches!(route.availability, Availability::HeldBack(_)) => {
                return false;
            }
            Availability::Probe if route.availability == Availability::Free => return false,
            Availability::HeldBack(_) | Availability::Probe | Availability::Free => {}
        }
        condition.breaker.started(attempt, now);
        true
    }

    /// Gives back what [`RouteTable::reserve`] took, for an attempt that did not leave.
    pub(crate) fn release(&self, name: &str, attempt: AttemptId) {
        if let Some(entry) = self.entry(name) {
            entry.condition.lock().breaker.neutral(attempt);
        }
    }

    /// Counts an attempt that asks the store for a place, until it is dropped.
    pub(crate) fn asking(&self, name: &str) -> Asking<'_> {
        let entry = self.entry(name);
        if let Some(entry) = entry {
            entry.asking.fetch_add(1, Ordering::AcqRel);
        }
        Asking(entry)
    }

    /// Takes over what an operator switched.
    pub(crate) fn apply(&self, switch: &ProviderSwitch) {
        let Some(entry) = self.entry(&switch.provider) else { return };
        let mut condition = entry.condition.lock();
        let off = switch.enabled == Some(false);
        if condition.is_off != off {
            let state = if off { "off" } else { "on" };
            tracing::warn!(provider.name = %switch.provider, state, "switched by an operator");
        }
        condition.is_off = off;
        let limit = switch.monthly_spend_limit.or(entry.settings.money.monthly_spend_limit);
        if condition.spend_limit != limit {
            // The store knows what is spent; a new limit is tried against it.
            condition.capped_until = None;
            condition.spending_told = None;
            condition.spend_limit = limit;
        }
    }

    /// The provider has had as many messages as it may get; the next place is free at `until`.
    pub(crate) fn exhausted(&self, name: &str, until: Timestamp) {
        if let Some(entry) = self.entry(name) {
            let mut condition = entry.condition.lock();
            condition.exhausted_until = condition.exhausted_until.max(Some(until));
        }
    }

    /// An attempt is overdue: a failure at once, where another provider of the channel is closed and can take over.
    pub(crate) fn overdue(
        &self,
        application: &Application,
        name: &str,
        channel: Channel,
        attempt: AttemptId,
        now: Timestamp,
    ) {
        let other = self.of(application).iter().any(|entry| {
            entry.settings.name != name
                && entry.settings.channels.contains(&channel)
                && entry.condition.lock().breaker.passage(now) == Passage::Free
        });
        if other && let Some(entry) = self.entry(name) {
            entry.fail(attempt, "overdue", now);
        }
    }

    /// The breakers that are open by what this node has seen.
    pub(crate) fn seen_open(&self) -> Vec<OpenBreaker> {
        let open = |entry: &Entry| {
            let until = entry.condition.lock().breaker.seen_open()?;
            Some(OpenBreaker { provider: entry.settings.name.clone(), until })
        };
        self.entries.iter().filter_map(open).collect()
    }

    /// Tells every breaker what the other nodes have seen.
    pub(crate) fn hear(&self, others: &[NodeReport], now: Timestamp) {
        for entry in &self.entries {
            let name = &entry.settings.name;
            let seen = |report: &NodeReport| {
                let open = report.open_breakers.iter().find(|open| open.provider == *name);
                (report.node, open.map(|open| open.until))
            };
            if entry.condition.lock().breaker.hear(&others.iter().map(seen).collect(), now) {
                tracing::warn!(provider.name = %name, "stopped: the breaker of another node has opened");
            }
        }
    }

    /// Draws the consequences of an outcome for the provider.
    pub(crate) fn settled(
        &self,
        name: &str,
        route: (Channel, Option<Region>),
        attempt: AttemptId,
        outcome: &Outcome,
        now: Timestamp,
    ) {
        if let Some(entry) = self.entry(name) {
            entry.settled(route, attempt, outcome, now);
        }
    }

    fn of(&self, application: &Application) -> Vec<&Entry> {
        let mut entries: Vec<&Entry> = match application.providers.as_ref() {
            Some(names) => names.iter().filter_map(|name| self.entry(name)).collect(),
            None => self.entries.iter().collect(),
        };
        entries.dedup_by_key(|entry| &entry.settings.name);
        entries
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.settings.name == name)
    }
}
