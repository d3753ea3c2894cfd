//! Passwords.

use backstop_domain::{
    factor::{password::Password, tries::Budget},
    token::session::EndReason,
};
use backstop_engine::manage::ManageError;
use futures::executor::block_on;
use serde_json::json;

use super::home::{Home, MAIL, PHONE, field, secret};

#[test]
fn the_first_password_signs_nobody_out_and_another_one_does_and_forgets_devices() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    home.device(asha, true);
    let (by, other) = (home.sure(asha), home.sure(asha));
    let now = home.engine.now();
    home.act_on(asha, Some("password"), move |file| {
        while file.tries.charge(&Budget::PASSWORD, now).is_ok() {}
        json!(null)
    });
    let set = |text| block_on(home.engine.set_password(&by, asha, &secret(text)));
    set("correct horse battery").unwrap();
    assert_eq!((home.ended(&other), home.report(asha).factors.devices, home.notices(asha)), (None, 1, 1));
    home.act_on(asha, Some("password"), |file| {
        assert_eq!(file.tries, Default::default());
        json!(null)
    });
    set("staple paper window").unwrap();
    assert_eq!((home.ended(&by), home.ended(&other)), (None, Some(EndReason::FactorChanged)));
    assert_eq!((home.report(asha).factors.devices, home.notices(asha)), (0, 2));
    let kept = home.row(asha).unwrap().profile.ways.password.unwrap();
    let verdicts = ["staple paper window", "correct horse battery"]
        .map(|text| kept.verify(&Password::submitted(text).unwrap()));
    assert_eq!(verdicts, [true, false]);
    assert_eq!(
        home.log()[1..],
        [
            "factor.password.set",
            "factor.password.changed",
            "session.revoked factor_changed",
            "factor.device.revoked all"
        ]
    );
}

#[test]
fn a_password_that_anybody_would_try_is_refused_and_the_old_one_stays() {
    let home = Home::new();
    let asha = home.user(&[PHONE, MAIL]);
    let by = home.sure(asha);
    let set = |text| block_on(home.engine.set_password(&by, asha, &secret(text)));
    set("correct horse battery").unwrap();
    let before = home.row(asha);
    for weak in ["", "short", "password1", "aaaaaaaaaaaa", "9876543210", "asha@example.com"] {
        assert_eq!(field(set(weak)), "password", "{weak}");
    }
    assert_eq!(home.row(asha), before);
}

#[test]
fn a_removed_password_is_gone_and_others_are_signed_out() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let (by, other) = (home.sure(asha), home.sure(asha));
    let remove = || block_on(home.engine.remove_password(&by, asha));
    assert!(matches!(remove(), Err(ManageError::NotHeld)));
    block_on(home.engine.set_password(&by, asha, &secret("correct horse battery"))).unwrap();
    remove().unwrap();
    assert!(!home.report(asha).factors.password);
    assert_eq!((home.ended(&by), home.ended(&other)), (None, Some(EndReason::FactorChanged)));
}
