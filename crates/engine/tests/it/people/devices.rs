//! Trusted devices and their PINs.

use std::time::Duration;

use backstop_domain::{id::DeviceId, token::session::EndReason};
use backstop_engine::manage::{ManageError, Manager};
use futures::executor::block_on;

use super::home::{Home, OTHER_MAIL, PHONE, field, secret};

fn set(home: &Home, by: &Manager, device: DeviceId, pin: &str) -> Result<(), ManageError> {
    let user = by.session().unwrap().0;
    block_on(home.engine.set_pin(by, user, device, &secret(pin)))
}

#[test]
fn a_revoked_device_is_gone_and_everybody_else_is_signed_out() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let (lost, kept) = (home.device(asha, true), home.device(asha, false));
    let (by, other) = (home.sure(asha), home.sure(asha));
    block_on(home.engine.revoke_device(&by, asha, lost)).unwrap();
    let left = block_on(home.engine.devices(&by, asha)).unwrap();
    assert_eq!(
        left.iter().map(|device| (device.id, device.has_key, device.is_live)).collect::<Vec<_>>(),
        [(kept, false, true)]
    );
    assert_eq!((home.ended(&by), home.ended(&other)), (None, Some(EndReason::FactorChanged)));
    assert!(matches!(block_on(home.engine.revoke_device(&by, asha, lost)), Err(ManageError::NotHeld)));
    assert_eq!(home.notices(asha), 1);
}

#[test]
fn a_pin_is_set_on_a_device_of_ones_own_and_kept_as_a_hash() {
    let home = Home::new();
    let (asha, ravi) = (home.user(&[PHONE]), home.user(&[OTHER_MAIL]));
    let (own, foreign) = (home.device(asha, false), home.device(ravi, false));
    let by = home.sure(asha);
    assert!(matches!(set(&home, &by, foreign, "739164"), Err(ManageError::NotHeld)));
    for weak in ["123456", "1111", "543210", "12a4", "123", "7391645", ""] {
        assert_eq!(field(set(&home, &by, own, weak)), "pin", "{weak}");
    }
    assert_eq!(home.report(asha).factors.pins, 0);
    set(&home, &by, own, "739164").unwrap();
    assert_eq!((home.report(asha).factors.pins, home.report(ravi).factors.pins), (1, 0));
    let kept = serde_json::to_string(&home.row(asha).unwrap().profile.ways.devices[0].pin).unwrap();
    assert!(kept.contains("$argon2id$") && !kept.contains("739164"));
    assert_eq!((home.notices(asha), home.ended(&by)), (1, None));
}

#[test]
fn a_pin_ends_after_ninety_days_and_the_same_one_may_be_set_again() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let device = home.device(asha, false);
    set(&home, &home.sure(asha), device, "739164").unwrap();
    home.pass(Duration::from_secs(89 * 86_400));
    set(&home, &home.sure(asha), device, "739164").unwrap();
    let pin = block_on(home.engine.devices(&home.application(), asha)).unwrap()[0].pin.unwrap();
    assert_eq!(pin.expires_at.since(home.engine.now()), Duration::from_secs(90 * 86_400));
    home.pass(Duration::from_secs(90 * 86_400));
    assert_eq!((home.report(asha).factors.pins, home.report(asha).factors.devices), (0, 0));
    assert!(matches!(set(&home, &home.sure(asha), device, "739164"), Err(ManageError::NotHeld)));
}

#[test]
fn a_removed_pin_takes_the_trust_in_its_device_along_and_leaves_other_devices() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let (device, _) = (home.device(asha, false), home.device(asha, false));
    let (by, other) = (home.sure(asha), home.sure(asha));
    let remove = || block_on(home.engine.remove_pin(&by, asha, device));
    assert!(matches!(remove(), Err(ManageError::NotHeld)));
    set(&home, &by, device, "739164").unwrap();
    remove().unwrap();
    assert_eq!((home.report(asha).factors.pins, home.report(asha).factors.devices), (0, 1));
    assert_eq!((home.ended(&by), home.ended(&other)), (None, Some(EndReason::FactorChanged)));
}
