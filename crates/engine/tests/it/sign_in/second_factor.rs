//! Which two ways are two, and proving oneself again.

use backstop_domain::{
    factor::{Factor, backup_code::SubmittedBackupCode},
    purpose::Purpose,
    token::{Acr, session::Session},
    user::SecondFactor,
};
use backstop_engine::{
    Caller,
    sign_in::{Challenge, Knock, OtpStart, SignInError},
    verify::Selection,
};

use super::{ASHA, PASSWORD, Town, address, challenge, secret, tokens};

fn is_same_way<T: std::fmt::Debug>(answer: &Result<T, SignInError>) -> bool {
    matches!(answer, Err(SignInError::SameWay))
}

/// A page of an application that wants no code that is sent in the place of TOTP.
fn strict(town: &Town) -> Caller {
    let mut caller = town.stranger();
    let mut application = caller.application.as_ref().clone();
    application.sign_in.sms_backup = false;
    caller.application = application.into();
    caller
}

fn second_code(knock: Knock) -> OtpStart {
    OtpStart {
        knock,
        selection: Selection::Ladder,
        purpose: Purpose::login(),
        locale: None,
        session: None,
        wait: false,
    }
}

pub(super) fn step_up(town: &mut Town, session: &Session) -> Challenge {
    let (asha, session) = (town.asha, session.id);
    let asked = town.ask(|engine, caller| async move {
        let manager = engine.manager(caller, asha, session);
        engine.step_up(&manager).await
    });
    asked.unwrap()
}

#[test]
fn where_no_text_stands_in_for_the_app_a_code_and_a_password_are_not_two_ways_in_either_order() {
    let mut town = Town::new();
    town.enrol_totp();
    let (caller, to) = (strict(&town), address(ASHA));
    let first = town.ask_as(caller, |engine, caller| async move {
        engine.sign_in_password(&caller, to, secret(PASSWORD), None).await
    });
    let asked = challenge(first);
    assert_eq!(asked.ways, [Factor::Totp]);
    let (caller, start) = (strict(&town), second_code(Knock::Mfa(asked.mfa_token)));
    let sent =
        town.ask_as(caller, |engine, caller| async move { engine.sign_in_otp(&caller, start, None).await });
    assert!(is_same_way(&sent), "nothing is sent that would not count: {sent:?}");

    let id = town.send(ASHA, Purpose::login());
    let (caller, code) = (strict(&town), town.code(id));
    let first = town.ask_as(caller, |engine, caller| async move {
        let check =
            super::OtpCheck { target: super::OtpTarget::Id(id), code, mfa_token: None, remember: None };
        engine.sign_in_otp_verify(&caller, check, None).await
    });
    let asked = challenge(first);
    assert_eq!(asked.ways, [Factor::Totp]);
    let (caller, knock) = (strict(&town), Knock::Mfa(asked.mfa_token.clone()));
    let second = town.ask_as(caller, |engine, caller| async move {
        engine.sign_in_password(&caller, knock, secret(PASSWORD), None).await
    });
    assert!(is_same_way(&second), "{second:?}");
    assert_eq!(town.live(), 0);
    tokens(town.by_app(Knock::Mfa(asked.mfa_token)));
}

#[test]
fn the_same_way_again_uses_nothing_up() {
    let mut town = Town::new();
    town.change(|user| user.second_factor = SecondFactor::Required);
    let codes = town.backup_codes();
    let mut by = |knock: Knock, code: &str| {
        let code = SubmittedBackupCode::parse(code).unwrap();
        town.ask(
            |engine, caller| async move { engine.sign_in_backup_code(&caller, &knock, code, None).await },
        )
    };
    let asked = challenge(by(Knock::Address(address(ASHA)), codes[0].expose()));
    let knock = Knock::Mfa(asked.mfa_token);
    assert!(is_same_way(&by(knock, codes[1].expose())));
    assert_eq!(town.user().profile.ways.backup_codes.unwrap().left(), 9);

    let first = challenge(town.by_code(None));
    assert!(is_same_way(&town.by_code(Some(first.mfa_token.clone()))));
    let start = second_code(Knock::Mfa(first.mfa_token));
    let sent = town.ask(|engine, caller| async move { engine.sign_in_otp(&caller, start, None).await });
    assert!(is_same_way(&sent), "{sent:?}");
}

#[test]
fn another_way_makes_a_session_of_one_way_a_session_of_two_and_the_same_does_not() {
    let mut town = Town::new();
    let session = tokens(town.by_code(None)).session;
    assert_eq!(session.acr, Acr::Aal1);
    town.enrol_totp();
    town.pass(60);
    let again = step_up(&mut town, &session);
    let sent = town.by_code(Some(again.mfa_token));
    let fresh = tokens(sent);
    assert_eq!((fresh.session.id, fresh.session.acr), (session.id, Acr::Aal1));
    let asked = step_up(&mut town, &session);
    assert_eq!(asked.ways, [Factor::Totp, Factor::Otp]);
    let fresh = tokens(town.by_app(Knock::Mfa(asked.mfa_token)));
    assert_eq!((fresh.session.id, fresh.session.acr), (session.id, Acr::Aal2));
    assert_eq!(fresh.session.amr, ["otp", "sms", "totp"]);
    assert!(fresh.session.auth_time > session.auth_time && town.live() == 1);
    assert!(fresh.refresh_token.is_none(), "who may go on holds the refresh token already");
}

#[test]
fn whoever_needs_two_ways_does_not_prove_themselves_again_by_what_they_know() {
    let mut town = Town::new();
    town.enrol_totp();
    let first = challenge(town.password(ASHA, PASSWORD));
    let session = tokens(town.by_app(Knock::Mfa(first.mfa_token))).session;
    town.pass(60);
    let asked = step_up(&mut town, &session);
    assert!(is_same_way(&town.knows_password(Knock::Mfa(asked.mfa_token.clone()))));
    let at = |town: &Town| town.sessions().into_iter().find(|one| one.id == session.id).unwrap().auth_time;
    assert_eq!(at(&town), session.auth_time);
    let fresh = tokens(town.by_app(Knock::Mfa(asked.mfa_token)));
    assert_eq!(fresh.session.acr, Acr::Aal2);
    assert!(at(&town) > session.auth_time);
}

#[test]
fn whoever_needs_one_way_proves_themselves_again_by_any() {
    let mut town = Town::new();
    let session = tokens(town.password(ASHA, PASSWORD)).session;
    town.pass(60);
    let asked = step_up(&mut town, &session);
    let fresh = tokens(town.knows_password(Knock::Mfa(asked.mfa_token)));
    assert_eq!(fresh.session.acr, Acr::Aal1);
    assert!(fresh.session.auth_time > session.auth_time);
}
