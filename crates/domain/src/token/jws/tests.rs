//! What is no token of ours, one refusal for each way of trying.

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::*;
use crate::{
    keyring::{KeyUse, Kid, RingKey, generate},
    offline::OfflineClaims,
    ports::random::SeededRandom,
    token::{
        claims::{Access, Issuer},
        session::SessionKind,
        tests::{ISSUER, accepted, at, grant, ring, session},
    },
};

fn access() -> Access {
    Access::of(&session(SessionKind::Normal), ISSUER, at(0), &SeededRandom::new(4))
}

fn good(ring: &Keyring) -> String {
    sign(ring, &access()).unwrap().expose().to_owned()
}

fn read(ring: &Keyring, token: &str) -> Result<Access, InvalidToken> {
    verify(ring, token, &accepted(1))
}

fn part(json: &str) -> String {
    BASE64URL_NOPAD.encode(json.as_bytes())
}

/// A token of these texts under our own signature: what is refused is the text.
fn signed(ring: &Keyring, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = BASE64URL_NOPAD.encode(&ring.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

fn header(ring: &Keyring) -> Value {
    json!({ "alg": "EdDSA", "kid": ring.signing_key().unwrap().kid(), "typ": "at+jwt" })
}

fn with(base: &Value, name: &str, value: Value) -> String {
    let mut changed = base.clone();
    changed[name] = value;
    changed.to_string()
}

fn claims() -> Value {
    serde_json::to_value(access()).unwrap()
}

#[test]
fn a_token_has_the_header_of_its_kind_and_is_read_back() {
    let ring = ring(1);
    let token = good(&ring);
    let kid = ring.signing_key().unwrap().kid();
    let expected = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"at+jwt"}}"#);
    assert_eq!(token.split('.').next().unwrap(), part(&expected));
    assert_eq!(read(&ring, &token), Ok(access()));
    assert_eq!(read(&ring, &signed(&ring, &header(&ring).to_string(), &claims().to_string())), Ok(access()));
}

#[test]
fn no_header_chooses_its_algorithm() {
    let ring = ring(1);
    for algorithm in ["none", "None", "NONE", "", "HS256", "ES256", "RS256", "eddsa", "Ed25519", "EdDSA "] {
        let token = signed(&ring, &with(&header(&ring), "alg", json!(algorithm)), &claims().to_string());
        assert_eq!(read(&ring, &token), Err(InvalidToken::Algorithm), "{algorithm}");
    }
    let unsigned =
        format!("{}.{}.", part(&with(&header(&ring), "alg", json!("none"))), part(&claims().to_string()));
    assert_eq!(read(&ring, &unsigned), Err(InvalidToken::Algorithm));
    let unsigned = format!("{}.{}.", part(&header(&ring).to_string()), part(&claims().to_string()));
    assert_eq!(read(&ring, &unsigned), Err(InvalidToken::Malformed), "no signature at all");
}

#[test]
fn our_public_key_is_no_secret_to_sign_with() {
    let ring = ring(1);
    let public = ring.signing_key().unwrap();
    let jwk = serde_json::to_vec(&public.jwk()).unwrap();
    for secret in [public.0.as_slice(), BASE64URL_NOPAD.encode(&public.0).as_bytes(), &jwk] {
        for (algorithm, refusal) in [("HS256", InvalidToken::Algorithm), ("EdDSA", InvalidToken::Malformed)] {
            let head = part(&with(&header(&ring), "alg", json!(algorithm)));
            let body = format!("{head}.{}", part(&claims().to_string()));
            let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret).unwrap();
            mac.update(body.as_bytes());
            let token = format!("{body}.{}", BASE64URL_NOPAD.encode(&mac.finalize().into_bytes()));
            assert_eq!(read(&ring, &token), Err(refusal), "{algorithm}");
        }
    }
}

