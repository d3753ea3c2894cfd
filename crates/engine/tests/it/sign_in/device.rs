//! Signing in with a trusted device.

use backstop_domain::{
    clock::Clock,
    factor::{
        Factor,
        trusted_device::{
            Device, DeviceName, ExternalDeviceId, NewDevice, challenge::DeviceChallenge,
            challenge::proof_message, key::DeviceKey,
        },
    },
    id::DeviceId,
    secret::SecretString,
    token::Acr,
};
use backstop_engine::sign_in::{DeviceProof, DeviceSignIn, Knock, SignInError, SignedIn};
use data_encoding::BASE64URL_NOPAD;
use futures::future;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;

use super::{ASHA, NOBODY, PASSWORD, Town, address, body, challenge, key, secret, tokens};

/// A device of Asha's: its id, its first token and its key.
pub(super) struct Phone {
    pub(super) id: DeviceId,
    pub(super) token: SecretString,
    pub(super) key: Ed25519KeyPair,
}

impl Phone {
    /// Remembers a device, with a key or without.
    pub(super) fn of(town: &Town, with_key: bool) -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
        let x = BASE64URL_NOPAD.encode(key.public_key().as_ref());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
        let new = NewDevice {
            name: DeviceName::parse("Asha's phone").unwrap(),
            external_id: Some(ExternalDeviceId::parse("phone-1").unwrap()),
            public_key: with_key.then(|| DeviceKey::parse(&jwk).unwrap()),
            network: None,
        };
        let policy = town.house.application("shop");
        let (now, chance) = (town.house.clock.now(), town.house.chance.as_ref());
        let device = Device::remember(new, policy.sign_in.device_ttl, now, chance);
        let token = device.token(&town.house.ring(), (policy.id, town.asha)).expose();
        let id = device.id;
        town.change(move |user| user.profile.ways.devices.push(device.clone()));
        Self { id, token, key }
    }

    pub(super) fn shows(&self) -> DeviceSignIn {
        by_token(&self.token)
    }

    /// Signs a fresh challenge.
    pub(super) fn signs(&self, town: &mut Town, knock: Knock) -> DeviceSignIn {
        let device = self.id;
        // Of two challenges of one millisecond one counts.
        town.pass(1);
        let challenge = town.engine.device_challenge(&town.stranger(), device).challenge;
        let parsed = DeviceChallenge::parse(&challenge).unwrap();
        let signature = self.key.sign(&proof_message(&parsed, device, town.asha)).as_ref().to_vec();
        let proof = DeviceProof::Signature { device, challenge, signature };
        DeviceSignIn { knock: Some(knock), external_id: None, proof, rotate: false }
    }
}

pub(super) fn by_token(token: &SecretString) -> DeviceSignIn {
    DeviceSignIn { knock: None, external_id: None, proof: DeviceProof::Token(token.clone()), rotate: true }
}

fn sign_in(town: &mut Town, request: DeviceSignIn) -> Result<SignedIn, SignInError> {
    town.ask(|engine, caller| async move { engine.sign_in_device(&caller, request, None).await })
}

fn is_refused(answer: &Result<SignedIn, SignInError>) -> bool {
    matches!(answer, Err(SignInError::Refused))
}

#[test]
fn a_device_signs_in_by_its_token_and_gets_the_next_one() {
    let mut town = Town::new();
    let phone = Phone::of(&town, false);
    let mut token = phone.token.clone();
    for _ in 0..25 {
        let tokens = tokens(sign_in(&mut town, by_token(&token)));
        assert_eq!((tokens.user, tokens.session.acr), (town.asha, Acr::Aal1));
        assert_eq!(tokens.session.amr, ["device"]);
        assert_eq!(tokens.session.device, Some(phone.id.to_string()));
        let next = tokens.device_token.unwrap();
        assert_ne!(next.expose(), token.expose());
        token = next;
        town.pass(60);
    }
}

