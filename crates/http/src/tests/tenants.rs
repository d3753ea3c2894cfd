//! Nothing of one application is there for another: a foreign thing and a missing one answer alike, on every call.

use serde_json::{Value, json};

use super::house::{Answer, Home, PASSWORD, SECRET, filled};
use crate::{Compat, routes};

const OTHER: &str = "Bearer sk_other";

/// Status and body, but for the request id.
fn heard(answer: &Answer) -> (u16, Value) {
    let mut body: Value = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
    if let Some(fields) = body.as_object_mut() {
        fields.remove("request_id");
    }
    (answer.status.as_u16(), body)
}

/// A body that the call takes, so that the refusal is not about the form.
fn fitting(path: &str) -> Value {
    match path.rsplit('/').next().unwrap() {
        "confirm" | "check" => json!({ "code": "123456" }),
        "pin" => json!({ "pin": "4827" }),
        "offline-grant" => json!({ "audience": "gate-7" }),
        "password" => json!({ "password": "another walk along the river" }),
        "passkeys" => json!({ "state": "passkey_x", "response": {}, "name": "x" }),
        _ => Value::Null,
    }
}

#[tokio::test]
async fn a_foreign_user_and_a_missing_one_answer_alike_on_every_call() {
    let home = Home::new();
    let meera = home.person("meera@example.com").await;
    let asha = home.person("asha@example.com").await;
    let before = home.call(SECRET, "GET", &format!("/v1/users/{}", meera.user), &Value::Null).await.text;
    let mut probed = 0;
    for route in routes(&Compat::default()).iter().filter(|route| route.path.starts_with("/v1/users/{id}")) {
        let body =
            if matches!(route.method.as_str(), "POST" | "PUT") { fitting(route.path) } else { Value::Null };
        let missing = filled(route.path);
        let nobody = missing.split('/').nth(3).unwrap();
        let foreign = route.path.replace("{session}", &meera.session);
        let foreign = filled(&foreign).replace(nobody, &meera.user);
        for key in [OTHER, asha.access.as_str()] {
            let method = route.method.as_str();
            let there = heard(&home.call(key, method, &foreign, &body).await);
            let nowhere = heard(&home.call(key, method, &missing, &body).await);
            assert_eq!(there, nowhere, "{method} {} with {}", route.path, &key[..12]);
            assert!(there.0 >= 400, "{method} {} answered {there:?}", route.path);
            probed += 1;
        }
    }
    assert!(probed >= 50, "only {probed} calls were probed");
    let after = home.call(SECRET, "GET", &format!("/v1/users/{}", meera.user), &Value::Null).await.text;
    assert_eq!(after, before);
    let sessions = home.call(&meera.access, "GET", "/v1/users/me/sessions", &Value::Null).await.json();
    assert_eq!(sessions["sessions"][0]["live"], true);
}

#[tokio::test]
async fn no_token_of_one_application_is_worth_anything_to_another() {
    let home = Home::new();
    let meera = home.person("meera@example.com").await;
    home.user(SECRET, "two@example.com", json!({ "second_factor": "required" })).await;
    let first = json!({ "email": "two@example.com", "password": PASSWORD });
    let mfa = home.call(SECRET, "POST", "/v1/sign-in/password", &first).await.json()["mfa_token"].clone();
    let access = meera.access.trim_start_matches("Bearer ");
    for (path, body, expected) in [
        ("/v1/sign-in/totp", json!({ "mfa_token": mfa, "code": "123456" }), "401 mfa_token_invalid"),
        ("/v1/sign-in/password", json!({ "mfa_token": mfa, "password": PASSWORD }), "401 mfa_token_invalid"),
        ("/v1/sign-in/ways", json!({ "mfa_token": mfa }), "401 mfa_token_invalid"),
        ("/v1/sign-in/otp", json!({ "mfa_token": mfa }), "401 mfa_token_invalid"),
        ("/v1/tokens/refresh", json!({ "refresh_token": meera.refresh }), "401 sign_in_refused"),
        (
            "/v1/sign-in/password",
            json!({ "email": "meera@example.com", "password": PASSWORD }),
            "401 sign_in_refused",
        ),
    ] {
        let answer = home.call(OTHER, "POST", path, &body).await;
        assert_eq!(answer.in_short(), expected, "{path}");
    }
    let introspected = home.call(OTHER, "POST", "/v1/tokens/introspect", &json!({ "token": access })).await;
    assert_eq!(introspected.text, r#"{"active":false}"#);
    for token in [access, &meera.refresh] {
        home.call(OTHER, "POST", "/v1/tokens/revoke", &json!({ "token": token })).await;
    }
    let introspected = home.call(SECRET, "POST", "/v1/tokens/introspect", &json!({ "token": access })).await;
    assert_eq!(introspected.json()["active"], true);
}
