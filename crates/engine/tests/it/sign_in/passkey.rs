//! Signing in with a passkey.

use backstop_domain::{
    clock::Clock,
    factor::{
        Factor,
        passkey::{CredentialId, Passkeys, UserHandle},
    },
    ports::store::Lookup,
    token::Acr,
    user::UserStatus,
};
use backstop_engine::{
    factor::passkey::{Begun, Newcomer, RelyingParty, Setting, registration_options, verify_registration},
    sign_in::{Knock, PasskeySignIn, SignInError, SignedIn},
};
use futures::future;
use serde_json::Value;

use super::{ASHA, NOBODY, PASSWORD, Town, address, challenge, tokens};
use crate::authenticator::{Authenticator, Key, VERIFIED};

const PAGE: &str = "https://shop.example";

/// Gives Asha a passkey.
fn enrolled(town: &Town) -> Authenticator {
    let (ring, now) = (town.house.ring(), town.house.clock.now());
    let party = RelyingParty::new("shop.example", &[PAGE.to_owned()]).unwrap();
    let random = town.house.chance.as_ref();
    let setting = Setting { application: "shop", relying_party: &party, keyring: &ring, random, now };
    let (person, handle) = (town.asha.to_string(), UserHandle::new(random));
    let newcomer =
        Newcomer { person: &person, handle: &handle, name: "asha", display_name: "Asha", held: &[] };
    let begun = registration_options(&setting, &newcomer).unwrap();
    let mut authenticator = Authenticator::new(Key::es256(), PAGE);
    let response = authenticator.create(&begun.options);
    let (new, _) = verify_registration(&setting, &person, &begun.state, &response, "phone".into()).unwrap();
    let claim = Lookup::Passkey(new.passkey.id.lookup());
    town.act(
        move |file| {
            let ways = &mut file.user.as_mut().unwrap().profile.ways;
            Passkeys::add(&mut ways.passkeys, new.clone()).unwrap();
        },
        vec![claim],
    );
    authenticator
}

fn options(town: &mut Town, knock: Option<Knock>) -> Result<Begun, SignInError> {
    town.ask(|engine, caller| async move { engine.passkey_sign_in_options(&caller, knock.as_ref()).await })
}

fn answer(begun: &Begun, response: Value) -> PasskeySignIn {
    PasskeySignIn { mfa_token: None, knock: None, state: begun.state.clone(), response }
}

fn sign_in(town: &mut Town, request: PasskeySignIn) -> Result<SignedIn, SignInError> {
    town.ask(|engine, caller| async move { engine.sign_in_passkey(&caller, request, None).await })
}

fn is_refused(answer: &Result<SignedIn, SignInError>) -> bool {
    matches!(answer, Err(SignInError::Refused))
}