#[test]
fn a_token_that_was_replaced_is_a_copy_and_ends_the_device_and_its_sessions() {
    let mut town = Town::new();
    let phone = Phone::of(&town, false);
    tokens(town.password(ASHA, PASSWORD));
    let next = tokens(sign_in(&mut town, phone.shows())).device_token.unwrap();
    let newest = tokens(sign_in(&mut town, by_token(&next))).device_token.unwrap();
    assert_eq!(town.live(), 3);
    town.pass(11);
    assert!(is_refused(&sign_in(&mut town, phone.shows())));
    assert_eq!((town.user().profile.ways.devices.len(), town.live()), (0, 1));
    assert_eq!((town.told("factor.device.replayed"), town.user().profile.notices), (1, 1));
    assert!(is_refused(&sign_in(&mut town, by_token(&newest))), "the thief's next one is over too");
    assert_eq!(town.live(), 1);
}

#[test]
fn what_we_did_not_make_touches_nothing() {
    let mut town = Town::new();
    let phone = Phone::of(&town, false);
    let before = (town.user(), town.told("sign_in.failed"));
    let genuine = phone.token.expose().to_owned();
    let last = if genuine.ends_with('0') { "1" } else { "0" };
    let changed = format!("{}{last}", &genuine[..genuine.len() - 1]);
    for _ in 0..40 {
        for text in ["", "dt_", &changed, &genuine.to_uppercase()] {
            assert!(is_refused(&sign_in(&mut town, by_token(&secret(text)))), "{text}");
        }
    }
    assert_eq!((town.user(), town.told("sign_in.failed")), before);
    tokens(sign_in(&mut town, phone.shows()));
}

#[test]
fn a_token_and_what_is_said_beside_it_must_agree() {
    let mut town = Town::new();
    let phone = Phone::of(&town, false);
    let with = |knock: &str, name: &str| DeviceSignIn {
        knock: Some(Knock::Address(address(knock))),
        external_id: Some(ExternalDeviceId::parse(name).unwrap()),
        ..phone.shows()
    };
    assert!(is_refused(&sign_in(&mut town, with(NOBODY, "phone-1"))));
    assert!(is_refused(&sign_in(&mut town, with(ASHA, "phone-2"))));
    tokens(sign_in(&mut town, with(ASHA, "phone-1")));
}

#[test]
fn a_device_with_a_key_signs_a_challenge_that_counts_once() {
    let mut town = Town::new();
    let phone = Phone::of(&town, true);
    let signed = phone.signs(&mut town, Knock::Address(address(ASHA)));
    assert_eq!(tokens(sign_in(&mut town, signed.clone())).session.amr, ["swk"]);
    assert!(is_refused(&sign_in(&mut town, signed)));
    let old = phone.signs(&mut town, Knock::Address(address(ASHA)));
    town.pass(300);
    assert!(is_refused(&sign_in(&mut town, old)));
    let elsewhere = phone.signs(&mut town, Knock::Address(address(NOBODY)));
    assert!(is_refused(&sign_in(&mut town, elsewhere)));
    let alone = DeviceSignIn { knock: None, ..phone.signs(&mut town, Knock::Address(address(ASHA))) };
    let answer = sign_in(&mut town, alone);
    assert!(matches!(answer, Err(SignInError::OutOfBounds { field: "phone", .. })), "{answer:?}");
}

