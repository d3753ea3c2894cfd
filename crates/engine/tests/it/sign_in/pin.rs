//! Signing in with a device and its PIN.

use std::time::Duration;

use backstop_domain::{
    clock::Clock,
    factor::{
        Factor,
        pin::{DevicePin, Pin},
    },
    id::DeviceId,
    token::Acr,
};
use backstop_engine::sign_in::{DeviceSignIn, Knock, SignInError, SignedIn};
use futures::future;

use super::{
    ASHA, PASSWORD, Town, address, body, challenge,
    device::{Phone, by_token},
    key, secret, tokens,
};

const PIN: &str = "482913";
const DAY: u64 = 86_400;

fn set_pin(town: &Town, device: DeviceId) {
    let pin = Pin::parse(PIN).unwrap();
    let hash = pin.hash(&town.house.ring(), device, town.house.chance.as_ref()).unwrap();
    let life = Duration::from_secs(90 * DAY);
    let pin = DevicePin::set(hash, life, town.house.clock.now());
    town.change(move |user| {
        let device = user.profile.ways.devices.iter_mut().find(|one| one.id == device).unwrap();
        device.pin = Some(pin.clone());
    });
}

fn town(with_key: bool) -> (Town, Phone) {
    let town = Town::new();
    let phone = Phone::of(&town, with_key);
    set_pin(&town, phone.id);
    (town, phone)
}

fn sign_in(town: &mut Town, request: DeviceSignIn, pin: &str) -> Result<SignedIn, SignInError> {
    let pin = secret(pin);
    town.ask(|engine, caller| async move { engine.sign_in_pin(&caller, request, pin, None).await })
}

fn is_refused(answer: &Result<SignedIn, SignInError>) -> bool {
    matches!(answer, Err(SignInError::Refused))
}

#[test]
fn the_device_and_its_pin_let_in_and_each_alone_does_not() {
    let (mut town, phone) = town(false);
    let tokens = tokens(sign_in(&mut town, phone.shows(), PIN));
    assert_eq!((tokens.session.acr, tokens.session.amr.clone()), (Acr::Aal1, vec!["pin".into()]));
    assert!(tokens.device_token.is_some());
    assert!(is_refused(&sign_in(&mut town, phone.shows(), "482914")));
    assert!(is_refused(&sign_in(&mut town, by_token(&secret("dt_made_up")), PIN)));
    let other = Phone::of(&town, false);
    assert!(is_refused(&sign_in(&mut town, other.shows(), PIN)), "another device has another PIN, or none");
    let malformed = sign_in(&mut town, phone.shows(), "four");
    assert!(matches!(malformed, Err(SignInError::OutOfBounds { field: "pin", .. })), "{malformed:?}");
}

#[test]
fn the_third_wrong_pin_locks_for_a_day_and_only_the_devices_holder_hears_of_it() {
    let (mut town, phone) = town(false);
    for _ in 0..2 {
        assert!(is_refused(&sign_in(&mut town, phone.shows(), "000000")));
    }
    assert_eq!(town.told("factor.pin.locked"), 0);
    for pin in ["000000", PIN, PIN] {
        let locked = sign_in(&mut town, phone.shows(), pin);
        assert!(matches!(locked, Err(SignInError::Locked { until: Some(_) })), "{locked:?}");
    }
    assert_eq!((town.told("factor.pin.locked"), town.user().profile.notices), (1, 1), "told once");
    assert!(is_refused(&sign_in(&mut town, by_token(&secret("dt_made_up")), PIN)));
    town.pass(DAY);
    tokens(sign_in(&mut town, phone.shows(), PIN));
}

#[test]
fn wrong_pins_count_over_all_devices() {
    let (mut town, first) = town(false);
    let mut phones = vec![first];
    for _ in 0..3 {
        let phone = Phone::of(&town, false);
        set_pin(&town, phone.id);
        phones.push(phone);
    }
    for phone in &phones[..3] {
        for _ in 0..3 {
            sign_in(&mut town, phone.shows(), "000000").unwrap_err();
        }
    }
    let locked = sign_in(&mut town, phones[3].shows(), PIN);
    assert!(matches!(locked, Err(SignInError::Locked { until: Some(_) })), "{locked:?}");
}

