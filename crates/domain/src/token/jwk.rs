//! Public keys as the world reads them: JWK (RFC 7517, 8037), their thumbprints (RFC 7638), and our own set of them.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{clock::Timestamp, keyring::Keyring};

/// A public key of a kind that a device may have. It says nothing about where it is or whether anybody holds the private half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty", deny_unknown_fields)]
pub enum Jwk {
    /// Ed25519.
    #[serde(rename = "OKP")]
    Okp {
        /// The curve.
        crv: Ed25519,
        /// The key, in base64url.
        x: String,
    },
    /// ECDSA over P-256.
    #[serde(rename = "EC")]
    Ec {
        /// The curve.
        crv: P256,
        /// One half of the point, in base64url.
        x: String,
        /// The other half.
        y: String,
    },
}

/// The one curve of [`Jwk::Okp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ed25519 {
    /// Its name.
    Ed25519,
}

/// The one curve of [`Jwk::Ec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum P256 {
    /// Its name.
    #[serde(rename = "P-256")]
    P256,
}

impl Jwk {
    /// An Ed25519 key.
    pub fn ed25519(key: &[u8; 32]) -> Self {
        Self::Okp { crv: Ed25519::Ed25519, x: BASE64URL_NOPAD.encode(key) }
    }

    /// A P-256 key, by the two halves of its point.
    pub fn p256(x: &[u8; 32], y: &[u8; 32]) -> Self {
        Self::Ec { crv: P256::P256, x: BASE64URL_NOPAD.encode(x), y: BASE64URL_NOPAD.encode(y) }
    }

    /// Its thumbprint with SHA-256, in base64url.
    pub fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::Okp { x, .. } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
            Self::Ec { x, y, .. } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
        };
        BASE64URL_NOPAD.encode(&Sha256::digest(canonical))
    }
}

/// Our published keys at `now`, for `/.well-known/jwks.json`. A new key is in it before anything is signed with it, an old one
/// until its last token is over. Who keeps a copy goes on with it while we are down, and asks again on a `kid` that is not in it.
pub fn jwks(ring: &Keyring, now: Timestamp) -> Value {
    #[derive(Serialize)]
    struct Published {
        #[serde(flatten)]
        key: Jwk,
        kid: String,
        #[serde(rename = "use")]
        key_use: &'static str,
        alg: &'static str,
    }
    let published = ring.published(now).map(|public| {
        let key = public.jwk();
        Published { kid: key.thumbprint(), key, key_use: "sig", alg: "EdDSA" }
    });
    json!({ "keys": published.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keyring::{KeyUse, Kid, RingKey, generate},
        ports::random::SeededRandom,
    };

    #[test]
    fn the_published_set_has_the_public_halves_and_nothing_else() {
        let random = SeededRandom::new(1);
        let at = |hours: i64| Timestamp::from_millis(hours * 3_600_000);
        let key = |kid, key_use, hours| RingKey {
            kid: Kid(kid),
            key_use,
            key: generate(&random),
            created_at: at(hours),
        };
        let first = KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| key(kid, key_use, 0));
        let ring = Keyring::new(first.chain([key(5, KeyUse::Sign, 2)])).unwrap().active_up_to(Kid(4));
        let set = jwks(&ring, at(2));
        let [old, new] = set["keys"].as_array().unwrap().as_slice() else { panic!("{set}") };
        let signing = ring.signing_key().unwrap();
        assert_eq!(
            *old,
            json!({
                "kty": "OKP", "crv": "Ed25519", "x": BASE64URL_NOPAD.encode(&signing.0),
                "kid": signing.kid(), "use": "sig", "alg": "EdDSA",
            })
        );
        assert_ne!(old["kid"], new["kid"], "the next one is known before it signs");
        let later = jwks(&ring.active_up_to(Kid(5)), at(75));
        assert_eq!(later, json!({ "keys": [new] }));
    }

    #[test]
    fn thumbprints_are_those_of_others() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let okp: Jwk = serde_json::from_value(json!({ "kty": "OKP", "crv": "Ed25519", "x": x })).unwrap();
        assert_eq!(okp.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "RFC 8037, A.3");
        let x = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs";
        let y = "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA";
        let ec: Jwk = serde_json::from_value(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })).unwrap();
        assert_eq!(ec.thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "RFC 9449, section 6.1");
        let half = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap().try_into().unwrap();
        assert_eq!(ec, Jwk::p256(&half(x), &half(y)));
    }

    #[test]
    fn a_key_of_another_curve_or_with_its_private_half_is_no_public_key() {
        for key in [
            json!({ "kty": "OKP", "crv": "X25519", "x": "AA" }),
            json!({ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA" }),
            json!({ "kty": "oct", "k": "AA" }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA" }),
        ] {
            assert!(serde_json::from_value::<Jwk>(key.clone()).is_err(), "{key}");
        }
    }
}
