//! Setting a new password by a code.

use std::sync::atomic::Ordering;

use backstop_domain::{
    application::Authority,
    clock::Clock as _,
    code::SubmittedCode,
    factor::{Factor, password::InvalidPassword},
    id::VerificationId,
    ports::store::File,
    purpose::Purpose,
    secret::SecretString,
    token::session::Session,
    user::Address,
};
use backstop_engine::{
    Caller, IdempotencyKey,
    manage::{Denied, ManageError, Manager},
    sign_in::{
        Challenge, Knock, OtpCheck, OtpTarget, PasswordReset, ResetBy, ResetError, SignInError, WaysQuery,
    },
};

use super::{
    ASHA, MAILBOX, NOBODY, PASSWORD, Town, address, body, device::Phone, key, secret, sign_up::started_by,
    tokens,
};

const NEW: &str = "walnut ladder seventy";
const ANOTHER: &str = "asha@another.example";

fn by_code(id: VerificationId, code: SubmittedCode) -> PasswordReset {
    let by = ResetBy::Code { target: OtpTarget::Id(id), code };
    PasswordReset { by, new_password: secret(NEW), second: None }
}

fn by_token(challenge: &Challenge, second: Option<(Factor, SecretString)>) -> PasswordReset {
    PasswordReset { by: ResetBy::Token(challenge.mfa_token.clone()), new_password: secret(NEW), second }
}

fn reset_with(
    town: &mut Town,
    request: PasswordReset,
    key: Option<IdempotencyKey>,
) -> Result<(), ResetError> {
    town.ask(|engine, caller| async move { engine.reset_password(&caller, request, key.as_ref()).await })
}

fn reset(town: &mut Town, request: PasswordReset) -> Result<(), ResetError> {
    reset_with(town, request, None)
}

fn asked(answer: Result<(), ResetError>) -> Challenge {
    match answer {
        Err(ResetError::SecondFactorRequired(challenge)) => challenge,
        other => panic!("{other:?}"),
    }
}

fn is_refused(answer: &Result<(), ResetError>) -> bool {
    matches!(answer, Err(ResetError::SignIn(SignInError::Refused)))
}

fn wrong(right: &SubmittedCode) -> SubmittedCode {
    let other = if right.expose() == "000000" { "000001" } else { "000000" };
    SubmittedCode::parse(other).unwrap()
}

#[test]
fn a_code_sets_a_new_password_and_ends_what_the_old_one_let_in() {
    let mut town = Town::new();
    let phone = Phone::of(&town, false);
    tokens(town.password(ASHA, PASSWORD));
    for _ in 0..5 {
        town.password(ASHA, "not the password").unwrap_err();
    }
    let id = town.send(ASHA, Purpose::password_reset());
    let code = town.code(id);
    assert!(is_refused(&reset(&mut town, by_code(id, wrong(&code)))));
    reset(&mut town, by_code(id, code.clone())).unwrap();
    assert_eq!((town.live(), town.user().profile.ways.devices.len()), (0, 0));
    assert_eq!((town.told("factor.password.reset"), town.user().profile.notices), (1, 2));
    assert!(town.password(ASHA, PASSWORD).is_err());
    tokens(town.password(ASHA, NEW));
    let by_device = super::device::by_token(&phone.token);
    let by_device =
        town.ask(|engine, caller| async move { engine.sign_in_device(&caller, by_device, None).await });
    assert!(matches!(by_device, Err(SignInError::Refused)));
    assert!(is_refused(&reset(&mut town, by_code(id, code))), "a code counts once");
}

#[test]
fn the_lock_of_the_old_password_ends_with_it() {
    let mut town = Town::new();
    for _ in 0..5 {
        town.password(ASHA, "not the password").unwrap_err();
    }
    let locked = town.password(ASHA, PASSWORD);
    assert!(matches!(locked, Err(SignInError::Locked { .. })), "{locked:?}");
    let id = town.send(ASHA, Purpose::password_reset());
    let code = town.code(id);
    reset(&mut town, by_code(id, code)).unwrap();
    tokens(town.password(ASHA, NEW));
}

