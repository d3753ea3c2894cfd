//! Signed tokens: compact JWS (RFC 7515) with Ed25519 (RFC 8037), read by the rules of RFC 8725.
//!
//! There is one algorithm. A header has exactly the three members that we write; one that wants anything else, such as a key
//! of its own, is refused. Its `kid` is looked up among our published keys and nowhere else, and nothing is read from
//! the claims before the signature is verified.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::InvalidToken;
use crate::{
    clock::Timestamp,
    keyring::{Keyring, KeyringError, SIGNATURE},
    secret::SecretString,
};

/// No token of ours comes near it.
pub const LONGEST: usize = 8 * 1024;

/// By how much the clocks of two nodes may differ, in seconds: one that is further off is not ready.
const LEEWAY: i64 = 5;

/// The length of a thumbprint in base64url.
const KID: usize = 43;

const ALGORITHM: &str = "EdDSA";

/// Something that is said under our signature. Its kind keeps it from being taken for something else.
pub trait Claims: Serialize + DeserializeOwned {
    /// `typ` of the header.
    const KIND: &'static str;
}

/// Whose token is accepted, for whom, and when.
#[derive(Debug, Clone, Copy)]
pub struct Accepted<'a> {
    /// Our public address.
    pub issuer: &'a str,
    /// The application that asks; all applications where the token itself says for which one a person acts.
    pub applications: &'a [&'a str],
    /// Now.
    pub now: Timestamp,
}

/// The header. A member beside these, or one that stands there twice, is not read over.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// What every kind of token says. Members that a newer program adds are read over: they are under our signature.
#[derive(Deserialize)]
struct Common {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    nbf: Option<i64>,
}

/// Signs `claims` with the key that new tokens are signed with.
///
/// # Errors
/// [`KeyringError::MissingKey`] if the ring has no signing key yet.
pub fn sign<C: Claims>(ring: &Keyring, claims: &C) -> Result<SecretString, KeyringError> {
    let header = Header { alg: ALGORITHM.into(), kid: ring.signing_key()?.kid(), typ: C::KIND.to_owned() };
    let signed = format!("{}.{}", encoded(&header), encoded(claims));
    let signature = BASE64URL_NOPAD.encode(&ring.sign(signed.as_bytes())?);
    Ok(SecretString::new(format!("{signed}.{signature}")))
}

/// Reads a token back: only one of ours, of this kind, for one of these applications, in its time.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn verify<C: Claims>(ring: &Keyring, token: &str, accepted: &Accepted<'_>) -> Result<C, InvalidToken> {
    if token.len() > LONGEST {
        return Err(InvalidToken::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(InvalidToken::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(InvalidToken::Malformed)?;
    let header: Header = object(&decoded(header)?)?;
    if header.alg != ALGORITHM {
        return Err(InvalidToken::Algorithm);
    }
    if header.typ != C::KIND {
        return Err(InvalidToken::Kind);
    }
    let signature: [u8; SIGNATURE] = decoded(signature)?.try_into().map_err(|_| InvalidToken::Malformed)?;
    let claims = decoded(claims)?;
    if !is_kid(&header.kid) {
        return Err(InvalidToken::UnknownKey);
    }
    let key = ring.published(accepted.now).find(|key| key.kid() == header.kid);
    if !key.ok_or(InvalidToken::UnknownKey)?.verifies(signed.as_bytes(), &signature) {
        return Err(InvalidToken::Forged);
    }
    judge(&object(&claims)?, accepted)?;
    object(&claims)
}

fn judge(said: &Common, accepted: &Accepted<'_>) -> Result<(), InvalidToken> {
    let now = accepted.now.as_millis().div_euclid(1000);
    if said.iss != accepted.issuer {
        return Err(InvalidToken::Issuer);
    }
    if !accepted.applications.contains(&said.aud.as_str()) {
        return Err(InvalidToken::Audience);
    }
    if now.saturating_sub(LEEWAY) >= said.exp {
        return Err(InvalidToken::Expired);
    }
    if now.saturating_add(LEEWAY) < said.iat.max(said.nbf.unwrap_or(said.iat)) {
        return Err(InvalidToken::NotYet);
    }
    Ok(())
}

fn is_kid(text: &str) -> bool {
    text.len() == KID && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Without padding, of one alphabet, with no bits left over: a token has one spelling.
fn decoded(part: &str) -> Result<Vec<u8>, InvalidToken> {
    BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| InvalidToken::Malformed)
}

/// Reads one JSON object and nothing behind it; a list of the right length is none.
fn object<T: DeserializeOwned>(json: &[u8]) -> Result<T, InvalidToken> {
    if json.first() != Some(&b'{') {
        return Err(InvalidToken::Malformed);
    }
    serde_json::from_slice(json).map_err(|_| InvalidToken::Malformed)
}

#[expect(clippy::expect_used, reason = "claims are texts, numbers and lists of them")]
fn encoded(json: &impl Serialize) -> String {
    BASE64URL_NOPAD.encode(&serde_json::to_vec(json).expect("claims are plain JSON"))
}

#[cfg(test)]
mod tests;
