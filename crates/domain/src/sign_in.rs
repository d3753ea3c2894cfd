//! How people of an application sign in: how long what they hold is good for.

use std::time::Duration;

/// How long tokens, devices and PINs are good for, and what is asked of factors. The defaults are those of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInPolicy {
    /// An access token; 15 minutes at the most, since nothing can call it back before.
    pub access_token_ttl: Duration,
    /// A session, from the sign-in that began it, however often it is refreshed.
    pub session_ttl: Duration,
    /// A session that is not used ends after this.
    pub session_idle: Duration,
    /// How long ago a sign-in may be for changing factors.
    pub step_up_within: Duration,
    /// A trusted device, from the strong sign-in that made it one.
    pub device_ttl: Duration,
    /// A device's PIN, from when it was set.
    pub pin_ttl: Duration,
    /// The fewest digits of a PIN.
    pub pin_length: u8,
    /// How many steps of 30 s a TOTP code may be early or late: 0 or 1.
    pub totp_skew: u8,
    /// How many backup codes a set has.
    pub backup_codes: u8,
    /// How many characters a backup code has.
    pub backup_code_length: u8,
    /// Whether a text can stand in for TOTP.
    pub sms_backup: bool,
    /// A grant for use without network.
    pub offline_grant_ttl: Duration,
}

impl Default for SignInPolicy {
    fn default() -> Self {
        Self {
            access_token_ttl: Duration::from_secs(600),
            session_ttl: Duration::from_secs(30 * 86_400),
            session_idle: Duration::from_secs(30 * 86_400),
            step_up_within: Duration::from_secs(600),
            device_ttl: Duration::from_secs(30 * 86_400),
            pin_ttl: Duration::from_secs(90 * 86_400),
            pin_length: 4,
            totp_skew: 1,
            backup_codes: 10,
            backup_code_length: 8,
            sms_backup: true,
            offline_grant_ttl: Duration::from_secs(72 * 3600),
        }
    }
}
