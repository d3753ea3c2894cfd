//! What a code is for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a code is for: `login`, `registration`, `password_reset`, `transaction`, or an application's own word of 1 to 64
/// characters from `a-z`, `0-9` and `_`. A code is good for its own purpose only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Purpose(String);

/// The word cannot be a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a purpose is 1 to 64 characters from a-z, 0-9 and _")]
pub struct InvalidPurpose;

impl Purpose {
    /// Signing in: what a code is for when nobody says otherwise.
    pub fn login() -> Self {
        Self("login".into())
    }

    /// Setting a new password without the old one.
    pub fn password_reset() -> Self {
        Self("password_reset".into())
    }

    /// Standing in for an authenticator app, for an application that signs its people in itself.
    pub fn sms_backup() -> Self {
        Self("sms_backup".into())
    }

    /// Making a user of whoever holds an address.
    pub fn registration() -> Self {
        Self("registration".into())
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Purpose {
    type Err = InvalidPurpose;
    fn from_str(text: &str) -> Result<Self, InvalidPurpose> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if fits { Ok(Self(text.into())) } else { Err(InvalidPurpose) }
    }
}
impl TryFrom<String> for Purpose {
    type Error = InvalidPurpose;
    fn try_from(text: String) -> Result<Self, InvalidPurpose> {
        text.parse()
    }
}
impl From<Purpose> for String {
    fn from(purpose: Purpose) -> Self {
        purpose.0
    }
}
impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
