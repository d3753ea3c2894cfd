//! A reference verifier of offline grants, for a gate or a vehicle without network. Copy it: it needs ring, serde_json and
//! data-encoding, and nothing of Backstop.
//!
//! ```text
//! verify_offline JWKS_FILE TOKEN AUDIENCE CHALLENGE SIGNATURE
//! ```
//!
//! JWKS_FILE is a copy of `/.well-known/jwks.json`. AUDIENCE is the verifier's own name. CHALLENGE is what it has just made
//! up, 16 to 128 characters of base64url, never the same twice; SIGNATURE is the device's answer to it as base64url. It
//! prints the person's id and ends with 0, or says what is wrong and ends with 1.
//!
//! What a verifier must do itself: make a new challenge for each try, and keep its clock right to the minute. A grant cannot
//! be called back; it ends by itself after at most 72 hours.

use std::process::ExitCode;

use data_encoding::BASE64URL_NOPAD;
use ring::{
    digest,
    signature::{self, UnparsedPublicKey},
};
use serde_json::Value;

/// The longest token that is looked at.
const MAX_TOKEN: usize = 8 * 1024;
/// The longest that a grant may live, in seconds.
const LONGEST: i64 = 72 * 3600;
/// How far the verifier's clock may be behind, in seconds.
const LEEWAY: i64 = 60;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]
#[expect(clippy::disallowed_methods, reason = "it is a program of its own, and has a clock of its own")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, token, audience, challenge, proof] = arguments.as_slice() else {
        eprintln!("usage: verify_offline JWKS_FILE TOKEN AUDIENCE CHALLENGE SIGNATURE");
        return ExitCode::from(2);
    };
    let jwks = match std::fs::read_to_string(file) {
        Ok(jwks) => jwks,
        Err(problem) => {
            eprintln!("{file}: {problem}");
            return ExitCode::from(2);
        }
    };
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = since_1970.ok().and_then(|span| i64::try_from(span.as_secs()).ok()).unwrap_or(i64::MAX);
    match verify(&jwks, token, audience, (challenge, proof), now) {
        Ok(person) => {
            println!("{person}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("refused: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Whose grant it is, if it is one for `audience` now and the device signed `challenge`.
///
/// # Errors
/// What is wrong, for a log; the person at the gate need not know.
fn verify(
    jwks: &str,
    token: &str,
    audience: &str,
    (challenge, proof): (&str, &str),
    now: i64,
) -> Result<String, &'static str> {
    let claims = claims(jwks, token)?;
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    let (iat, exp) = number("iat").zip(number("exp")).ok_or("the token does not say when it ends")?;
    if now >= exp {
        return Err("the token has ended");
    }
    if iat > now.saturating_add(LEEWAY) {
        return Err("the token is from the future: is this clock right?");
    }
    if exp.saturating_sub(iat) > LONGEST {
        return Err("the token lives longer than a grant may");
    }
    let audience = Some(audience).filter(|audience| text(&claims, "aud") == Some(audience));
    let audience = audience.ok_or("the token is for another audience")?;
    let (person, id) = text(&claims, "sub").zip(text(&claims, "jti")).ok_or("the token names nobody")?;

    let device = claims.get("cnf").ok_or("the token is bound to no key")?;
    let key = device.get("jwk").ok_or("the token is bound to no key")?;
    if thumbprint(key).is_none_or(|thumbprint| text(device, "jkt") != Some(&thumbprint)) {
        return Err("the key is not the one that the token is bound to");
    }
    let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    if !(16..=128).contains(&challenge.len()) || !challenge.bytes().all(plain) {
        return Err("the challenge is not 16 to 128 characters of base64url");
    }
    let message = format!("backstop offline proof v1\n{audience}\n{challenge}\n{id}");
    let proof = BASE64URL_NOPAD.decode(proof.as_bytes()).map_err(|_| "the signature is not base64url")?;
    if !signed(key, message.as_bytes(), &proof) {
        return Err("the device did not sign this challenge");
    }
    Ok(person.to_owned())
}

/// The claims of a token that the installation signed. The algorithm is ours and not the header's choice: the header only
/// has to agree. A key inside the header is not looked at.
fn claims(jwks: &str, token: &str) -> Result<Value, &'static str> {
    if token.len() > MAX_TOKEN {
        return Err("the token is too long");
    }
    let (message, signature) = token.rsplit_once('.').ok_or("not a token")?;
    let (head, body) = message.split_once('.').ok_or("not a token")?;
    let header = json(head).ok_or("not a token")?;
    if text(&header, "typ") != Some("offline+jwt") {
        return Err("the token is of another kind");
    }
    if text(&header, "alg") != Some("EdDSA") || header.get("crit").is_some() {
        return Err("the token is signed in another way");
    }
    let kid = text(&header, "kid").ok_or("the token names no key")?;
    let jwks: Value = serde_json::from_str(jwks).map_err(|_| "the key file is not JSON")?;
    let mut keys = jwks.get("keys").and_then(Value::as_array).ok_or("the key file holds no keys")?.iter();
    let key =
        keys.find(|key| text(key, "kid") == Some(kid)).ok_or("the token's key is not in the key file")?;
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| "not a token")?;
    if text(key, "crv") != Some("Ed25519") || !signed(key, message.as_bytes(), &signature) {
        return Err("the token's signature is wrong");
    }
    json(body).ok_or("not a token")
}

