//! Signing in with a password.

use std::time::Duration;

use backstop_domain::{
    code::SubmittedCode,
    factor::{Factor, password::PasswordHash},
    token::Acr,
    user::{SecondFactor, UserStatus},
};
use backstop_engine::sign_in::{Knock, SignInError};
use futures::future;

use super::{ASHA, MAILBOX, NOBODY, PASSWORD, Town, address, body, challenge, heard, key, secret, tokens};

/// Of 72 times `a`.
const BCRYPT: &str = "$2b$04$7CK.g8KbWW8SPxYv7YhN/OphbMjMHhPd4ZqG/IXg8vizDMzpkUi6K";

#[test]
fn the_right_password_lets_in_by_either_address_and_leaves_no_charge() {
    let mut town = Town::new();
    for n in 0..12 {
        let to = if n % 2 == 0 { ASHA } else { MAILBOX };
        let tokens = tokens(town.password(to, PASSWORD));
        assert_eq!((tokens.user, tokens.session.acr), (town.asha, Acr::Aal1));
        assert_eq!(tokens.session.amr, ["pwd"]);
    }
    assert_eq!(town.live(), 12);
}

#[test]
fn wrong_unknown_suspended_and_without_password_sound_alike_until_all_are_locked_alike() {
    let hears = |town: &mut Town, to: &str, password: &str| {
        let answers: Vec<String> =
            (0..6).map(|_| town.password(to, password).err().unwrap().to_string()).collect();
        assert_eq!(town.live(), 0);
        answers
    };
    let mut town = Town::new();
    let wrong = hears(&mut town, ASHA, "not the password");
    assert_eq!(wrong[..5], vec![SignInError::Refused.to_string(); 5]);
    assert_eq!(wrong[5], "too many tries");
    assert_eq!(hears(&mut town, NOBODY, PASSWORD), wrong);
    let mut town = Town::new();
    town.change(|user| user.status = UserStatus::Suspended);
    assert_eq!(hears(&mut town, ASHA, PASSWORD), wrong);
    let mut town = Town::new();
    town.change(|user| user.profile.ways.password = None);
    assert_eq!(hears(&mut town, ASHA, PASSWORD), wrong);
}

#[test]
fn even_the_right_password_waits_while_locked() {
    let mut town = Town::new();
    for _ in 0..5 {
        town.password(ASHA, "not the password").unwrap_err();
    }
    let locked = town.password(ASHA, PASSWORD);
    assert!(matches!(locked, Err(SignInError::Locked { until: Some(_) })), "{locked:?}");
    town.pass(31);
    tokens(town.password(ASHA, PASSWORD));
}

#[test]
fn many_people_cannot_be_tried_from_one_network() {
    let mut town = Town::new();
    for n in 0..30 {
        let refused = town.password(&format!("+9198765433{n:02}"), "not the password");
        assert!(matches!(refused, Err(SignInError::Refused)), "{refused:?}");
    }
    let locked = town.password(ASHA, PASSWORD);
    assert!(matches!(locked, Err(SignInError::Locked { until: Some(_) })), "{locked:?}");
    assert_eq!(town.told("limit.guesses_exceeded"), 1);
}

#[test]
fn a_replay_gets_the_first_answer_and_leaves_no_charge() {
    let mut town = Town::new();
    let by_key = |town: &mut Town, password: &str, name: &str| {
        let (password, key) = (secret(password), key(name, &body(password)));
        town.ask(|engine, caller| async move {
            engine.sign_in_password(&caller, address(ASHA), password, Some(&key)).await
        })
    };
    let first = tokens(by_key(&mut town, PASSWORD, "right"));
    for _ in 0..20 {
        let again = tokens(by_key(&mut town, PASSWORD, "right"));
        assert_eq!(again.access_token.expose(), first.access_token.expose());
    }
    assert_eq!(town.live(), 1);
    for _ in 0..20 {
        let wrong = by_key(&mut town, "not the password", "wrong");
        assert!(matches!(wrong, Err(SignInError::Refused)), "{wrong:?}");
    }
    let other = by_key(&mut town, "another password", "wrong");
    assert!(matches!(other, Err(SignInError::OtherBody)), "{other:?}");
    // One wrong one was charged: four more may be, and a replay of a wrong one forgives none of them.
    for _ in 0..4 {
        town.password(ASHA, "not the password").unwrap_err();
        by_key(&mut town, "not the password", "wrong").unwrap_err();
    }
    let locked = town.password(ASHA, PASSWORD);
    assert!(matches!(locked, Err(SignInError::Locked { .. })), "{locked:?}");
}

