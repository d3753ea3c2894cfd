//! What a month's messages cost, and what they would have cost in another order.
//!
//! Counted by the prices that stand on the attempts: the vendor's own where it said one, else the configured. Only what a
//! vendor surely took is counted. Of a provider with a free tier the cheapest messages are held to be the free ones, so a
//! sum is never too low. Where a message went is not kept; where one country alone has its price, the price tells.

use std::collections::BTreeMap;

use backstop_domain::{
    attempt::AttemptState,
    channel::Channel,
    ports::store::Usage,
    price::{Price, PriceList},
    recipient::Region,
    spend::{Month, Sent, Tariff, bill},
};

use super::providers::is_taken;
use crate::{
    config::ProviderSettings,
    control::{
        protocol::{ChannelCosts, ControlReply, CostRow, CostsReply, InsteadRow},
        refused,
    },
    wiring::Installation,
};

/// What a provider asks, and over which channels.
struct Offer {
    channels: Vec<Channel>,
    tariff: Tariff,
}

impl Offer {
    fn of(settings: &ProviderSettings) -> Self {
        Self {
            channels: settings.config.channels.clone(),
            tariff: Tariff {
                provider: settings.config.name.clone(),
                price: settings.price.clone(),
                free_per_month: settings.money.free_per_month.into(),
            },
        }
    }
}

/// Reckons a month.
pub(super) async fn costs(installation: &Installation, month: Option<&str>) -> anyhow::Result<ControlReply> {
    let now = installation.clock.now();
    let month = match month.map(str::parse::<Month>) {
        None => Month::of(now),
        Some(Ok(month)) => month,
        Some(Err(_)) => return Ok(refused("that is not a month", Some("write it as 2026-11"))),
    };
    let usage = installation.engine.usage(month.start(), month.end()).await?;
    let offers: Vec<Offer> = installation.config.providers.iter().map(Offer::of).collect();
    let is_partial = month.start() < now - installation.config.store.retention;
    Ok(ControlReply::Costs(reckon(month, &usage, &offers, is_partial)))
}

/// Messages of one provider over one channel at one price.
struct Group {
    price: Option<Price>,
    messages: u64,
    free: u64,
}

fn reckon(month: Month, usage: &[Usage], offers: &[Offer], is_partial: bool) -> CostsReply {
    let mut groups: BTreeMap<(Channel, &str), Vec<Group>> = BTreeMap::new();
    let mut unknown: BTreeMap<(Channel, &str), u64> = BTreeMap::new();
    for alike in usage {
        let key = (alike.channel, alike.provider.as_str());
        if is_taken(alike.state) {
            let price: Option<Price> = alike.price.as_deref().and_then(|price| price.parse().ok());
            let of_provider = groups.entry(key).or_default();
            match of_provider.iter_mut().find(|group| group.price == price) {
                Some(group) => group.messages += alike.count,
                None => of_provider.push(Group { price, messages: alike.count, free: 0 }),
            }
        } else if alike.state == AttemptState::Unknown {
            *unknown.entry(key).or_default() += alike.count;
            groups.entry(key).or_default();
        }
    }
    for Offer { tariff, .. } in offers {
        let of_provider = groups.iter_mut().filter(|((_, name), _)| *name == tariff.provider);
        give_away(of_provider.flat_map(|(_, groups)| groups), tariff.free_per_month);
    }
    let mut channels: BTreeMap<Channel, ChannelCosts> = BTreeMap::new();
    for ((channel, provider), of_provider) in &groups {
        let costs = channels.entry(*channel).or_insert_with(|| ChannelCosts {
            channel: *channel,
            providers: Vec::new(),
            cost: None,
            instead: Vec::new(),
        });
        let unknown = unknown.get(&(*channel, *provider)).copied().unwrap_or(0);
        costs.providers.push(row(provider, of_provider, unknown));
    }
    for costs in channels.values_mut() {
        let of_channel = groups.iter().filter(|((channel, _), _)| *channel == costs.channel);
        let paid = sum(of_channel.clone().flat_map(|(_, groups)| groups).map(cost));
        costs.cost = paid.map(|price| price.to_string());
        costs.instead = instead(month, costs.channel, of_channel, offers, paid);
    }
    let totals = totals(groups.values().flatten());
    CostsReply { month: month.to_string(), channels: channels.into_values().collect(), totals, is_partial }
}

