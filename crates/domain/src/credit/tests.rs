use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;
const RULE: CreditRule = CreditRule { floor_micros: 5_000_000, horizon: Duration::from_secs(30 * 60) };

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(1_764_273_000_000 + minutes * MINUTE)
}

/// Readings in whole units by minutes.
fn credit(readings: &[(i64, i64)]) -> Credit {
    let mut credit = Credit::default();
    for (minutes, balance) in readings {
        credit.read(balance * 1_000_000, at(*minutes));
    }
    credit
}

#[test]
fn traffic_shifts_before_the_credit_ends() {
    let credit = credit(&[(0, 160), (10, 140), (20, 120)]);
    let forecast = credit.forecast(0, at(20)).unwrap();
    assert_eq!(forecast.burn_per_hour, 120_000_000);
    assert_eq!(forecast.empty_at, Some(at(80)));
    assert_eq!(credit.shift(RULE, 0, at(20)), None);
    assert_eq!(credit.shift(RULE, 0, at(49)), None, "31 minutes are left");
    assert_eq!(credit.shift(RULE, 0, at(50)), Some(Shift::RunsOut(at(80))));
}

#[test]
fn what_our_own_book_says_has_gone_counts_before_the_next_reading() {
    let credit = credit(&[(0, 160), (10, 140), (20, 120)]);
    let forecast = credit.forecast(80_000_000, at(20)).unwrap();
    assert_eq!((forecast.balance_micros, forecast.empty_at), (40_000_000, Some(at(40))));
    assert_eq!(credit.shift(RULE, 80_000_000, at(20)), Some(Shift::RunsOut(at(40))));
    assert_eq!(credit.shift(RULE, 115_000_000, at(20)), Some(Shift::AtFloor));
}

#[test]
fn a_top_up_or_a_refund_is_not_negative_burn() {
    let topped_up = credit(&[(0, 60), (10, 40), (20, 20), (30, 500), (40, 480)]);
    let forecast = topped_up.forecast(0, at(40)).unwrap();
    assert_eq!(forecast.burn_per_hour, 120_000_000);
    assert_eq!(topped_up.shift(RULE, 0, at(40)), None);
    let refunded = credit(&[(0, 60), (10, 40), (20, 41), (30, 21)]);
    assert_eq!(refunded.forecast(0, at(30)).unwrap().burn_per_hour, 120_000_000);
}

#[test]
fn an_account_that_nothing_burns_never_runs_out_but_has_a_floor() {
    let idle = credit(&[(0, 7), (600, 7)]);
    let forecast = idle.forecast(0, at(6_000)).unwrap();
    assert_eq!((forecast.burn_per_hour, forecast.empty_at), (0, None));
    assert_eq!(idle.shift(RULE, 0, at(6_000)), None);
    assert_eq!(credit(&[(0, 5)]).shift(RULE, 0, at(0)), Some(Shift::AtFloor));
    assert_eq!(credit(&[(0, -3)]).shift(RULE, 0, at(0)), Some(Shift::AtFloor));
    assert_eq!(Credit::default().shift(RULE, 0, at(0)), None, "nobody knows");
}

#[test]
fn a_rush_of_the_last_hour_counts_more_than_a_quiet_day() {
    let mut readings: Vec<(i64, i64)> = (0..20).map(|hour| (hour * 60, 1_000 - hour)).collect();
    readings.push((19 * 60 + 30, 881));
    let rush = credit(&readings).forecast(0, at(19 * 60 + 30)).unwrap();
    assert!(rush.burn_per_hour > 75_000_000, "{rush:?}");
}

#[test]
fn a_clock_that_jumps_empties_no_account_and_reads_no_future() {
    let credit = credit(&[(0, 1_000), (10, 990)]);
    let ahead = credit.forecast(0, at(10 + 60 * 24 * 365)).unwrap();
    assert_eq!(ahead.balance_micros, 930_000_000, "carried on for an hour and no further");
    let back = credit.forecast(0, at(-600)).unwrap();
    assert_eq!(back.balance_micros, 990_000_000);
    assert_eq!(back.empty_at, Some(at(-600 + 990)));
}

proptest! {
    #[test]
    fn readings_tell_the_same_in_whatever_order_they_come(
        mut readings in prop::collection::vec((0_i64..3_000, -10_i64..1_000), 1..60),
        rotate in 0_usize..60,
        now in 0_i64..5_000,
    ) {
        let one = credit(&readings);
        let by = rotate % readings.len();
        readings.rotate_left(by);
        readings.reverse();
        prop_assert_eq!(&one, &credit(&readings));
        if let Some(empty) = one.forecast(0, at(now)).and_then(|forecast| forecast.empty_at) {
            prop_assert!(empty >= at(now));
        }
    }

    #[test]
    fn memory_is_bounded(count in 300_i64..1_000) {
        let mut credit = Credit::default();
        for second in 0..count {
            credit.read(second, Timestamp::from_millis(second * 1_000));
        }
        prop_assert!(credit.0.len() <= MOST);
    }
}
