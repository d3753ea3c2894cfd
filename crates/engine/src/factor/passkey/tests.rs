mod authenticator;
mod refusals;
mod states;

use std::time::Duration;

use backstop_domain::{
    factor::passkey::{NewPasskey, Passkeys, UserHandle},
    keyring::{KeyUse, Kid, generate},
    ports::random::SeededRandom,
};
use serde_json::json;

use super::*;
use authenticator::{Authenticator, BACKED_UP, FLAGS, Key, VERIFIED};

const PAGE: &str = "https://shop.example";

/// What a setting is made of, at a moment that tests move.
struct House {
    application: &'static str,
    party: RelyingParty,
    ring: Keyring,
    random: SeededRandom,
    now: Timestamp,
}

impl House {
    fn new() -> Self {
        let random = SeededRandom::new(7);
        let keys =
            KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)));
        let ring = Keyring::new(keys).unwrap();
        let party = RelyingParty::new("shop.example", &[PAGE.to_owned()]).unwrap();
        Self { application: "shop", party, ring, random, now: Timestamp::from_millis(1_800_000_000_000) }
    }

    fn setting(&self) -> Setting<'_> {
        Setting {
            application: self.application,
            relying_party: &self.party,
            keyring: &self.ring,
            random: &self.random,
            now: self.now,
        }
    }

    fn begin(&self, handle: &UserHandle, held: &[Passkey]) -> Begun {
        let newcomer =
            Newcomer { person: "usr_1", handle, name: "a@shop.example", display_name: "Asha", held };
        registration_options(&self.setting(), &newcomer).unwrap()
    }

    fn finish(&self, begun: &Begun, response: &Value) -> Result<NewPasskey, PasskeyError> {
        verify_registration(&self.setting(), "usr_1", &begun.state, response, "phone".into())
            .map(|(new, _)| new)
    }

    /// A person's passkey on an authenticator.
    fn enrolled(&self, key: Key) -> (Authenticator, NewPasskey) {
        let mut authenticator = Authenticator::new(key, PAGE);
        let begun = self.begin(&UserHandle::new(&self.random), &[]);
        let response = authenticator.create(&begun.options);
        let new = self.finish(&begun, &response).unwrap();
        (authenticator, new)
    }

    fn ask(&self) -> Begun {
        sign_in_options(&self.setting(), &Whom::Anyone, UserVerification::Required).unwrap()
    }

    fn verify(&self, new: &NewPasskey, begun: &Begun, response: &Value) -> Result<SignedIn, PasskeyError> {
        verify_sign_in(&self.setting(), "usr_1", &new.handle, &new.passkey, &begun.state, response)
            .map(|(signed_in, _)| signed_in)
    }
}

#[test]
fn a_passkey_of_every_kind_that_is_offered_signs_its_person_in() {
    for key in [Key::es256(), Key::eddsa(), Key::rs256()] {
        let house = House::new();
        let (mut authenticator, new) = house.enrolled(key);
        let kept: Passkey = serde_json::from_value(serde_json::to_value(&new.passkey).unwrap()).unwrap();
        let new = NewPasskey { passkey: kept, ..new };
        let begun = house.ask();
        let response = authenticator.get(&begun.options);
        assert_eq!(
            named(&response),
            Ok(Named { id: new.passkey.id.clone(), handle: Some(new.handle) }),
            "found by what it names"
        );
        let proven = SignedIn { user_verified: true, counter: 2, backed_up: false };
        assert_eq!(house.verify(&new, &begun, &response), Ok(proven));
    }
}

#[test]
fn what_is_kept_of_a_passkey_is_what_its_authenticator_said() {
    let house = House::new();
    let (authenticator, new) = house.enrolled(Key::es256());
    let Passkey { record, .. } = new.passkey.clone();
    assert_eq!(
        new.passkey,
        Passkey {
            id: CredentialId::new(authenticator.id).unwrap(),
            record,
            counter: 1,
            backup_eligible: true,
            backed_up: false,
            transports: vec![Transport::Hybrid, Transport::Internal],
            user_verified: true,
            name: "phone".into(),
            created_at: house.now,
            last_used_at: None,
        }
    );
}

