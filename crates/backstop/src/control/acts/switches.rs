//! What operators switch: providers on and off, the most that a month may cost, and errands at vendors.
//!
//! It stands in the store, so it holds on every node and over restarts. The vendor's own limit is set after ours: whatever
//! the vendor does then, ours holds.

use backstop_domain::{
    channel::Channel,
    event::Actor,
    ports::{
        Provider,
        provider::{Checkup, Errand},
    },
    price::Price,
    recipient::EmailAddress,
};
use backstop_engine::{
    accounts::{Account, SwitchError},
    health::ChannelHealth,
};
use std::sync::Arc;

use super::{super::refused, providers::spend};
use crate::{
    config::ProviderSettings,
    control::protocol::{ControlReply, ErrandReply, Finding, LimitReply, Private, Refusal, SwitchReply},
    wiring::Installation,
};

/// Switches a provider on or off.
pub(super) async fn switch(
    installation: &Installation,
    name: &str,
    enabled: bool,
) -> anyhow::Result<ControlReply> {
    if let Err(refusal) = usable(installation, name) {
        return Ok(ControlReply::Refused(refusal));
    }
    let engine = &installation.engine;
    let before = off(installation, name);
    engine.switch(name, Some(enabled), None, Actor::CommandLine).await?;
    let unserved = |channel: &ChannelHealth| channel.providers.iter().all(|provider| provider.is_off);
    let channels = engine.channels();
    let unserved: Vec<Channel> = channels.iter().filter(|c| unserved(c)).map(|c| c.channel).collect();
    Ok(ControlReply::SwitchProvider(SwitchReply {
        provider: name.to_owned(),
        enabled,
        changed: before == enabled,
        unserved,
    }))
}

fn off(installation: &Installation, name: &str) -> bool {
    let health = installation.engine.routes().health(installation.clock.now());
    health.iter().any(|health| health.name == name && health.is_off)
}

/// Sets the most that a month may cost, here and, where that can be done, at the vendor.
pub(super) async fn set_spend_limit(
    installation: &Installation,
    name: &str,
    amount: &str,
    currency: Option<&str>,
) -> anyhow::Result<ControlReply> {
    let (settings, provider) = match usable(installation, name) {
        Ok(found) => found,
        Err(refusal) => return Ok(ControlReply::Refused(refusal)),
    };
    let price = &settings.price;
    let listed = price.everywhere.iter().chain(price.by_region.values()).next();
    let Some(currency) = currency.map(str::to_owned).or_else(|| listed.map(|p| p.currency().to_owned()))
    else {
        return Ok(no_prices(name));
    };
    let Ok(limit) = format!("{amount} {currency}").parse::<Price>() else {
        return Ok(refused(
            "the limit is no amount of a currency",
            Some("write it as 100 USD, with at most six decimals"),
        ));
    };
    match installation.engine.switch(name, None, Some(limit), Actor::CommandLine).await {
        Ok(()) => {}
        Err(SwitchError::OtherCurrency) if listed.is_none() => return Ok(no_prices(name)),
        Err(SwitchError::OtherCurrency) => {
            return Ok(refused(
                format!("{name} has prices in another currency than {currency}"),
                Some("write the limit in the currency of the vendor's bill; nothing was changed"),
            ));
        }
        Err(error) => return Err(error.into()),
    }
    let units = u32::try_from(limit.micros().div_ceil(1_000_000)).unwrap_or(u32::MAX);
    let vendor = provider.errand(&Errand::SetSpendLimit(units)).await;
    let accounts = installation.engine.accounts().await?;
    let account = accounts.iter().find(|account: &&Account| account.health.name == name);
    Ok(ControlReply::SetSpendLimit(LimitReply {
        provider: name.to_owned(),
        limit: limit.to_string(),
        spent: account.and_then(|account| spend(account, settings)).and_then(|row| row.spent),
        vendor: vendor.map(finding),
    }))
}

fn no_prices(name: &str) -> ControlReply {
    refused(
        format!("{name} has no prices to count by"),
        Some("give it a price in the configuration, such as price = \"0.0079 USD\"; nothing was changed"),
    )
}

/// Has a vendor begin to verify a sender.
pub(super) async fn verify_sender(
    installation: &Installation,
    name: &str,
    address: &Private,
) -> anyhow::Result<ControlReply> {
    let (settings, provider) = match usable(installation, name) {
        Ok(found) => found,
        Err(refusal) => return Ok(ControlReply::Refused(refusal)),
    };
    let Ok(sender) = EmailAddress::parse(address.expose()) else {
        return Ok(refused(
            "that is no e-mail address",
            Some("write it as noreply@acme.example, without a name"),
        ));
    };
    let errand = Errand::VerifySender(sender.expose().to_owned());
    Ok(match provider.errand(&errand).await {
        Some(done) => {
            ControlReply::VerifySender(ErrandReply { provider: name.to_owned(), finding: finding(done) })
        }
        None => refused(
            format!("{} has no senders that are verified by command", settings.config.kind),
            Some("see the vendor's console"),
        ),
    })
}

pub(super) fn finding(checkup: Checkup) -> Finding {
    Finding { well: checkup.well, finding: checkup.finding, fix: checkup.fix }
}

/// A provider that is configured and on, or the refusal that says what there is.
pub(super) fn usable<'a>(
    installation: &'a Installation,
    name: &str,
) -> Result<(&'a ProviderSettings, Arc<dyn Provider>), Refusal> {
    let all = &installation.config.providers;
    let Some(settings) = all.iter().find(|settings| settings.config.name == name) else {
        let names: Vec<&str> = all.iter().map(|settings| settings.config.name.as_str()).collect();
        let fix = Some(format!("name one of {}", names.join(", ")));
        return Err(Refusal { problem: "no provider of that name".to_owned(), fix });
    };
    match installation.engine.routes().provider(name) {
        Some(provider) => Ok((settings, provider)),
        None => Err(Refusal {
            problem: format!("{name} is off in the configuration"),
            fix: Some("take enabled = false out of its entry, and start the service again".to_owned()),
        }),
    }
}
