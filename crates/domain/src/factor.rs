//! The ways in that a person can hold.
//!
//! Every rule of a factor is a pure function over plain data, with the time and the chance handed in, so the store can run it under
//! its lock and run it again. What is kept of a factor cannot be used by whoever steals the database.

pub mod backup_code;
pub mod failures;
pub mod passkey;
pub mod password;
pub mod pin;
pub mod qr;
pub mod totp;
pub mod tries;
pub mod trusted_device;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::channel::Channel;

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

    /// The factors that these words tell of. A code of which nobody knows over what it came tells of none.
    pub fn told_by(amr: &[String]) -> impl Iterator<Item = Self> {
        let says = |word: &str| amr.iter().any(|one| one == word);
        Self::ALL.into_iter().filter(move |factor| match factor {
            Self::Otp => Channel::ALL.iter().any(|channel| channel.amr().iter().all(|word| says(word))),
            Self::TrustedDevice => says("swk") && !says("user"),
            _ => factor.amr().iter().all(|word| says(word)),
        })
    }
}

/// What a session says whose device showed the token that it was given, and no key: nobody sees that it was not copied.
pub const BARE_DEVICE: &str = "device";

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

    #[test]
    fn the_words_of_a_session_tell_which_factors_were_shown() {
        let told = |amr: &[&str]| {
            let words: Vec<String> = amr.iter().map(|word| (*word).to_owned()).collect();
            Factor::told_by(&words).collect::<Vec<_>>()
        };
        for factor in Factor::ALL.into_iter().filter(|factor| *factor != Factor::Otp) {
            assert_eq!(told(factor.amr()), [factor]);
        }
        for channel in Channel::ALL {
            assert_eq!(told(&channel.amr()), [Factor::Otp]);
        }
        assert_eq!(told(&["pwd", "otp", "sms", "totp"]), [Factor::Password, Factor::Otp, Factor::Totp]);
        assert_eq!(told(&["pin", "swk"]), [Factor::TrustedDevice, Factor::Pin]);
        for nothing in [&[][..], &["otp"], &[BARE_DEVICE]] {
            assert_eq!(told(nothing), []);
        }
    }
}