#[test]
fn a_browser_is_asked_for_a_passkey_that_knows_its_person_and_needs_no_name() {
    let house = House::new();
    let (_, held) = house.enrolled(Key::es256());
    let mut begun = house.begin(&held.handle, std::slice::from_ref(&held.passkey));
    assert!(begun.options["challenge"].as_str().is_some_and(|text| text.len() == 22), "16 random bytes");
    begun.options["challenge"] = json!("fresh");
    assert_eq!(
        begun.options,
        json!({
            "rp": { "id": "shop.example", "name": "shop.example" },
            "user": {
                "id": authenticator::base64url(held.handle.as_bytes()),
                "name": "a@shop.example",
                "displayName": "Asha",
            },
            "challenge": "fresh",
            "pubKeyCredParams": [
                { "type": "public-key", "alg": -8 },
                { "type": "public-key", "alg": -7 },
                { "type": "public-key", "alg": -257 },
            ],
            "timeout": 300_000,
            "excludeCredentials": [
                { "type": "public-key", "id": held.passkey.id.to_string(), "transports": ["hybrid", "internal"] },
            ],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": true,
                "userVerification": "required",
            },
            "hints": [],
            "attestation": "none",
            "attestationFormats": ["none"],
            "extensions": {},
        })
    );
}

#[test]
fn by_default_nobody_is_named_when_a_passkey_is_asked_for() {
    let mut begun = House::new().ask();
    begun.options["challenge"] = json!("fresh");
    assert_eq!(
        begun.options,
        json!({
            "challenge": "fresh",
            "timeout": 300_000,
            "rpId": "shop.example",
            "allowCredentials": [],
            "userVerification": "required",
            "hints": [],
            "extensions": {},
        })
    );
}

#[test]
fn a_known_person_is_asked_for_their_own_passkeys_and_may_go_without_verification() {
    let house = House::new();
    let (mut authenticator, new) = house.enrolled(Key::es256());
    let allow = [Descriptor::from(&new.passkey)];
    let whom = Whom::One { person: "usr_1", allow: &allow };
    for (flags, user_verified) in [(authenticator.flags, true), (authenticator.flags & !VERIFIED, false)] {
        let begun = sign_in_options(&house.setting(), &whom, UserVerification::Preferred).unwrap();
        assert_eq!(begun.options["allowCredentials"][0]["id"], json!(new.passkey.id.to_string()));
        authenticator.flags = flags;
        let mut response = authenticator.get(&begun.options);
        response["response"]["userHandle"] = Value::Null;
        assert_eq!(named(&response).unwrap().handle, None);
        let signed_in = house.verify(&new, &begun, &response).unwrap();
        assert_eq!(signed_in.user_verified, user_verified);
    }
}

#[test]
fn a_counter_that_does_not_rise_is_told_and_the_person_is_still_signed_in() {
    let house = House::new();
    let (mut authenticator, new) = house.enrolled(Key::es256());
    let mut holds = None;
    Passkeys::add(&mut holds, new.clone()).unwrap();
    let mut holds = holds.unwrap();
    let mut counters = Vec::new();
    for counter in [4, 9, 6, 9, 10] {
        authenticator.counter = counter;
        let begun = house.ask();
        let response = authenticator.get(&begun.options);
        let held = NewPasskey { passkey: holds.held()[0].clone(), ..new.clone() };
        let proven = house.verify(&held, &begun, &response).unwrap();
        assert_eq!(proven.counter, counter + 1);
        let said = holds.used(&new.passkey.id, proven.counter, proven.backed_up, house.now).unwrap();
        counters.push(format!("{said:?}"));
    }
    assert_eq!(counters, ["Fine", "Fine", "DidNotRise", "DidNotRise", "Fine"]);
}

#[test]
fn a_passkey_may_become_copied_and_stop_being_so() {
    let house = House::new();
    let (mut authenticator, mut new) = house.enrolled(Key::es256());
    for backed_up in [true, false] {
        authenticator.flags ^= BACKED_UP;
        let begun = house.ask();
        let response = authenticator.get(&begun.options);
        assert_eq!(house.verify(&new, &begun, &response).unwrap().backed_up, backed_up);
        new.passkey.backed_up = backed_up;
    }
}

