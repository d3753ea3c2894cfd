//! Signing in from outside: what is told to whoever gets in, and what everybody else hears.

use std::time::Duration;

use serde_json::{Value, json};

use super::house::{Home, PAGE, PASSWORD, PUBLIC, Person, SECRET, ask, doors, request};
use crate::router;

/// An answer without what is random about it: every long or numbered text becomes its name.
fn shape(answer: &Value) -> Value {
    match answer {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let keep =
                    matches!(name.as_str(), "status" | "token_type" | "acr" | "amr" | "ways" | "expires_in");
                (name.clone(), if keep { value.clone() } else { shape(value) })
            })
            .collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(_) => "…".into(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn a_person_is_let_in_goes_on_and_leaves() {
    let home = Home::new();
    home.user(SECRET, "meera@example.com", json!({})).await;
    let body = json!({ "email": "meera@example.com", "password": PASSWORD });
    let signed_in = home.call(PUBLIC, "POST", "/v1/sign-in/password", &body).await;
    assert_eq!(signed_in.header("cache-control"), "no-store");
    insta::assert_json_snapshot!(shape(&signed_in.json()), @r#"
    {
      "access_token": "…",
      "acr": "aal1",
      "amr": [
        "pwd"
      ],
      "expires_in": 600,
      "refresh_token": "…",
      "session_id": "…",
      "status": "signed_in",
      "token_type": "Bearer",
      "user_id": "…"
    }
    "#);
    let person = Person::of(&signed_in);
    let refreshed =
        home.call(PUBLIC, "POST", "/v1/tokens/refresh", &json!({ "refresh_token": person.refresh })).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    assert_eq!(refreshed.header("cache-control"), "no-store");
    let now = Person::of(&refreshed);
    assert_eq!((&now.user, &now.session), (&person.user, &person.session));
    assert_ne!(now.refresh, person.refresh);
    let token = json!({ "token": now.access.trim_start_matches("Bearer ") });
    let introspected = home.call(SECRET, "POST", "/v1/tokens/introspect", &token).await.json();
    assert_eq!(introspected["active"], true);
    assert_eq!(introspected["sub"], person.user);
    let revoked = home.call(PUBLIC, "POST", "/v1/tokens/revoke", &json!({ "token": now.refresh })).await;
    assert_eq!(revoked.text, r#"{"revoked":true}"#);
    assert_eq!(home.call(SECRET, "POST", "/v1/tokens/introspect", &token).await.text, r#"{"active":false}"#);
    let again =
        home.call(PUBLIC, "POST", "/v1/tokens/refresh", &json!({ "refresh_token": now.refresh })).await;
    assert_eq!(again.in_short(), "401 sign_in_refused");
}

#[tokio::test]
async fn a_second_way_is_asked_for_and_must_be_another_one() {
    let home = Home::new();
    let user = home.user(SECRET, "meera@example.com", json!({ "second_factor": "required" })).await;
    let codes = home
        .call(SECRET, "POST", &format!("/v1/users/{user}/factors/backup-codes"), &Value::Null)
        .await
        .json();
    let first = json!({ "email": "meera@example.com", "password": PASSWORD });
    let challenge = home.call(PUBLIC, "POST", "/v1/sign-in/password", &first).await;
    assert_eq!(challenge.status, 200);
    assert_eq!(challenge.header("cache-control"), "no-store");
    insta::assert_json_snapshot!(shape(&challenge.json()), @r#"
    {
      "expires_at": "…",
      "mfa_token": "…",
      "status": "second_factor_required",
      "ways": [
        "otp",
        "backup_code"
      ]
    }
    "#);
    let mfa = challenge.json()["mfa_token"].clone();
    let same = json!({ "mfa_token": mfa, "password": PASSWORD });
    assert_eq!(home.call(PUBLIC, "POST", "/v1/sign-in/password", &same).await.in_short(), "422 same_way");
    let second = json!({ "mfa_token": mfa, "code": codes["codes"][0] });
    let signed_in = home.call(PUBLIC, "POST", "/v1/sign-in/backup-code", &second).await;
    assert_eq!(signed_in.json()["status"], "signed_in", "{}", signed_in.text);
    assert_eq!(signed_in.json()["acr"], "aal2");
    home.clock.advance(Duration::from_secs(301));
    let late = json!({ "mfa_token": mfa, "code": codes["codes"][1] });
    let late = home.call(PUBLIC, "POST", "/v1/sign-in/backup-code", &late).await;
    assert_eq!(late.in_short(), "401 mfa_token_invalid");
}

#[tokio::test]
async fn the_same_idempotency_key_gets_the_same_tokens_and_another_body_none() {
    let home = Home::new();
    home.user(SECRET, "meera@example.com", json!({})).await;
    let sign_in = async |password: &str| {
        let body = json!({ "email": "meera@example.com", "password": password }).to_string();
        let headers = [("authorization", SECRET), ("idempotency-key", "once")];
        ask(&home.router, request("POST", "/v1/sign-in/password", &headers, &body)).await
    };
    let first = sign_in(PASSWORD).await;
    assert_eq!(first.status, 200);
    assert_eq!(sign_in(PASSWORD).await.text, first.text);
    assert_eq!(sign_in("another password").await.in_short(), "422 idempotency_key_reused");
}

/// Somebody known with a wrong proof, and somebody unknown: what both hear, but for the request id.
async fn wrong(home: &Home, path: &str, email: &str, proof: &Value) -> Value {
    let mut body = proof.clone();
    body["email"] = email.into();
    let mut answer = home.call(PUBLIC, "POST", path, &body).await.json();
    answer.as_object_mut().unwrap().remove("request_id").unwrap();
    answer
}

#[tokio::test]
async fn nobody_hears_whether_a_person_exists() {
    let home = Home::new();
    let user = home.user(SECRET, "meera@example.com", json!({})).await;
    home.call(SECRET, "POST", &format!("/v1/users/{user}/factors/backup-codes"), &Value::Null).await;
    home.user(SECRET, "suspended@example.com", json!({ "status": "suspended" })).await;
    for (path, proof) in [
        ("/v1/sign-in/password", json!({ "password": "not the password" })),
        ("/v1/sign-in/totp", json!({ "code": "123456" })),
        ("/v1/sign-in/backup-code", json!({ "code": "aaaabbbb" })),
        ("/v1/sign-in/device", json!({ "device_token": "dt_nothing" })),
    ] {
        let known = wrong(&home, path, "meera@example.com", &proof).await;
        assert_eq!(known["code"], "sign_in_refused", "{path}: {known}");
        for email in ["nobody@example.com", "suspended@example.com"] {
            assert_eq!(wrong(&home, path, email, &proof).await, known, "{path} {email}");
        }
    }
    let right = json!({ "password": PASSWORD });
    let suspended = wrong(&home, "/v1/sign-in/password", "suspended@example.com", &right).await;
    assert_eq!(suspended["code"], "sign_in_refused");
}

#[tokio::test]
async fn nobody_is_locked_out_who_exists_and_no_one_else() {
    let home = Home::new();
    home.user(SECRET, "meera@example.com", json!({})).await;
    let mut heard = Vec::new();
    for email in ["meera@example.com", "nobody@example.com"] {
        let mut answers = Vec::new();
        for _ in 0..7 {
            let body = json!({ "email": email, "code": "123456" });
            let answer = home.call(SECRET, "POST", "/v1/sign-in/totp", &body).await;
            answers.push((answer.in_short(), answer.header("retry-after").to_owned()));
        }
        heard.push(answers);
    }
    assert_eq!(heard[0], heard[1]);
    let (last, retry_after) = heard[0].last().unwrap();
    assert_eq!(last, "429 too_many_tries");
    assert!(retry_after.parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn passkeys_and_ways_look_alike_for_everybody() {
    let home = Home::new();
    home.user(SECRET, "meera@example.com", json!({})).await;
    let mut shapes = Vec::new();
    for body in [json!({ "email": "meera@example.com" }), json!({ "email": "nobody@example.com" })] {
        let options = home.call(PUBLIC, "POST", "/v1/sign-in/passkey/options", &body).await;
        assert_eq!(options.status, 200, "{}", options.text);
        shapes.push(shape(&options.json()));
    }
    assert_eq!(shapes[0], shapes[1]);
    let ways = home.call(PUBLIC, "POST", "/v1/sign-in/ways", &json!({ "device_token": "dt_junk" })).await;
    assert_eq!(ways.json(), home.call(PUBLIC, "POST", "/v1/sign-in/ways", &Value::Null).await.json());
    let ways = ways.json();
    let names: Vec<_> = ways["ways"].as_array().unwrap().iter().map(|way| way["way"].clone()).collect();
    assert!(names.contains(&json!("otp")) && names.contains(&json!("totp")), "{names:?}");
}

#[tokio::test]
async fn only_a_secret_key_says_where_the_person_is() {
    let home = Home::new();
    let body = |ip: &str| json!({ "email": "a@example.com", "code": "123456", "client": { "ip": ip } });
    for (key, ip, expected) in [
        (SECRET, "203.0.113.9", "401 sign_in_refused"),
        (SECRET, "2001:db8::1", "401 sign_in_refused"),
        (SECRET, "here", "400 invalid_request"),
        (PUBLIC, "203.0.113.9", "403 needs_secret_key"),
    ] {
        let answer = home.call(key, "POST", "/v1/sign-in/totp", &body(ip)).await;
        assert_eq!(answer.in_short(), expected, "{key} {ip}");
    }
    // Thirty wrong guesses from one network are the most, whoever they are about.
    for n in 0..30 {
        let body = json!({ "email": format!("n{n}@example.com"), "code": "123456", "client": { "ip": "198.51.100.20" } });
        home.call(SECRET, "POST", "/v1/sign-in/totp", &body).await;
    }
    let more = |ip: &str| json!({ "email": "z@example.com", "code": "123456", "client": { "ip": ip } });
    let same = home.call(SECRET, "POST", "/v1/sign-in/totp", &more("198.51.100.20")).await;
    assert_eq!(same.in_short(), "429 too_many_tries");
    let another = home.call(SECRET, "POST", "/v1/sign-in/totp", &more("192.0.2.1")).await;
    assert_eq!(another.in_short(), "401 sign_in_refused");
}

#[tokio::test]
async fn the_keys_that_verify_tokens_are_for_everybody_and_may_be_kept_for_a_while() {
    let answer = ask(&router(doors()), request("GET", "/.well-known/jwks.json", &[], "")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let keys = answer.json();
    assert_eq!(keys["keys"][0]["crv"], "Ed25519");
    assert!(keys["keys"][0].get("d").is_none(), "{keys}");
}

#[tokio::test]
async fn a_listed_page_may_call_every_method_of_the_api() {
    let router = router(doors());
    let headers = [("origin", PAGE), ("access-control-request-method", "DELETE")];
    let answer = ask(&router, request("OPTIONS", "/v1/users/me/factors/totp", &headers, "")).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-methods"), "GET, POST, PUT, PATCH, DELETE");
}
