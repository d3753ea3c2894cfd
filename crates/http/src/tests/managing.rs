//! Managing people: what the application may, what a person may, and what nobody may.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::house::{Home, PASSWORD, PUBLIC, Person, SECRET, ask, filled, request};
use crate::{Compat, routes};

#[tokio::test]
async fn a_user_is_made_read_changed_and_erased() {
    let home = Home::new();
    let body = json!({
        "addresses": [{ "to": "+14155550123", "confirmed": true }, { "to": "meera@example.com" }],
        "role": "driver",
        "locale": "hi-IN",
    });
    let made = home.call(SECRET, "POST", "/v1/users", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let place = made.header("location").to_owned();
    let mut user = home.call(SECRET, "GET", &place, &Value::Null).await.json();
    assert_eq!(user, made.json());
    assert_eq!(place, format!("/v1/users/{}", user["id"].as_str().unwrap()));
    user["id"] = "usr_…".into();
    insta::assert_json_snapshot!(user, @r#"
    {
      "addresses": [
        {
          "confirmed_at": "2027-01-15T08:00:00.000Z",
          "kind": "phone",
          "masked": "+1••••••••23",
          "to": "+14155550123"
        },
        {
          "confirmed_at": null,
          "kind": "email",
          "masked": "m•••@e•••.com",
          "to": "meera@example.com"
        }
      ],
      "created_at": "2027-01-15T08:00:00.000Z",
      "factors": {
        "backup_codes_left": null,
        "devices": 0,
        "passkeys": 0,
        "password": false,
        "pins": 0,
        "totp": null
      },
      "id": "usr_…",
      "locale": "hi-IN",
      "role": "driver",
      "second_factor": "optional",
      "status": "active",
      "updated_at": "2027-01-15T08:00:00.000Z"
    }
    "#);
    let changes = json!({ "role": "admin", "locale": null, "confirm_addresses": ["meera@example.com"] });
    let changed = home.call(SECRET, "PATCH", &place, &changes).await.json();
    assert_eq!((&changed["role"], &changed["locale"]), (&json!("admin"), &Value::Null));
    assert!(changed["addresses"][1]["confirmed_at"].is_string(), "{changed}");
    let page = home.call(SECRET, "GET", "/v1/users?role=admin&limit=1", &Value::Null).await.json();
    assert_eq!(page["users"].as_array().unwrap().len(), 1);
    let none = home.call(SECRET, "GET", "/v1/users?role=driver", &Value::Null).await.json();
    assert_eq!(none, json!({ "users": [], "next_cursor": null }));
    let taken = json!({ "addresses": [{ "to": "+14155550123", "confirmed": true }] });
    assert_eq!(home.call(SECRET, "POST", "/v1/users", &taken).await.in_short(), "409 address_taken");
    assert_eq!(home.call(SECRET, "DELETE", &place, &Value::Null).await.status, 204);
    assert_eq!(home.call(SECRET, "GET", &place, &Value::Null).await.in_short(), "404 not_found");
}

#[tokio::test]
async fn a_publishable_key_manages_nobody() {
    let home = Home::new();
    for route in routes(&Compat::default()) {
        let managing = route.path.starts_with("/v1/users") || route.path == "/v1/tokens/introspect";
        if managing {
            let answer = home.call(PUBLIC, route.method.as_str(), &filled(route.path), &Value::Null).await;
            assert_eq!(answer.in_short(), "403 needs_secret_key", "{} {}", route.method, route.path);
        }
    }
}

#[tokio::test]
async fn a_person_reaches_themselves_and_nobody_else() {
    let home = Home::new();
    let meera = home.person("meera@example.com").await;
    let asha = home.person("asha@example.com").await;
    let me = home.call(&meera.access, "GET", "/v1/users/me", &Value::Null).await;
    assert_eq!(me.json()["id"], meera.user, "{}", me.text);
    let sessions = home.call(&meera.access, "GET", "/v1/users/me/sessions", &Value::Null).await.json();
    assert_eq!(sessions["sessions"][0]["id"], meera.session);
    assert_eq!(sessions["sessions"][0]["current"], true);
    let own = format!("/v1/users/{}", meera.user);
    for (method, path, body, expected) in [
        ("GET", format!("/v1/users/{}", asha.user), Value::Null, "404 not_found"),
        ("DELETE", format!("/v1/users/{}/sessions", asha.user), Value::Null, "404 not_found"),
        ("GET", "/v1/users".to_owned(), Value::Null, "401 unauthorized"),
        ("POST", "/v1/users".to_owned(), json!({}), "401 unauthorized"),
        ("POST", "/v1/tokens/introspect".to_owned(), json!({ "token": "x" }), "401 unauthorized"),
        ("POST", "/v1/verifications".to_owned(), json!({ "to": "+14155550123" }), "401 unauthorized"),
        ("DELETE", own.clone(), Value::Null, "403 needs_secret_key"),
        ("PATCH", own.clone(), json!({ "role": "admin" }), "403 needs_secret_key"),
        ("PATCH", own.clone(), json!({ "status": "active" }), "403 needs_secret_key"),
        (
            "PATCH",
            own.clone(),
            json!({ "add_addresses": [{ "to": "+14155550123", "confirmed": true }] }),
            "403 needs_secret_key",
        ),
        ("POST", format!("{own}/sms-backup/start"), Value::Null, "403 needs_secret_key"),
        ("DELETE", format!("{own}/sessions/{}", asha.session), Value::Null, "404 not_found"),
    ] {
        let answer = home.call(&meera.access, method, &path, &body).await;
        assert_eq!(answer.in_short(), expected, "{method} {path}: {}", answer.text);
    }
    assert_eq!(home.call(SECRET, "GET", "/v1/users/me", &Value::Null).await.in_short(), "404 not_found");
}

#[tokio::test]
async fn a_token_of_a_person_counts_from_the_applications_pages_and_only_if_it_is_ours() {
    let home = Home::new();
    let meera = home.person("meera@example.com").await;
    let from = async |key: &str, headers: &[(&str, &str)]| {
        let mut all = vec![("authorization", key)];
        all.extend_from_slice(headers);
        let answer = ask(&home.router, request("GET", "/v1/users/me", &all, "")).await;
        if answer.status == 200 { "200".to_owned() } else { answer.in_short() }
    };
    assert_eq!(from(&meera.access, &[]).await, "200");
    assert_eq!(from(&meera.access, &[("origin", "https://evil.example")]).await, "403 origin_not_allowed");
    let mut forged = meera.access.clone();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.push(last);
    let unsigned = "Bearer eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.e30.";
    for token in [forged.as_str(), unsigned, "Bearer eyJ", "Bearer eyJ.eyJ.eyJ"] {
        assert_eq!(from(token, &[]).await, "401 unauthorized", "{token}");
    }
    // Five seconds are allowed for the clocks of others.
    home.clock.advance(Duration::from_secs(605));
    assert_eq!(from(&meera.access, &[]).await, "401 unauthorized");
}

#[tokio::test]
async fn a_stale_session_changes_nothing_until_the_person_proves_themselves_again() {
    let home = Home::new();
    let meera = home.person("meera@example.com").await;
    home.clock.advance(Duration::from_secs(660));
    let refresh = json!({ "refresh_token": meera.refresh });
    let stale = Person::of(&home.call(PUBLIC, "POST", "/v1/tokens/refresh", &refresh).await);
    let new = json!({ "password": "another walk along the river" });
    let path = "/v1/users/me/factors/password";
    assert_eq!(home.call(&stale.access, "PUT", path, &new).await.in_short(), "403 step_up_required");
    let challenge = home.call(&stale.access, "POST", "/v1/sign-in/step-up", &Value::Null).await;
    assert_eq!(challenge.status, 200, "{}", challenge.text);
    let proof = json!({ "mfa_token": challenge.json()["mfa_token"], "password": PASSWORD });
    let renewed = home.call(PUBLIC, "POST", "/v1/sign-in/password", &proof).await.json();
    assert_eq!(renewed["session_id"], meera.session.as_str());
    assert_eq!(renewed["refresh_token"], Value::Null);
    let fresh = format!("Bearer {}", renewed["access_token"].as_str().unwrap());
    assert_eq!(home.call(&fresh, "PUT", path, &new).await.status, 204);
    let ended = home.call(&fresh, "DELETE", "/v1/users/me/sessions", &Value::Null).await;
    assert_eq!(ended.text, r#"{"ended":1}"#);
    assert_eq!(home.call(&fresh, "PUT", path, &new).await.in_short(), "401 session_ended");
    assert_eq!(
        home.call(PUBLIC, "POST", "/v1/sign-in/step-up", &Value::Null).await.in_short(),
        "401 unauthorized"
    );
}

#[tokio::test]
async fn a_seed_is_shown_once_and_its_picture_as_asked() {
    let home = Home::new();
    let user = home.user(SECRET, "meera@example.com", json!({})).await;
    let path = format!("/v1/users/{user}/factors/totp");
    let enrolled = home.call(SECRET, "POST", &path, &Value::Null).await;
    assert_eq!(enrolled.header("cache-control"), "no-store");
    let enrolled = enrolled.json();
    assert!(enrolled["uri"].as_str().unwrap().starts_with("otpauth://totp/"), "{enrolled}");
    assert!(enrolled["qr_svg"].as_str().unwrap().contains("<svg"));
    assert!(enrolled.get("qr_png").is_none());
    let with_png = home.call(SECRET, "POST", &path, &json!({ "qr": "png" })).await.json();
    let png = BASE64_STANDARD.decode(with_png["qr_png"].as_str().unwrap()).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    assert_ne!(with_png["secret"], enrolled["secret"]);
    let wrong = home.call(SECRET, "POST", &format!("{path}/confirm"), &json!({ "code": "000000" })).await;
    assert_eq!(wrong.in_short(), "422 not_right");
    assert_eq!(home.call(SECRET, "DELETE", &path, &Value::Null).await.in_short(), "404 not_held");
    let read = home.call(SECRET, "GET", &format!("/v1/users/{user}"), &Value::Null).await;
    let export = home.call(SECRET, "GET", &format!("/v1/users/{user}/export"), &Value::Null).await;
    for answer in [read, export] {
        assert!(!answer.text.contains(with_png["secret"].as_str().unwrap()), "{}", answer.text);
    }
}

#[tokio::test]
async fn backup_codes_can_be_printed_from_a_page_that_loads_nothing() {
    let home = Home::new();
    let user = home.user(SECRET, "meera@example.com", json!({})).await;
    let path = format!("/v1/users/{user}/factors/backup-codes");
    let headers = [("authorization", SECRET), ("accept", "text/html, */*;q=0.1")];
    let page = ask(&home.router, request("POST", &path, &headers, "")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.text.matches("<li>").count(), 10);
    for loaded in ["<script", "src=", "href=", "url(", "http:", "https:", "@import"] {
        assert!(!page.text.contains(loaded), "{loaded}");
    }
    assert!(page.text.contains("@media print"));
    let style = page.text.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.contains(&BASE64_STANDARD.encode(Sha256::digest(style))), "{policy}");
    // What it shows are codes that open.
    let code = page.text.split("<li>").nth(1).unwrap().split("</li>").next().unwrap();
    let body = json!({ "email": "meera@example.com", "code": code });
    let answer = home.call(PUBLIC, "POST", "/v1/sign-in/backup-code", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(home.call(SECRET, "GET", &path, &Value::Null).await.json()["left"], 9);
    let both = [("authorization", SECRET), ("accept", "application/json, text/html")];
    let json = ask(&home.router, request("POST", &path, &both, "")).await;
    assert_eq!(json.json()["codes"].as_array().unwrap().len(), 10);
    assert_eq!(home.call(SECRET, "DELETE", &path, &Value::Null).await.status, 204);
    assert_eq!(home.call(SECRET, "GET", &path, &Value::Null).await.in_short(), "404 not_held");
}

#[tokio::test]
async fn sms_backup_is_the_applications_to_switch_on_and_goes_to_a_telephone() {
    let home = Home::new();
    let mail = home.user(SECRET, "meera@example.com", json!({})).await;
    let phone = json!({ "addresses": [{ "to": "+14155550123", "confirmed": true }] });
    let phone =
        home.call(SECRET, "POST", "/v1/users", &phone).await.json()["id"].as_str().unwrap().to_owned();
    let elsewhere = home.user("Bearer sk_other", "meera@example.com", json!({})).await;
    for (key, user, body, expected) in [
        ("Bearer sk_other", &elsewhere, Value::Null, "403 sms_backup_off"),
        (SECRET, &mail, Value::Null, "404 not_held"),
        (SECRET, &mail, json!({ "phone": "meera@example.com" }), "400 invalid_recipient"),
        (SECRET, &mail, json!({ "phone": "+14155550199" }), "503 unavailable"),
        (SECRET, &phone, Value::Null, "503 unavailable"),
    ] {
        let path = format!("/v1/users/{user}/sms-backup/start");
        assert_eq!(home.call(key, "POST", &path, &body).await.in_short(), expected, "{body}");
    }
    let check = format!("/v1/users/{elsewhere}/sms-backup/check");
    let answer = home.call("Bearer sk_other", "POST", &check, &json!({ "code": "123456" })).await;
    assert_eq!(answer.in_short(), "403 sms_backup_off");
}
