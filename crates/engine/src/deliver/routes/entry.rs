//! One provider in the table: its settings, how it is now, and what follows from what it answers.
//!
//! Breaker, closed routes and what was told of it are this process's memory; what an operator switched and what the month has
//! cost come from the store, for all nodes.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use backstop_domain::{
    breaker::{Breaker, Passage},
    channel::Channel,
    clock::Timestamp,
    credit::{Credit, CreditRule},
    id::AttemptId,
    outcome::{Outcome, Reason, Rejection, Scope},
    plan::Availability,
    ports::provider::Balance,
    price::Price,
    recipient::Region,
    spend::{Month, SpendBook},
};
use parking_lot::Mutex;

use crate::{accounts::CreditReport, deliver::ProviderSettings};

/// How long a route stays closed that a vendor refused for itself alone, if it does not say: the country is not enabled,
/// the template is not approved, a limit of that channel is used up. There is no point in asking with every message.
const ROUTE_CLOSED_FOR: Duration = Duration::from_secs(300);
/// How long after its pace was used up a provider's deliveries come to the store a few at a time: whoever waits for a
/// place wakes at the same moment, and most of them in vain.
const TIGHT_FOR: Duration = Duration::from_secs(60);
/// How many come at a time.
const MOST_ASKING: usize = 100;
/// When the others look again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// How long the last receipt of a channel counts as a sign that receipts are arriving: longer than vendors take to tell, and
/// shorter than anybody waits for a code.
const RECEIPTS_ARRIVE_FOR: Duration = Duration::from_secs(300);
/// The part of a month's limit at which somebody is told, in hundredths.
const TOLD_AT_PERCENT: u64 = 80;
/// For how long a provider whose credit runs out stands behind the others; it is looked at again before.
const LOW_CREDIT_FOR: Duration = Duration::from_secs(60);

/// How a provider is now.
pub(super) struct Condition {
    pub(super) breaker: Breaker,
    pub(super) exhausted_until: Option<Timestamp>,
    pub(super) capped_until: Option<Timestamp>,
    closed: BTreeMap<(Channel, Option<Region>), Timestamp>,
    receipts: BTreeMap<Channel, Timestamp>,
    pub(super) is_off: bool,
    pub(super) spend_limit: Option<Price>,
    credit_is_low: bool,
    credit: Credit,
    balance: Option<Balance>,
    credit_asked_at: Option<Timestamp>,
    pub(super) spending_told: Option<Month>,
    pub(super) last_success: Option<Timestamp>,
    pub(super) last_error: Option<(Timestamp, &'static str)>,
}

impl Condition {
    /// The routes that are closed, and until when.
    pub(super) fn closed_now(&self, now: Timestamp) -> Vec<(Channel, Option<Region>, Timestamp)> {
        let closed = self.closed.iter().filter(|(_, until)| now < **until);
        closed.map(|(&(channel, region), &until)| (channel, region, until)).collect()
    }
}

/// See the module.
pub(super) struct Entry {
    pub(super) settings: ProviderSettings,
    pub(super) condition: Mutex<Condition>,
    pub(super) asking: AtomicUsize,
}

/// Whether a route may be used, and why not.
pub(super) struct Standing {
    pub(super) availability: Availability,
    pub(super) why: Option<&'static str>,
}

impl Standing {
    const fn of(availability: Availability, why: &'static str) -> Self {
        Self { availability, why: Some(why) }
    }
}

impl Entry {
    pub(super) fn new(settings: ProviderSettings) -> Self {
        let condition = Condition {
            breaker: Breaker::new(settings.breaker),
            exhausted_until: None,
            capped_until: None,
            closed: BTreeMap::new(),
            receipts: BTreeMap::new(),
            is_off: false,
            spend_limit: settings.money.monthly_spend_limit,
            credit_is_low: false,
            credit: Credit::default(),
            balance: None,
            credit_asked_at: None,
            spending_told: None,
            last_success: None,
            last_error: None,
        };
        Self { settings, condition: Mutex::new(condition), asking: AtomicUsize::new(0) }
    }

