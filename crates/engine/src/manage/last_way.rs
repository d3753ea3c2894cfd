//! Whether a person can still sign in: what they may not take from themselves.

use std::collections::BTreeSet;

use backstop_domain::{
    factor::Factor,
    user::{SecondFactor, User},
};

/// Whether the person holds what signing in takes. All ways but a passkey begin with a confirmed address. Trusted devices do
/// not count, since they end by themselves.
pub(crate) fn can_get_in(user: &User) -> bool {
    let ways = &user.profile.ways;
    if ways.passkeys.as_ref().is_some_and(|passkeys| !passkeys.held().is_empty()) {
        return true;
    }
    if user.confirmed().next().is_none() {
        return false;
    }
    let held = [
        (Factor::Otp, true),
        (Factor::Password, ways.password.is_some()),
        (Factor::Totp, ways.totp.is_some()),
        (Factor::BackupCode, ways.backup_codes.as_ref().is_some_and(|codes| codes.left() > 0)),
    ];
    let kinds: BTreeSet<Factor> =
        held.into_iter().filter(|(_, held)| *held).map(|(factor, _)| factor).collect();
    user.second_factor != SecondFactor::Required || kinds.len() >= 2
}
