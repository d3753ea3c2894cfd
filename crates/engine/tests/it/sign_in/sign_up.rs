//! Signing up.

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    code::SubmittedCode,
    factor::{
        password::InvalidPassword,
        trusted_device::{DeviceName, NewDevice},
    },
    id::VerificationId,
    ports::store::{People, Whom},
    purpose::Purpose,
    user::{User, address_hash},
};
use backstop_engine::{
    Caller, Engine, IdempotencyKey,
    sign_in::{OtpTarget, SignInError, SignUp, SignUpError, Tokens},
    verify::StartRequest,
};
use futures::{executor::block_on, future};

use super::{ASHA, NOBODY, PASSWORD, Town, address, body, key, secret, tokens};

const NEWCOMER: &str = "+919876543222";

fn registration() -> Purpose {
    "registration".parse().unwrap()
}

/// An ordinary start of a page, which belongs to nobody.
fn started(town: &mut Town, to: &str, purpose: Purpose) -> VerificationId {
    let stranger = town.stranger();
    started_by(town, stranger, to, purpose)
}

pub(super) fn started_by(town: &mut Town, caller: Caller, to: &str, purpose: Purpose) -> VerificationId {
    let request = StartRequest::new(address(to), purpose);
    let started = town.ask_as(caller, |engine: Arc<Engine>, caller: Caller| async move {
        engine.start(&caller, request, None).await.unwrap().verification.id
    });
    town.pass(1);
    started
}

fn request(id: VerificationId, code: SubmittedCode) -> SignUp {
    SignUp {
        target: OtpTarget::Id(id),
        code,
        purposes: vec![registration()],
        email: None,
        password: None,
        remember: None,
    }
}

fn sign_up_with(
    town: &mut Town,
    request: SignUp,
    key: Option<IdempotencyKey>,
) -> Result<Tokens, SignUpError> {
    town.ask(|engine, caller| async move { engine.sign_up(&caller, request, key.as_ref()).await })
}

fn sign_up(town: &mut Town, request: SignUp) -> Result<Tokens, SignUpError> {
    sign_up_with(town, request, None)
}

fn found(town: &Town, to: &str) -> Option<User> {
    let hash = address_hash(&town.house.ring(), &address(to));
    block_on(town.house.store.find(town.house.application("shop").id, Whom::Address(hash))).unwrap()
}

fn is_refused<T>(answer: &Result<T, SignUpError>) -> bool {
    matches!(answer, Err(SignUpError::SignIn(SignInError::Refused)))
}

#[test]
fn whoever_holds_the_address_becomes_a_person_who_is_in() {
    let mut town = Town::new();
    let id = started(&mut town, NEWCOMER, registration());
    let code = town.code(id);
    let device = NewDevice {
        name: DeviceName::parse("phone").unwrap(),
        external_id: None,
        public_key: None,
        network: None,
    };
    let request = SignUp {
        email: Some(address("new@example.com")),
        password: Some(secret(PASSWORD)),
        remember: Some(device),
        ..request(id, code)
    };
    let in_now = sign_up(&mut town, request).unwrap();
    let user = found(&town, NEWCOMER).unwrap();
    assert_eq!((in_now.user, in_now.session.user), (user.id, user.id));
    assert!(in_now.device_token.is_some() && in_now.session.amr.contains(&"otp".into()));
    let confirmed: Vec<bool> =
        user.profile.addresses.iter().map(|address| address.confirmed_at.is_some()).collect();
    assert_eq!(confirmed, [true, false]);
    assert!(found(&town, "new@example.com").is_none(), "nobody has shown to hold that one");
    assert_eq!(tokens(town.password(NEWCOMER, PASSWORD)).user, user.id);
    assert_eq!(town.told("user.created"), 1);
}

#[test]
fn an_address_that_somebody_has_makes_nobody_new() {
    let mut town = Town::new();
    let id = started(&mut town, ASHA, registration());
    let code = town.code(id);
    let taken = sign_up(&mut town, request(id, code));
    assert!(matches!(taken, Err(SignUpError::AddressTaken)), "{taken:?}");
    assert_eq!((found(&town, ASHA).unwrap().id, town.live()), (town.asha, 0));
}