fn allowed(begun: &Begun) -> Vec<String> {
    let allowed = begun.options["allowCredentials"].as_array().unwrap().iter();
    allowed.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_passkey_that_knows_its_person_is_both_ways_and_each_challenge_counts_once() {
    let mut town = Town::new();
    let mut authenticator = enrolled(&town);
    let begun = options(&mut town, None).unwrap();
    let request = answer(&begun, authenticator.get(&begun.options));
    let session = tokens(sign_in(&mut town, request.clone())).session;
    assert_eq!((session.user, session.acr), (town.asha, Acr::Aal2));
    assert!(is_refused(&sign_in(&mut town, request)));
    let held = town.user().profile.ways.passkeys.unwrap();
    assert!(held.held()[0].last_used_at.is_some());
    assert_eq!(town.live(), 1);
}

#[test]
fn whoever_knocks_is_asked_for_their_own_passkeys_and_others_for_decoys_that_stay() {
    let mut town = Town::new();
    let knock = |to: &str| Some(Knock::Address(address(to)));
    let without = allowed(&options(&mut town, knock(ASHA)).unwrap());
    let mut authenticator = enrolled(&town);
    let begun = options(&mut town, knock(ASHA)).unwrap();
    let id = CredentialId::new(authenticator.id.clone()).unwrap().to_string();
    assert_eq!(allowed(&begun), [id]);
    let decoys = allowed(&options(&mut town, knock(NOBODY)).unwrap());
    assert_eq!((decoys.len(), without.len()), (1, 1));
    assert_eq!(allowed(&options(&mut town, knock(NOBODY)).unwrap()), decoys);
    assert_ne!(allowed(&options(&mut town, knock("+919876543218")).unwrap()), decoys);
    town.change(|user| user.status = UserStatus::Suspended);
    assert_eq!(allowed(&options(&mut town, knock(ASHA)).unwrap()), without, "as if unknown");
    town.change(|user| user.status = UserStatus::Active);

    let to = |to| Some(address(to));
    let request = answer(&begun, authenticator.get(&begun.options));
    let other = PasskeySignIn { knock: to(NOBODY), ..request.clone() };
    assert!(is_refused(&sign_in(&mut town, other)));
    tokens(sign_in(&mut town, PasskeySignIn { knock: to(ASHA), ..request }));
    let begun = options(&mut town, knock(NOBODY)).unwrap();
    let request = answer(&begun, authenticator.get(&begun.options));
    assert!(is_refused(&sign_in(&mut town, request)), "options for somebody else");
}

#[test]
fn unknown_forged_late_and_suspended_are_refused_alike() {
    let mut town = Town::new();
    let mut authenticator = enrolled(&town);
    let begun = options(&mut town, None).unwrap();
    let mut stranger = Authenticator::new(Key::es256(), PAGE);
    stranger.handle = authenticator.handle.clone();
    let unknown = stranger.get(&begun.options);
    stranger.id = authenticator.id.clone();
    let forged = stranger.get(&begun.options);
    let right = authenticator.get(&begun.options);
    for response in [unknown, forged, Value::Null, serde_json::json!({"id": "x"})] {
        assert!(is_refused(&sign_in(&mut town, answer(&begun, response))));
    }
    town.change(|user| user.status = UserStatus::Suspended);
    assert!(is_refused(&sign_in(&mut town, answer(&begun, right.clone()))));
    town.change(|user| user.status = UserStatus::Active);
    town.pass(300);
    assert!(is_refused(&sign_in(&mut town, answer(&begun, right))));
    assert_eq!(town.live(), 0);
}

#[test]
fn a_counter_that_did_not_rise_is_told_and_refuses_nothing() {
    let mut town = Town::new();
    let mut authenticator = enrolled(&town);
    for counter in [9, 3] {
        authenticator.counter = counter;
        let begun = options(&mut town, None).unwrap();
        let request = answer(&begun, authenticator.get(&begun.options));
        tokens(sign_in(&mut town, request));
    }
    assert_eq!(town.told("factor.passkey.counter_regressed"), 1);
}

#[test]
fn after_a_first_way_a_passkey_need_not_verify_and_must_be_the_same_persons() {
    let mut town = Town::new();
    let mut authenticator = enrolled(&town);
    authenticator.flags &= !VERIFIED;
    let begun = options(&mut town, None).unwrap();
    let request = answer(&begun, authenticator.get(&begun.options));
    assert!(is_refused(&sign_in(&mut town, request)), "alone it must verify");
    let asked = challenge(town.password(ASHA, PASSWORD));
    assert!(asked.ways.contains(&Factor::Passkey));
    let begun = options(&mut town, Some(Knock::Mfa(asked.mfa_token.clone()))).unwrap();
    let request = PasskeySignIn {
        mfa_token: Some(asked.mfa_token),
        ..answer(&begun, authenticator.get(&begun.options))
    };
    let session = tokens(sign_in(&mut town, request)).session;
    assert_eq!((session.acr, session.amr[0].as_str()), (Acr::Aal2, "pwd"));
}

#[test]
fn of_five_at_once_with_one_challenge_one_gets_in() {
    let mut town = Town::new();
    let mut authenticator = enrolled(&town);
    let begun = options(&mut town, None).unwrap();
    let request = answer(&begun, authenticator.get(&begun.options));
    let answers = town.ask(|engine, caller| {
        future::join_all((0..5).map(move |_| {
            let (engine, caller, request) = (engine.clone(), caller.clone(), request.clone());
            async move { engine.sign_in_passkey(&caller, request, None).await }
        }))
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
}

#[test]
fn without_a_domain_there_are_no_passkeys() {
    let mut town = Town::new();
    let answer = town.ask(|engine, caller| async move {
        let application = engine.application("shop").unwrap();
        let caller = backstop_engine::Caller { application, ..caller };
        engine.passkey_sign_in_options(&caller, None).await
    });
    assert!(matches!(answer, Err(SignInError::OutOfBounds { .. })), "{answer:?}");
}