/// Makes the cheapest messages free.
fn give_away<'a>(groups: impl Iterator<Item = &'a mut Group>, mut free: u64) {
    let mut groups: Vec<&mut Group> = groups.collect();
    groups.sort_by_key(|group| group.price.map_or(u64::MAX, Price::micros));
    for group in groups {
        group.free = group.messages.min(free);
        free -= group.free;
    }
}

fn cost(group: &Group) -> Option<Price> {
    let paid = group.messages - group.free;
    group.price.map(|price| price.with_micros(price.micros().saturating_mul(paid)))
}

fn row(provider: &str, groups: &[Group], unknown: u64) -> CostRow {
    let prices = groups.iter().filter_map(|group| group.price);
    CostRow {
        provider: provider.to_owned(),
        sends: groups.iter().map(|group| group.messages).sum(),
        free: groups.iter().map(|group| group.free).sum(),
        prices: prices.map(|price| price.to_string()).collect(),
        cost: sum(groups.iter().map(cost)).map(|price| price.to_string()),
        unknown,
    }
}

/// What the messages of a channel would have cost through each provider that serves it.
fn instead<'a>(
    month: Month,
    channel: Channel,
    groups: impl Iterator<Item = (&'a (Channel, &'a str), &'a Vec<Group>)>,
    offers: &[Offer],
    paid: Option<Price>,
) -> Vec<InsteadRow> {
    let list = |name: &str| offers.iter().find(|offer| offer.tariff.provider == name);
    let sent: Vec<Sent> = groups
        .flat_map(|((_, provider), groups)| groups.iter().map(move |group| (*provider, group)))
        .map(|(provider, group)| Sent {
            provider: provider.to_owned(),
            month,
            region: list(provider).zip(group.price).and_then(|(offer, p)| region(&offer.tariff.price, p)),
            messages: group.messages,
        })
        .collect();
    let all_known = sent.iter().all(|sent| sent.region.is_some());
    let serving: Vec<Tariff> = offers
        .iter()
        .filter(|offer| offer.channels.contains(&channel))
        .map(|offer| offer.tariff.clone())
        .collect();
    if serving.len() < 2 || sent.is_empty() {
        return Vec::new();
    }
    let rows = bill(&sent, &serving).instead.into_iter().zip(&serving).map(|(instead, tariff)| {
        // A list by country says nothing of a message that went nobody knows where.
        let cost = instead.cost.filter(|_| all_known || tariff.price.by_region.is_empty());
        let saving = paid.zip(cost).filter(|(paid, cost)| paid.same_currency(*cost));
        let saving = saving.and_then(|(paid, cost)| {
            let less = paid.micros().checked_sub(cost.micros()).filter(|less| *less > 0)?;
            Some(paid.with_micros(less).to_string())
        });
        InsteadRow { provider: instead.provider, cost: cost.map(|cost| cost.to_string()), saving }
    });
    rows.collect()
}

/// The country that alone has this price.
fn region(list: &PriceList, price: Price) -> Option<Region> {
    let mut having = list.by_region.iter().filter(|(_, listed)| **listed == price);
    let only = having.next().filter(|_| having.next().is_none() && list.everywhere != Some(price));
    only.map(|(region, _)| *region)
}

/// The sum of prices that are all known and in one currency; nothing has no sum.
fn sum(mut prices: impl Iterator<Item = Option<Price>>) -> Option<Price> {
    let first = prices.next()??;
    prices.try_fold(first, |sum, price| {
        let price = price.filter(|price| price.same_currency(sum))?;
        Some(sum.with_micros(sum.micros().saturating_add(price.micros())))
    })
}

/// What is known of the costs, by currency.
fn totals<'a>(groups: impl Iterator<Item = &'a Group>) -> Vec<String> {
    let mut totals: Vec<Price> = Vec::new();
    for price in groups.filter_map(cost) {
        match totals.iter_mut().find(|total| total.same_currency(price)) {
            Some(total) => *total = total.with_micros(total.micros().saturating_add(price.micros())),
            None => totals.push(price),
        }
    }
    totals.iter().map(Price::to_string).collect()
}

#[cfg(test)]
mod tests;
