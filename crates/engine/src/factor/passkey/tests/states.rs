//! The token between the halves: good for one application, one ceremony, one person where one is named, and five minutes.

use super::*;

#[test]
fn a_token_is_good_for_five_minutes_and_not_for_a_moment_more() {
    let mut house = House::new();
    let (mut authenticator, new) = house.enrolled(Key::es256());
    let (begun, registration) = (house.ask(), house.begin(&new.handle, &[]));
    let response = authenticator.get(&begun.options);
    let made = authenticator.create(&registration.options);
    house.now = begun.expires_at - Duration::from_millis(1);
    assert!(house.verify(&new, &begun, &response).is_ok());
    assert!(house.finish(&registration, &made).is_ok());
    house.now = begun.expires_at;
    assert_eq!(house.verify(&new, &begun, &response), Err(PasskeyError::Expired));
    assert_eq!(house.finish(&registration, &made), Err(PasskeyError::Expired));
}

#[test]
fn a_token_of_another_application_is_none() {
    let mut house = House::new();
    let (mut authenticator, new) = house.enrolled(Key::es256());
    let (begun, registration) = (house.ask(), house.begin(&new.handle, &[]));
    let response = authenticator.get(&begun.options);
    let made = authenticator.create(&registration.options);
    house.application = "fleet";
    assert_eq!(house.verify(&new, &begun, &response), Err(PasskeyError::NotOurs));
    assert_eq!(house.finish(&registration, &made), Err(PasskeyError::NotOurs));
}

#[test]
fn a_token_of_one_ceremony_finishes_no_other() {
    let house = House::new();
    let (mut authenticator, new) = house.enrolled(Key::es256());
    let (begun, registration) = (house.ask(), house.begin(&new.handle, &[]));
    let response = authenticator.get(&begun.options);
    let made = authenticator.create(&registration.options);
    assert_eq!(house.verify(&new, &registration, &response), Err(PasskeyError::NotOurs));
    assert_eq!(house.finish(&begun, &made), Err(PasskeyError::NotOurs));
}

#[test]
fn a_token_for_one_person_is_good_for_nobody_else() {
    let house = House::new();
    let (mut authenticator, new) = house.enrolled(Key::es256());
    let registration = house.begin(&new.handle, &[]);
    let made = authenticator.create(&registration.options);
    let stolen = verify_registration(&house.setting(), "usr_2", &registration.state, &made, "phone".into());
    assert_eq!(stolen.map(|_| ()), Err(PasskeyError::NotOurs));
    let allow = [Descriptor::from(&new.passkey)];
    let whom = Whom::One { person: "usr_2", allow: &allow };
    let begun = sign_in_options(&house.setting(), &whom, UserVerification::Required).unwrap();
    let response = authenticator.get(&begun.options);
    assert_eq!(house.verify(&new, &begun, &response), Err(PasskeyError::NotOurs));
}

#[test]
fn a_token_that_was_changed_made_up_or_sealed_elsewhere_is_none() {
    let house = House::new();
    let (mut authenticator, new) = house.enrolled(Key::es256());
    let begun = house.ask();
    let response = authenticator.get(&begun.options);
    let with = |state: String| {
        let begun = Begun { state, ..begun.clone() };
        house.verify(&new, &begun, &response)
    };
    assert!(with(begun.state.clone()).is_ok());
    let body = begun.state.strip_prefix("passkey_").unwrap();
    for at in [0, 6, 30, 60, body.len() - 1] {
        let mut changed = body.as_bytes().to_vec();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = format!("passkey_{}", String::from_utf8(changed).unwrap());
        assert_eq!(with(changed), Err(PasskeyError::NotOurs), "{at}");
    }
    for made_up in [String::new(), "passkey_".into(), body.into(), format!("passkey_{}", "A".repeat(100_000))]
    {
        assert_eq!(with(made_up), Err(PasskeyError::NotOurs));
    }
    let (random, elsewhere) = (SeededRandom::new(8), House::new());
    let keys = KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)));
    let elsewhere = House { ring: Keyring::new(keys).unwrap(), ..elsewhere };
    assert_eq!(with(elsewhere.ask().state), Err(PasskeyError::NotOurs));
}

#[test]
fn a_token_hides_what_it_holds() {
    let house = House::new();
    let begun = house.ask();
    let challenge = begun.options["challenge"].as_str().unwrap();
    assert!(!begun.state.contains(challenge));
    assert_ne!(begun.state, house.ask().state);
}

#[test]
fn a_token_for_as_many_and_as_long_passkeys_as_a_person_may_hold_comes_back() {
    let house = House::new();
    let (mut authenticator, new) = house.enrolled(Key::es256());
    let longest = (1..20).map(|number| Descriptor {
        id: CredentialId::new(vec![number; 1023]).unwrap(),
        transports: vec![Transport::Usb],
    });
    let allow: Vec<_> = longest.chain([Descriptor::from(&new.passkey)]).collect();
    let whom = Whom::One { person: "usr_1", allow: &allow };
    let begun = sign_in_options(&house.setting(), &whom, UserVerification::Required).unwrap();
    let response = authenticator.get(&begun.options);
    assert!(house.verify(&new, &begun, &response).is_ok());
}