#[test]
fn extensions_that_nobody_asked_for_change_nothing() {
    let house = House::new();
    let mut authenticator = Authenticator::new(Key::es256(), PAGE);
    let begun = house.begin(&UserHandle::new(&house.random), &[]);
    let response = authenticator.create_with(&begun.options, |_, data| {
        data[FLAGS] |= 0x80;
        data.extend(b"\xa1\x6bcredProtect\x03");
    });
    let new = house.finish(&begun, &response).unwrap();
    let begun = house.ask();
    let mut response = authenticator.get(&begun.options);
    response["clientExtensionResults"] = json!({ "appid": false });
    assert!(house.verify(&new, &begun, &response).is_ok());
}

#[test]
fn a_browser_that_says_little_or_speaks_of_the_future_makes_a_passkey_too() {
    let house = House::new();
    for (transports, kept) in [
        (Value::Null, vec![]),
        (json!([]), vec![]),
        (json!(["usb", "nfc", "ble", "smart-card"]), {
            vec![Transport::Ble, Transport::Nfc, Transport::SmartCard, Transport::Usb]
        }),
        (json!(["telepathy", "internal"]), vec![Transport::Internal]),
    ] {
        let mut authenticator = Authenticator::new(Key::es256(), PAGE);
        let begun = house.begin(&UserHandle::new(&house.random), &[]);
        let mut response = authenticator.create(&begun.options);
        response["response"]["transports"] = transports.clone();
        response["authenticatorAttachment"] = json!("implant");
        response["clientExtensionResults"] = json!({ "credProps": { "rk": true }, "future": 1 });
        let made = house.finish(&begun, &response).map(|new| new.passkey.transports);
        assert_eq!(made, Ok(kept), "{transports}");
    }
}

#[test]
fn an_unknown_name_has_the_same_passkeys_each_time_and_of_the_shape_of_real_ones() {
    let house = House::new();
    let (_, real) = house.enrolled(Key::es256());
    let real = Descriptor::from(&real.passkey);
    let mut lengths = std::collections::BTreeSet::new();
    for number in 0..40 {
        let name = format!("+1415555{number:04}");
        let decoys = decoys(&house.ring, "shop", &name);
        assert_eq!(decoys, super::decoys(&house.ring, "shop", &name), "stable");
        assert_ne!(decoys, super::decoys(&house.ring, "fleet", &name));
        assert_eq!((decoys.len(), &decoys[0].transports), (1, &real.transports));
        lengths.insert(decoys[0].id.as_bytes().len());
        let options = |person: &str, allow: &[Descriptor]| {
            let whom = Whom::One { person, allow };
            sign_in_options(&house.setting(), &whom, UserVerification::Required).unwrap()
        };
        let (decoy, real) = (options(&name, &decoys), options("usr_1", std::slice::from_ref(&real)));
        let keys = |begun: &Begun| begun.options.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&decoy), keys(&real));
        if decoys[0].id.as_bytes().len() == 32 {
            assert_eq!(decoy.state.len(), real.state.len(), "a token tells nothing");
        }
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [20, 32]);
}

#[test]
fn a_challenge_is_named_alike_each_time_its_token_comes_and_unlike_any_other() {
    let house = House::new();
    let (mut authenticator, new) = house.enrolled(Key::es256());
    let once = |begun: &Begun, authenticator: &mut Authenticator| {
        let response = authenticator.get(&begun.options);
        let verified =
            verify_sign_in(&house.setting(), "usr_1", &new.handle, &new.passkey, &begun.state, &response);
        verified.unwrap().1
    };
    let (first, second) = (house.ask(), house.ask());
    let spent = once(&first, &mut authenticator);
    assert_eq!(spent, once(&first, &mut authenticator), "the store refuses the second");
    assert_ne!(spent.hash, once(&second, &mut authenticator).hash);
    assert_eq!(spent.until, house.now + Duration::from_secs(300));
}
