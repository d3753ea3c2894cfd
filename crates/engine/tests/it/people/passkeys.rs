//! Passkeys, with a browser that has real keys.

use std::time::Duration;

use backstop_domain::{
    id::UserId,
    token::{Acr, session::EndReason},
};
use backstop_engine::{
    factor::{NewPasskeyRequest, PasskeyReport, passkey::Begun},
    manage::{ManageError, Manager},
};
use futures::executor::block_on;

use super::home::{Home, OTHER_MAIL, PHONE, field};
use crate::{
    authenticator::{Authenticator, Key},
    house::House,
};

const PAGE: &str = "http://localhost:8080";

fn begin(home: &Home, by: &Manager, user: UserId) -> Begun {
    block_on(home.engine.passkey_options(by, user)).unwrap()
}

fn add(
    home: &Home,
    by: &Manager,
    user: UserId,
    begun: &Begun,
    with: &mut Authenticator,
) -> Result<PasskeyReport, ManageError> {
    let response = with.create(&begun.options);
    let request = NewPasskeyRequest { state: begun.state.clone(), response, name: "laptop".into() };
    block_on(home.engine.add_passkey(by, user, request))
}

#[test]
fn a_passkey_is_added_once_and_makes_the_session_one_of_two_ways() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let by = home.person(asha, &["otp", "sms"], Acr::Aal1);
    let mut laptop = Authenticator::new(Key::es256(), PAGE);
    let begun = begin(&home, &by, asha);
    let made = add(&home, &by, asha, &begun, &mut laptop).unwrap();
    assert_eq!(block_on(home.engine.passkeys(&by, asha)).unwrap(), std::slice::from_ref(&made));
    assert_eq!((made.name.as_str(), made.id.as_bytes()), ("laptop", laptop.id.as_slice()));
    assert_eq!((home.session(&by).acr, home.notices(asha)), (Acr::Aal2, 1));
    let mut other = Authenticator::new(Key::es256(), PAGE);
    let again = add(&home, &by, asha, &begun, &mut other);
    assert!(matches!(again, Err(ManageError::NotRight)), "one ceremony makes one passkey: {again:?}");
    assert_eq!(home.report(asha).factors.passkeys, 1);
}

#[test]
fn an_id_that_somebody_has_is_refused() {
    let home = Home::new();
    let (asha, ravi) = (home.user(&[PHONE]), home.user(&[OTHER_MAIL]));
    let by = home.application();
    let mut laptop = Authenticator::new(Key::es256(), PAGE);
    add(&home, &by, asha, &begin(&home, &by, asha), &mut laptop).unwrap();
    for user in [asha, ravi] {
        let refused = add(&home, &by, user, &begin(&home, &by, user), &mut laptop);
        assert_eq!(field(refused), "response");
    }
    assert_eq!((home.report(asha).factors.passkeys, home.report(ravi).factors.passkeys), (1, 0));
}

#[test]
fn a_ceremony_of_somebody_else_or_of_ten_minutes_ago_or_of_another_page_adds_nothing() {
    let home = Home::new();
    let (asha, ravi) = (home.user(&[PHONE]), home.user(&[OTHER_MAIL]));
    let by = home.application();
    let mut laptop = Authenticator::new(Key::eddsa(), PAGE);
    let begun = begin(&home, &by, asha);
    assert!(matches!(add(&home, &by, ravi, &begun, &mut laptop), Err(ManageError::NotRight)));
    let mut elsewhere = Authenticator::new(Key::eddsa(), "https://evil.example");
    assert!(matches!(add(&home, &by, asha, &begun, &mut elsewhere), Err(ManageError::NotRight)));
    home.pass(Duration::from_secs(301));
    assert_eq!(field(add(&home, &by, asha, &begun, &mut laptop)), "state");
    let nameless =
        NewPasskeyRequest { state: String::new(), response: serde_json::Value::Null, name: " ".into() };
    assert_eq!(field(block_on(home.engine.add_passkey(&by, asha, nameless))), "name");
    assert_eq!((home.report(asha).factors.passkeys, home.report(ravi).factors.passkeys), (0, 0));
}

#[test]
fn a_removed_passkey_is_gone_unless_it_is_the_last_way_in() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let mut laptop = Authenticator::new(Key::es256(), PAGE);
    let made =
        add(&home, &home.application(), asha, &begin(&home, &home.application(), asha), &mut laptop).unwrap();
    let gone =
        backstop_engine::users::UserChanges { remove: vec![super::home::to(PHONE)], ..Default::default() };
    block_on(home.engine.update_user(&home.application(), asha, gone)).unwrap();
    let (by, other) = (home.sure(asha), home.sure(asha));
    let remove = |by: &Manager| block_on(home.engine.remove_passkey(by, asha, made.id.clone()));
    assert_eq!(field(remove(&by)), "factor");
    assert_eq!((home.report(asha).factors.passkeys, home.ended(&other)), (1, None));
    remove(&home.application()).unwrap();
    assert_eq!((home.report(asha).factors.passkeys, home.ended(&other)), (0, Some(EndReason::FactorChanged)));
    assert!(matches!(remove(&home.application()), Err(ManageError::NotHeld)));
}

#[test]
fn without_a_page_there_are_no_passkeys() {
    let house = House::new(12);
    let home = Home { engine: house.process("shop"), house };
    let asha = home.user(&[PHONE]);
    assert_eq!(field(block_on(home.engine.passkey_options(&home.application(), asha))), "passkey");
}
