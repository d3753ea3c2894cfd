//! Backup codes.

use std::collections::BTreeSet;

use backstop_domain::token::{Acr, session::EndReason};
use backstop_engine::manage::{Denied, ManageError};
use futures::executor::block_on;

use super::home::{Home, PHONE, code};

#[test]
fn a_new_set_ends_the_old_one_and_nothing_that_is_kept_shows_a_code() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let by = home.application();
    let make = || block_on(home.engine.generate_backup_codes(&by, asha)).unwrap();
    let (first, second) = (make(), make());
    assert_eq!(first.iter().chain(&second).map(|code| code.expose()).collect::<BTreeSet<_>>().len(), 20);
    let kept = serde_json::to_string(&home.row(asha).unwrap().profile).unwrap();
    assert_eq!(kept.matches("used_at").count(), 10);
    assert!(second.iter().all(|code| !kept.contains(code.expose())));
    let report = block_on(home.engine.backup_codes(&by, asha)).unwrap();
    assert_eq!((report.left, report.generated_at), (10, home.engine.now()));
    assert_eq!((home.report(asha).factors.backup_codes_left, home.notices(asha)), (Some(10), 2));
}

#[test]
fn a_person_makes_them_only_in_a_session_of_two_ways_such_as_one_that_just_enrolled_an_app() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let by = home.person(asha, &["otp", "sms"], Acr::Aal1);
    let refused = block_on(home.engine.generate_backup_codes(&by, asha));
    assert!(matches!(refused, Err(ManageError::Denied(Denied::StepUp))));
    assert!(matches!(block_on(home.engine.backup_codes(&by, asha)), Err(ManageError::NotHeld)));
    let enrolled = block_on(home.engine.enrol_totp(&by, asha)).unwrap();
    let first = code(&home.totp_code(&enrolled.secret));
    block_on(home.engine.confirm_totp(&by, asha, first)).unwrap();
    assert_eq!(block_on(home.engine.generate_backup_codes(&by, asha)).unwrap().len(), 10);
}

#[test]
fn revoked_codes_are_gone_and_others_are_signed_out() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let (by, other) = (home.sure(asha), home.sure(asha));
    let revoke = || block_on(home.engine.revoke_backup_codes(&by, asha));
    assert!(matches!(revoke(), Err(ManageError::NotHeld)));
    block_on(home.engine.generate_backup_codes(&by, asha)).unwrap();
    revoke().unwrap();
    assert_eq!(home.report(asha).factors.backup_codes_left, None);
    assert_eq!((home.ended(&by), home.ended(&other)), (None, Some(EndReason::FactorChanged)));
}
