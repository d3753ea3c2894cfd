use super::*;

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn offer(provider: &str, everywhere: Option<&str>, by_region: &[(&str, &str)], free: u64) -> Offer {
    let by_region = by_region.iter().map(|(region, each)| (Region::parse(region).unwrap(), price(each)));
    let list = PriceList { everywhere: everywhere.map(price), by_region: by_region.collect() };
    let tariff = Tariff { provider: provider.into(), price: list, free_per_month: free };
    Offer { channels: vec![Channel::Sms], tariff }
}

fn sent(provider: &str, each: Option<&str>, count: u64) -> Usage {
    Usage {
        provider: provider.into(),
        channel: Channel::Sms,
        state: AttemptState::Accepted,
        outcome: Some("accepted".into()),
        approved: false,
        price: each.map(str::to_owned),
        answered_within: None,
        count,
    }
}

fn november(usage: &[Usage], offers: &[Offer]) -> CostsReply {
    reckon("2026-11".parse().unwrap(), usage, offers, false)
}

/// The five services' own example.
#[test]
fn twenty_thousand_messages_cost_150_by_twilio_first_and_would_cost_122_55_by_sns_first() {
    let offers =
        [offer("twilio", Some("0.0075 USD"), &[], 0), offer("aws-sns", Some("0.00645 USD"), &[], 1_000)];
    let costs = november(&[sent("twilio", Some("0.0075 USD"), 20_000)], &offers);
    assert_eq!(costs.totals, ["150.00 USD"]);
    let sns = &costs.channels[0].instead[1];
    assert_eq!((sns.cost.as_deref(), sns.saving.as_deref()), (Some("122.55 USD"), Some("27.45 USD")));
    let costs = november(&[sent("aws-sns", Some("0.00645 USD"), 20_000)], &offers);
    assert_eq!((costs.totals[0].as_str(), costs.channels[0].providers[0].free), ("122.55 USD", 1_000));
    let twilio = &costs.channels[0].instead[0];
    assert_eq!((twilio.cost.as_deref(), twilio.saving.as_deref()), (Some("150.00 USD"), None));
}

#[test]
fn a_sum_is_never_too_low_where_free_messages_and_prices_differ() {
    let offers = [offer("one", None, &[("US", "0.01 USD"), ("IN", "0.08 USD")], 10)];
    let costs = november(&[sent("one", Some("0.08 USD"), 10), sent("one", Some("0.01 USD"), 10)], &offers);
    let row = &costs.channels[0].providers[0];
    assert_eq!((row.sends, row.free, row.cost.as_deref()), (20, 10, Some("0.80 USD")));
}

#[test]
fn what_cannot_be_known_is_not_guessed_at() {
    let by_country = [("US", "0.01 USD"), ("IN", "0.08 USD")];
    let offers = [
        offer("flat", Some("0.05 USD"), &[], 0),
        offer("lists", None, &by_country, 0),
        offer("rupees", Some("2 INR"), &[], 0),
    ];
    let cost = |costs: &CostsReply, at: usize| costs.channels[0].instead[at].cost.clone();
    let flat = november(&[sent("flat", Some("0.05 USD"), 10)], &offers);
    assert_eq!(cost(&flat, 1), None, "where they went is not kept");
    assert_eq!(flat.channels[0].instead[2].saving, None, "currencies are never compared");
    let lists = november(&[sent("lists", Some("0.08 USD"), 10)], &offers);
    assert_eq!(cost(&lists, 0), Some("0.50 USD".into()));
    assert_eq!(cost(&lists, 1), Some("0.80 USD".into()), "one country alone has this price");
    let unpriced = november(&[sent("flat", None, 10), sent("rupees", Some("2 INR"), 1)], &offers);
    assert_eq!(unpriced.channels[0].cost, None);
    assert_eq!(unpriced.totals, ["2.00 INR"]);
}

#[test]
fn what_was_refused_costs_nothing_and_what_nobody_knows_is_said() {
    let offers = [offer("one", Some("0.05 USD"), &[], 0)];
    let refused = Usage { state: AttemptState::Rejected, ..sent("one", None, 7) };
    let unknown = Usage { state: AttemptState::Unknown, ..sent("one", None, 3) };
    let undelivered = Usage { state: AttemptState::Undelivered, ..sent("one", Some("0.05 USD"), 2) };
    let costs = november(&[refused, unknown, undelivered], &offers);
    let row = &costs.channels[0].providers[0];
    assert_eq!((row.sends, row.unknown, row.cost.as_deref()), (2, 3, Some("0.10 USD")));
    assert!(november(&[], &offers).channels.is_empty());
}
