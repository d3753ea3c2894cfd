//! How every provider is: what the engine knows of it now, and what the store counted.

use std::time::Duration;

use backstop_domain::{
    attempt::AttemptState,
    clock::Timestamp,
    ports::{provider::Balance, store::Usage},
    price::Price,
};
use backstop_engine::accounts::{Account, CreditReport};

use super::Seat;
use crate::{
    config::ProviderSettings,
    control::protocol::{ControlReply, CreditRow, Figures, ProviderRow, ProvidersReply, SpendRow},
    wiring::Installation,
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The table.
pub(super) async fn table(installation: &Installation, seat: Seat) -> anyhow::Result<ControlReply> {
    let engine = &installation.engine;
    let now = engine.now();
    if seat == Seat::Alone {
        engine.read_credits().await;
    }
    let accounts = engine.accounts().await?;
    let (hour, day) = (engine.usage(now - HOUR, now).await?, engine.usage(now - DAY, now).await?);
    let row = |settings: &ProviderSettings| {
        let name = &settings.config.name;
        let account = accounts.iter().find(|account| account.health.name == *name);
        let row = ProviderRow {
            name: name.clone(),
            kind: settings.config.kind.clone(),
            channels: settings.config.channels.clone(),
            enabled: settings.enabled,
            switched_off: false,
            breaker: "closed".to_owned(),
            consecutive_failures: 0,
            why_not: None,
            closed_routes: Vec::new(),
            last_success: None,
            last_error: None,
            hour: figures(&hour, name),
            day: figures(&day, name),
            p95_millis: answered_within(&day, name, 95).map(millis),
            credit: None,
            spend: None,
            receipts_url: engine.receipts_url(name),
        };
        match account {
            Some(account) => known(row, account, settings),
            None => row,
        }
    };
    let providers = installation.config.providers.iter().map(row).collect();
    Ok(ControlReply::Providers(ProvidersReply { providers, live: seat == Seat::Service }))
}

fn known(row: ProviderRow, account: &Account, settings: &ProviderSettings) -> ProviderRow {
    let health = &account.health;
    let closed = health.closed.iter().map(|(channel, region, until)| {
        let region = region.map_or(String::new(), |region| format!(" to {region}"));
        format!("{channel}{region} until {}", until.to_rfc3339())
    });
    let spend = spend(account, settings);
    // Whoever is looked at here tried nothing; the next message would be refused by the store.
    let reached = spend.as_ref().is_some_and(|row| row.is_reached);
    let why_not = health.why_not.or_else(|| reached.then_some("the month's spend limit is reached"));
    ProviderRow {
        switched_off: health.is_off,
        breaker: health.breaker.as_str().to_owned(),
        consecutive_failures: health.consecutive_failures as u64,
        why_not: why_not.map(str::to_owned),
        closed_routes: closed.collect(),
        last_success: health.last_success.map(Timestamp::to_rfc3339),
        last_error: health.last_error.map(|(at, what)| format!("{what} at {}", at.to_rfc3339())),
        credit: account.credit.as_ref().map(credit),
        spend,
        ..row
    }
}

fn credit(report: &CreditReport) -> CreditRow {
    CreditRow {
        balance: amount(&report.balance),
        read_at: report.read_at.to_rfc3339(),
        ends_at: report.forecast.and_then(|forecast| forecast.empty_at).map(Timestamp::to_rfc3339),
        is_low: report.is_low,
    }
}

/// What this month has cost, where a limit or a book says that it is counted.
pub(super) fn spend(account: &Account, settings: &ProviderSettings) -> Option<SpendRow> {
    let limit = account.spend_limit;
    let book = account.spending.as_ref();
    let spent = book.and_then(|book| book.spent());
    let spent = spent
        .map(|(settled, reserved)| settled.with_micros(settled.micros().saturating_add(reserved.micros())));
    if limit.is_none() && spent.is_none() {
        return None;
    }
    let free = book.map_or(0, |book| book.messages().1);
    let has_free = free < u64::from(settings.money.free_per_month);
    let listed = settings.price.everywhere.iter().chain(settings.price.by_region.values());
    let least = listed.map(|price| price.micros()).min().unwrap_or(0);
    let passes =
        |(limit, spent): (Price, Price)| spent.micros().saturating_add(least.max(1)) > limit.micros();
    let is_reached = !has_free && limit.zip(spent).is_some_and(passes);
    let text = |price: Price| price.to_string();
    Some(SpendRow { spent: spent.map(text), limit: limit.map(text), is_reached })
}

/// `41.20 USD`, `-3.50 USD`, `1204 credits`.
pub(in crate::control) fn amount(balance: &Balance) -> String {
    let (sign, micros) = (if balance.micros < 0 { "-" } else { "" }, balance.micros.unsigned_abs());
    let (whole, part) = (micros / 1_000_000, format!("{:06}", micros % 1_000_000));
    let part = part.trim_end_matches('0');
    let is_currency = balance.unit.len() == 3 && balance.unit.bytes().all(|b| b.is_ascii_uppercase());
    match (is_currency, part) {
        (true, part) => format!("{sign}{whole}.{part:0<2} {}", balance.unit),
        (false, "") => format!("{sign}{whole} {}", balance.unit),
        (false, part) => format!("{sign}{whole}.{part} {}", balance.unit),
    }
}

/// Whether a vendor took the message, whatever became of it then.
pub(super) const fn is_taken(state: AttemptState) -> bool {
    matches!(state, AttemptState::Accepted | AttemptState::Delivered | AttemptState::Undelivered)
}

fn figures(usage: &[Usage], provider: &str) -> Figures {
    let mut figures = Figures::default();
    for alike in usage.iter().filter(|alike| alike.provider == provider) {
        if alike.state != AttemptState::Sending {
            figures.answered += alike.count;
        }
        if is_taken(alike.state) {
            figures.accepted += alike.count;
        }
        if alike.approved {
            figures.approved += alike.count;
        }
    }
    figures
}

/// Within what time so many of a hundred answers came, as far as it was counted.
fn answered_within(usage: &[Usage], provider: &str, of_hundred: u64) -> Option<Duration> {
    let of_provider = usage.iter().filter(|alike| alike.provider == provider);
    let mut spans: Vec<(Duration, u64)> =
        of_provider.filter_map(|alike| Some((alike.answered_within?, alike.count))).collect();
    spans.sort_unstable();
    let all: u64 = spans.iter().map(|(_, count)| count).sum();
    let mut seen = 0;
    spans.into_iter().find_map(|(span, count)| {
        seen += count;
        (seen * 100 >= all * of_hundred).then_some(span)
    })
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use backstop_domain::channel::Channel;

    use super::*;

    fn alike(state: AttemptState, approved: bool, within: Option<u64>, count: u64) -> Usage {
        Usage {
            provider: "one".into(),
            channel: Channel::Sms,
            state,
            outcome: None,
            approved,
            price: None,
            answered_within: within.map(Duration::from_millis),
            count,
        }
    }

    #[test]
    fn a_message_that_is_being_sent_is_no_failure() {
        let usage = [
            alike(AttemptState::Accepted, true, Some(50), 3),
            alike(AttemptState::Undelivered, false, Some(50), 2),
            alike(AttemptState::Rejected, false, Some(100), 1),
            alike(AttemptState::Unknown, false, Some(12_800), 1),
            alike(AttemptState::Sending, false, None, 9),
        ];
        assert_eq!(figures(&usage, "one"), Figures { answered: 7, accepted: 5, approved: 3 });
        assert_eq!(figures(&usage, "two"), Figures::default());
    }

    #[test]
    fn ninety_five_of_a_hundred_is_the_span_that_holds_them() {
        let usage = |slow: u64| {
            [
                alike(AttemptState::Accepted, false, Some(400), slow),
                alike(AttemptState::Accepted, false, Some(50), 95),
            ]
        };
        assert_eq!(answered_within(&usage(5), "one", 95), Some(Duration::from_millis(50)));
        assert_eq!(answered_within(&usage(6), "one", 95), Some(Duration::from_millis(400)));
        assert_eq!(answered_within(&[], "one", 95), None);
    }

    #[test]
    fn a_balance_prints_in_its_own_unit_and_a_debt_as_one() {
        let balance = |micros, unit: &str| amount(&Balance { micros, unit: unit.into() });
        assert_eq!(balance(41_200_000, "USD"), "41.20 USD");
        assert_eq!(balance(-500_000, "EUR"), "-0.50 EUR");
        assert_eq!(balance(1_204_000_000, "credits"), "1204 credits");
        assert_eq!(balance(i64::MIN, "USD"), "-9223372036854.775808 USD");
    }
}
