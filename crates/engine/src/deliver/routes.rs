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
    credit::CreditRule,
    id::AttemptId,
    limit::Pace,
    outcome::{Outcome, Scope},
    plan::{Availability, Route},
    ports::{
        Provider,
        provider::Balance,
        store::{NodeReport, OpenBreaker, OptOuts, ProviderSwitch, Reservation},
    },
    price::Price,
    ranking::Decision,
    receipt::{Receipt, ReceiptState},
    recipient::Region,
    spend::SpendBook,
};
use parking_lot::Mutex;

use super::ProviderSettings;
use crate::accounts::CreditReport;

mod entry;

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

    /// Whether the code of a verification can travel over `channel`: ours, or that of the provider that makes it.
    pub(crate) fn carries(&self, application: &Application, checker: Option<&str>, channel: Channel) -> bool {
        match checker {
            Some(checker) => self.serves_through(checker, channel),
            None => self
                .of(application)
                .iter()
                .any(|entry| entry.settings.channels.contains(&channel) && !entry.is_checker()),
        }
    }

    /// Whether this provider serves `channel`.
    pub(crate) fn serves_through(&self, name: &str, channel: Channel) -> bool {
        self.entry(name).is_some_and(|entry| entry.settings.channels.contains(&channel))
    }

    /// Whether any provider makes and checks its codes itself.
    pub(crate) fn has_checkers(&self) -> bool {
        self.entries.iter().any(Entry::is_checker)
    }

    /// Whether this provider makes and checks its codes itself.
    pub(crate) fn is_checker(&self, name: &str) -> bool {
        self.entry(name).is_some_and(Entry::is_checker)
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

    /// A receipt came; what it says against the provider counts like an answer.
    pub(crate) fn told(
        &self,
        name: &str,
        channel: Channel,
        attempt: AttemptId,
        receipt: &Receipt,
        now: Timestamp,
    ) {
        let Some(entry) = self.entry(name) else { return };
        if receipt.state == ReceiptState::OnItsWay {
            return;
        }
        entry.told(channel, now);
        if let Some(rejection) = receipt.rejection.filter(|rejection| rejection.scope == Scope::Provider) {
            entry.rejected(rejection, (channel, None), attempt, now);
        }
    }

    /// When an attempt that was taken now counts as silent; `None`: never, since no receipts are arriving on this route.
    pub(crate) fn silent_at(
        &self,
        name: &str,
        channel: Channel,
        taken_at: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let span = self.escalate_after.get(&channel)?;
        self.entry(name)?.tells(channel, now).then(|| taken_at + *span)
    }

    /// Whether it tells what became of messages.
    pub(crate) fn hears(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|entry| entry.settings.provider.receiver().is_some())
    }

    /// Whether its receipts name a message by the vendor's id alone.
    pub(crate) fn finds_by_vendor_id(&self, name: &str) -> bool {
        let provider = self.entry(name).map(|entry| &entry.settings.provider);
        provider
            .and_then(|provider| provider.receiver())
            .is_some_and(|receiver| receiver.finds_by_vendor_id())
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

    /// Whether the store has to be asked before a message goes through a provider: it may get only so many in a span, or
    /// cost so much in a month.
    pub(crate) fn is_counted_out(&self, name: &str) -> bool {
        self.entry(name).is_none_or(|entry| !entry.settings.pace.is_empty()) || self.is_counted(name)
    }

    /// Whether the provider's money is counted.
    pub(crate) fn is_counted(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|entry| {
            entry.settings.money.free_per_month > 0 || entry.condition.lock().spend_limit.is_some()
        })
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

    /// The money to set aside for a message, where the provider's money is counted.
    pub(crate) fn reservation(
        &self,
        name: &str,
        region: Option<Region>,
        at: Timestamp,
    ) -> Option<Reservation> {
        if !self.is_counted(name) {
            return None;
        }
        let entry = self.entry(name)?;
        let cap = entry.condition.lock().spend_limit;
        let money = &entry.settings.money;
        let price = entry.settings.price.of(region).or_else(|| cap.map(|cap| cap.with_micros(0)))?;
        Some(Reservation { price, cap, free_per_month: money.free_per_month, at })
    }

    /// The month's money is used up.
    pub(crate) fn capped(&self, name: &str, until: Timestamp) {
        if let Some(entry) = self.entry(name) {
            let mut condition = entry.condition.lock();
            if condition.capped_until != Some(until) {
                tracing::error!(provider.name = %name, "stopped: the month's spend limit is reached");
            }
            condition.capped_until = Some(until);
        }
    }

    /// The month's limit of a provider, as configured or set by an operator.
    pub(crate) fn spend_limit(&self, name: &str) -> Option<Price> {
        self.entry(name).and_then(|entry| entry.condition.lock().spend_limit)
    }

    /// Whether a limit of this currency can be counted by the provider's prices.
    pub(crate) fn can_count(&self, name: &str, limit: Price) -> bool {
        let prices = self.entry(name).map(|entry| &entry.settings.price);
        prices.is_some_and(|list| {
            let mut all = list.everywhere.iter().chain(list.by_region.values()).peekable();
            all.peek().is_some() && all.all(|price| price.same_currency(limit))
        })
    }

    /// Whether what the month has cost is to be looked at; never where no limit is set.
    pub(crate) fn spending_is_due(&self, every: Duration, now: Timestamp) -> bool {
        let limited = self.entries.iter().any(|entry| entry.condition.lock().spend_limit.is_some());
        let mut looked = self.looked_at_spending.lock();
        let due = limited && looked.is_none_or(|at| now >= at + every);
        if due {
            *looked = Some(now);
        }
        due
    }

    /// Says once a month that most of a provider's limit is spent.
    pub(crate) fn note_spending(&self, name: &str, book: &SpendBook, now: Timestamp) {
        if let Some(entry) = self.entry(name) {
            entry.note_spending(book, now);
        }
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

    /// The accounts whose credit is to be read now.
    pub(crate) fn credit_due(&self, every: Duration, now: Timestamp) -> Vec<String> {
        let due = self.entries.iter().filter(|entry| entry.settings.money.credit_floor.is_some());
        due.filter(|entry| entry.credit_is_due(every, now)).map(|entry| entry.settings.name.clone()).collect()
    }

    /// The configured floor of a provider's credit.
    pub(crate) fn credit_floor(&self, name: &str) -> Option<i64> {
        self.entry(name).and_then(|entry| entry.settings.money.credit_floor)
    }

    /// Takes a reading of an account's credit.
    pub(crate) fn read_credit(&self, name: &str, balance: Balance, rule: CreditRule, now: Timestamp) {
        if let Some(entry) = self.entry(name) {
            entry.read_credit(balance, rule, now);
        }
    }

    /// What is left in an account.
    pub(crate) fn credit(&self, name: &str, now: Timestamp) -> Option<CreditReport> {
        self.entry(name).and_then(|entry| entry.credit_report(now))
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