    /// Whether it makes and checks its codes itself.
    pub(super) fn is_checker(&self) -> bool {
        self.settings.provider.checker().is_some()
    }

    /// Whether a message to that region may go this way now.
    pub(super) fn standing(
        &self,
        condition: &Condition,
        channel: Channel,
        region: Option<Region>,
        now: Timestamp,
    ) -> Standing {
        let of = Standing::of;
        if condition.is_off {
            return of(Availability::Closed, "switched off by an operator");
        }
        if self.is_unregistered(channel, region) {
            return of(Availability::Closed, "no DLT ids: a text to India would be dropped; set `dlt`");
        }
        // What may be passed in need comes after what never is.
        if let Some(until) = condition.capped_until.filter(|until| now < *until) {
            return of(Availability::Exhausted(until), "the month's spend limit is reached");
        }
        if let Some(until) = condition.exhausted_until {
            if now < until {
                return of(Availability::Exhausted(until), "our own rate limit is used up");
            }
            if now < until + TIGHT_FOR && self.asking.load(Ordering::Acquire) >= MOST_ASKING {
                return of(Availability::Exhausted(now + ASK_AGAIN), "our own rate limit is nearly used up");
            }
        }
        if let Some(until) = condition.closed.get(&(channel, region)).filter(|until| now < **until) {
            return of(Availability::HeldBack(*until), "the vendor refuses this route");
        }
        match condition.breaker.passage(now) {
            Passage::HeldBack(until) => of(Availability::HeldBack(until), "its breaker is open"),
            _ if condition.credit_is_low => {
                of(Availability::HeldBack(now + LOW_CREDIT_FOR), "its credit is running out")
            }
            Passage::Probe => of(Availability::Probe, "its breaker is half open"),
            Passage::Free => Standing { availability: Availability::Free, why: None },
        }
    }

    fn is_unregistered(&self, channel: Channel, region: Option<Region>) -> bool {
        let to_india = region.is_some_and(|region| region.as_str() == "IN");
        channel == Channel::Sms && to_india && !self.settings.texts_india
    }

    /// Whether it may be tried by what holds for everybody: configuration, operators, the month's money, its breaker. Not a
    /// route that it refuses to one country and not its pace: one message can change these, so whoever watched them would
    /// see that it went out.
    pub(super) fn works_for_everybody(
        &self,
        channel: Channel,
        region: Option<Region>,
        now: Timestamp,
    ) -> bool {
        let condition = self.condition.lock();
        !(condition.is_off
            || self.is_unregistered(channel, region)
            || condition.capped_until.is_some_and(|until| now < until)
            || matches!(condition.breaker.passage(now), Passage::HeldBack(_)))
    }

    /// A receipt came.
    pub(super) fn told(&self, channel: Channel, now: Timestamp) {
        self.condition.lock().receipts.insert(channel, now);
    }

    /// Whether receipts are arriving, so that silence means something.
    pub(super) fn tells(&self, channel: Channel, now: Timestamp) -> bool {
        let condition = self.condition.lock();
        condition.receipts.get(&channel).is_some_and(|last| now < *last + RECEIPTS_ARRIVE_FOR)
    }

    /// Whether the credit is to be read now; if so, it is not again for that time.
    pub(super) fn credit_is_due(&self, every: Duration, now: Timestamp) -> bool {
        let mut condition = self.condition.lock();
        let due = condition.credit_asked_at.is_none_or(|at| now >= at + every);
        if due {
            condition.credit_asked_at = Some(now);
        }
        due
    }

