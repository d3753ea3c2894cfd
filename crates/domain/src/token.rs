//! What a person holds after signing in, and on the way there.
//!
//! An access token says who signed in, how and when, and is believed without asking ([`claims`], [`jws`]); a refresh token is
//! exchanged for the next one ([`refresh`]) while its session lives ([`session`]); an `mfa_token` keeps the place of somebody
//! who has shown one factor of two ([`mfa`]). None of them is in the store: what a refresh token was issued for is, and a keyed
//! MAC proves the rest.
//!
//! A signed token is one of three kinds and never taken for another: the kind stands in its signed header.

pub mod claims;
pub mod jwk;
pub mod jws;
pub mod mfa;
pub mod refresh;
pub mod session;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a token is not believed. For our log and our tests: whoever presented it hears only that it is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// Longer than any of ours.
    #[error("the token is too long")]
    TooLong,
    /// Not in the form that ours have.
    #[error("this is not one of our tokens")]
    Malformed,
    /// Its header asks for another algorithm than that of our keys.
    #[error("the token names an algorithm that is not ours")]
    Algorithm,
    /// A token, but not of the kind that is accepted here.
    #[error("the token is of another kind")]
    Kind,
    /// No key of ours has this name, or it is retired.
    #[error("the token names no key of ours")]
    UnknownKey,
    /// Not made with our key.
    #[error("the token was not made by us, or changed")]
    Forged,
    /// Made by another service.
    #[error("the token was issued by somebody else")]
    Issuer,
    /// Made for another application.
    #[error("the token is for another application")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not begun.
    #[error("the token is from the future")]
    NotYet,
}

/// How sure it is that the person is who they say, in the levels of NIST SP 800-63B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Acr {
    /// One factor.
    Aal1,
    /// Two factors of different kinds.
    Aal2,
}

impl Acr {
    /// The name in tokens, JSON and SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
        }
    }
}

/// The text is none of the words that it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such word")]
pub struct InvalidWord;

impl FromStr for Acr {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<Self, InvalidWord> {
        [Self::Aal1, Self::Aal2].into_iter().find(|acr| acr.as_str() == text).ok_or(InvalidWord)
    }
}

#[cfg(test)]
pub(crate) mod tests;
