//! One lie for each step of the verification, in both ceremonies. Every lie is signed: only the step itself can find it.

use super::*;
use authenticator::{BACKUP_ELIGIBLE, PRESENT, base64url};

type Lie = fn(&mut Value, &mut Vec<u8>);

/// What fails alike in both ceremonies.
const LIES: [(&str, Step, Lie); 11] = [
    ("another type", Step::ClientData, |client, _| client["type"] = json!("payment.get")),
    ("no type", Step::ClientData, |client, _| drop(client.as_object_mut().unwrap().remove("type"))),
    ("another challenge", Step::Challenge, |client, _| client["challenge"] = json!(base64url(&[1; 16]))),
    ("an empty challenge", Step::ClientData, |client, _| client["challenge"] = json!("")),
    ("another origin", Step::Origin, |client, _| client["origin"] = json!("https://evil.example")),
    ("an origin that begins alike", Step::Origin, |client, _| {
        client["origin"] = json!("https://shop.example.evil.example");
    }),
    ("another port", Step::Origin, |client, _| client["origin"] = json!("https://shop.example:8443")),
    ("inside a foreign page", Step::CrossOrigin, |client, _| client["crossOrigin"] = json!(true)),
    ("below a foreign page", Step::CrossOrigin, |client, _| {
        client["topOrigin"] = json!("https://evil.example");
    }),
    ("another domain", Step::RelyingParty, |_, data| data[0] ^= 1),
    ("nobody verified", Step::UserVerification, |_, data| data[FLAGS] &= !VERIFIED),
];

#[test]
fn a_registration_fails_at_the_step_that_is_wrong() {
    let only_here: [(&str, Step, Lie); 4] = [
        ("a sign-in's type", Step::ClientData, |client, _| client["type"] = json!("webauthn.get")),
        ("nobody present", Step::UserPresence, |_, data| data[FLAGS] &= !PRESENT),
        ("copied and yet not copyable", Step::AuthenticatorData, |_, data| {
            data[FLAGS] = data[FLAGS] & !BACKUP_ELIGIBLE | BACKED_UP;
        }),
        ("more than there should be", Step::AuthenticatorData, |_, data| data.push(0)),
    ];
    let house = House::new();
    for (name, step, lie) in LIES.into_iter().chain(only_here) {
        let mut authenticator = Authenticator::new(Key::es256(), PAGE);
        let begun = house.begin(&UserHandle::new(&house.random), &[]);
        let mut response = authenticator.create_with(&begun.options, lie);
        // A second copy, for those who cannot read CBOR. What counts is the attestation object.
        response["response"].as_object_mut().unwrap().remove("authenticatorData");
        response["response"].as_object_mut().unwrap().remove("publicKey");
        response["response"].as_object_mut().unwrap().remove("publicKeyAlgorithm");
        let refused = house.finish(&begun, &response);
        let malformed = step == Step::AuthenticatorData && refused == Err(PasskeyError::Malformed);
        assert!(malformed || refused == Err(PasskeyError::Refused(step)), "{name}: {refused:?}");
        let response = authenticator.create(&begun.options);
        assert!(house.finish(&begun, &response).is_ok(), "{name}: without the lie it verifies");
    }
}

#[test]
fn a_sign_in_fails_at_the_step_that_is_wrong() {
    let only_here: [(&str, Step, Lie); 4] = [
        ("a registration's type", Step::ClientData, |client, _| client["type"] = json!("webauthn.create")),
        ("nobody present", Step::UserPresence, |_, data| data[FLAGS] &= !PRESENT),
        ("no longer copyable", Step::Backup, |_, data| data[FLAGS] &= !BACKUP_ELIGIBLE),
        ("more than there should be", Step::AuthenticatorData, |_, data| data.push(0)),
    ];
    let house = House::new();
    let (mut authenticator, new) = house.enrolled(Key::es256());
    for (name, step, lie) in LIES.into_iter().chain(only_here) {
        let begun = house.ask();
        let response = authenticator.get_with(&begun.options, lie);
        assert_eq!(house.verify(&new, &begun, &response), Err(PasskeyError::Refused(step)), "{name}");
        let response = authenticator.get(&begun.options);
        assert!(house.verify(&new, &begun, &response).is_ok(), "{name}: without the lie it verifies");
    }
}

#[test]
fn a_passkey_that_cannot_be_copied_never_becomes_copyable() {
    let house = House::new();
    let mut authenticator = Authenticator::new(Key::es256(), PAGE);
    authenticator.flags &= !BACKUP_ELIGIBLE;
    let begun = house.begin(&UserHandle::new(&house.random), &[]);
    let response = authenticator.create(&begun.options);
    let new = house.finish(&begun, &response).unwrap();
    assert!(!new.passkey.backup_eligible);
    let begun = house.ask();
    let response = authenticator.get(&begun.options);
    assert!(house.verify(&new, &begun, &response).is_ok());
    let response = authenticator.get_with(&begun.options, |_, data| data[FLAGS] |= BACKUP_ELIGIBLE);
    assert_eq!(house.verify(&new, &begun, &response), Err(PasskeyError::Refused(Step::Backup)));
}

