//! The providers, how they are, and which routes a delivery has.
//!
//! Breakers and closed routes are this process's memory: after a restart every provider gets a fresh chance. Paces are
//! counted by the store, for all nodes; what is remembered here is only until when one is used up.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use backstop_domain::{
    application::Application,
    breaker::{Breaker, BreakerState, Passage},
    channel::Channel,
    clock::Timestamp,
    id::AttemptId,
    limit::Pace,
    outcome::{Outcome, Reason, Rejection, Scope},
    plan::{Availability, Route},
    ports::{
        Provider,
        store::{NodeReport, OpenBreaker},
    },
    price::Price,
    recipient::Region,
};
use parking_lot::Mutex;

use super::ProviderSettings;

/// How long a route stays closed that a vendor refused for itself alone: the country is not enabled, the template is
/// not approved. Somebody has to do something about it, so there is no point in asking with every message.
const ROUTE_CLOSED_FOR: Duration = Duration::from_secs(300);
/// How long after its pace was used up a provider's deliveries come to the store a few at a time: whoever waits for a
/// place wakes at the same moment, and most of them in vain.
const TIGHT_FOR: Duration = Duration::from_secs(60);
/// How many come at a time.
const MOST_ASKING: usize = 100;
/// When the others look again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// How a provider is, for people.
#[derive(Debug, Clone)]
pub struct ProviderHealth {
    /// Its configured name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// What it serves.
    pub channels: Vec<Channel>,
    /// Its breaker.
    pub breaker: BreakerState,
    /// Failures in a row.
    pub consecutive_failures: usize,
    /// When it last took a message.
    pub last_success: Option<Timestamp>,
    /// When it last did not, and what it was.
    pub last_error: Option<(Timestamp, &'static str)>,
}

struct Condition {
    breaker: Breaker,
    exhausted_until: Option<Timestamp>,
    closed: BTreeMap<(Channel, Option<Region>), Timestamp>,
    last_success: Option<Timestamp>,
    last_error: Option<(Timestamp, &'static str)>,
}

struct Entry {
    settings: ProviderSettings,
    condition: Mutex<Condition>,
    asking: AtomicUsize,
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

/// The configured providers in order.
pub struct RouteTable {
    entries: Vec<Entry>,
}

impl std::fmt::Debug for RouteTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| &entry.settings)).finish()
    }
}

impl RouteTable {
    pub(crate) fn new(providers: Vec<ProviderSettings>) -> Self {
        let entry = |settings: ProviderSettings| Entry {
            condition: Mutex::new(Condition {
                breaker: Breaker::new(settings.breaker),
                exhausted_until: None,
                closed: BTreeMap::new(),
                last_success: None,
                last_error: None,
            }),
            settings,
            asking: AtomicUsize::new(0),
        };
        Self { entries: providers.into_iter().map(entry).collect() }
    }

    /// Whether any provider of this application serves `channel`.
    pub fn serves(&self, application: &Application, channel: Channel) -> bool {
        self.of(application).any(|entry| entry.settings.channels.contains(&channel))
    }

    /// How every provider is, in the configured order.
    pub fn health(&self, now: Timestamp) -> Vec<ProviderHealth> {
        let health = |entry: &Entry| {
            let condition = entry.condition.lock();
            ProviderHealth {
                name: entry.settings.name.clone(),
                kind: entry.settings.kind.clone(),
                channels: entry.settings.channels.clone(),
                breaker: condition.breaker.state(now),
                consecutive_failures: condition.breaker.consecutive_failures(),
                last_success: condition.last_success,
                last_error: condition.last_error,
            }
        };
        self.entries.iter().map(health).collect()
    }

    /// The way to a provider, to look at it without sending.
    pub fn provider(&self, name: &str) -> Option<Arc<dyn Provider>> {
        self.entry(name).map(|entry| entry.settings.provider.clone())
    }

    /// The routes of a ladder in the order of the application's providers, each with whether it may be used now.
    pub(crate) fn routes(
        &self,
        application: &Application,
        ladder: &[(Channel, Option<Region>)],
        opted_out: &[String],
        now: Timestamp,
    ) -> Vec<Route> {
        let mut routes = Vec::new();
        for (channel, region) in ladder {
            for entry in self.of(application).filter(|entry| entry.settings.channels.contains(channel)) {
                let name = &entry.settings.name;
                let unregistered = *channel == Channel::Sms
                    && !entry.settings.texts_india
                    && region.is_some_and(|region| region.as_str() == "IN");
                let availability = if opted_out.contains(name) || unregistered {
                    Availability::Closed
                } else {
                    entry.availability(&entry.condition.lock(), *channel, *region, now)
                };
                routes.push(Route { channel: *channel, provider: name.clone(), availability });
            }
        }
        routes
    }

