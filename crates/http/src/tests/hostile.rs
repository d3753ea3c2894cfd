//! Bodies that no honest caller sends, at every call of sign-in and of users: a clear refusal that repeats nothing.

use serde_json::{Value, json};

use super::house::{Home, SECRET, ask, filled, request};
use crate::{Compat, extract::BODY_LIMIT, routes};

/// Every call that takes a body about people.
fn calls() -> Vec<(String, String)> {
    let about = ["/v1/sign-in/", "/v1/sign-up", "/v1/password/", "/v1/tokens/", "/v1/users"];
    routes(&Compat::default())
        .iter()
        .filter(|route| matches!(route.method.as_str(), "POST" | "PUT" | "PATCH"))
        .filter(|route| about.iter().any(|start| route.path.starts_with(start)))
        .filter(|route| route.path != "/v1/sign-in/step-up")
        .map(|route| (route.method.to_string(), filled(route.path)))
        .collect()
}

#[tokio::test]
async fn a_body_of_another_form_is_refused_at_every_call_and_never_repeated() {
    let home = Home::new();
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let bodies = [
        (r#"{"canary42":1}"#.to_owned(), "400 invalid_request"),
        (r#"["canary42"]"#.to_owned(), "400 invalid_request"),
        (r#""canary42""#.to_owned(), "400 invalid_request"),
        ("null".to_owned(), "400 invalid_request"),
        (r#"{"canary42":1,"canary42":2}"#.to_owned(), "400 invalid_json"),
        (r#"{"canary42"#.to_owned(), "400 invalid_json"),
        (format!(r#"{{"canary42":{deep}}}"#), "400 invalid_json"),
        (format!(r#"{{"canary42":"{}"}}"#, "x".repeat(BODY_LIMIT)), "413 body_too_large"),
    ];
    let calls = calls();
    assert!(calls.len() >= 29, "{}", calls.len());
    for (method, path) in calls {
        for (body, expected) in &bodies {
            let answer = ask(&home.router, request(&method, &path, &[("authorization", SECRET)], body)).await;
            assert_eq!(answer.in_short(), *expected, "{method} {path}: {:.60}", body);
            assert!(!answer.text.contains("canary42"), "{method} {path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn what_a_sign_in_cannot_be_is_refused_before_anything_is_looked_up() {
    let home = Home::new();
    let long = "x".repeat(4000);
    let email = "a@example.com";
    for (path, body, expected) in [
        ("/v1/sign-in/otp", json!({}), "400 invalid_request"),
        ("/v1/sign-in/otp", json!({ "phone": "+14155550123", "email": email }), "400 invalid_request"),
        ("/v1/sign-in/otp", json!({ "phone": "4155550123" }), "400 invalid_recipient"),
        ("/v1/sign-in/otp", json!({ "phone": email }), "400 invalid_recipient"),
        ("/v1/sign-in/otp", json!({ "email": "+14155550123" }), "400 invalid_recipient"),
        ("/v1/sign-in/otp", json!({ "phone": 14_155_550_123_u64 }), "400 invalid_request"),
        ("/v1/sign-in/otp", json!({ "phone": "+14155550123", "channel": "fax" }), "400 unknown_channel"),
        (
            "/v1/sign-in/otp",
            json!({ "phone": "+14155550123", "channel": "sms", "prefer": "sms" }),
            "400 invalid_request",
        ),
        ("/v1/sign-in/otp", json!({ "email": email, "mfa_token": "mfa_x" }), "400 invalid_request"),
        ("/v1/sign-in/otp", json!({ "mfa_token": long }), "401 mfa_token_invalid"),
        ("/v1/password/forgot", json!({}), "400 invalid_request"),
        ("/v1/sign-in/otp/verify", json!({ "code": "123456" }), "400 invalid_request"),
        (
            "/v1/sign-in/otp/verify",
            json!({ "verification_id": "ver_1", "code": "123456" }),
            "400 invalid_request",
        ),
        ("/v1/sign-in/otp/verify", json!({ "email": email, "code": "１２３４５６" }), "422 wrong_form"),
        ("/v1/sign-in/otp/verify", json!({ "email": email, "code": long }), "422 wrong_form"),
        (
            "/v1/sign-in/otp/verify",
            json!({ "email": email, "code": "123456", "remember_device": { "name": "a\u{202e}b" } }),
            "400 invalid_request",
        ),
        (
            "/v1/sign-in/otp/verify",
            json!({ "email": email, "code": "123456", "remember_device": { "name": "a", "public_key": { "kty": "oct", "k": "AA" } } }),
            "400 invalid_request",
        ),
        (
            "/v1/sign-in/otp/verify",
            json!({ "email": email, "code": "123456", "remember_device": ["a"] }),
            "400 invalid_request",
        ),
        ("/v1/sign-in/password", json!({ "email": email, "password": "" }), "400 invalid_request"),
        ("/v1/sign-in/password", json!({ "email": email, "password": long }), "400 invalid_request"),
        (
            "/v1/sign-in/password",
            json!({ "email": email, "password": "päss wörd 🦀" }),
            "401 sign_in_refused",
        ),
        ("/v1/sign-in/totp", json!({ "email": email, "code": "" }), "422 wrong_form"),
        ("/v1/sign-in/backup-code", json!({ "email": email, "code": long }), "422 wrong_form"),
        ("/v1/sign-in/device/challenge", json!({ "device_id": "dev_1" }), "400 invalid_request"),
        ("/v1/sign-in/device", json!({}), "400 invalid_request"),
        ("/v1/sign-in/device", json!({ "device_token": long }), "401 sign_in_refused"),
        (
            "/v1/sign-in/device",
            json!({ "proof": { "device_id": format!("dev_{}", "0".repeat(36)), "challenge": "c", "signature": "AA" } }),
            "400 invalid_request",
        ),
        (
            "/v1/sign-in/device",
            json!({ "email": email, "proof": { "device_id": format!("dev_{}", "0".repeat(36)), "challenge": long, "signature": "AA" } }),
            "401 sign_in_refused",
        ),
        (
            "/v1/sign-in/device",
            json!({ "email": email, "proof": { "device_id": format!("dev_{}", "0".repeat(36)), "challenge": "c", "signature": "A=" } }),
            "400 invalid_request",
        ),
        ("/v1/sign-in/pin", json!({ "device_token": "dt_x", "pin": "12" }), "400 invalid_request"),
        ("/v1/sign-in/pin", json!({ "device_token": "dt_x", "pin": "4827" }), "401 sign_in_refused"),
        ("/v1/sign-in/passkey/verify", json!({ "state": long, "response": {} }), "401 sign_in_refused"),
        ("/v1/sign-in/passkey/verify", json!({ "state": "s", "response": "x" }), "401 sign_in_refused"),
        ("/v1/sign-up", json!({ "code": "123456" }), "400 invalid_request"),
        ("/v1/sign-up", json!({ "phone": email, "code": "123456" }), "400 invalid_recipient"),
        ("/v1/password/reset", json!({ "new_password": "another walk" }), "400 invalid_request"),
        (
            "/v1/password/reset",
            json!({ "email": email, "code": "123456", "mfa_token": "mfa_x", "new_password": "another walk" }),
            "400 invalid_request",
        ),
        (
            "/v1/password/reset",
            json!({ "email": email, "code": "123456", "new_password": "short" }),
            "422 password_refused",
        ),
        (
            "/v1/password/reset",
            json!({ "email": email, "code": "123456", "new_password": "another walk", "second": { "way": "pin", "code": "1" } }),
            "400 invalid_request",
        ),
        ("/v1/tokens/refresh", json!({ "refresh_token": long }), "401 sign_in_refused"),
    ] {
        let answer = home.call(SECRET, "POST", path, &body).await;
        assert_eq!(answer.in_short(), expected, "{path} {:.120}", body.to_string());
    }
}

#[tokio::test]
async fn what_a_user_cannot_be_is_refused_and_nobody_is_made() {
    let home = Home::new();
    let addresses = |n: usize| -> Vec<Value> {
        (0..n).map(|n| json!({ "to": format!("a{n}@example.com"), "confirmed": true })).collect()
    };
    for (body, expected) in [
        (json!({ "addresses": addresses(11) }), "400 invalid_request"),
        (json!({ "addresses": [{ "to": "canary42@" }] }), "400 invalid_recipient"),
        (json!({ "addresses": [{ "to": "a@example.com", "confirmed": "yes" }] }), "400 invalid_request"),
        (json!({ "addresses": ["a@example.com"] }), "400 invalid_request"),
        (
            json!({ "addresses": [{ "to": "a@example.com" }, { "to": "a@example.com" }] }),
            "400 invalid_request",
        ),
        (json!({ "role": "CANARY42" }), "400 invalid_request"),
        (json!({ "locale": "canary42!" }), "400 invalid_request"),
        (json!({ "second_factor": "canary42" }), "400 invalid_request"),
        (json!({ "status": "canary42" }), "400 invalid_request"),
        (json!({ "password": "short" }), "400 invalid_request"),
        (json!({ "password_hash": "canary42" }), "400 invalid_request"),
        (json!({ "totp": { "secret": "canary42" } }), "400 invalid_request"),
        (
            json!({ "totp": { "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "digits": 7 } }),
            "400 invalid_request",
        ),
        (
            json!({ "totp": { "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "algorithm": "MD5" } }),
            "400 invalid_request",
        ),
    ] {
        let answer = home.call(SECRET, "POST", "/v1/users", &body).await;
        assert_eq!(answer.in_short(), expected, "{body}: {}", answer.text);
        assert!(!answer.text.to_lowercase().contains("canary42"), "{}", answer.text);
    }
    let page = home.call(SECRET, "GET", "/v1/users", &Value::Null).await.json();
    assert_eq!(page["users"], json!([]));
    for query in ["limit=0", "limit=101", "cursor=usr_1", "role=A", "colour=red", "role=a&role=b"] {
        let answer = home.call(SECRET, "GET", &format!("/v1/users?{query}"), &Value::Null).await;
        assert_eq!(answer.in_short(), "400 invalid_request", "{query}");
    }
}
