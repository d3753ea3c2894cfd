//! What a time's messages cost, and what they would have cost if another provider had carried them all.

use std::collections::BTreeMap;

use super::month::Month;
use crate::{
    price::{Price, PriceList},
    recipient::Region,
};

/// Messages that a provider took in a month, to one country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Who took them.
    pub provider: String,
    /// When.
    pub month: Month,
    /// Where they went.
    pub region: Option<Region>,
    /// How many.
    pub messages: u64,
}

/// What a provider asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    /// Who asks.
    pub provider: String,
    /// By country.
    pub price: PriceList,
    /// So many of each month's messages cost nothing: the first ones, in the order that they are listed in.
    pub free_per_month: u64,
}

/// What one provider's month cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose.
    pub provider: String,
    /// Which month.
    pub month: Month,
    /// How many messages.
    pub messages: u64,
    /// How many of them were free.
    pub free: u64,
    /// `None`: some price is not known, or there is more than one currency.
    pub cost: Option<Price>,
}

/// The same messages through one provider alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instead {
    /// Through whom.
    pub provider: String,
    /// What they would have cost; `None`: its price list does not say.
    pub cost: Option<Price>,
    /// How much less that is than what was paid; `None`: not less, or not to be compared.
    pub saving: Option<Price>,
}

/// What was paid, and what would have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// By provider and month.
    pub lines: Vec<Line>,
    /// `None`: some line has no cost, or there is more than one currency.
    pub total: Option<Price>,
    /// For each provider: had it been the first, and taken all.
    pub instead: Vec<Instead>,
}

/// Reckons what the messages cost by the tariffs.
pub fn bill(sent: &[Sent], tariffs: &[Tariff]) -> Bill {
    let mut pages: BTreeMap<(&str, Month), Vec<&Sent>> = BTreeMap::new();
    for sent in sent {
        pages.entry((&sent.provider, sent.month)).or_default().push(sent);
    }
    let line = |((provider, month), sent): (&(&str, Month), &Vec<&Sent>)| {
        let tariff = tariffs.iter().find(|tariff| tariff.provider == *provider);
        let messages = sent.iter().map(|sent| sent.messages).sum();
        let free = tariff.map_or(0, |tariff| tariff.free_per_month.min(messages));
        let cost = tariff.and_then(|tariff| tariff.cost(sent.iter().copied()));
        Line { provider: (*provider).to_owned(), month: *month, messages, free, cost }
    };
    let lines: Vec<Line> = pages.iter().map(line).collect();
    let total = sum(lines.iter().map(|line| line.cost));
    let instead = |tariff: &Tariff| {
        let mut months: BTreeMap<Month, Vec<&Sent>> = BTreeMap::new();
        for sent in sent {
            months.entry(sent.month).or_default().push(sent);
        }
        let cost = sum(months.values().map(|sent| tariff.cost(sent.iter().copied())));
        let saving = total
            .zip(cost)
            .filter(|(total, cost)| total.same_currency(*cost) && total.micros() > cost.micros());
        let saving = saving.map(|(total, cost)| total.with_micros(total.micros() - cost.micros()));
        Instead { provider: tariff.provider.clone(), cost, saving }
    };
    Bill { total, instead: tariffs.iter().map(instead).collect(), lines }
}

impl Tariff {
    /// What one month's messages cost.
    fn cost<'a>(&self, sent: impl Iterator<Item = &'a Sent>) -> Option<Price> {
        let mut free = self.free_per_month;
        let costs: Vec<Option<Price>> = sent
            .map(|sent| {
                let paid = sent.messages.saturating_sub(free);
                free = free.saturating_sub(sent.messages);
                let price = self.price.of(sent.region)?;
                Some(price.with_micros(price.micros().saturating_mul(paid)))
            })
            .collect();
        sum(costs.into_iter())
    }
}

/// The sum of prices that are all known and in one currency.
fn sum(mut prices: impl Iterator<Item = Option<Price>>) -> Option<Price> {
    let first = prices.next()??;
    prices.try_fold(first, |sum, price| {
        let price = price.filter(|price| price.same_currency(sum))?;
        Some(sum.with_micros(sum.micros().saturating_add(price.micros())))
    })
}