    /// Takes a reading of the credit. Others go first from when it is low until it is not.
    pub(super) fn read_credit(&self, balance: Balance, rule: CreditRule, now: Timestamp) {
        let mut condition = self.condition.lock();
        condition.credit.read(balance.micros, now);
        let shift = condition.credit.shift(rule, 0, now);
        if let (Some(why), false) = (shift, condition.credit_is_low) {
            tracing::error!(provider.name = %self.settings.name, %why, "others go first: the account needs money");
        }
        if shift.is_none() && condition.credit_is_low {
            tracing::warn!(provider.name = %self.settings.name, "the account has money again");
        }
        condition.credit_is_low = shift.is_some();
        condition.balance = Some(balance);
    }

    /// What is left.
    pub(super) fn credit_report(&self, now: Timestamp) -> Option<CreditReport> {
        let condition = self.condition.lock();
        Some(CreditReport {
            balance: condition.balance.clone()?,
            read_at: condition.credit_asked_at?,
            forecast: condition.credit.forecast(0, now),
            is_low: condition.credit_is_low,
        })
    }

    /// Says once a month that most of the limit is spent, so that somebody hears of it before nothing goes out.
    pub(super) fn note_spending(&self, book: &SpendBook, now: Timestamp) {
        let mut condition = self.condition.lock();
        let (Some(limit), Some((settled, reserved))) = (condition.spend_limit, book.spent()) else { return };
        let spent = settled.micros().saturating_add(reserved.micros());
        let month = Month::of(now);
        if spent.saturating_mul(100) >= limit.micros().saturating_mul(TOLD_AT_PERCENT)
            && condition.spending_told != Some(month)
        {
            condition.spending_told = Some(month);
            let spent = limit.with_micros(spent);
            tracing::error!(provider.name = %self.settings.name, %spent, %limit, "most of the month's spend limit is used");
        }
    }

    /// Draws the consequences of an outcome.
    pub(super) fn settled(
        &self,
        route: (Channel, Option<Region>),
        attempt: AttemptId,
        outcome: &Outcome,
        now: Timestamp,
    ) {
        match outcome {
            Outcome::Accepted { .. } => {
                let mut condition = self.condition.lock();
                condition.breaker.succeeded(attempt);
                condition.last_success = Some(now);
            }
            Outcome::Unknown => self.fail(attempt, "unknown", now),
            Outcome::Rejected(rejection) => self.rejected(*rejection, route, attempt, now),
        }
    }

    pub(super) fn fail(&self, attempt: AttemptId, what: &'static str, now: Timestamp) {
        let mut condition = self.condition.lock();
        condition.last_error = Some((now, what));
        if condition.breaker.failed(attempt, now) {
            tracing::error!(provider.name = %self.settings.name, outcome = what, "stopped: the breaker opened after failures in a row");
        }
    }

    pub(super) fn rejected(
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
            (Scope::Route, Reason::Misconfigured | Reason::OutOfCredit | Reason::RateLimited) => {
                let mut condition = self.condition.lock();
                condition.breaker.neutral(attempt);
                condition.last_error = Some((now, reason));
                condition.closed.insert(route, now + rejection.retry_after.unwrap_or(ROUTE_CLOSED_FOR));
                let region = route.1.map(|region| region.to_string()).unwrap_or_default();
                if rejection.reason == Reason::RateLimited {
                    tracing::warn!(provider.name = %self.settings.name, channel = %route.0, region, outcome = reason, "this route is closed for a while: the vendor asks for patience");
                } else {
                    tracing::error!(provider.name = %self.settings.name, channel = %route.0, region, outcome = reason, "this route is closed: the vendor refuses it");
                }
            }
            (Scope::Route, Reason::Unavailable) => {
                let mut condition = self.condition.lock();
                condition.breaker.neutral(attempt);
                condition.last_error = Some((now, reason));
            }
            (Scope::Recipient, _)
            | (
                Scope::Route | Scope::Provider,
                Reason::InvalidRecipient | Reason::OptedOut | Reason::NotOnChannel,
            ) => {
                self.condition.lock().breaker.neutral(attempt);
            }
        }
    }
}