/// Whether the key, an Ed25519 or P-256 one as a JSON Web Key, signed the message.
fn signed(key: &Value, message: &[u8], signature: &[u8]) -> bool {
    let by =
        |algorithm, key: &[u8]| UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok();
    match (text(key, "kty"), text(key, "crv"), coordinate(key, "x"), coordinate(key, "y")) {
        (Some("OKP"), Some("Ed25519"), Some(x), None) => by(&signature::ED25519, &x),
        (Some("EC"), Some("P-256"), Some(x), Some(y)) => {
            let point = [&[4], x.as_slice(), &y].concat();
            by(&signature::ECDSA_P256_SHA256_FIXED, &point) || by(&signature::ECDSA_P256_SHA256_ASN1, &point)
        }
        _ => false,
    }
}

/// The RFC 7638 thumbprint of a key. Its coordinates are base64url, so nothing in it needs an escape.
fn thumbprint(key: &Value) -> Option<String> {
    let (kty, crv) = (text(key, "kty")?, text(key, "crv")?);
    let x = BASE64URL_NOPAD.encode(&coordinate(key, "x")?);
    let members = match (kty, crv) {
        ("OKP", "Ed25519") => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        ("EC", "P-256") => {
            let y = BASE64URL_NOPAD.encode(&coordinate(key, "y")?);
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
        }
        _ => return None,
    };
    Some(BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, members.as_bytes()).as_ref()))
}

fn coordinate(key: &Value, name: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text(key, name)?.as_bytes()).ok().filter(|bytes| bytes.len() == 32)
}

