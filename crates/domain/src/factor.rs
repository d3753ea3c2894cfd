//! The ways in that a person can hold.
//!
//! Every rule of a factor is a pure function over plain data, with the time and the chance handed in, so the store can run it under
//! its lock and run it again. What is kept of a factor cannot be used by whoever steals the database.

pub mod backup_code;
pub mod passkey;
pub mod password;
pub mod pin;
pub mod qr;
pub mod totp;
pub mod tries;
pub mod trusted_device;

use std::fmt;

use serde::{Deserialize, Serialize};

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// A secret text that the person chose.
    Password,
    /// A code sent to a confirmed address.
    Otp,
    /// A code of an authenticator app.
    Totp,
    /// One of a set of single-use codes, kept on paper.
    BackupCode,
    /// A device that was remembered.
    TrustedDevice,
    /// Digits that are good only together with a remembered device.
    Pin,
    /// A WebAuthn credential.
    Passkey,
}

impl Factor {
    /// Every factor.
    pub const ALL: [Self; 7] = [
        Self::Password,
        Self::Otp,
        Self::Totp,
        Self::BackupCode,
        Self::TrustedDevice,
        Self::Pin,
        Self::Passkey,
    ];

    /// The name in JSON, SQL and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Otp => "otp",
            Self::Totp => "totp",
            Self::BackupCode => "backup_code",
            Self::TrustedDevice => "trusted_device",
            Self::Pin => "pin",
            Self::Passkey => "passkey",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|factor| factor.as_str() == text)
    }

    /// Authentication method references, in the manner of RFC 8176: its word and, where several factors share one, which. A sent
    /// code's channel adds its own. A passkey is `swk`, a key in software: nobody shows us that it lives in hardware.
    pub const fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
            Self::Otp => &["otp"],
            Self::Totp => &["otp", "totp"],
            Self::BackupCode => &["otp", "backup_code"],
            Self::TrustedDevice => &["swk"],
            Self::Pin => &["pin"],
            Self::Passkey => &["swk", "user"],
        }
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_has_one_name_in_json_sql_and_logs() {
        for factor in Factor::ALL {
            assert_eq!(Factor::parse(factor.as_str()), Some(factor));
            assert_eq!(serde_json::to_string(&factor).unwrap(), format!("\"{factor}\""));
        }
        assert_eq!(Factor::parse("TOTP"), None);
    }
}