#[test]
fn a_key_is_found_by_its_name_in_our_own_set_and_nowhere_else() {
    let (ring, stranger) = (ring(1), ring(2));
    let own = ring.signing_key().unwrap().kid();
    for kid in [
        "",
        "4",
        "../../../../etc/passwd",
        "/dev/null",
        "' OR 1=1 --",
        "x' UNION SELECT 'key",
        "https://evil.example/jwks.json",
        "kid\u{0}",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        &own[..42],
        &format!("{own} "),
        &own.to_lowercase(),
        &stranger.signing_key().unwrap().kid(),
    ] {
        let token = signed(&ring, &with(&header(&ring), "kid", json!(kid)), &claims().to_string());
        assert_eq!(read(&ring, &token), Err(InvalidToken::UnknownKey), "{kid}");
    }
    let token = signed(&ring, &with(&header(&ring), "kid", json!(4)), &claims().to_string());
    assert_eq!(read(&ring, &token), Err(InvalidToken::Malformed), "a number is no name");
    assert_eq!(read(&ring, &good(&stranger)), Err(InvalidToken::UnknownKey));
    let forged = signed(&stranger, &header(&ring).to_string(), &claims().to_string());
    assert_eq!(read(&ring, &forged), Err(InvalidToken::Forged), "our name on another's signature");
}

