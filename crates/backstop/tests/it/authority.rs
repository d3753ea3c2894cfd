//! Who may do what: a publishable key little, another application nothing, and in development only this machine.

mod keys;
mod machine;

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::{raw::say, shop, visitor, wrong};

const SHOP: &str = "https://shop.example";
const SECRET: &str = "sk_shop_0123456789abcdef";
const PUBLIC: &str = "pk_shop_0123456789abcdef";
/// All that anybody but the application may read about a verification.
const PUBLIC_FIELDS: [&str; 10] = [
    "id",
    "status",
    "delivery",
    "to",
    "channel",
    "channels",
    "purpose",
    "expires_at",
    "resend_after",
    "checks_left",
];

#[tokio::test]
async fn a_page_cannot_say_what_only_the_application_may_say() {
    let (gateway, program) = shop("").await;
    let page = visitor(&program);
    for (field, value) in [
        ("channels", json!(["sms"])),
        ("fallback_to", json!({"email": "asha@example.com"})),
        ("code_length", json!(4)),
        ("ttl_seconds", json!(60)),
        ("custom_code", json!("482913")),
        ("transaction", json!({"amount": "INR 1.00", "payee": "Asha"})),
        ("session", json!("s")),
        ("metadata", json!({"a": 1})),
        ("client", json!({"ip": "203.0.113.9"})),
        ("wait", json!(true)),
    ] {
        let answer = page.start(json!({"to": "+14155550123", field: value})).await;
        answer.refused(403, "needs_secret_key");
        assert!(answer.text("detail").contains(&format!("`{field}`")), "{field}: {}", answer.body);
    }
    let whole =
        json!({"to": "+14155550123", "prefer": "whatsapp", "purpose": "registration", "locale": "hi-IN"});
    let id = page.start(whole).await;
    assert_eq!(id.status, 201, "the five fields of a page are taken: {}", id.body);
    gateway.message(&id.text("id"), 1).await;
    assert_eq!(gateway.received().len(), 1, "nothing that was refused was sent");
}

#[tokio::test]
async fn a_page_starts_public_purposes_over_public_channels_only() {
    let (_gateway, program) = shop("public_channels = [\"sms\", \"email\"]").await;
    let page = visitor(&program);
    for purpose in ["transaction", "password_reset", "word_of_its_own"] {
        let answer = page.start(json!({"to": "+14155550123", "purpose": purpose})).await;
        answer.refused(403, "purpose_not_public");
    }
    for field in ["channel", "prefer"] {
        page.start(json!({"to": "+14155550123", field: "whatsapp"})).await.refused(403, "channel_not_public");
    }
    let started = page.start(json!({"to": "+14155550123"})).await;
    assert_eq!(started.body["channels"], json!(["sms"]), "the ladder skips what is not public");
    let resend = format!("/v1/verifications/{}/resend", started.text("id"));
    page.post(&resend, json!({"channel": "whatsapp"})).await.refused(403, "channel_not_public");
}

#[tokio::test]
async fn a_publishable_key_counts_only_from_the_pages_of_its_application() {
    let (_gateway, program) = shop("").await;
    let body = json!({"to": "+14155550123"});
    let bare = program.caller(Some(PUBLIC));
    bare.start(body.clone()).await.refused(403, "origin_not_allowed");
    for origin in [
        "https://evil.example",
        "https://shop.example/",
        "http://shop.example",
        "https://shop.example:444",
        "null",
        "https://shop.example.evil.example",
        "https://SHOP.example",
        "",
    ] {
        bare.with("origin", origin).start(body.clone()).await.refused(403, "origin_not_allowed");
    }
    let twice = format!(
        "POST /v1/verifications HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {PUBLIC}\r\norigin: {SHOP}\r\n\
         origin: https://evil.example\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
    );
    assert!(say(&program, twice.as_bytes()).await.contains("origin_not_allowed"));
    visitor(&program).start(body).await.expect(201);

    let (_gateway, native) = shop("native_apps = true").await;
    let app = native.caller(Some(PUBLIC));
    app.start(json!({"to": "+14155550123"})).await.expect(201);
    let page = app.with("origin", "https://evil.example");
    page.start(json!({"to": "+14155550124"})).await.refused(403, "origin_not_allowed");
}

