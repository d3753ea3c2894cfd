use proptest::prelude::*;

use super::*;
use crate::price::PriceList;

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    // 2026-11-30T23:00:00Z.
    Timestamp::from_millis((1_796_079_600 + seconds) * 1000)
}

fn capped(cap: &str) -> Terms {
    Terms { cap: Some(price(cap)), free_per_month: 0 }
}

#[test]
fn the_cap_is_never_passed_by_a_reservation_and_opens_again_with_the_month() {
    let (mut book, terms, cost) = (SpendBook::default(), capped("1.00 USD"), price("0.30 USD"));
    let told: Vec<bool> = (0..3).map(|_| book.reserve(cost, terms, at(0)).unwrap().alert).collect();
    assert_eq!(told, [false, false, true]);
    let before = book.clone();
    let refused = book.reserve(cost, terms, at(10)).unwrap_err();
    assert_eq!(refused, NotReserved::CapReached { until: at(3600) });
    assert_eq!(at(3600).to_rfc3339(), "2026-12-01T00:00:00.000Z");
    assert_eq!(book, before, "a refusal changes nothing");
    assert!(!book.reserve(price("0.10 USD"), terms, at(10)).unwrap().alert, "exactly the cap; told once");
    assert!(book.reserve(cost, terms, at(3600)).is_ok());
    assert_eq!(book.messages(), (1, 0));
}

#[test]
fn a_price_that_turns_out_higher_counts_at_once_and_a_lower_one_gives_room() {
    let (mut book, terms) = (SpendBook::default(), capped("1.00 USD"));
    let first = book.reserve(price("0.50 USD"), terms, at(0)).unwrap().reservation;
    let second = book.reserve(price("0.20 USD"), terms, at(0)).unwrap().reservation;
    assert!(book.settle(first, Some(price("0.90 USD")), terms), "1.10 of 1.00: told");
    assert!(matches!(book.reserve(price("0.00 USD"), terms, at(1)), Err(NotReserved::CapReached { .. })));
    assert!(!book.settle(second, Some(price("0.05 USD")), terms), "told already");
    assert_eq!(book.spent(), Some((price("0.95 USD"), price("0.00 USD"))));
    assert!(book.reserve(price("0.05 USD"), terms, at(2)).is_ok());
}

#[test]
fn a_later_word_on_a_price_replaces_what_was_settled() {
    let (mut book, terms) = (SpendBook::default(), capped("1.00 USD"));
    book.reprice(None, price("0.10 USD"));
    assert_eq!(book, SpendBook::default(), "nothing was ever reserved");
    let message = book.reserve(price("0.50 USD"), terms, at(0)).unwrap().reservation;
    book.settle(message, None, terms);
    book.reprice(Some(price("0.50 USD")), price("0.90 USD"));
    book.reprice(None, price("0.05 USD"));
    book.reprice(Some(price("0.90 USD")), price("80.00 INR"));
    book.reprice(Some(price("40.00 INR")), price("0.01 USD"));
    assert_eq!(book.spent(), Some((price("0.96 USD"), price("0.00 USD"))));
}

#[test]
fn what_did_not_leave_is_given_back_with_its_free_message() {
    let (mut book, terms) = (SpendBook::default(), Terms { cap: Some(price("1 USD")), free_per_month: 1 });
    let free = book.reserve(price("0.60 USD"), terms, at(0)).unwrap().reservation;
    let paid = book.reserve(price("0.60 USD"), terms, at(0)).unwrap().reservation;
    assert_eq!((free.to_string(), paid.to_string()), ("2026-11 free".into(), "2026-11 600000".into()));
    assert!(!book.is_free(terms, at(0)));
    book.give_back(free);
    assert!(book.is_free(terms, at(0)));
    book.give_back(paid);
    assert_eq!(book.spent(), Some((price("0.00 USD"), price("0.00 USD"))));
    assert_eq!(book.messages(), (0, 0));
    assert!(book.is_free(terms, at(3600)), "a new month has its own");
}

#[test]
fn a_month_that_is_over_is_not_changed_by_a_late_word_and_a_clock_that_went_back_opens_none() {
    let (mut book, terms) = (SpendBook::default(), capped("1.00 USD"));
    let old = book.reserve(price("0.90 USD"), terms, at(0)).unwrap().reservation;
    let _ = book.reserve(price("0.50 USD"), terms, at(3600)).unwrap();
    let before = book.clone();
    assert!(!book.settle(old, Some(price("5.00 USD")), terms));
    book.give_back(old);
    assert_eq!(book, before);
    assert!(book.reserve(price("0.90 USD"), terms, at(0)).is_err(), "the new month's page is still open");
}

#[test]
fn currencies_are_never_mixed() {
    let mut book = SpendBook::default();
    let other = book.reserve(price("0.083 INR"), capped("1.00 USD"), at(0));
    assert_eq!(other, Err(NotReserved::OtherCurrency));
    let reservation = book.reserve(price("0.10 USD"), capped("1.00 USD"), at(0)).unwrap().reservation;
    assert_eq!(book.reserve(price("1 INR"), Terms::default(), at(0)), Err(NotReserved::OtherCurrency));
    book.settle(reservation, Some(price("9 INR")), Terms::default());
    assert_eq!(book.spent(), Some((price("0.10 USD"), price("0.00 USD"))));
}