#[test]
fn a_code_for_something_else_or_for_nobody_sets_nothing() {
    let mut town = Town::new();
    let id = town.send(ASHA, Purpose::login());
    let code = town.code(id);
    assert!(is_refused(&reset(&mut town, by_code(id, code))));
    let id = town.send(NOBODY, Purpose::password_reset());
    let code = town.code(id);
    assert!(is_refused(&reset(&mut town, by_code(id, code))));
    let id = town.send(ASHA, Purpose::password_reset());
    let check = OtpCheck { target: OtpTarget::Id(id), code: town.code(id), mfa_token: None, remember: None };
    let signed_in =
        town.ask(|engine, caller| async move { engine.sign_in_otp_verify(&caller, check, None).await });
    assert!(matches!(signed_in, Err(SignInError::Refused)), "and such a code signs nobody in");
    tokens(town.password(ASHA, PASSWORD));
}

#[test]
fn where_a_code_to_sign_in_with_will_do_no_other_one_does_and_none_that_went_elsewhere() {
    let mut town = Town::new();
    // Its secret key sees every code; a page sees those alone that a page had sent.
    let application = Caller { authority: Authority::Secret, ..town.stranger() };
    let named = |town: &mut Town, to: &str, id: VerificationId| {
        let by =
            ResetBy::Named { to: address(to), code: town.code(id), other: address(MAILBOX), loose: true };
        let request = PasswordReset { by, new_password: secret(NEW), second: None };
        town.ask_as(application.clone(), |engine, caller| async move {
            engine.reset_password(&caller, request, None).await
        })
    };
    let payment = started_by(&mut town, application.clone(), ASHA, "transaction".parse().unwrap());
    assert!(is_refused(&named(&mut town, ASHA, payment)));
    let (asha, elsewhere) = (town.asha, address(NOBODY));
    let backup = town.ask_as(application.clone(), |engine, caller| async move {
        let manager = Manager::application(caller).unwrap();
        engine.start_sms_backup(&manager, asha, Some(elsewhere), None).await.unwrap().verification.id
    });
    town.pass(1);
    assert!(is_refused(&named(&mut town, NOBODY, backup)), "it went to a number that is not hers");
    tokens(town.password(ASHA, PASSWORD));
    let ordinary = started_by(&mut town, application.clone(), ASHA, Purpose::login());
    named(&mut town, ASHA, ordinary).unwrap();
    tokens(town.password(ASHA, NEW));
}

/// Puts confirmed addresses before those that Asha had from the beginning.
fn add(town: &mut Town, texts: &[&str]) {
    town.pass(60);
    let (ring, owner) = (town.house.ring(), (town.user().application, town.asha));
    let when = (town.house.clock.now(), true);
    let seal = |text: &&str| Address::seal(&ring, owner, &address(text), when, town.house.chance.as_ref());
    let added: Vec<Address> = texts.iter().map(seal).collect();
    let rule = move |file: &mut File| {
        file.user.as_mut().unwrap().profile.addresses.splice(0..0, added.clone());
    };
    town.write(rule, texts);
}

/// The session of somebody who read a code that was sent there.
fn signed_in_by(town: &mut Town, to: &str) -> Session {
    let id = town.send(to, Purpose::login());
    let check = OtpCheck { target: OtpTarget::Id(id), code: town.code(id), mfa_token: None, remember: None };
    let signed_in =
        town.ask(|engine, caller| async move { engine.sign_in_otp_verify(&caller, check, None).await });
    tokens(signed_in).session
}