#[tokio::test]
async fn a_public_answer_never_tells_who_carried_the_code_or_what_the_vendor_said() {
    let (gateway, program) = shop("[limits]\nresend_after = \"15s\"").await;
    gateway.answer(200, r#"{"id": "vendor-word-9", "message": "vendor-word-9", "price": "0.0079 USD"}"#);
    let page = visitor(&program);
    let started = page.start(json!({"to": "+14155550123"})).await;
    let (id, code) = (started.text("id"), gateway.code(&started.text("id")).await);
    let path = format!("/v1/verifications/{id}");
    let mut answers = vec![started, page.get(&path).await, page.check(&id, &wrong(&code)).await];
    answers.push(page.check(&id, &code).await);
    answers.push(page.get(&path).await);
    for answer in &answers {
        let body = answer.body.as_object().unwrap();
        let known: BTreeSet<&str> = PUBLIC_FIELDS.into_iter().chain(["valid"]).collect();
        assert!(body.keys().all(|field| known.contains(field.as_str())), "{:#}", answer.body);
        let text = answer.body.to_string();
        for word in ["attempt", "gateway", "price", "0.0079", "vendor", "4155550123"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
    let attempts = &program.shop().read(&id).await["attempts"];
    assert_eq!((&attempts[0]["provider"], &attempts[0]["price"]), (&json!("gateway"), &json!("0.0079 USD")));
}

#[tokio::test]
async fn listing_canceling_redeeming_and_checking_by_recipient_take_the_secret_key() {
    let (gateway, program) = shop("").await;
    let page = visitor(&program);
    let id = page.start(json!({"to": "+14155550123"})).await.text("id");
    let code = gateway.code(&id).await;
    let by_recipient = json!({"to": "+14155550123", "code": code});
    page.get("/v1/verifications").await.refused(403, "needs_secret_key");
    page.post("/v1/verifications/check", by_recipient).await.refused(403, "needs_secret_key");
    page.post(&format!("/v1/verifications/{id}/cancel"), json!({})).await.refused(403, "needs_secret_key");
    assert_eq!(page.check(&id, &code).await.expect(200)["valid"], true, "nothing above counted or ended it");
    page.post(&format!("/v1/verifications/{id}/redeem"), json!({})).await.refused(403, "needs_secret_key");
    let proof = program.shop().post(&format!("/v1/verifications/{id}/redeem"), json!({})).await.expect(200);
    assert_eq!(proof["to"], "+14155550123");
}

#[tokio::test]
async fn a_page_sees_what_pages_started_and_nothing_of_what_the_application_did() {
    let (gateway, program) = shop("").await;
    let (page, caller) = (visitor(&program), program.shop());
    let own = caller.start(json!({"to": "+919876543210", "purpose": "login"})).await.text("id");
    let code = gateway.code(&own).await;
    page.get(&format!("/v1/verifications/{own}")).await.refused(404, "not_found");
    page.post(&format!("/v1/verifications/{own}/resend"), json!({})).await.refused(404, "not_found");
    page.check(&own, &code).await.refused(404, "not_found");
    assert_eq!(caller.read(&own).await["checks_left"], 3, "nothing was counted");

    let theirs = page.start(json!({"to": "+919876543211", "purpose": "registration"})).await.text("id");
    let code = gateway.code(&theirs).await;
    assert_eq!(caller.read(&theirs).await["status"], "pending", "the application sees both");
    assert_eq!(page.check(&theirs, &code).await.expect(200)["valid"], true);
}