#[test]
fn a_wrong_code_another_purpose_and_a_sign_ins_code_make_nobody() {
    let mut town = Town::new();
    let id = started(&mut town, NEWCOMER, registration());
    let right = town.code(id);
    let wrong = if right.expose() == "000000" { "000001" } else { "000000" };
    let wrong = SubmittedCode::parse(wrong).unwrap();
    assert!(is_refused(&sign_up(&mut town, request(id, wrong))));
    let other = started(&mut town, NEWCOMER, Purpose::login());
    let code = town.code(other);
    assert!(is_refused(&sign_up(&mut town, request(other, code))));
    for to in [ASHA, NOBODY] {
        let of_a_sign_in = town.send(to, registration());
        let code = town.code(of_a_sign_in);
        assert!(is_refused(&sign_up(&mut town, request(of_a_sign_in, code))), "{to}");
    }
    assert!(found(&town, NEWCOMER).is_none() && found(&town, NOBODY).is_none());
    sign_up(&mut town, request(id, right)).unwrap();
}

#[test]
fn a_code_to_sign_in_with_will_do_where_that_is_asked_for() {
    let mut town = Town::new();
    let id = started(&mut town, NEWCOMER, Purpose::login());
    let code = town.code(id);
    let request = SignUp { purposes: vec![registration(), Purpose::login()], ..request(id, code) };
    sign_up(&mut town, request).unwrap();
}

#[test]
fn a_guess_is_charged_and_recorded_once_however_often_it_is_repeated_and_what_is_no_code_is_none() {
    let mut town = Town::new();
    let id = started(&mut town, NEWCOMER, registration());
    let right = town.code(id);
    let wrong = if right.expose() == "000000" { "000001" } else { "000000" };
    for _ in 0..40 {
        let wrong = request(id, SubmittedCode::parse(wrong).unwrap());
        let again = sign_up_with(&mut town, wrong, Some(key("once", &body("once"))));
        assert!(is_refused(&again), "{again:?}");
        let short = request(id, SubmittedCode::parse("0000").unwrap());
        assert!(is_refused(&sign_up(&mut town, short)));
    }
    assert_eq!(town.told("sign_in.failed"), 1);
    sign_up(&mut town, request(id, right)).unwrap();
}

#[test]
fn a_password_or_address_that_cannot_be_costs_no_code() {
    let mut town = Town::new();
    let id = started(&mut town, NEWCOMER, registration());
    let code = town.code(id);
    let bad = SignUp { password: Some(secret("password1")), ..request(id, code.clone()) };
    let refused = sign_up(&mut town, bad);
    assert!(matches!(refused, Err(SignUpError::Password(InvalidPassword::TooCommon))), "{refused:?}");
    let own = SignUp {
        target: OtpTarget::Address(address(NEWCOMER)),
        password: Some(secret("9876543222")),
        ..request(id, code.clone())
    };
    let refused = sign_up(&mut town, own);
    assert!(matches!(refused, Err(SignUpError::Password(InvalidPassword::Personal))), "{refused:?}");
    let phone = SignUp { email: Some(address(ASHA)), ..request(id, code.clone()) };
    let refused = sign_up(&mut town, phone);
    let is_out = matches!(refused, Err(SignUpError::SignIn(SignInError::OutOfBounds { field: "email", .. })));
    assert!(is_out, "{refused:?}");
    sign_up(&mut town, request(id, code)).unwrap();
}

#[test]
fn of_two_at_once_one_gets_the_address() {
    let mut town = Town::new();
    let first = started(&mut town, NEWCOMER, registration());
    town.house.pass(Duration::from_secs(60));
    let second = started(&mut town, NEWCOMER, registration());
    let requests = [first, second].map(|id| request(id, town.code(id)));
    let answers = town.ask(|engine, caller| {
        future::join_all(requests.map(move |request| {
            let (engine, caller) = (engine.clone(), caller.clone());
            async move { engine.sign_up(&caller, request, None).await }
        }))
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert!(answers.iter().any(|answer| matches!(answer, Err(SignUpError::AddressTaken))), "{answers:?}");
    assert_eq!(town.told("user.created"), 1);
}

#[test]
fn a_replay_gets_the_same_tokens() {
    let mut town = Town::new();
    let id = started(&mut town, NEWCOMER, registration());
    let code = town.code(id);
    let mut heard = Vec::new();
    for _ in 0..3 {
        let tokens =
            sign_up_with(&mut town, request(id, code.clone()), Some(key("up", &body("up")))).unwrap();
        heard.push(tokens.access_token.expose().to_owned());
    }
    heard.dedup();
    assert_eq!((heard.len(), town.told("user.created")), (1, 1));
}