#[test]
fn ten_wrong_ones_in_all_end_the_pin_until_it_is_set_again() {
    let (mut town, phone) = town(false);
    for n in 1..=10 {
        let answer = sign_in(&mut town, phone.shows(), "000000");
        match n {
            10 => assert!(matches!(answer, Err(SignInError::Locked { until: None })), "{answer:?}"),
            _ => assert!(answer.is_err()),
        }
        town.pass(DAY);
    }
    let over = sign_in(&mut town, phone.shows(), PIN);
    assert!(matches!(over, Err(SignInError::Locked { until: None })), "{over:?}");
}

#[test]
fn with_the_devices_key_a_pin_is_both_ways_and_with_a_token_it_is_one() {
    let (mut town, phone) = town(true);
    town.enrol_totp();
    let asked = challenge(sign_in(&mut town, phone.shows(), PIN));
    assert_eq!(asked.ways, [Factor::Totp, Factor::Otp, Factor::TrustedDevice]);
    let known = town.knows_password(Knock::Mfa(asked.mfa_token.clone()));
    assert!(matches!(known, Err(SignInError::SameWay)), "a PIN and a password are both known: {known:?}");
    let session = tokens(town.by_app(Knock::Mfa(asked.mfa_token))).session;
    assert_eq!((session.acr, session.amr), (Acr::Aal2, vec!["pin".into(), "otp".into(), "totp".into()]));
    let signed = phone.signs(&mut town, Knock::Address(address(ASHA)));
    let session = tokens(sign_in(&mut town, signed, PIN)).session;
    assert_eq!((session.acr, session.amr), (Acr::Aal2, vec!["pin".into(), "swk".into()]));
}

#[test]
fn of_many_pins_at_once_with_one_signature_one_is_judged() {
    let (mut town, phone) = town(true);
    let signed = phone.signs(&mut town, Knock::Address(address(ASHA)));
    let answers = town.ask(|engine, caller| {
        future::join_all((0..6).map(move |n| {
            let (engine, caller, signed) = (engine.clone(), caller.clone(), signed.clone());
            let pin = secret(if n == 0 { "000000" } else { PIN });
            async move { engine.sign_in_pin(&caller, signed, pin, None).await }
        }))
    });
    assert!(answers.iter().filter(|answer| answer.is_ok()).count() <= 1, "{answers:?}");
    let device = &town.user().profile.ways.devices[0];
    let judged = device.pin.as_ref().unwrap().failures_in_all + u32::try_from(town.live()).unwrap();
    assert_eq!(judged, 1);
}

#[test]
fn a_replay_of_a_wrong_pin_counts_once() {
    let (mut town, phone) = town(false);
    for _ in 0..10 {
        let (request, key) = (phone.shows(), key("pin", &body("pin")));
        let answer = town.ask(|engine, caller| async move {
            engine.sign_in_pin(&caller, request, secret("000000"), Some(&key)).await
        });
        assert!(is_refused(&answer));
    }
    let device = &town.user().profile.ways.devices[0];
    assert_eq!(device.pin.as_ref().unwrap().failures, 1);
    tokens(sign_in(&mut town, phone.shows(), PIN));
}

#[test]
fn a_replayed_token_beside_the_right_pin_ends_the_device() {
    let (mut town, phone) = town(false);
    let next = tokens(sign_in(&mut town, phone.shows(), PIN)).device_token.unwrap();
    tokens(sign_in(&mut town, by_token(&next), PIN));
    tokens(town.password(ASHA, PASSWORD));
    town.pass(11);
    assert!(is_refused(&sign_in(&mut town, phone.shows(), PIN)));
    assert_eq!((town.user().profile.ways.devices.len(), town.live()), (0, 1));
    assert_eq!(town.told("factor.device.replayed"), 1);
}

#[test]
fn day_ninety_ends_the_pin() {
    let (mut town, phone) = town(false);
    town.pass(89 * DAY);
    tokens(sign_in(&mut town, DeviceSignIn { rotate: false, ..phone.shows() }, PIN));
    town.pass(DAY);
    assert!(is_refused(&sign_in(&mut town, phone.shows(), PIN)));
}
