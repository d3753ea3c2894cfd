//! JSON Web Tokens in the forms that vendors use: RS256 to prove who we are, HS256 to HS512 to prove who calls us. RFC 7515, 7519.
//!
//! A token is written by ring over a key read at boot. One that is read is believed for its signature alone, made with an
//! algorithm that is expected, before anything in it is looked at: what its header wants has no say.

use backstop_domain::secret::SecretString;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac, digest};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

/// An RSA key that signs.
pub(crate) struct Rs256(RsaKeyPair);

impl Rs256 {
    /// Reads a private key in PEM, of 2048 bits or more; `None` if it is none.
    pub(crate) fn parse(pem: &SecretString) -> Option<Self> {
        let pair = match PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).ok()? {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return None,
        };
        pair.ok().map(Self)
    }

    /// A token with these claims; `None` if the system has no randomness to blind the key with.
    pub(crate) fn sign(&self, claims: &Value) -> Option<SecretString> {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "typ": "JWT" }).to_string());
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        Some(SecretString::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

/// The claims of a token that `key` signed with HMAC-SHA-256; `None` if it is not one.
pub(crate) fn verified_hs256<T: DeserializeOwned>(token: &str, key: &SecretString) -> Option<T> {
    verified::<Hmac<Sha256>, T>(token, key, "HS256")
}

/// The same for a vendor that signs with SHA-256, SHA-384 or SHA-512 as it likes.
pub(crate) fn verified_hs<T: DeserializeOwned>(token: &str, key: &SecretString) -> Option<T> {
    verified_hs256(token, key)
        .or_else(|| verified::<Hmac<Sha384>, T>(token, key, "HS384"))
        .or_else(|| verified::<Hmac<Sha512>, T>(token, key, "HS512"))
}

fn verified<M: Mac + digest::KeyInit, T: DeserializeOwned>(
    token: &str,
    key: &SecretString,
    algorithm: &str,
) -> Option<T> {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
    }

    let (signed, signature) = token.rsplit_once('.')?;
    let mut mac = <M as Mac>::new_from_slice(key.expose().as_bytes()).ok()?;
    mac.update(signed.as_bytes());
    mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    let (header, claims) = signed.split_once('.')?;
    let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    if header.alg != algorithm {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    const KEY: &str = include_str!("../tests/it/vendors/vonage_private_key.pem");

    #[test]
    fn a_signed_token_verifies_with_the_public_key_and_names_its_algorithm() {
        let key = Rs256::parse(&SecretString::new(KEY)).unwrap();
        let token = key.sign(&json!({ "iat": 1, "jti": "one" })).unwrap();
        let (signed, signature) = token.expose().rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.0.public().as_ref());
        assert!(public.verify(signed.as_bytes(), &signature).is_ok());
        assert!(public.verify(format!("{signed}x").as_bytes(), &signature).is_err());
        let (header, claims) = signed.split_once('.').unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(header).unwrap(), br#"{"alg":"RS256","typ":"JWT"}"#);
        assert_eq!(URL_SAFE_NO_PAD.decode(claims).unwrap(), br#"{"iat":1,"jti":"one"}"#);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for pem in ["", "hunter2", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert!(Rs256::parse(&SecretString::new(pem)).is_none(), "{pem}");
        }
    }

    fn token(header: &str, claims: &str, key: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn a_token_of_another_key_or_algorithm_or_a_changed_one_is_no_token() {
        let key = SecretString::new("a secret of the account");
        let good = token(r#"{"alg":"HS256"}"#, r#"{"iat":7}"#, key.expose());
        assert_eq!(verified_hs256::<Value>(&good, &key), Some(json!({ "iat": 7 })));
        for wrong in [
            token(r#"{"alg":"HS256"}"#, r#"{"iat":7}"#, "another secret"),
            token(r#"{"alg":"HS256"}"#, r#"{"iat":7}"#, ""),
            token(r#"{"alg":"none"}"#, r#"{"iat":7}"#, key.expose()),
            token(r#"{"alg":"HS512"}"#, r#"{"iat":7}"#, key.expose()),
            token("{}", r#"{"iat":7}"#, key.expose()),
            token(r#"{"alg":"HS256"}"#, "7 and more", key.expose()),
            format!("{}.", good.rsplit_once('.').unwrap().0),
            good.replace('.', ""),
            format!("{good}A"),
            format!("x{good}"),
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
        ] {
            assert_eq!(verified_hs256::<Value>(&wrong, &key), None, "{wrong}");
        }
    }
    #[test]
    fn a_header_that_names_another_algorithm_than_the_one_that_signed_is_no_token() {
        let key = SecretString::new("a secret of the account");
        let of_256 = |header: &str| token(header, r#"{"iat":7}"#, key.expose());
        assert_eq!(verified_hs(&of_256(r#"{"alg":"HS256"}"#), &key), Some(json!({ "iat": 7 })));
        for header in [r#"{"alg":"HS384"}"#, r#"{"alg":"HS512"}"#, r#"{"alg":"none"}"#, "{}"] {
            assert_eq!(verified_hs::<Value>(&of_256(header), &key), None, "{header}");
        }
    }
}
