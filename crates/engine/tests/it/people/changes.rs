//! Changing addresses and settings, and what that means for whoever is signed in.

use backstop_domain::{
    id::UserId,
    token::{Acr, session::EndReason},
    user::{SecondFactor, UserStatus},
};
use backstop_engine::{
    manage::{Denied, ManageError, Manager},
    users::{NewAddress, UserChanges, UserReport},
};
use futures::executor::block_on;

use super::home::{Home, MAIL, OTHER_MAIL, OTHER_PHONE, PHONE, confirmed, field, to};

fn update(home: &Home, by: &Manager, user: UserId, changes: UserChanges) -> Result<UserReport, ManageError> {
    block_on(home.engine.update_user(by, user, changes))
}

fn add(address: NewAddress) -> UserChanges {
    UserChanges { add: vec![address], ..UserChanges::default() }
}

fn remove(text: &str) -> UserChanges {
    UserChanges { remove: vec![to(text)], ..UserChanges::default() }
}

#[test]
fn another_telephone_number_ends_sessions_and_trust_and_is_told() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let by = home.person(asha, &["otp"], Acr::Aal1);
    home.device(asha, false);
    let changes =
        UserChanges { add: vec![confirmed(OTHER_PHONE)], remove: vec![to(PHONE)], ..UserChanges::default() };
    let report = update(&home, &home.application(), asha, changes).unwrap();
    assert_eq!(report.addresses.iter().map(|a| a.to.as_str()).collect::<Vec<_>>(), [OTHER_PHONE]);
    assert_eq!((home.ended(&by), report.factors.devices), (Some(EndReason::FactorChanged), 0));
    assert_eq!(home.notices(asha), 2);
    let log = home.log();
    assert_eq!(
        log[1..],
        [
            "address.changed removed",
            "address.changed added",
            "factor.device.revoked all",
            "session.revoked factor_changed"
        ]
    );
    let ravi = home.user(&[PHONE]);
    assert_ne!(ravi, asha, "a number that was given back can be somebody else's");
}

#[test]
fn an_address_that_a_person_adds_is_not_theirs_until_the_application_confirms_it() {
    let home = Home::new();
    let (asha, ravi) = (home.user(&[PHONE]), home.user(&[OTHER_MAIL]));
    let by = home.person(asha, &["otp"], Acr::Aal1);
    let new = NewAddress { to: to(OTHER_MAIL), confirmed: false };
    let report = update(&home, &by, asha, add(new)).unwrap();
    assert_eq!((report.addresses[1].confirmed_at, home.notices(asha)), (None, 0));
    let confirm = || UserChanges { confirm: vec![to(OTHER_MAIL)], ..UserChanges::default() };
    assert!(matches!(update(&home, &home.application(), asha, confirm()), Err(ManageError::AddressTaken)));
    assert_eq!(home.report(asha), report);
    update(&home, &home.application(), ravi, remove(OTHER_MAIL)).unwrap();
    let report = update(&home, &home.application(), asha, confirm()).unwrap();
    assert_eq!(report.addresses[1].confirmed_at, Some(home.engine.now()));
    assert_eq!(
        (home.notices(asha), home.ended(&by)),
        (1, None),
        "the old address hears of it, and nobody is signed out"
    );
}

#[test]
fn an_address_that_is_not_there_is_neither_confirmed_nor_removed_and_nothing_else_happens_either() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let before = home.row(asha);
    let confirm = UserChanges { confirm: vec![to(MAIL)], ..UserChanges::default() };
    let both = UserChanges { add: vec![confirmed(MAIL)], ..remove(OTHER_PHONE) };
    for changes in [confirm, both] {
        assert!(matches!(update(&home, &home.application(), asha, changes), Err(ManageError::NotHeld)));
    }
    let many = UserChanges {
        add: (0..10).map(|n| confirmed(&format!("a{n}@example.com"))).collect(),
        ..UserChanges::default()
    };
    assert_eq!(field(update(&home, &home.application(), asha, many)), "addresses");
    assert_eq!(home.row(asha), before);
}

#[test]
fn a_person_cannot_remove_their_last_way_in_and_the_application_can() {
    let home = Home::new();
    let asha = home.user(&[PHONE, MAIL]);
    let (by, other) = (home.sure(asha), home.sure(asha));
    update(&home, &by, asha, remove(MAIL)).unwrap();
    assert_eq!((home.ended(&by), home.ended(&other)), (None, Some(EndReason::FactorChanged)));
    let before = home.row(asha);
    assert_eq!(field(update(&home, &by, asha, remove(PHONE))), "factor");
    assert_eq!((home.row(asha), home.ended(&by)), (before, None));
    let report = update(&home, &home.application(), asha, remove(PHONE)).unwrap();
    assert_eq!(report.addresses, []);
}

#[test]
fn a_person_asks_for_more_of_themselves_and_not_for_less_than_the_application() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let by = home.sure(asha);
    let want = |setting| UserChanges { second_factor: Some(setting), ..UserChanges::default() };
    update(&home, &by, asha, want(SecondFactor::Off)).unwrap();
    assert_eq!(field(update(&home, &by, asha, want(SecondFactor::Required))), "second_factor");
    assert_eq!(home.report(asha).second_factor, SecondFactor::Off);
    update(&home, &home.application(), asha, want(SecondFactor::Required)).unwrap();
    for less in [SecondFactor::Off, SecondFactor::Optional] {
        let refused = update(&home, &by, asha, want(less));
        assert!(matches!(refused, Err(ManageError::Denied(Denied::NeedsSecretKey))), "{refused:?}");
    }
    assert_eq!(home.report(asha).second_factor, SecondFactor::Required);
}

#[test]
fn a_suspended_person_is_signed_out_everywhere_and_their_devices_are_forgotten() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let by = home.sure(asha);
    home.device(asha, true);
    let changes = UserChanges { status: Some(UserStatus::Suspended), ..UserChanges::default() };
    let report = update(&home, &home.application(), asha, changes).unwrap();
    assert_eq!((report.status, report.factors.devices), (UserStatus::Suspended, 0));
    assert_eq!(home.ended(&by), Some(EndReason::Admin));
}

#[test]
fn settings_change_and_each_is_told_to_the_audit_log() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let changes = UserChanges {
        role: Some("admin".parse().unwrap()),
        locale: Some(Some("pt-BR".into())),
        ..UserChanges::default()
    };
    let report = update(&home, &home.application(), asha, changes.clone()).unwrap();
    assert_eq!((report.role.as_str(), report.locale.as_deref()), ("admin", Some("pt-BR")));
    update(&home, &home.application(), asha, changes).unwrap();
    let forget = UserChanges { locale: Some(None), ..UserChanges::default() };
    assert_eq!(update(&home, &home.application(), asha, forget).unwrap().locale, None);
    let odd = UserChanges { locale: Some(Some("not a language".into())), ..UserChanges::default() };
    assert_eq!(field(update(&home, &home.application(), asha, odd)), "locale");
    assert_eq!(home.log()[1..], ["user.updated role admin", "user.updated locale", "user.updated locale"]);
}
