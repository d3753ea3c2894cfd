//! What a ceremony remembers between its halves, sealed into a token that the client carries.
//!
//! The seal's context names the application and the ceremony, so a token opens nowhere else. Inside are its end and, where
//! the ceremony is for one person, a keyed hash of who: of one length for everybody, so that the token for a person who
//! does not exist looks like any other.

use std::{num::NonZeroU32, time::Duration};

use backstop_domain::{clock::Timestamp, keyring::Sealed};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rp::request::TimedCeremony;

use super::{Begun, Once, PasskeyError, Setting};

/// How long a person has.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// The same for the browser.
const LIFE_MILLIS: u32 = 5 * 60 * 1000;
/// The library has a limit of its own, by the system's clock. Ours, by the store's, is the one that counts.
pub(super) const LIBRARYS_LIFE: NonZeroU32 = NonZeroU32::MAX;
const PREFIX: &str = "passkey_";
/// More than the token of the longest list of passkeys; what is longer is not read at all.
const LONGEST: usize = 64 * 1024;

/// Which ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A new passkey.
    Registration,
    /// Sign-in of whoever holds a passkey.
    Anyone,
    /// Sign-in of one person.
    One,
}

impl Kind {
    fn ceremony(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Anyone | Self::One => "sign-in",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Content {
    until: Timestamp,
    kind: Kind,
    person: String,
    library: String,
}

/// A token that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) kind: Kind,
    pub(super) until: Timestamp,
    /// What the library wrote.
    pub(super) library: Vec<u8>,
}

/// Puts the first half together: the library's options with our time limit, and its state as a token.
pub(super) fn begun(
    setting: &Setting<'_>,
    kind: Kind,
    person: &str,
    mut options: Value,
    library: &[u8],
) -> Result<Begun, PasskeyError> {
    let until = setting.now + LIFE;
    options["timeout"] = json!(LIFE_MILLIS);
    let content =
        Content { until, kind, person: bound_to(setting, person), library: BASE64URL_NOPAD.encode(library) };
    let content = serde_json::to_vec(&content).map_err(|_| PasskeyError::Unreadable)?;
    let sealed = setting.keyring.seal(&content, &context(setting, kind.ceremony()), setting.random);
    let state = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(sealed.as_bytes()));
    Ok(Begun { options, state, expires_at: until })
}

/// Opens a token of this ceremony. `person` is who the second half is about; a token for one person opens for no other.
pub(super) fn open(
    setting: &Setting<'_>,
    ceremony: Kind,
    person: &str,
    token: &str,
) -> Result<Opened, PasskeyError> {
    let body =
        token.strip_prefix(PREFIX).filter(|body| body.len() <= LONGEST).ok_or(PasskeyError::NotOurs)?;
    let sealed = BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| PasskeyError::NotOurs)?;
    let content = setting
        .keyring
        .open(&Sealed::from_bytes(sealed), &context(setting, ceremony.ceremony()))
        .map_err(|_| PasskeyError::NotOurs)?;
    let content: Content = serde_json::from_slice(&content).map_err(|_| PasskeyError::NotOurs)?;
    if content.kind != Kind::Anyone && content.person != bound_to(setting, person) {
        return Err(PasskeyError::NotOurs);
    }
    if content.until <= setting.now {
        return Err(PasskeyError::Expired);
    }
    let library = BASE64URL_NOPAD.decode(content.library.as_bytes()).map_err(|_| PasskeyError::NotOurs)?;
    Ok(Opened { kind: content.kind, until: content.until, library })
}

/// What must count once of a ceremony that ends at `until`.
pub(super) fn once(setting: &Setting<'_>, ceremony: &impl TimedCeremony, until: Timestamp) -> Once {
    let challenge = ceremony.sent_challenge().0.to_le_bytes();
    Once { hash: setting.keyring.lookup("passkey challenge", &challenge), until }
}

fn bound_to(setting: &Setting<'_>, person: &str) -> String {
    HEXLOWER.encode(&setting.keyring.lookup("passkey state of", person.as_bytes()).0)
}

fn context(setting: &Setting<'_>, ceremony: &str) -> Vec<u8> {
    format!("passkey state v1|{ceremony}|{}", setting.application).into_bytes()
}
