//! The offline grant: what a gate or a vehicle without network can check.
//!
//! It is a token of the kind [`TYPE`], signed by the installation, that names a person, the one audience it is for, and the
//! key of a trusted device. It is worth nothing without that key: whoever shows it also signs a fresh challenge of the
//! verifier ([`proof_message`]). It cannot be called back; it ends after at most 72 hours, and never after the trust in the
//! device does. A device without a key gets none, since a secret that is shown to a gate is the gate's from then on.
//!
//! This file says what a grant holds and who gets one. Signing is the token keys' part; checking is shown by
//! `examples/verify_offline.rs`, which needs nothing but the published keys.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    clock::Timestamp,
    factor::trusted_device::{Device, DeviceUse},
    id::UserId,
    ports::Random,
    token::jws::Claims,
};

/// The longest that a grant lives.
pub const LONGEST: Duration = Duration::from_secs(72 * 3600);
/// The `typ` in the header of a grant. No other kind of token is one.
pub const TYPE: &str = "offline+jwt";
/// The longest audience, in bytes.
const MAX_AUDIENCE: usize = 128;

/// Whom a grant is shown to, such as `gate-7` or a URL: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Audience(String);

/// The text cannot be an audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an audience is 1 to 128 visible ASCII characters")]
pub struct InvalidAudience;

impl Audience {
    /// Reads an audience.
    ///
    /// # Errors
    /// [`InvalidAudience`].
    pub fn parse(text: &str) -> Result<Self, InvalidAudience> {
        let fits =
            (1..=MAX_AUDIENCE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidAudience) }
    }

    /// The audience.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Audience {
    type Error = InvalidAudience;
    fn try_from(text: String) -> Result<Self, InvalidAudience> {
        Self::parse(&text)
    }
}
impl From<Audience> for String {
    fn from(audience: Audience) -> Self {
        audience.0
    }
}

/// The key that a grant is bound to (RFC 7800).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The RFC 7638 thumbprint of `jwk`.
    pub jkt: String,
    /// The device's public key.
    pub jwk: Value,
}

/// What a grant says. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfflineClaims {
    /// Who says it.
    pub iss: String,
    /// Of whom.
    pub sub: UserId,
    /// To whom it is shown.
    pub aud: Audience,
    /// When it was said.
    pub iat: i64,
    /// From when on it is good for nothing.
    pub exp: i64,
    /// Names the grant, for audits.
    pub jti: String,
    /// Who may show it.
    pub cnf: Confirmation,
}

impl Claims for OfflineClaims {
    const KIND: &'static str = TYPE;
}

/// Why a device gets no grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantRefused {
    /// It has a secret alone.
    #[error("an offline grant needs a device with a key")]
    NoKey,
    /// Its days are over.
    #[error("the device is no longer trusted")]
    NotTrusted,
    /// Longer than 72 hours, or not even a second.
    #[error("an offline grant lives for 1 second to 72 hours")]
    Life,
}

/// Grants `user`'s `device`, which has just proved itself by its key, to be shown to `audience` for `life`.
///
/// # Errors
/// [`GrantRefused`].
pub fn grant(
    issuer: &str,
    (user, device): (UserId, &Device),
    audience: Audience,
    life: Duration,
    now: Timestamp,
    random: &dyn Random,
) -> Result<OfflineClaims, GrantRefused> {
    let key = device.public_key.as_ref().ok_or(GrantRefused::NoKey)?;
    if life.as_secs() == 0 || life > LONGEST {
        return Err(GrantRefused::Life);
    }
    let (iat, end) = (seconds(now), (now + life).min(device.good_until(DeviceUse::Alone)));
    if seconds(end) <= iat {
        return Err(GrantRefused::NotTrusted);
    }
    let mut jti = [0; 16];
    random.fill(&mut jti);
    Ok(OfflineClaims {
        iss: issuer.to_owned(),
        sub: user,
        aud: audience,
        iat,
        exp: seconds(end),
        jti: BASE64URL_NOPAD.encode(&jti),
        cnf: Confirmation { jkt: key.thumbprint(), jwk: key.jwk() },
    })
}

fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}

/// What the device signs for a verifier: four lines without a line break at the end, in UTF-8. The challenge is the
/// verifier's, fresh, 16 to 128 characters from `A-Z a-z 0-9 - _`, so no line can hold a line break.
///
/// ```text
/// backstop offline proof v1
/// the audience
/// the challenge
/// the grant's jti
/// ```
pub fn proof_message(audience: &Audience, challenge: &str, jti: &str) -> Vec<u8> {
    format!("backstop offline proof v1\n{}\n{challenge}\n{jti}", audience.as_str()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        factor::trusted_device::{DeviceName, NewDevice, TRUST, key::DeviceKey},
        ports::random::SeededRandom,
    };
    use serde_json::json;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_800_000_000_900)
    }

    fn device(key: bool) -> Device {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let new = NewDevice {
            name: DeviceName::parse("phone").unwrap(),
            external_id: None,
            public_key: key.then(|| DeviceKey::parse(&jwk).unwrap()),
            network: None,
        };
        Device::remember(new, TRUST, now(), &SeededRandom::new(1))
    }

    fn grant_to(device: &Device, life: Duration, at: Timestamp) -> Result<OfflineClaims, GrantRefused> {
        let random = SeededRandom::new(2);
        let (user, gate) = (UserId::new(now(), &random), Audience::parse("gate-7").unwrap());
        grant("https://verify.acme.example", (user, device), gate, life, at, &random)
    }

    #[test]
    fn a_grant_names_the_person_the_audience_and_the_devices_key_and_lives_as_long_as_asked() {
        let claims = grant_to(&device(true), Duration::from_secs(3600), now()).unwrap();
        assert_eq!((claims.iat, claims.exp), (1_800_000_000, 1_800_003_600));
        let document = serde_json::to_value(&claims).unwrap();
        assert_eq!(document["aud"], "gate-7");
        assert_eq!(document["iss"], "https://verify.acme.example");
        assert_eq!(document["cnf"]["jkt"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(document["cnf"]["jwk"].as_object().unwrap().len(), 3, "the public half alone");
        assert_eq!(serde_json::from_value::<OfflineClaims>(document).unwrap(), claims);
    }

    #[test]
    fn a_grant_lives_for_seventy_two_hours_at_most_and_at_least_a_second() {
        let device = device(true);
        let longest = grant_to(&device, LONGEST, now()).unwrap();
        assert_eq!(longest.exp - longest.iat, 72 * 3600);
        for life in
            [LONGEST + Duration::from_millis(1), Duration::MAX, Duration::ZERO, Duration::from_millis(999)]
        {
            assert_eq!(grant_to(&device, life, now()), Err(GrantRefused::Life), "{life:?}");
        }
    }

    #[test]
    fn a_device_with_a_secret_alone_gets_none() {
        assert_eq!(grant_to(&device(false), LONGEST, now()), Err(GrantRefused::NoKey));
    }

    #[test]
    fn a_grant_never_outlives_the_trust_in_the_device() {
        let device = device(true);
        let end = now() + TRUST;
        let last = grant_to(&device, LONGEST, end - Duration::from_secs(60)).unwrap();
        assert_eq!((last.exp - last.iat, last.exp), (60, seconds(end)));
        for late in [end, end + LONGEST] {
            assert_eq!(grant_to(&device, LONGEST, late), Err(GrantRefused::NotTrusted));
        }
    }

    #[test]
    fn an_audience_is_one_plain_word() {
        for good in ["gate-7", "https://gate.acme.example/7", &"x".repeat(128)] {
            assert!(Audience::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "gate\n7", "gate\u{0}", "gäte", &"x".repeat(129)] {
            assert_eq!(Audience::parse(bad), Err(InvalidAudience), "{bad:?}");
        }
    }
}
