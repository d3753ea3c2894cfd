//! Somebody guesses at many doors.

use std::time::Duration;

use backstop_domain::{
    audit::NewRecord,
    clock::Clock as _,
    delivery::Lease,
    event::{Actor, Event, EventKind},
    factor::{
        backup_code::SubmittedBackupCode,
        failures::{USUAL, WINDOW},
    },
    notice::{Audience, Endpoint, Line, NoticeKind},
    ports::store::{Audit as _, Notices as _},
};
use backstop_engine::{
    Caller,
    notify::NoticeSettings,
    sign_in::{Knock, SignInError},
};
use futures::executor::block_on;

use super::{Town, address};
use crate::house::House;

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

/// How often operators are told of it.
fn alarms(town: &Town) -> usize {
    let (now, store) = (town.house.clock.now(), &town.house.store);
    let lease = Lease { holder: town.engine.node(), until: now + Duration::from_secs(1) };
    let due = block_on(store.due_notices(Line::Webhook("pager".into()), lease, now, 100)).unwrap();
    due.iter().filter(|one| one.notice.kind == NoticeKind::FailuresRising).count()
}

#[test]
fn a_guess_at_each_of_many_people_from_five_networks_is_slowed_and_raises_one_alarm() {
    let mut house = House::new(1);
    house.notices = NoticeSettings {
        audience: Audience {
            endpoints: vec![Endpoint { name: "pager".into(), application: None, kinds: None }],
            ..Audience::default()
        },
        ..NoticeSettings::default()
    };
    let mut town = Town::in_a(house);
    assert_eq!(spray(&mut town, 2000), 5 * 30, "each network has its thirty");
    for _ in 0..5 {
        town.pass(61);
    }
    assert_eq!((town.told("sign_in.failures_rising"), alarms(&town)), (1, 1));
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