#[test]
fn an_address_that_was_just_put_there_recovers_nothing_for_a_day() {
    let mut town = Town::new();
    add(&mut town, &[NOBODY, ANOTHER]);
    let ring = town.house.ring();
    let falls_back_on = |town: &Town, id| {
        let personal = town.house.view(id).unwrap().verification.open_personal(&ring).unwrap();
        personal.fallback_to.into_values().collect::<Vec<_>>()
    };
    let named = |town: &mut Town, to: &str, purpose: Purpose| {
        let id = town.send(to, purpose);
        let by =
            ResetBy::Named { to: address(to), code: town.code(id), other: address(MAILBOX), loose: true };
        reset(town, PasswordReset { by, new_password: secret(NEW), second: None })
    };

    let id = town.send(NOBODY, Purpose::password_reset());
    let code = town.code(id);
    assert!(is_refused(&reset(&mut town, by_code(id, code))), "it was sent to nobody");
    assert!(is_refused(&named(&mut town, NOBODY, Purpose::login())), "nor does a code to sign in with");
    let id = town.send(ASHA, Purpose::password_reset());
    assert_eq!(falls_back_on(&town, id), [MAILBOX], "nor does another one fall back on it");
    town.house.refuses.store(true, Ordering::SeqCst);
    let unseen = named(&mut town, ASHA, Purpose::login());
    assert!(is_refused(&unseen), "as one to sign in with may have, if it did not go straight");
    town.house.refuses.store(false, Ordering::SeqCst);
    let changes = |town: &mut Town, session| {
        let asha = town.asha;
        town.ask(|engine, caller| async move {
            let manager = engine.manager(caller, asha, session);
            let set = engine.set_password(&manager, asha, &secret(NEW)).await;
            let begun = engine.enrol_totp(&manager, asha).await;
            (set, begun.map(drop))
        })
    };
    let session = signed_in_by(&mut town, NOBODY).id;
    let refused = changes(&mut town, session);
    let refused =
        [refused.0, refused.1].map(|refused| matches!(refused, Err(ManageError::Denied(Denied::StepUp))));
    assert_eq!(refused, [true, true], "it signs in, and changes nothing of what else lets in");
    tokens(town.password(ASHA, PASSWORD));

    town.pass(86_400);
    let id = town.send(ASHA, Purpose::password_reset());
    assert_eq!(falls_back_on(&town, id), [ANOTHER]);
    let id = town.send(NOBODY, Purpose::password_reset());
    let code = town.code(id);
    reset(&mut town, by_code(id, code)).unwrap();
    tokens(town.password(ASHA, NEW));
}

#[test]
fn whoever_shows_what_they_held_before_changes_what_is_theirs_while_a_new_address_waits() {
    let mut town = Town::new();
    add(&mut town, &[NOBODY]);
    for to in [ASHA, NOBODY] {
        let (asha, session) = (town.asha, signed_in_by(&mut town, to));
        if to == NOBODY {
            let asked = super::second_factor::step_up(&mut town, &session);
            tokens(town.knows_password(Knock::Mfa(asked.mfa_token)));
        }
        let begun = town.ask(|engine, caller| async move {
            let manager = engine.manager(caller, asha, session.id);
            engine.enrol_totp(&manager, asha).await.map(drop)
        });
        assert!(begun.is_ok(), "{to}: {begun:?}");
    }
}

#[test]
fn with_an_authenticator_enrolled_the_code_alone_sets_nothing_and_both_do() {
    let mut town = Town::new();
    town.enrol_totp();
    let id = town.send(ASHA, Purpose::password_reset());
    let code = town.code(id);
    assert!(
        is_refused(&reset(&mut town, by_code(id, wrong(&code)))),
        "nothing is told before the code is right"
    );
    let challenge = asked(reset(&mut town, by_code(id, code)));
    assert_eq!(challenge.ways, [Factor::Totp]);
    let right = town.totp();
    let bad = secret(wrong(&SubmittedCode::parse(right.expose()).unwrap()).expose());
    assert_eq!(asked(reset(&mut town, by_token(&challenge, None))).ways, [Factor::Totp]);
    asked(reset(&mut town, by_token(&challenge, Some((Factor::Totp, bad)))));
    tokens_are_not_had(&mut town, &challenge);
    reset(&mut town, by_token(&challenge, Some((Factor::Totp, right)))).unwrap();
    assert!(town.user().profile.ways.totp.is_some(), "the other factors stay");
    town.pass(30);
    let next = town.totp();
    let again = reset(&mut town, by_token(&challenge, Some((Factor::Totp, next))));
    assert!(is_refused(&again), "what the code proved counts once: {again:?}");
}

