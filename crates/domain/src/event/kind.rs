//! What can happen that the audit log tells of. The names are stable: they stand in records that nobody can change.

use std::fmt;

/// What happened. `Display` is its dotted name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is its dotted name, in the table below")]
pub enum EventKind {
    SignInSucceeded,
    SignInFailed,
    SecondFactorRequired,
    SignInLocked,
    SessionReuseDetected,
    SessionRevoked,
    UserCreated,
    UserUpdated,
    UserErased,
    UserExported,
    UserImported,
    AddressChanged,
    TotpEnrolled,
    TotpRemoved,
    BackupCodesGenerated,
    BackupCodeUsed,
    BackupCodesRevoked,
    DeviceAdded,
    DeviceRevoked,
    DeviceReplayed,
    PinSet,
    PinRemoved,
    PinLocked,
    PasskeyAdded,
    PasskeyRemoved,
    PasskeyCounterRegressed,
    PasswordSet,
    PasswordChanged,
    PasswordReset,
    PasswordRemoved,
    OfflineGranted,
    EmergencyRequested,
    EmergencyApproved,
    EmergencyUsed,
    EmergencyRefused,
    EmergencyRevoked,
    EmergencyReviewed,
    OperatorInvited,
    OperatorJoined,
    OperatorRemoved,
    KeyCreated,
    KeyRevoked,
    KeyringRotated,
    ProviderSwitched,
    SpendLimitSet,
    AuditExported,
    AuditDetailRead,
    GuessesExceeded,
    FailuresRising,
}

/// Every kind in the order of the enum, with its name.
const NAMES: [(EventKind, &str); 49] = [
    (EventKind::SignInSucceeded, "sign_in.succeeded"),
    (EventKind::SignInFailed, "sign_in.failed"),
    (EventKind::SecondFactorRequired, "sign_in.second_factor_required"),
    (EventKind::SignInLocked, "sign_in.locked"),
    (EventKind::SessionReuseDetected, "session.reuse_detected"),
    (EventKind::SessionRevoked, "session.revoked"),
    (EventKind::UserCreated, "user.created"),
    (EventKind::UserUpdated, "user.updated"),
    (EventKind::UserErased, "user.erased"),
    (EventKind::UserExported, "user.exported"),
    (EventKind::UserImported, "user.imported"),
    (EventKind::AddressChanged, "address.changed"),
    (EventKind::TotpEnrolled, "factor.totp.enrolled"),
    (EventKind::TotpRemoved, "factor.totp.removed"),
    (EventKind::BackupCodesGenerated, "factor.backup_codes.generated"),
    (EventKind::BackupCodeUsed, "factor.backup_codes.used"),
    (EventKind::BackupCodesRevoked, "factor.backup_codes.revoked"),
    (EventKind::DeviceAdded, "factor.device.added"),
    (EventKind::DeviceRevoked, "factor.device.revoked"),
    (EventKind::DeviceReplayed, "factor.device.replayed"),
    (EventKind::PinSet, "factor.pin.set"),
    (EventKind::PinRemoved, "factor.pin.removed"),
    (EventKind::PinLocked, "factor.pin.locked"),
    (EventKind::PasskeyAdded, "factor.passkey.added"),
    (EventKind::PasskeyRemoved, "factor.passkey.removed"),
    (EventKind::PasskeyCounterRegressed, "factor.passkey.counter_regressed"),
    (EventKind::PasswordSet, "factor.password.set"),
    (EventKind::PasswordChanged, "factor.password.changed"),
    (EventKind::PasswordReset, "factor.password.reset"),
    (EventKind::PasswordRemoved, "factor.password.removed"),
    (EventKind::OfflineGranted, "offline.granted"),
    (EventKind::EmergencyRequested, "emergency.requested"),
    (EventKind::EmergencyApproved, "emergency.approved"),
    (EventKind::EmergencyUsed, "emergency.used"),
    (EventKind::EmergencyRefused, "emergency.refused"),
    (EventKind::EmergencyRevoked, "emergency.revoked"),
    (EventKind::EmergencyReviewed, "emergency.reviewed"),
    (EventKind::OperatorInvited, "operator.invited"),
    (EventKind::OperatorJoined, "operator.joined"),
    (EventKind::OperatorRemoved, "operator.removed"),
    (EventKind::KeyCreated, "key.created"),
    (EventKind::KeyRevoked, "key.revoked"),
    (EventKind::KeyringRotated, "key.rotated"),
    (EventKind::ProviderSwitched, "provider.switched"),
    (EventKind::SpendLimitSet, "provider.spend_limit_set"),
    (EventKind::AuditExported, "audit.exported"),
    (EventKind::AuditDetailRead, "audit.detail_read"),
    (EventKind::GuessesExceeded, "limit.guesses_exceeded"),
    (EventKind::FailuresRising, "sign_in.failures_rising"),
];

impl EventKind {
    /// The dotted name in records.
    pub const fn as_str(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// What other systems look for beside the name: the words of the service that emergency access comes from.
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::EmergencyUsed => Some("EMERGENCY_LOGIN_USED"),
            Self::EmergencyRefused => Some("UNAUTHORIZED_EMERGENCY_LOGIN_ATTEMPT"),
            _ => None,
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_its_own_name_in_its_own_place() {
        for (place, (kind, name)) in NAMES.iter().enumerate() {
            assert_eq!((*kind as usize, kind.as_str()), (place, *name));
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '_')), "{name}");
        }
        assert_eq!(NAMES.iter().map(|(_, name)| name).collect::<BTreeSet<_>>().len(), NAMES.len());
    }

    #[test]
    fn the_emergency_pair_carries_the_words_that_callers_look_for() {
        let coded: Vec<_> = NAMES.iter().filter_map(|(kind, name)| Some((*name, kind.code()?))).collect();
        let pair = [
            ("emergency.used", "EMERGENCY_LOGIN_USED"),
            ("emergency.refused", "UNAUTHORIZED_EMERGENCY_LOGIN_ATTEMPT"),
        ];
        assert_eq!(coded, pair);
    }
}