fn json(part: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).ok()?).ok()
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use backstop_domain::{
        clock::Timestamp,
        factor::trusted_device::{Device, DeviceName, NewDevice, TRUST, key::DeviceKey},
        id::UserId,
        offline::{self, Audience, LONGEST, OfflineClaims, TYPE},
        ports::random::SeededRandom,
    };
    use ring::{
        rand::SystemRandom,
        signature::{
            ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
            KeyPair,
        },
    };
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const CHALLENGE: &str = "q1w2e3r4t5y6u7i8";

    fn pair(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
    }

    fn encode(bytes: &[u8]) -> String {
        BASE64URL_NOPAD.encode(bytes)
    }

    fn okp(key: &Ed25519KeyPair) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key().as_ref())})
    }

    /// The published keys: one that is retiring, and the one that signs.
    fn jwks() -> String {
        let mut keys = [okp(&pair(1)), okp(&pair(2))];
        (keys[0]["kid"], keys[1]["kid"]) = (json!("old"), json!("new"));
        json!({"keys": keys}).to_string()
    }

    fn sign(header: &Value, claims: &Value) -> String {
        let message =
            format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        format!("{message}.{}", encode(pair(2).sign(message.as_bytes()).as_ref()))
    }

    fn header() -> Value {
        json!({"typ": TYPE, "alg": "EdDSA", "kid": "new"})
    }

    /// What Backstop grants a device with this key.
    fn granted(jwk: &Value) -> OfflineClaims {
        let random = SeededRandom::new(1);
        let now = Timestamp::from_millis(NOW * 1000);
        let new = NewDevice {
            name: DeviceName::parse("phone").unwrap(),
            external_id: None,
            public_key: Some(DeviceKey::parse(jwk).unwrap()),
            network: None,
        };
        let device = Device::remember(new, TRUST, now, &random);
        let (user, gate) = (UserId::new(now, &random), Audience::parse("gate-7").unwrap());
        offline::grant("https://verify.acme.example", (user, &device), gate, LONGEST, now, &random).unwrap()
    }

    fn proof(claims: &OfflineClaims, challenge: &str) -> String {
        encode(pair(9).sign(&offline::proof_message(&claims.aud, challenge, &claims.jti)).as_ref())
    }

    /// The grant of the device with key 9, and the same as JSON.
    fn grant() -> (OfflineClaims, Value) {
        let claims = granted(&okp(&pair(9)));
        let value = serde_json::to_value(&claims).unwrap();
        (claims, value)
    }

    #[test]
    fn what_backstop_grants_is_accepted_with_the_devices_fresh_signature() {
        let (claims, value) = grant();
        let token = sign(&header(), &value);
        let accepted = verify(&jwks(), &token, "gate-7", (CHALLENGE, &proof(&claims, CHALLENGE)), NOW);
        assert_eq!(accepted, Ok(claims.sub.to_string()));
    }

    #[test]
    fn a_device_with_a_p256_key_is_accepted_in_both_forms_of_signature() {
        let chance = SystemRandom::new();
        for form in [&ECDSA_P256_SHA256_FIXED_SIGNING, &ECDSA_P256_SHA256_ASN1_SIGNING] {
            let document = EcdsaKeyPair::generate_pkcs8(form, &chance).unwrap();
            let key = EcdsaKeyPair::from_pkcs8(form, document.as_ref(), &chance).unwrap();
            let point = key.public_key().as_ref();
            let claims = granted(
                &json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])}),
            );
            let message = offline::proof_message(&claims.aud, CHALLENGE, &claims.jti);
            let proof = encode(key.sign(&chance, &message).unwrap().as_ref());
            let token = sign(&header(), &serde_json::to_value(&claims).unwrap());
            assert!(verify(&jwks(), &token, "gate-7", (CHALLENGE, &proof), NOW).is_ok());
            assert!(verify(&jwks(), &token, "gate-7", ("another-challenge", &proof), NOW).is_err());
        }
    }

    #[test]
    fn it_ends_with_the_second_that_it_names() {
        let (claims, value) = grant();
        let token = sign(&header(), &value);
        let at = |now| verify(&jwks(), &token, "gate-7", (CHALLENGE, &proof(&claims, CHALLENGE)), now);
        let life = i64::try_from(Duration::as_secs(&LONGEST)).unwrap();
        assert!(at(NOW + life - 1).is_ok());
        assert_eq!(at(NOW + life), Err("the token has ended"));
        assert!(at(NOW - 60).is_ok());
        assert_eq!(at(NOW - 61), Err("the token is from the future: is this clock right?"));
        assert!(at(i64::MIN).is_err() && at(i64::MAX).is_err());
    }

    #[test]
    fn each_wrong_part_is_refused() {
        let (claims, value) = grant();
        let (proof, jwks) = (proof(&claims, CHALLENGE), jwks());
        let with_header = |name: &str, to: Value| {
            let mut header = header();
            header[name] = to;
            verify(&jwks, &sign(&header, &value), "gate-7", (CHALLENGE, &proof), NOW)
        };
        for typ in ["at+jwt", "emergency+jwt", "JWT", "OFFLINE+JWT"] {
            assert_eq!(with_header("typ", json!(typ)), Err("the token is of another kind"));
        }
        for alg in ["none", "None", "HS256", "ES256", "eddsa"] {
            assert_eq!(with_header("alg", json!(alg)), Err("the token is signed in another way"));
        }
        assert_eq!(with_header("crit", json!(["b64"])), Err("the token is signed in another way"));
        assert_eq!(with_header("kid", json!("old")), Err("the token's signature is wrong"));
        assert_eq!(with_header("kid", json!("../new")), Err("the token's key is not in the key file"));
        assert_eq!(with_header("kid", json!(null)), Err("the token names no key"));

        let with_claim = |path: &str, to: Value| {
            let mut value = value.clone();
            *value.pointer_mut(path).unwrap() = to;
            verify(&jwks, &sign(&header(), &value), "gate-7", (CHALLENGE, &proof), NOW)
        };
        assert_eq!(with_claim("/aud", json!("gate-8")), Err("the token is for another audience"));
        assert_eq!(with_claim("/aud", json!(["gate-7"])), Err("the token is for another audience"));
        assert_eq!(
            with_claim("/exp", json!(NOW + 72 * 3600 + 1)),
            Err("the token lives longer than a grant may")
        );
        assert_eq!(with_claim("/exp", json!("never")), Err("the token does not say when it ends"));
        assert_eq!(with_claim("/sub", json!(null)), Err("the token names nobody"));
        assert_eq!(with_claim("/cnf", json!({})), Err("the token is bound to no key"));
        assert_eq!(
            with_claim("/cnf/jwk", okp(&pair(8))),
            Err("the key is not the one that the token is bound to")
        );
        assert_eq!(
            with_claim("/cnf/jwk", json!({"kty": "oct", "k": "AAAA"})),
            Err("the key is not the one that the token is bound to")
        );
        assert_eq!(with_claim("/jti", json!("another")), Err("the device did not sign this challenge"));
    }

    #[test]
    fn a_grant_without_its_device_and_a_proof_for_another_gate_or_moment_are_refused() {
        let (claims, value) = grant();
        let token = sign(&header(), &value);
        let refused = |challenge: &str, proof: &str| {
            verify(&jwks(), &token, "gate-7", (challenge, proof), NOW).unwrap_err()
        };
        let fresh = proof(&claims, CHALLENGE);
        assert_eq!(refused("another-challenge", &fresh), "the device did not sign this challenge");
        let thief = pair(8).sign(&offline::proof_message(&claims.aud, CHALLENGE, &claims.jti));
        assert_eq!(refused(CHALLENGE, &encode(thief.as_ref())), "the device did not sign this challenge");
        let gate = Audience::parse("gate-8").unwrap();
        let elsewhere = pair(9).sign(&offline::proof_message(&gate, CHALLENGE, &claims.jti));
        assert_eq!(refused(CHALLENGE, &encode(elsewhere.as_ref())), "the device did not sign this challenge");
        assert_eq!(refused(CHALLENGE, ""), "the device did not sign this challenge");
        assert_eq!(refused(CHALLENGE, "+/=="), "the signature is not base64url");
        for challenge in ["", "too-short", "q1w2e3r4\nt5y6u7i8", &"x".repeat(129)] {
            assert_eq!(
                refused(challenge, &proof(&claims, challenge)),
                "the challenge is not 16 to 128 characters of base64url"
            );
        }
        assert!(verify(&jwks(), &token, "gate-8", (CHALLENGE, &encode(elsewhere.as_ref())), NOW).is_err());
    }

    #[test]
    fn garbage_is_refused_and_nothing_panics() {
        let (claims, value) = grant();
        let (token, proof) = (sign(&header(), &value), proof(&claims, CHALLENGE));
        let (mut flipped, long) = (token.clone().into_bytes(), format!("{token}{}", "A".repeat(MAX_TOKEN)));
        let place = token.find('.').unwrap() + 9;
        flipped[place] = if flipped[place] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(flipped).unwrap();
        for bad in [
            "",
            ".",
            "..",
            "a.b.c",
            "e30.e30.",
            &flipped,
            &long,
            &token.replacen('.', "", 1),
            &format!("{token}.e30"),
            &format!("{token}="),
        ] {
            assert!(verify(&jwks(), bad, "gate-7", (CHALLENGE, &proof), NOW).is_err(), "{bad}");
        }
        for keys in ["", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#, r#"{"keys":[{"kid":"new"}]}"#] {
            assert!(verify(keys, &token, "gate-7", (CHALLENGE, &proof), NOW).is_err(), "{keys}");
        }
    }
}
