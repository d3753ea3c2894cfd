//! The Standard Webhooks signature: HMAC-SHA-256 over id, seconds and the very bytes that are sent. Vendors sign with it too.

use backstop_domain::secret::SecretString;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The key inside a `whsec_` secret.
pub(crate) struct SigningKey(Zeroizing<Vec<u8>>);

impl SigningKey {
    /// Reads `whsec_` and the base64 of 24 to 64 bytes.
    pub(crate) fn parse(secret: &SecretString) -> Option<Self> {
        let encoded = secret.expose().strip_prefix("whsec_")?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The value of `webhook-signature`.
    pub(crate) fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mac = self.mac(id, &seconds.to_string(), body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// Whether one of the signatures of this list, `v1,… v1,…`, is ours. Whether `seconds` is about now is not looked at.
    pub(crate) fn verifies(&self, id: &str, seconds: &str, body: &[u8], list: &str) -> bool {
        let said = list.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
        let mac = self.mac(id, seconds, body);
        said.into_iter().any(|signature| mac.clone().verify_slice(&signature).is_ok())
    }

    fn mac(&self, id: &str, seconds: &str, body: &[u8]) -> Hmac<Sha256> {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes a key of any length")
        };
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(secret: &str, id: &str, seconds: i64, body: &str) -> String {
        SigningKey::parse(&SecretString::new(secret)).unwrap().sign(id, seconds, body.as_bytes())
    }

    #[test]
    fn the_schemes_own_vector_verifies() {
        let signature = signed(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_worked_example_verifies() {
        let body = r#"{"type":"verification.approved","timestamp":"2026-01-01T00:00:00Z","data":{"verification_id":"ver_7Q2M","tenant_id":"ten_1","channel":"sms","destination":"+91******3210","sequence":3}}"#;
        let signature = signed(
            "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "msg_01JGFJJZ00SRTESTVECT0R0001",
            1_767_225_600,
            body,
        );
        // The list of the example holds this secret's and the older one's; which is first is the example's choice.
        let both =
            "v1,X0EVCQqpwRBd2Q+hJvDSqTEYk8i0aobjU7cp60JvaM8= v1,Zuke9AHpqO2AyCLzIAddgbfYzmajSsus7LDcWjCiEO8=";
        assert!(both.contains(&signature), "{signature}");
        let key = SigningKey::parse(&SecretString::new("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
            .unwrap();
        let verifies = |seconds: &str, body: &str, list: &str| {
            key.verifies("msg_01JGFJJZ00SRTESTVECT0R0001", seconds, body.as_bytes(), list)
        };
        assert!(verifies("1767225600", body, both));
        for (seconds, body, list) in [
            ("1767225601", body, both),
            ("01767225600", body, both),
            ("1767225600", "{}", both),
            ("1767225600", body, ""),
            ("1767225600", body, "v1,"),
            ("1767225600", body, "v1,AAAA v1,%%"),
            ("1767225600", body, &both.replace("v1,", "v1a,")),
            ("1767225600", body, &both.replace("v1,", "")),
        ] {
            assert!(!verifies(seconds, body, list), "{seconds} {list}");
        }
    }

    #[test]
    fn a_secret_of_the_wrong_form_is_refused() {
        for secret in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!", ""] {
            assert!(SigningKey::parse(&SecretString::new(secret)).is_none(), "{secret}");
        }
    }
}
