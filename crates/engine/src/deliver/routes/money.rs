//! What the table knows of the providers' money: prices, what is set aside for a message, the month's limit, and credit.
//!
//! The store is the judge of a month; what is remembered here is only that it said no.

use std::time::Duration;

use backstop_domain::{
    clock::Timestamp,
    credit::CreditRule,
    ports::{provider::Balance, store::Reservation},
    price::Price,
    recipient::Region,
    spend::SpendBook,
};

use super::RouteTable;
use crate::accounts::CreditReport;

impl RouteTable {
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
        // A limit counts a country without a price as the dearest that has one: else nothing would stop what goes there.
        let list = &entry.settings.price;
        let listed = || list.everywhere.iter().chain(list.by_region.values()).copied();
        let dearest = || cap.and_then(|_| listed().max_by_key(|price| price.micros()));
        let price = list.of(region).or_else(dearest)?;
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
}
