//! Which ways in are open.

use backstop_domain::{channel::Channel, factor::Factor, user::UserStatus};
use backstop_engine::sign_in::{SignInError, WayReport, WaysQuery};

use super::{ASHA, PASSWORD, Town, challenge, device::Phone, secret};

fn ways(town: &mut Town, query: WaysQuery) -> Result<Vec<WayReport>, SignInError> {
    town.ask(|engine, caller| async move { engine.ways(&caller, query).await })
}

fn open(way: Factor, channel: Option<Channel>) -> WayReport {
    WayReport { way, channel, available: true }
}

#[test]
fn before_any_factor_every_way_is_told_to_everybody_alike() {
    let mut town = Town::new();
    let before = ways(&mut town, WaysQuery::default()).unwrap();
    let mut expected =
        vec![open(Factor::Otp, Some(Channel::Sms)), open(Factor::Otp, Some(Channel::Whatsapp))];
    expected.extend(
        [
            Factor::Totp,
            Factor::BackupCode,
            Factor::TrustedDevice,
            Factor::Pin,
            Factor::Passkey,
            Factor::Password,
        ]
        .map(|way| open(way, None)),
    );
    assert_eq!(before, expected);
    town.enrol_totp();
    town.change(|user| user.profile.ways.password = None);
    assert_eq!(ways(&mut town, WaysQuery::default()).unwrap(), before);
}

#[test]
fn a_devices_own_token_puts_the_device_first_and_a_made_up_one_changes_nothing() {
    let mut town = Town::new();
    let phone = Phone::of(&town, false);
    let by = |token| WaysQuery { device_token: Some(token), mfa_token: None };
    let known = ways(&mut town, by(phone.token)).unwrap();
    assert_eq!([known[0].way, known[1].way], [Factor::TrustedDevice, Factor::Pin]);
    let plain = ways(&mut town, WaysQuery::default()).unwrap();
    assert_eq!(known.len(), plain.len());
    assert_eq!(ways(&mut town, by(secret("dt_made_up"))).unwrap(), plain);
}

#[test]
fn after_a_first_way_they_are_the_persons_own_others() {
    let mut town = Town::new();
    town.enrol_totp();
    town.backup_codes();
    let asked = challenge(town.password(ASHA, PASSWORD));
    let by = |token: &str| WaysQuery { device_token: None, mfa_token: Some(secret(token)) };
    let own = ways(&mut town, by(asked.mfa_token.expose())).unwrap();
    let expected = [
        open(Factor::Totp, None),
        open(Factor::Otp, Some(Channel::Sms)),
        open(Factor::Otp, Some(Channel::Whatsapp)),
        open(Factor::BackupCode, None),
    ];
    assert_eq!(own, expected);
    town.change(|user| user.status = UserStatus::Suspended);
    for token in [asked.mfa_token.expose(), "mfa_made_up", ""] {
        let refused = ways(&mut town, by(token));
        assert!(matches!(refused, Err(SignInError::MfaToken)), "{refused:?}");
    }
}
