//! What each kind of key may ask for, before anything is stored.

use super::house::{PAGE, PUBLIC, SECRET, SOMEBODY, ask, doors, request};
use crate::router;

/// How a start is answered, for `503 unavailable` when all before the store passed.
async fn start(headers: &[(&str, &str)], body: &str) -> String {
    ask(&router(doors()), request("POST", "/v1/verifications", headers, body)).await.in_short()
}

#[tokio::test]
async fn a_publishable_key_says_nothing_that_is_the_applications_to_say() {
    let page = [("authorization", PUBLIC), ("origin", PAGE)];
    for (more, expected) in [
        (r#""channel":"sms""#, "503 unavailable"),
        (r#""prefer":"sms","locale":"en""#, "503 unavailable"),
        (r#""channels":["sms"]"#, "403 needs_secret_key"),
        (r#""fallback_to":{"email":"a@example.com"}"#, "403 needs_secret_key"),
        (r#""code_length":4"#, "403 needs_secret_key"),
        (r#""ttl_seconds":60"#, "403 needs_secret_key"),
        (r#""custom_code":"1234""#, "403 needs_secret_key"),
        (r#""transaction":{"amount":"1","payee":"a"}"#, "403 needs_secret_key"),
        (r#""session":"s""#, "403 needs_secret_key"),
        (r#""metadata":{}"#, "403 needs_secret_key"),
        (r#""client":{"ip":"203.0.113.9"}"#, "403 needs_secret_key"),
        (r#""wait":true"#, "403 needs_secret_key"),
        (r#""purpose":"transaction""#, "403 purpose_not_public"),
        (r#""channel":"whatsapp""#, "403 channel_not_public"),
    ] {
        let body = format!(r#"{{"to":"+14155550123",{more}}}"#);
        assert_eq!(start(&page, &body).await, expected, "{more}");
    }
}

#[tokio::test]
async fn list_redeem_cancel_and_check_by_recipient_are_closed_to_pages() {
    let router = router(doors());
    for (method, path, body) in [
        ("GET", "/v1/verifications".to_owned(), ""),
        ("POST", format!("{SOMEBODY}/redeem"), ""),
        ("POST", format!("{SOMEBODY}/cancel"), ""),
        ("POST", "/v1/verifications/check".to_owned(), r#"{"to":"+14155550123","code":"123456"}"#),
    ] {
        let page = [("authorization", PUBLIC), ("origin", PAGE)];
        let answer = ask(&router, request(method, &path, &page, body)).await;
        assert_eq!(answer.in_short(), "403 needs_secret_key", "{method} {path}");
    }
}

#[tokio::test]
async fn what_a_start_cannot_be_is_refused_before_anything_is_written() {
    let key = [("authorization", SECRET)];
    for (body, expected) in [
        (r#"{"to":"+14155550123"}"#, "503 unavailable"),
        (r#"{"to":"a@example.com","channel":"email"}"#, "503 unavailable"),
        (r#"{}"#, "400 invalid_request"),
        (r#"[]"#, "400 invalid_request"),
        (r#"{"to":"4155550123"}"#, "400 invalid_recipient"),
        (r#"{"to":"a@"}"#, "400 invalid_recipient"),
        (r#"{"to":"+14155550123","channel":"fax"}"#, "400 unknown_channel"),
        (r#"{"to":"+14155550123","channel":"sms","prefer":"sms"}"#, "400 invalid_request"),
        (r#"{"to":"+14155550123","channels":[]}"#, "400 invalid_request"),
        (r#"{"to":"+14155550123","fallback_to":{"fax":"a@example.com"}}"#, "400 unknown_channel"),
        (r#"{"to":"+14155550123","fallback_to":{"email":"+14155550124"}}"#, "400 invalid_request"),
        (r#"{"to":"+14155550123","purpose":"Log in"}"#, "400 invalid_request"),
        (r#"{"to":"+14155550123","code_length":3}"#, "400 invalid_request"),
        (r#"{"to":"+14155550123","ttl_seconds":29}"#, "400 invalid_request"),
        (r#"{"to":"+14155550123","custom_code":"12"}"#, "400 invalid_request"),
        (r#"{"to":"+14155550123","transaction":["1","a"]}"#, "400 invalid_request"),
        (r#"{"to":"+14155550123","client":{"ip":"here"}}"#, "400 invalid_request"),
        (r#"{"to":"+14155550123","wait":"yes"}"#, "400 invalid_request"),
        (r#"{"to":"+919876543210"}"#, "422 country_not_allowed"),
        (r#"{"to":"+14155550123","channel":"email"}"#, "422 channel_cannot_reach"),
        (r#"{"to":"a@example.com","channel":"email","purpose":"transaction"}"#, "422 below_floor"),
        (r#"{"to":"+14155550123","channel":"voice"}"#, "422 channel_not_configured"),
        (r#"{"to":"a@example.com"}"#, "422 no_channel"),
    ] {
        assert_eq!(start(&key, body).await, expected, "{body}");
    }
}

#[tokio::test]
async fn a_code_that_no_code_looks_like_is_never_counted() {
    let router = router(doors());
    for code in ["", "12", "12345678901", "１２３４５６", "12345\u{200b}6"] {
        let body = serde_json::json!({ "code": code }).to_string();
        let path = format!("{SOMEBODY}/check");
        let answer = ask(&router, request("POST", &path, &[("authorization", SECRET)], &body)).await;
        assert_eq!(answer.in_short(), "422 wrong_form", "{code}");
    }
}

#[tokio::test]
async fn an_idempotency_key_that_a_stranger_could_guess_is_refused_on_pages() {
    for (authorization, key, expected) in [
        (SECRET, "1", "503 unavailable"),
        (SECRET, "", "400 invalid_idempotency_key"),
        (SECRET, "two words", "400 invalid_idempotency_key"),
        (PUBLIC, "0123456789012345678901", "503 unavailable"),
        (PUBLIC, "012345678901234567890", "400 invalid_idempotency_key"),
    ] {
        let headers = [("authorization", authorization), ("origin", PAGE), ("idempotency-key", key)];
        assert_eq!(start(&headers, r#"{"to":"+14155550123"}"#).await, expected, "{key:?}");
    }
    let long = "k".repeat(256);
    let headers = [("authorization", SECRET), ("idempotency-key", &long)];
    assert_eq!(start(&headers, r#"{"to":"+14155550123"}"#).await, "400 invalid_idempotency_key");
}

#[tokio::test]
async fn no_refusal_repeats_what_was_sent() {
    let router = router(doors());
    for body in [
        r#"{"to":"+1415canary42"}"#,
        r#"{"to":"canary42@"}"#,
        r#"{"to":"+14155550123","canary42":1}"#,
        r#"{"to":"+14155550123","channel":"canary42"}"#,
        r#"{"to":"+14155550123","purpose":"CANARY42"}"#,
        r#"{"to":"+14155550123","custom_code":"canary42canary42"}"#,
        r#"{"to":"+14155550123","code_length":"canary42"}"#,
        r#"{"to":"+14155550123","code_length":"canary42, expected canary42"}"#,
        r#"{"to":"+14155550123","fallback_to":{"canary42":1}}"#,
        r#"{"to":"+14155550123","fallback_to":{"canary42":"x"}}"#,
        r#"{"to":"+14155550123","client":{"canary42":"x"}}"#,
        r#"{"to":"+14155550123","client":{"ip":"canary42"}}"#,
        r#"{"to":"canary42","to":"canary42"}"#,
        r#"{"to":"canary42"#,
        r#"canary42"#,
    ] {
        let answer =
            ask(&router, request("POST", "/v1/verifications", &[("authorization", SECRET)], body)).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(!answer.text.to_lowercase().contains("canary42"), "{body}: {}", answer.text);
    }
    let path = "/v1/verifications?status=canary42&limit=canary42";
    let answer = ask(&router, request("GET", path, &[("authorization", SECRET)], "")).await;
    assert!(!answer.text.contains("canary42"), "{}", answer.text);
}

#[tokio::test]
async fn a_query_is_read_as_strictly_as_a_body() {
    let router = router(doors());
    for (query, expected) in [
        ("limit=100&status=pending&purpose=login&to=%2B14155550123", "503 unavailable"),
        ("limit=0", "400 invalid_request"),
        ("limit=101", "400 invalid_request"),
        ("limit=-1", "400 invalid_request"),
        ("limit=1&limit=2", "400 invalid_request"),
        ("colour=red", "400 invalid_request"),
        ("status=fine", "400 invalid_request"),
        ("cursor=ver_1", "400 invalid_request"),
        ("to=4155550123", "400 invalid_recipient"),
    ] {
        let path = format!("/v1/verifications?{query}");
        let answer = ask(&router, request("GET", &path, &[("authorization", SECRET)], "")).await;
        assert_eq!(answer.in_short(), expected, "{query}");
    }
}
