//! Somebody guesses at many doors.

use std::time::Duration;

use backstop_domain::{
    audit::NewRecord,
    clock::Clock as _,
    event::{Actor, Event, EventKind},
    factor::{
        backup_code::SubmittedBackupCode,
        failures::{USUAL, WINDOW},
    },
    notice::NoticeKind,
    ports::store::Audit as _,
};
use backstop_engine::{
    Caller,
    sign_in::{Knock, SignInError},
};
use futures::executor::block_on;

use super::{Town, address};

/// Guesses once at each of so many people, in turn from five networks; how many were looked at.
fn spray(town: &mut Town, people: u32) -> u32 {
    let mut looked_at = 0;
    for number in 0..people {
        let network = [198, 51, 100, u8::try_from(number % 5).unwrap()];
        let caller = Caller { network: Some(network.into()), ..town.stranger() };
        let knock = Knock::Address(address(&format!("+9198765{number:05}")));
        let code = SubmittedBackupCode::parse("ABCD-EFGH").unwrap();
        let answer = town.ask_as(caller, |engine, caller| async move {
            engine.sign_in_backup_code(&caller, &knock, code, None).await
        });
        looked_at += u32::from(matches!(answer, Err(SignInError::Refused)));
    }
    looked_at
}

#[test]
fn a_guess_at_each_of_many_people_from_five_networks_is_slowed_and_raises_one_alarm() {
    let mut town = Town::with_webhook();
    assert_eq!(spray(&mut town, 2000), 5 * 30, "each network has its thirty");
    for _ in 0..5 {
        town.pass(61);
    }
    let owed = town.owed(NoticeKind::FailuresRising);
    assert_eq!((town.told("sign_in.failures_rising"), owed.len()), (1, 1));
    assert_eq!(owed[0]["data"]["failures"], 150);
}

#[test]
fn as_many_failures_as_on_every_other_day_raise_none() {
    let mut town = Town::new();
    let (application, ring) = (town.house.application("shop").id, town.house.ring());
    let first = town.house.clock.now() - WINDOW - USUAL;
    let chance = town.house.chance.clone();
    let failed = |number: u64| {
        let at = first + Duration::from_secs(number * 25);
        let event = Event::new(at, EventKind::SignInFailed, Actor::Anonymous);
        NewRecord::of(&Event { application: Some(application), ..event }, &ring, chance.as_ref())
    };
    // Twenty-four in every ten minutes.
    let week = (0..USUAL.as_secs() / 25).map(failed).collect();
    block_on(town.house.store.record(week)).unwrap();
    spray(&mut town, 5 * 24 - 2);
    town.pass(61);
    assert_eq!(town.told("sign_in.failures_rising"), 0);
    spray(&mut town, 2);
    town.pass(61);
    assert_eq!(town.told("sign_in.failures_rising"), 1, "five times as many do");
}