#[test]
fn of_many_guesses_at_once_five_are_compared() {
    let mut town = Town::new();
    let answers = town.ask(|engine, caller| {
        let guesses = (0..20).map(move |n| {
            let (engine, caller) = (engine.clone(), caller.clone());
            let password = secret(&format!("guess number {n}"));
            async move { engine.sign_in_password(&caller, address(ASHA), password, None).await }
        });
        future::join_all(guesses)
    });
    let refused = answers.iter().filter(|answer| matches!(answer, Err(SignInError::Refused))).count();
    let locked = answers.iter().filter(|answer| matches!(answer, Err(SignInError::Locked { .. }))).count();
    assert_eq!((refused, locked), (5, 15));
}

#[test]
fn an_imported_hash_is_replaced_by_one_of_ours_at_the_first_sign_in() {
    let mut town = Town::new();
    let imported = PasswordHash::parse(BCRYPT).unwrap();
    town.change(move |user| user.profile.ways.password = Some(imported.clone()));
    let password = "a".repeat(72);
    town.password(ASHA, &password[1..]).unwrap_err();
    let stored = |town: &Town| town.user().profile.ways.password.unwrap().expose().to_owned();
    assert_eq!(stored(&town), BCRYPT);
    for _ in 0..2 {
        tokens(town.password(ASHA, &password));
        assert!(stored(&town).starts_with("$argon2id$"));
    }
}

#[test]
fn with_an_authenticator_enrolled_a_password_is_half_the_way() {
    let mut town = Town::new();
    town.enrol_totp();
    let asked = challenge(town.password(ASHA, PASSWORD));
    assert_eq!(asked.ways, [Factor::Totp, Factor::Otp]);
    assert_eq!(town.live(), 0);
    let again = Knock::Mfa(asked.mfa_token.clone());
    let same = town.ask(|engine, caller| async move {
        engine.sign_in_password(&caller, again, secret(PASSWORD), None).await
    });
    assert!(matches!(same, Err(SignInError::SameWay)), "{same:?}");
    let session = tokens(town.by_app(Knock::Mfa(asked.mfa_token))).session;
    assert_eq!((session.acr, session.amr), (Acr::Aal2, vec!["pwd".into(), "otp".into(), "totp".into()]));
}

#[test]
fn a_password_can_be_the_second_way_too() {
    let mut town = Town::new();
    town.change(|user| user.second_factor = SecondFactor::Required);
    town.enrol_totp();
    let code = SubmittedCode::parse(town.totp().expose()).unwrap();
    let asked = challenge(town.ask(|engine, caller| async move {
        engine.sign_in_totp(&caller, &Knock::Address(address(ASHA)), code, None).await
    }));
    assert_eq!(asked.ways, [Factor::Otp, Factor::Password]);
    let knock = Knock::Mfa(asked.mfa_token);
    let wrong = knock.clone();
    let refused = town.ask(|engine, caller| async move {
        engine.sign_in_password(&caller, wrong, secret("not the password"), None).await
    });
    assert_eq!(heard(refused), "Refused");
    let second = town.ask(|engine, caller| async move {
        engine.sign_in_password(&caller, knock, secret(PASSWORD), None).await
    });
    assert_eq!(tokens(second).session.acr, Acr::Aal2);
    town.house.pass(Duration::from_secs(1));
}
