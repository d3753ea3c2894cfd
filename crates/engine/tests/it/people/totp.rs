//! Authenticator apps.

use std::time::Duration;

use backstop_domain::{
    factor::tries::Budget,
    token::{Acr, session::EndReason},
    user::SecondFactor,
};
use backstop_engine::{manage::ManageError, users::UserChanges};
use futures::executor::block_on;
use serde_json::json;

use super::home::{Home, PHONE, code, field};

#[test]
fn an_app_is_in_use_after_its_first_code_and_the_session_is_one_of_two_ways() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let (by, other) = (home.person(asha, &["otp", "sms"], Acr::Aal1), home.person(asha, &["otp"], Acr::Aal1));
    let enrolled = block_on(home.engine.enrol_totp(&by, asha)).unwrap();
    assert!(enrolled.uri.expose().contains(enrolled.secret.expose()));
    assert!(enrolled.uri.expose().starts_with("otpauth://totp/Acme"));
    assert!(enrolled.qr_svg.contains("<svg") && enrolled.qr_png.starts_with(b"\x89PNG"));
    assert_eq!((home.report(asha).factors.totp, home.notices(asha)), (None, 0));
    let right = home.totp_code(&enrolled.secret);
    block_on(home.engine.confirm_totp(&by, asha, code(&right))).unwrap();
    assert_eq!(home.report(asha).factors.totp, Some(home.engine.now()));
    assert_eq!((home.session(&by).acr, home.session(&other).acr), (Acr::Aal2, Acr::Aal1));
    assert_eq!(
        (home.ended(&other), home.notices(asha)),
        (None, 1),
        "enrolling signs nobody out, and is told"
    );
    let kept = serde_json::to_string(&home.row(asha).unwrap().profile).unwrap();
    assert!(!kept.contains(enrolled.secret.expose()));
    assert!(!format!("{enrolled:?}").contains(enrolled.secret.expose()));
    let again = block_on(home.engine.confirm_totp(&by, asha, code(&right)));
    assert!(matches!(again, Err(ManageError::NotHeld)));
    assert_eq!(home.log()[1..], ["factor.totp.enrolled"]);
}

#[test]
fn an_enrolment_that_was_given_up_leaves_the_old_app_in_use() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    home.totp(asha);
    let old = home.row(asha).unwrap().profile.ways.totp;
    let by = home.application();
    let enrolled = block_on(home.engine.enrol_totp(&by, asha)).unwrap();
    let wrong = if home.totp_code(&enrolled.secret) == "000000" { "000001" } else { "000000" };
    let refused = block_on(home.engine.confirm_totp(&by, asha, code(wrong)));
    assert!(matches!(refused, Err(ManageError::NotRight)));
    assert!(
        home.row(asha).unwrap().profile.ways.totp_enrolment.is_some(),
        "it stays open after a wrong code"
    );
    home.pass(Duration::from_secs(600));
    let late = home.totp_code(&enrolled.secret);
    assert!(matches!(block_on(home.engine.confirm_totp(&by, asha, code(&late))), Err(ManageError::NotHeld)));
    assert_eq!(home.row(asha).unwrap().profile.ways.totp, old);
}

#[test]
fn another_app_in_the_place_of_one_signs_others_out_and_forgets_devices() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    home.device(asha, false);
    home.totp(asha);
    assert_eq!(home.row(asha).unwrap().profile.ways.devices.len(), 1, "the first one replaces nothing");
    let (by, other) = (home.sure(asha), home.sure(asha));
    let enrolled = block_on(home.engine.enrol_totp(&by, asha)).unwrap();
    let right = home.totp_code(&enrolled.secret);
    block_on(home.engine.confirm_totp(&by, asha, code(&right))).unwrap();
    assert_eq!((home.ended(&by), home.ended(&other)), (None, Some(EndReason::FactorChanged)));
    assert!(home.row(asha).unwrap().profile.ways.devices.is_empty());
}

#[test]
fn a_new_app_starts_with_no_wrong_tries() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let now = home.engine.now();
    home.act_on(asha, Some("totp"), move |file| {
        while file.tries.charge(&Budget::TOTP, now).is_ok() {}
        json!(null)
    });
    home.totp(asha);
    home.act_on(asha, Some("totp"), move |file| {
        assert_eq!(file.tries, Default::default());
        json!(null)
    });
}

#[test]
fn removing_an_app_signs_others_out_and_only_the_application_removes_the_last_second_way() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    home.totp(asha);
    let (by, other) = (home.sure(asha), home.sure(asha));
    let required = UserChanges { second_factor: Some(SecondFactor::Required), ..UserChanges::default() };
    block_on(home.engine.update_user(&home.application(), asha, required)).unwrap();
    let before = home.row(asha);
    assert_eq!(field(block_on(home.engine.remove_totp(&by, asha))), "factor");
    assert_eq!((home.row(asha), home.ended(&other)), (before, None));
    block_on(home.engine.remove_totp(&home.application(), asha)).unwrap();
    assert_eq!(home.report(asha).factors.totp, None);
    assert_eq!([&by, &other].map(|one| home.ended(one)), [Some(EndReason::FactorChanged); 2]);
    let again = block_on(home.engine.remove_totp(&home.application(), asha));
    assert!(matches!(again, Err(ManageError::NotHeld)));
}