#[test]
fn a_header_that_wants_more_than_ours_is_refused() {
    let ring = ring(1);
    let jwk = serde_json::to_value(ring.signing_key().unwrap().jwk()).unwrap();
    for (name, value) in [
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("jwk", jwk),
        ("x5c", json!(["MII"])),
        ("x5t", json!("AA")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("enc", json!("A256GCM")),
    ] {
        let token = signed(&ring, &with(&header(&ring), name, value), &claims().to_string());
        assert_eq!(read(&ring, &token), Err(InvalidToken::Malformed), "{name}");
    }
    for missing in ["alg", "kid", "typ"] {
        let mut header = header(&ring);
        header.as_object_mut().unwrap().remove(missing);
        let token = signed(&ring, &header.to_string(), &claims().to_string());
        assert_eq!(read(&ring, &token), Err(InvalidToken::Malformed), "{missing}");
    }
}

#[test]
fn a_token_of_a_kind_that_is_not_wanted_here_is_refused() {
    let ring = ring(1);
    for kind in
        ["JWT", "jwt", "", "AT+JWT", "application/at+jwt", "emergency+jwt", "offline+jwt", "verification+jwt"]
    {
        let token = signed(&ring, &with(&header(&ring), "typ", json!(kind)), &claims().to_string());
        assert_eq!(read(&ring, &token), Err(InvalidToken::Kind), "{kind}");
    }
}

#[test]
fn a_member_that_stands_there_twice_is_refused() {
    let ring = ring(1);
    let (head, body) = (header(&ring).to_string(), claims().to_string());
    let twice = |json: &str, member: &str| format!("{},{member}}}", &json[..json.len() - 1]);
    for member in [r#""alg":"EdDSA""#, r#""alg":"none""#, r#""typ":"at+jwt""#, r#""kid":"x""#] {
        assert_eq!(read(&ring, &signed(&ring, &twice(&head, member), &body)), Err(InvalidToken::Malformed));
    }
    for member in [r#""aud":"shop""#, r#""exp":9999999999"#, r#""sub":"usr_""#, r#""acr":"aal2""#] {
        let token = signed(&ring, &head, &twice(&body, member));
        assert_eq!(read(&ring, &token), Err(InvalidToken::Malformed), "{member}");
    }
}

#[test]
fn a_member_that_stands_twice_in_an_offline_grant_is_refused() {
    let (ring, grant) = (ring(1), grant());
    let head = with(&header(&ring), "typ", json!("offline+jwt"));
    let body = serde_json::to_value(&grant).unwrap();
    let read = |body: &str| verify::<OfflineClaims>(&ring, &signed(&ring, &head, body), &accepted(1));
    assert_eq!(read(&body.to_string()), Ok(grant));
    let text = body.to_string();
    for name in ["cnf", "sub", "jti", "iss"] {
        let twice = format!("{},\"{name}\":{}}}", &text[..text.len() - 1], body[name]);
        assert_eq!(read(&twice), Err(InvalidToken::Malformed), "{name}");
    }
    let unbound = with(&body, "cnf", json!({ "jkt": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" }));
    assert_eq!(read(&unbound), Err(InvalidToken::Malformed));
}

#[test]
fn what_is_not_one_json_object_is_refused() {
    let ring = ring(1);
    let (head, body) = (header(&ring).to_string(), claims().to_string());
    let values: Vec<_> = claims().as_object().unwrap().values().cloned().collect();
    for bad in [
        "",
        "null",
        "7",
        "[]",
        "{}",
        "{",
        &json!(values).to_string(),
        &format!("{body}{body}"),
        &format!(" {body}"),
        &format!("{body}x"),
        &with(&claims(), "exp", json!("1800000600")),
        &with(&claims(), "exp", json!(1.5)),
        &with(&claims(), "aud", json!(["shop"])),
        &with(&claims(), "acr", json!("aal9")),
        &with(&claims(), "sub", json!("asha")),
    ] {
        assert_eq!(read(&ring, &signed(&ring, &head, bad)), Err(InvalidToken::Malformed), "{bad}");
    }
    let list = json!(["EdDSA", ring.signing_key().unwrap().kid(), "at+jwt"]).to_string();
    assert_eq!(read(&ring, &signed(&ring, &list, &body)), Err(InvalidToken::Malformed));
}

#[test]
fn a_token_has_one_spelling() {
    let ring = ring(1);
    let good = good(&ring);
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, signature] = parts.as_slice() else { panic!("three parts") };
    for bad in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{good}=="),
        format!("{head}=.{body}.{signature}"),
        format!("{head}.{body}=.{signature}"),
        format!("{head}.{body}.{}", &signature[..85]),
        format!("{head}.{body}.{signature}A"),
        format!("{good}\n"),
        format!(" {good}"),
        format!("Bearer {good}"),
        good.replace('.', "%2E"),
        format!("{head}.{body}.{}", signature.replace(['-', '_'], "+")) + "+",
    ] {
        assert_eq!(read(&ring, &bad), Err(InvalidToken::Malformed), "{bad}");
    }
    // 64 bytes leave four bits of the last character: all but one of its spellings is refused.
    let last = signature.chars().last().unwrap();
    for other in
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars().filter(|c| *c != last)
    {
        let bad = format!("{}{other}", &good[..good.len() - 1]);
        assert!(matches!(read(&ring, &bad), Err(InvalidToken::Malformed | InvalidToken::Forged)), "{bad}");
    }
}

#[test]
fn no_changed_character_of_a_token_is_read_over() {
    let ring = ring(1);
    let good = good(&ring);
    for index in 0..good.len() {
        let other = if good.as_bytes()[index] == b'A' { "B" } else { "A" };
        let mut bad = good.clone();
        bad.replace_range(index..=index, other);
        assert!(read(&ring, &bad).is_err(), "{bad}");
    }
    let richer = part(&with(&claims(), "acr", json!("aal1")));
    let parts: Vec<&str> = good.split('.').collect();
    assert_eq!(read(&ring, &format!("{}.{richer}.{}", parts[0], parts[2])), Err(InvalidToken::Forged));
}

#[test]
fn nothing_longer_than_8_kib_is_looked_at() {
    let ring = ring(1);
    let fitting = |name: usize| {
        signed(&ring, &header(&ring).to_string(), &with(&claims(), "more", json!("a".repeat(name))))
    };
    assert!(fitting(5000).len() < LONGEST);
    assert_eq!(read(&ring, &fitting(5000)), Ok(access()), "what a newer program adds is read over");
    assert_eq!(read(&ring, &fitting(6000)), Err(InvalidToken::TooLong));
    assert_eq!(read(&ring, &"a.".repeat(1 << 20)), Err(InvalidToken::TooLong));
}

#[test]
fn a_token_of_another_issuer_or_for_another_application_is_refused() {
    let ring = ring(1);
    let token = good(&ring);
    let ask = |issuer: &str, applications: &[&str]| {
        verify::<Access>(&ring, &token, &Accepted { issuer, applications, now: at(0) }).map(|_| ())
    };
    assert_eq!(ask(ISSUER.url, &["books", "shop"]), Ok(()));
    for issuer in ["https://verify.example/", "https://VERIFY.example", "https://verify.exampl", ""] {
        assert_eq!(ask(issuer, &["shop"]), Err(InvalidToken::Issuer), "{issuer}");
    }
    for applications in [&["books"] as &[&str], &["shop2"], &["sho"], &["SHOP"], &[""], &[]] {
        assert_eq!(ask(ISSUER.url, applications), Err(InvalidToken::Audience), "{applications:?}");
    }
}

#[test]
fn a_token_holds_from_its_beginning_to_its_end_and_five_seconds_for_the_clocks() {
    let ring = ring(1);
    let token = good(&ring);
    let when = |token: &str, seconds| verify::<Access>(&ring, token, &accepted(seconds)).map(|_| ());
    let ends = [-6, -5, 0, 600, 604, 605, 100_000].map(|seconds| when(&token, seconds));
    let (early, over) = (Err(InvalidToken::NotYet), Err(InvalidToken::Expired));
    assert_eq!(ends, [early, Ok(()), Ok(()), Ok(()), Ok(()), over, over]);
    let later = with(&claims(), "nbf", json!(1_800_000_100));
    let later = signed(&ring, &header(&ring).to_string(), &later);
    assert_eq!([94, 95].map(|seconds| when(&later, seconds)), [early, Ok(())]);
    for extreme in [i64::MIN, i64::MAX] {
        let odd = ["iat", "exp", "nbf"].map(|name| {
            when(&signed(&ring, &header(&ring).to_string(), &with(&claims(), name, json!(extreme))), 0)
                .is_ok()
        });
        assert_eq!(odd, if extreme > 0 { [false, true, false] } else { [true, false, true] });
    }
}

#[test]
fn old_tokens_verify_over_a_rotation_until_they_are_over_and_new_ones_wait_for_every_node() {
    let random = SeededRandom::new(1);
    let key = |kid, key_use, seconds| RingKey {
        kid: Kid(kid),
        key_use,
        key: generate(&random),
        created_at: at(seconds),
    };
    let first = KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| key(kid, key_use, -1000));
    let after = Keyring::new(first.chain([key(5, KeyUse::Sign, 0)])).unwrap();
    let waiting = after.active_up_to(Kid(4));
    let (old, new) = (good(&waiting), good(&after));
    let kid = |token: &str| decoded(token.split('.').next().unwrap()).unwrap();
    assert_ne!(kid(&old), kid(&new));
    for ring in [&waiting, &after] {
        assert_eq!(
            (read(ring, &old), read(ring, &new)),
            (Ok(access()), Ok(access())),
            "both nodes read both"
        );
    }
    let hours = 3600;
    let late = Issuer { application: "shop", ..ISSUER };
    let of_later = |ring: &Keyring, seconds| {
        let claims = Access::of(&session(SessionKind::Normal), late, at(seconds), &random);
        let token = sign(ring, &claims).unwrap();
        verify::<Access>(&after, token.expose(), &accepted(seconds)).map(|_| ())
    };
    assert_eq!(of_later(&waiting, 72 * hours), Ok(()));
    assert_eq!(
        of_later(&waiting, 73 * hours),
        Err(InvalidToken::UnknownKey),
        "a retired key makes no tokens"
    );
    assert_eq!(of_later(&after, 73 * hours), Ok(()));
}