#[test]
fn a_damaged_book_is_an_error_and_never_an_empty_one() {
    let mut book = SpendBook::default();
    let terms = Terms { cap: Some(price("0.01 USD")), free_per_month: 1 };
    let _ = book.reserve(price("0.01 USD"), terms, at(0)).unwrap();
    let paid = book.reserve(price("0.01 USD"), terms, at(0)).unwrap();
    assert_eq!(book.to_string(), "2026-11 0.00 USD|10000|2|1|told");
    assert_eq!(book.to_string().parse(), Ok(book));
    assert_eq!(paid.reservation.to_string().parse(), Ok(paid.reservation));
    assert_eq!("".parse(), Ok(SpendBook::default()));
    for bad in [
        " ",
        "2026-11",
        "2026-11 0.00 USD",
        "2026-13 0.00 USD|0|0|0|",
        "2026-11 0.00 USD|-1|0|0|",
        "2026-11 0.00 USD|0|0|1|",
        "2026-11 0.00 USD|0|0|0|yes",
        "2026-11 0.00|0|0|0|",
        "2026-11 0.00 USD|0|0|0||",
        "2026-11 0.00 USD|+1|1|0|",
        "26-11 0.00 USD|0|0|0|",
    ] {
        assert_eq!(bad.parse::<SpendBook>(), Err(InvalidSpend), "{bad}");
    }
    for bad in ["", "2026-11", "2026-11 ", "2026-11 x", "x 1"] {
        assert!(bad.parse::<Reservation>().is_err(), "{bad}");
    }
}

/// The five services' own example. AWS SNS: 1,000 free messages a month, then 0.00645 USD; with 100 free ones it would be
/// 128.36.
#[test]
fn twenty_thousand_messages_cost_150_by_twilio_first_and_122_55_by_sns_first() {
    let tariff = |provider: &str, each: &str, free_per_month| Tariff {
        provider: provider.into(),
        price: PriceList { everywhere: Some(price(each)), ..PriceList::default() },
        free_per_month,
    };
    let tariffs = [tariff("twilio", "0.0075 USD", 0), tariff("aws-sns", "0.00645 USD", 1_000)];
    let sent = |provider: &str| {
        [Sent { provider: provider.into(), month: Month::of(at(0)), region: None, messages: 20_000 }]
    };
    let paid = bill(&sent("twilio"), &tariffs);
    assert_eq!(paid.total, Some(price("150.00 USD")));
    let instead = &paid.instead[1];
    assert_eq!((instead.cost, instead.saving), (Some(price("122.55 USD")), Some(price("27.45 USD"))));
    assert_eq!(paid.instead[0].saving, None);
    let paid = bill(&sent("aws-sns"), &tariffs);
    assert_eq!((paid.total, paid.lines[0].free), (Some(price("122.55 USD")), 1_000));
    assert_eq!(paid.instead[0].saving, None, "the other order costs more");
}

#[test]
fn a_bill_has_no_total_where_a_price_is_not_known_or_currencies_differ() {
    let tariff = |provider: &str, each: Option<&str>| Tariff {
        provider: provider.into(),
        price: PriceList { everywhere: each.map(price), ..PriceList::default() },
        free_per_month: 0,
    };
    let sent = |provider: &str, month: &str| Sent {
        provider: provider.into(),
        month: month.parse().unwrap(),
        region: None,
        messages: 10,
    };
    let tariffs = [tariff("a", Some("0.01 USD")), tariff("b", Some("1 INR")), tariff("c", None)];
    let both = bill(&[sent("a", "2026-10"), sent("b", "2026-11")], &tariffs);
    assert_eq!((both.total, both.lines[0].cost), (None, Some(price("0.10 USD"))));
    assert_eq!(both.instead[0].cost, Some(price("0.20 USD")));
    assert_eq!(both.instead[2].cost, None);
    assert_eq!(bill(&[sent("nobody", "2026-10")], &tariffs).lines[0].cost, None);
    assert_eq!(bill(&[], &tariffs).total, None);
}

proptest! {
    #[test]
    fn no_interleaving_reserves_past_the_cap(
        steps in prop::collection::vec((0_u8..3, 1_u64..40, 0_usize..8), 1..200),
        cap in 1_u64..300,
        free_per_month in 0_u64..5,
    ) {
        let usd = price("0 USD");
        let terms = Terms { cap: Some(usd.with_micros(cap)), free_per_month };
        let (mut book, mut open, mut alerts) = (SpendBook::default(), Vec::new(), 0);
        for (what, micros, which) in steps {
            match what {
                0 => if let Ok(reserved) = book.reserve(usd.with_micros(micros), terms, at(0)) {
                    open.push(reserved.reservation);
                    alerts += u32::from(reserved.alert);
                },
                1 if !open.is_empty() => {
                    let reservation = open.swap_remove(which % open.len());
                    // As reserved, or less.
                    let actual = reservation.micros.filter(|_| which % 2 == 0).map(|m| usd.with_micros(m / 2));
                    alerts += u32::from(book.settle(reservation, actual, terms));
                }
                2 if !open.is_empty() => book.give_back(open.swap_remove(which % open.len())),
                _ => {}
            }
            if let Some((settled, reserved)) = book.spent() {
                prop_assert!(settled.micros() + reserved.micros() <= cap);
                let held: u64 = open.iter().filter_map(|reservation| reservation.micros).sum();
                prop_assert_eq!(reserved.micros(), held);
                prop_assert_eq!(book.to_string().parse(), Ok(book.clone()));
            }
        }
        prop_assert!(alerts <= 1);
    }
}