/// The token of a reset opens no other door.
fn tokens_are_not_had(town: &mut Town, challenge: &Challenge) {
    let (knock, code) = (Knock::Mfa(challenge.mfa_token.clone()), town.totp());
    let code = SubmittedCode::parse(code.expose()).unwrap();
    let answer =
        town.ask(|engine, caller| async move { engine.sign_in_totp(&caller, &knock, code, None).await });
    assert!(matches!(answer, Err(SignInError::MfaToken)), "{answer:?}");
    let query = WaysQuery { mfa_token: Some(challenge.mfa_token.clone()), device_token: None };
    let ways = town.ask(|engine, caller| async move { engine.ways(&caller, query).await });
    assert!(matches!(ways, Err(SignInError::MfaToken)), "{ways:?}");
}

#[test]
fn a_backup_code_stands_in_and_is_used_up_and_five_wrong_ones_lock() {
    let mut town = Town::new();
    town.enrol_totp();
    let codes = town.backup_codes();
    let id = town.send(ASHA, Purpose::password_reset());
    let request =
        PasswordReset { second: Some((Factor::BackupCode, codes[0].clone())), ..by_code(id, town.code(id)) };
    reset(&mut town, request).unwrap();
    assert_eq!(town.user().profile.ways.backup_codes.unwrap().left(), 9);
    town.pass(60);
    let id = town.send(ASHA, Purpose::password_reset());
    let code = town.code(id);
    let challenge = asked(reset(&mut town, by_code(id, code)));
    for _ in 0..5 {
        asked(reset(&mut town, by_token(&challenge, Some((Factor::BackupCode, codes[0].clone())))));
    }
    let locked = reset(&mut town, by_token(&challenge, Some((Factor::BackupCode, codes[1].clone()))));
    assert!(matches!(locked, Err(ResetError::SignIn(SignInError::Locked { .. }))), "{locked:?}");
    let password = (Factor::Password, secret(PASSWORD));
    let out = reset(&mut town, by_token(&challenge, Some(password)));
    assert!(matches!(out, Err(ResetError::SignIn(SignInError::OutOfBounds { .. }))), "{out:?}");
}

#[test]
fn a_password_that_cannot_be_one_costs_no_code() {
    let mut town = Town::new();
    let id = town.send(ASHA, Purpose::password_reset());
    let code = town.code(id);
    let common = PasswordReset { new_password: secret("password1"), ..by_code(id, code.clone()) };
    let refused = reset(&mut town, common);
    assert!(matches!(refused, Err(ResetError::Password(InvalidPassword::TooCommon))), "{refused:?}");
    let own = PasswordReset { new_password: secret("asha7391x"), ..by_code(id, code) };
    let challenge = match reset(&mut town, own) {
        Err(ResetError::PersonalPassword(InvalidPassword::Personal, challenge)) => challenge,
        other => panic!("{other:?}"),
    };
    reset(&mut town, by_token(&challenge, None)).unwrap();
    tokens(town.password(ASHA, NEW));
}

#[test]
fn the_token_of_a_reset_is_over_after_five_minutes_and_another_token_is_none() {
    let mut town = Town::new();
    town.enrol_totp();
    let id = town.send(ASHA, Purpose::password_reset());
    let code = town.code(id);
    let challenge = asked(reset(&mut town, by_code(id, code)));
    town.pass(300);
    let totp = town.totp();
    let late = reset(&mut town, by_token(&challenge, Some((Factor::Totp, totp.clone()))));
    assert!(matches!(late, Err(ResetError::SignIn(SignInError::MfaToken))), "{late:?}");
    let other = super::challenge(town.password(ASHA, PASSWORD));
    let other = reset(&mut town, by_token(&other, Some((Factor::Totp, totp))));
    assert!(matches!(other, Err(ResetError::SignIn(SignInError::MfaToken))), "{other:?}");
}

#[test]
fn a_replay_gets_the_first_answer() {
    let mut town = Town::new();
    let id = town.send(ASHA, Purpose::password_reset());
    let code = town.code(id);
    for _ in 0..3 {
        reset_with(&mut town, by_code(id, code.clone()), Some(key("reset", &body("reset")))).unwrap();
    }
    assert_eq!(town.told("factor.password.reset"), 1);
    assert_eq!(address(ASHA).masked(), town.user().profile.addresses[0].masked);
}