#[test]
fn of_two_at_once_with_one_signature_one_gets_in() {
    let mut town = Town::new();
    let phone = Phone::of(&town, true);
    let signed = phone.signs(&mut town, Knock::Address(address(ASHA)));
    let answers = town.ask(|engine, caller| {
        future::join_all((0..5).map(move |_| {
            let (engine, caller, signed) = (engine.clone(), caller.clone(), signed.clone());
            async move { engine.sign_in_device(&caller, signed, None).await }
        }))
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(town.live(), 1);
}

#[test]
fn twenty_wrong_signatures_lock_a_device_and_strangers_devices_lock_nobody() {
    let mut town = Town::new();
    let phone = Phone::of(&town, true);
    let stranger = DeviceId::new(town.house.clock.now(), town.house.chance.as_ref());
    let forge = |town: &mut Town, device: DeviceId| {
        let challenge = town.engine.device_challenge(&town.stranger(), device).challenge;
        let proof = DeviceProof::Signature { device, challenge, signature: vec![0; 64] };
        let knock = Some(Knock::Address(address(ASHA)));
        sign_in(town, DeviceSignIn { knock, external_id: None, proof, rotate: false })
    };
    for _ in 0..25 {
        assert!(is_refused(&forge(&mut town, stranger)));
    }
    town.pass(3600);
    let signed = phone.signs(&mut town, Knock::Address(address(ASHA)));
    tokens(sign_in(&mut town, signed));
    for _ in 0..20 {
        assert!(is_refused(&forge(&mut town, phone.id)));
    }
    let signed = phone.signs(&mut town, Knock::Address(address(ASHA)));
    let locked = sign_in(&mut town, signed);
    assert!(matches!(locked, Err(SignInError::Locked { until: Some(_) })), "{locked:?}");
}

#[test]
fn a_device_is_trusted_for_thirty_days_however_often_it_is_used() {
    let mut town = Town::new();
    let mut token = Phone::of(&town, false).token;
    for _ in 0..29 {
        town.pass(86_400);
        token = tokens(sign_in(&mut town, by_token(&token))).device_token.unwrap();
    }
    town.pass(86_400);
    assert!(is_refused(&sign_in(&mut town, by_token(&token))));
}

#[test]
fn a_token_alone_is_neither_of_two_ways_and_a_key_is() {
    let mut town = Town::new();
    town.enrol_totp();
    let phone = Phone::of(&town, false);
    let asked = challenge(sign_in(&mut town, phone.shows()));
    assert_eq!(asked.ways, [Factor::Totp, Factor::Otp, Factor::Password]);
    let after = challenge(town.knows_password(Knock::Mfa(asked.mfa_token)));
    assert_eq!(after.ways, [Factor::Totp, Factor::Otp], "the token was none of the two");
    let session = tokens(town.by_app(Knock::Mfa(after.mfa_token))).session;
    assert_eq!(session.amr, ["pwd", "otp", "totp"]);
    let asked = challenge(town.password(ASHA, PASSWORD));
    assert!(!asked.ways.contains(&Factor::TrustedDevice));
    let knock = Knock::Mfa(asked.mfa_token);
    let second = DeviceSignIn { knock: Some(knock.clone()), ..phone.shows() };
    assert!(is_refused(&sign_in(&mut town, second)));

    town.change(|user| user.profile.ways.devices.clear());
    let phone = Phone::of(&town, true);
    let asked = challenge(town.password(ASHA, PASSWORD));
    assert!(asked.ways.contains(&Factor::TrustedDevice));
    let signed = phone.signs(&mut town, knock);
    let session = tokens(sign_in(&mut town, signed)).session;
    assert_eq!((session.acr, session.amr), (Acr::Aal2, vec!["pwd".into(), "swk".into()]));
}

#[test]
fn a_device_whose_trust_has_ended_shuts_no_other_one_out_however_often_it_comes() {
    let mut town = Town::new();
    let old = Phone::of(&town, false);
    town.pass(30 * 86_400);
    let new = Phone::of(&town, false);
    for _ in 0..25 {
        assert!(is_refused(&sign_in(&mut town, old.shows())));
    }
    tokens(sign_in(&mut town, new.shows()));
}

#[test]
fn a_replayed_call_gets_the_same_next_token() {
    let mut town = Town::new();
    let phone = Phone::of(&town, false);
    let mut heard = Vec::new();
    for _ in 0..3 {
        let (request, key) = (phone.shows(), key("device", &body("device")));
        let answer = town
            .ask(|engine, caller| async move { engine.sign_in_device(&caller, request, Some(&key)).await });
        heard.push(tokens(answer).device_token.unwrap().expose().to_owned());
    }
    heard.dedup();
    assert_eq!((heard.len(), town.live()), (1, 1));
}