#[test]
fn an_algorithm_that_was_not_offered_makes_no_passkey() {
    let house = House::new();
    let mut authenticator = Authenticator::new(Key::es384(), PAGE);
    let begun = house.begin(&UserHandle::new(&house.random), &[]);
    let response = authenticator.create(&begun.options);
    assert_eq!(house.finish(&begun, &response), Err(PasskeyError::Refused(Step::Algorithm)));
}

#[test]
fn an_id_of_a_length_that_no_authenticator_may_use_makes_no_passkey() {
    let house = House::new();
    for (length, taken) in [(15, false), (16, true), (1023, true), (1024, false)] {
        let mut authenticator = Authenticator::new(Key::es256(), PAGE);
        authenticator.id = vec![7; length];
        let begun = house.begin(&UserHandle::new(&house.random), &[]);
        let response = authenticator.create(&begun.options);
        assert_eq!(house.finish(&begun, &response).is_ok(), taken, "{length}");
    }
}

#[test]
fn no_single_changed_bit_of_an_assertion_goes_through() {
    let house = House::new();
    for key in [Key::es256(), Key::eddsa(), Key::rs256()] {
        let (mut authenticator, new) = house.enrolled(key);
        let begun = house.ask();
        let good = authenticator.get(&begun.options);
        assert!(house.verify(&new, &begun, &good).is_ok());
        for part in ["clientDataJSON", "authenticatorData", "signature"] {
            let text = good["response"][part].as_str().unwrap();
            let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
            for at in 0..bytes.len() {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << (at % 8);
                let mut bad = good.clone();
                bad["response"][part] = json!(base64url(&bytes));
                assert!(house.verify(&new, &begun, &bad).is_err(), "{part} at {at}");
            }
        }
    }
}

#[test]
fn an_assertion_proves_nothing_about_another_passkey_or_another_person() {
    let house = House::new();
    let (mut mine, my_passkey) = house.enrolled(Key::es256());
    let (mut theirs, their_passkey) = house.enrolled(Key::es256());
    let begun = house.ask();
    let credential = Err(PasskeyError::Refused(Step::Credential));
    let response = theirs.get(&begun.options);
    assert_eq!(house.verify(&my_passkey, &begun, &response), credential, "another handle");
    let mut response = mine.get(&begun.options);
    response["response"]["userHandle"] = json!(base64url(their_passkey.handle.as_bytes()));
    assert_eq!(house.verify(&my_passkey, &begun, &response), credential, "a borrowed handle");
    let mut response = theirs.get(&begun.options);
    response["response"]["userHandle"] = json!(base64url(my_passkey.handle.as_bytes()));
    assert_eq!(house.verify(&my_passkey, &begun, &response), credential, "a borrowed person");
    (response["id"], response["rawId"]) = (json!(base64url(&mine.id)), json!(base64url(&mine.id)));
    let signature = Err(PasskeyError::Refused(Step::Signature));
    assert_eq!(house.verify(&my_passkey, &begun, &response), signature, "a borrowed name and a foreign key");
}

#[test]
fn a_known_person_signs_in_with_none_but_the_passkeys_that_were_named() {
    let house = House::new();
    let (_, named_one) = house.enrolled(Key::es256());
    let (mut other, other_passkey) = house.enrolled(Key::es256());
    let allow = [Descriptor::from(&named_one.passkey)];
    let whom = Whom::One { person: "usr_1", allow: &allow };
    let begun = sign_in_options(&house.setting(), &whom, UserVerification::Required).unwrap();
    let response = other.get(&begun.options);
    assert_eq!(house.verify(&other_passkey, &begun, &response), Err(PasskeyError::Refused(Step::Credential)));
}

#[test]
fn a_response_that_no_browser_makes_is_malformed_and_names_nobody() {
    let house = House::new();
    let (mut authenticator, new) = house.enrolled(Key::es256());
    let begun = house.ask();
    let good = authenticator.get(&begun.options);
    let mut bad = vec![json!(null), json!([]), json!("text"), json!({}), json!({ "response": [] })];
    for (field, value) in [
        ("id", json!("AAAA")),
        ("rawId", json!(base64url(&[1; 1024]))),
        ("type", json!("password")),
        ("response", json!({})),
    ] {
        let mut response = good.clone();
        response[field] = value;
        bad.push(response);
    }
    for (field, value) in [("userHandle", json!("AAAA")), ("signature", json!("not base64 !"))] {
        let mut response = good.clone();
        response["response"][field] = value;
        bad.push(response);
    }
    for response in bad {
        assert_eq!(named(&response), Err(PasskeyError::Malformed), "{response}");
        assert_eq!(house.verify(&new, &begun, &response), Err(PasskeyError::Malformed), "{response}");
        let begun = house.begin(&new.handle, &[]);
        assert_eq!(house.finish(&begun, &response), Err(PasskeyError::Malformed), "{response}");
    }
}

#[test]
fn a_record_that_cannot_be_read_signs_nobody_in() {
    let house = House::new();
    let (mut authenticator, mut new) = house.enrolled(Key::es256());
    let begun = house.ask();
    let response = authenticator.get(&begun.options);
    for record in [vec![], vec![9; 34], new.passkey.record[1..].to_vec()] {
        new.passkey.record = record;
        assert!(house.verify(&new, &begun, &response).is_err());
    }
}