    /// Whether it tells what became of messages.
    pub(crate) fn hears(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|entry| entry.settings.provider.receiver().is_some())
    }

    /// Whether it fetches the script of a call.
    pub(crate) fn speaks(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|entry| entry.settings.provider.speaker().is_some())
    }

    /// How many messages a provider may get.
    pub(crate) fn pace(&self, name: &str) -> Vec<Pace> {
        self.entry(name).map(|entry| entry.settings.pace.clone()).unwrap_or_default()
    }

    pub(crate) fn timeout(&self, name: &str) -> Option<(Arc<dyn Provider>, Duration)> {
        self.entry(name).map(|entry| (entry.settings.provider.clone(), entry.settings.timeout))
    }

    /// Whether a provider may get only so many messages in a span.
    pub(crate) fn is_paced(&self, name: &str) -> bool {
        self.entry(name).is_none_or(|entry| !entry.settings.pace.is_empty())
    }

    /// What a message of this provider costs by its own list.
    pub(crate) fn price(&self, name: &str, region: Option<Region>) -> Option<Price> {
        self.entry(name).and_then(|entry| entry.settings.price.of(region))
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
        match entry.availability(&condition, route.channel, region, now) {
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
        let other = self.of(application).any(|entry| {
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
        let Some(entry) = self.entry(name) else { return };
        match outcome {
            Outcome::Accepted { .. } => {
                let mut condition = entry.condition.lock();
                condition.breaker.succeeded(attempt);
                condition.last_success = Some(now);
            }
            Outcome::Unknown => entry.fail(attempt, "unknown", now),
            Outcome::Rejected(rejection) => entry.rejected(*rejection, route, attempt, now),
        }
    }

    fn of<'a>(&'a self, application: &'a Application) -> impl Iterator<Item = &'a Entry> {
        let named = application.providers.as_ref();
        let mut entries: Vec<&Entry> = match named {
            Some(names) => names.iter().filter_map(|name| self.entry(name)).collect(),
            None => self.entries.iter().collect(),
        };
        entries.dedup_by_key(|entry| &entry.settings.name);
        entries.into_iter()
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.settings.name == name)
    }
}

impl Entry {
    fn availability(
        &self,
        condition: &Condition,
        channel: Channel,
        region: Option<Region>,
        now: Timestamp,
    ) -> Availability {
        // What may be passed in need comes after what never is.
        if let Some(until) = condition.exhausted_until {
            if now < until {
                return Availability::Exhausted(until);
            }
            if now < until + TIGHT_FOR && self.asking.load(Ordering::Acquire) >= MOST_ASKING {
                return Availability::Exhausted(now + ASK_AGAIN);
            }
        }
        if let Some(until) = condition.closed.get(&(channel, region)).filter(|until| now < **until) {
            return Availability::HeldBack(*until);
        }
        match condition.breaker.passage(now) {
            Passage::Free => Availability::Free,
            Passage::Probe => Availability::Probe,
            Passage::HeldBack(until) => Availability::HeldBack(until),
        }
    }

    fn fail(&self, attempt: AttemptId, what: &'static str, now: Timestamp) {
        let mut condition = self.condition.lock();
        condition.last_error = Some((now, what));
        if condition.breaker.failed(attempt, now) {
            tracing::error!(provider.name = %self.settings.name, outcome = what, "stopped: the breaker opened after failures in a row");
        }
    }

    fn rejected(
        &self,
        rejection: Rejection,
        route: (Channel, Option<Region>),
        attempt: AttemptId,
        now: Timestamp,
    ) {
        let reason = rejection.reason.as_str();
        match (rejection.scope, rejection.reason) {
            (Scope::Provider, Reason::Unavailable) => self.fail(attempt, reason, now),
            (Scope::Provider, Reason::Misconfigured | Reason::OutOfCredit | Reason::RateLimited) => {
                let mut condition = self.condition.lock();
                condition.last_error = Some((now, reason));
                if condition.breaker.open(now, rejection.retry_after)
                    && rejection.reason != Reason::RateLimited
                {
                    tracing::error!(provider.name = %self.settings.name, outcome = reason, "stopped: somebody has to look at this account");
                }
            }
            (Scope::Route, _) => {
                let mut condition = self.condition.lock();
                condition.breaker.neutral(attempt);
                condition.last_error = Some((now, reason));
                if rejection.reason == Reason::Misconfigured {
                    condition.closed.insert(route, now + rejection.retry_after.unwrap_or(ROUTE_CLOSED_FOR));
                    let region = route.1.map(|region| region.to_string()).unwrap_or_default();
                    tracing::error!(provider.name = %self.settings.name, channel = %route.0, region, outcome = reason, "this route is closed: the vendor refuses it");
                }
            }
            (Scope::Recipient, _)
            | (Scope::Provider, Reason::InvalidRecipient | Reason::OptedOut | Reason::NotOnChannel) => {
                self.condition.lock().breaker.neutral(attempt);
            }
        }
    }
}
