//! On whose word a person is changed.

use std::time::Duration;

use backstop_domain::token::{Acr, session::SessionKind};
use backstop_engine::{
    manage::{Denied, ManageError, Manager},
    users::{NewUser, UserChanges, UserQuery},
};
use futures::executor::block_on;

use super::home::{Home, MAIL, OTHER_MAIL, OTHER_PHONE, PHONE, confirmed, secret, to};

fn denied<T: std::fmt::Debug>(result: Result<T, ManageError>) -> Denied {
    match result {
        Err(ManageError::Denied(denied)) => denied,
        other => panic!("{other:?}"),
    }
}

fn set(home: &Home, by: &Manager, user: backstop_domain::id::UserId) -> Result<(), ManageError> {
    block_on(home.engine.set_password(by, user, &secret("correct horse battery")))
}

#[test]
fn a_publishable_key_manages_nobody() {
    let home = Home::new();
    assert_eq!(Manager::application(home.public()).map(|_| ()), Err(Denied::NeedsSecretKey));
}

#[test]
fn a_person_changes_only_themselves() {
    let home = Home::new();
    let (asha, ravi) = (home.user(&[PHONE]), home.user(&[OTHER_MAIL]));
    let by = home.person(asha, &["otp", "sms"], Acr::Aal1);
    assert_eq!(denied(set(&home, &by, ravi)), Denied::NotFound);
    assert_eq!(denied(block_on(home.engine.user(&by, ravi))), Denied::NotFound);
    assert_eq!(denied(block_on(home.engine.export_user(&by, ravi))), Denied::NotFound);
    assert_eq!(denied(block_on(home.engine.erase_user(&by, ravi))), Denied::NotFound);
    set(&home, &by, asha).unwrap();
    assert!(home.report(asha).factors.password && !home.report(ravi).factors.password);
}

#[test]
fn a_stale_ended_unsure_or_emergency_session_or_a_device_alone_changes_nothing() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let emergency = home.person_of(asha, &["otp"], Acr::Aal2, SessionKind::Emergency);
    let device = home.person(asha, &["swk"], Acr::Aal1);
    let token = home.person(asha, &["device"], Acr::Aal1);
    for by in [&emergency, &device, &token] {
        assert_eq!(denied(set(&home, by, asha)), Denied::StepUp);
        assert_eq!(denied(block_on(home.engine.export_user(by, asha))), Denied::StepUp);
    }
    let ended = home.person(asha, &["otp"], Acr::Aal1);
    home.end(asha, ended.session().unwrap().1);
    assert_eq!(denied(set(&home, &ended, asha)), Denied::SessionEnded);
    assert_eq!(denied(block_on(home.engine.user(&ended, asha))), Denied::SessionEnded);
    assert_eq!(denied(block_on(home.engine.sessions(&ended, asha))), Denied::SessionEnded);
    assert_eq!(denied(block_on(home.engine.end_sessions(&ended, asha, None))), Denied::SessionEnded);
    let stale = home.person(asha, &["otp"], Acr::Aal1);
    home.pass(Duration::from_secs(601));
    assert_eq!(denied(set(&home, &stale, asha)), Denied::StepUp);
    home.totp(asha);
    let unsure = home.person(asha, &["otp"], Acr::Aal1);
    assert_eq!(denied(set(&home, &unsure, asha)), Denied::StepUp);
    assert!(!home.report(asha).factors.password);
}

#[test]
fn what_is_the_applications_to_say_a_person_cannot() {
    let home = Home::new();
    let asha = home.user(&[PHONE, MAIL]);
    let by = home.sure(asha);
    let before = home.row(asha);
    let wanted = [
        UserChanges { role: Some("admin".parse().unwrap()), ..UserChanges::default() },
        UserChanges { status: Some("suspended".parse().unwrap()), ..UserChanges::default() },
        UserChanges { add: vec![confirmed(OTHER_PHONE)], ..UserChanges::default() },
        UserChanges { confirm: vec![to(MAIL)], ..UserChanges::default() },
    ];
    for changes in wanted {
        assert_eq!(denied(block_on(home.engine.update_user(&by, asha, changes))), Denied::NeedsSecretKey);
    }
    let new = NewUser { addresses: vec![confirmed(OTHER_MAIL)], ..NewUser::default() };
    assert_eq!(denied(block_on(home.engine.create_user(&by, new.clone(), None))), Denied::NeedsSecretKey);
    let imported = block_on(home.engine.import_users(&by, vec![new])).remove(0);
    assert_eq!(denied(imported), Denied::NeedsSecretKey);
    assert_eq!(denied(block_on(home.engine.users(&by, UserQuery::default()))), Denied::NeedsSecretKey);
    assert_eq!(home.row(asha), before);
}
