//! How Vonage signs what it says of texts. <https://developer.vonage.com/en/getting-started/concepts/signing-messages>, read
//! 2026-11.
//!
//! The method is a setting of the account. `md5hash` is Vonage's oldest and usual one, a plain hash over text and secret; the
//! others are HMACs.

use std::collections::BTreeMap;

use backstop_domain::secret::SecretString;
use hmac::{Hmac, Mac, digest::KeyInit};
use md5::{Digest, Md5};
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

/// The method of an account.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Method {
    Md5hash,
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

/// What verifies texts.
#[derive(Clone)]
pub(super) struct TextKey {
    pub(super) secret: SecretString,
    pub(super) method: Method,
}

impl TextKey {
    /// Whether `said` signs these fields.
    pub(super) fn signed(&self, fields: &BTreeMap<String, String>, said: &str) -> bool {
        let text = signed_text(fields);
        let said = said.trim().to_ascii_lowercase();
        match self.method {
            Method::Md5hash => {
                let whole = Zeroizing::new(format!("{text}{}", self.secret.expose()));
                SecretString::new(hex::encode(Md5::digest(whole.as_bytes()))).matches(&said)
            }
            Method::Md5 => self.mac::<Hmac<Md5>>(&text, &said),
            Method::Sha1 => self.mac::<Hmac<Sha1>>(&text, &said),
            Method::Sha256 => self.mac::<Hmac<Sha256>>(&text, &said),
            Method::Sha512 => self.mac::<Hmac<Sha512>>(&text, &said),
        }
    }

    fn mac<M: Mac + KeyInit>(&self, text: &str, said: &str) -> bool {
        let Ok(mut mac) = <M as Mac>::new_from_slice(self.secret.expose().as_bytes()) else { return false };
        mac.update(text.as_bytes());
        hex::decode(said).is_ok_and(|said| mac.verify_slice(&said).is_ok())
    }
}

/// `&a=1&b=2`, by name, without the signature; in values `&` and `=` are `_`.
fn signed_text(fields: &BTreeMap<String, String>) -> String {
    fields
        .iter()
        .filter(|(name, _)| *name != "sig")
        .map(|(name, value)| format!("&{name}={}", value.replace(['&', '='], "_")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> BTreeMap<String, String> {
        [
            ("msisdn", "919876543210"),
            ("to", "BCKSTP"),
            ("network-code", "40410"),
            ("messageId", "0A0000000123ABCD1"),
            ("price", "0.03330000"),
            ("status", "delivered"),
            ("scts", "2601020304"),
            ("err-code", "0"),
            ("api-key", "abcd1234"),
            ("client-ref", "d-1&x=2"),
            ("message-timestamp", "2026-01-02 03:04:05"),
            ("timestamp", "1767323045"),
            ("nonce", "b1c2d3e4-0000-4000-8000-000000000001"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn every_method_verifies_its_own_signature_and_no_other_ones() {
        let said = [
            (Method::Md5hash, "5e0cb07107dce1041bb9b3db71e4a63a"),
            (Method::Md5, "44ecf718d3f5168810247804d811b22e"),
            (Method::Sha1, "672faa392699c048096e74fffdb8c0d0ea382a31"),
            (Method::Sha256, "ec388da140b3614210b3fc1435bef570ad6dbb636553a513f39a27cee4320a1d"),
            (
                Method::Sha512,
                "49ba41374ec836d82e6bd5f7ec436d140e8ba5dd78fe18570d8ddfdb108515d000791b4d25e422c8da3099ad2c6f14f7596c0ac74312803fb3b2c796cf365df5",
            ),
        ];
        for (index, (method, _)) in said.iter().enumerate() {
            let key = TextKey { secret: SecretString::new("vonage_secret_example"), method: *method };
            for (other, (_, signature)) in said.iter().enumerate() {
                assert_eq!(key.signed(&fields(), signature), index == other, "{index} {other}");
                assert_eq!(key.signed(&fields(), &signature.to_uppercase()), index == other);
            }
            let mut changed = fields();
            changed.insert("status".to_owned(), "failed".to_owned());
            assert!(!key.signed(&changed, said[index].1), "{index}");
            assert!(!key.signed(&fields(), ""), "{index}");
        }
    }
}
