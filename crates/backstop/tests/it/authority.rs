//! Who may do what: a publishable key little, another application nothing, and in development only this machine.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    AnyChannel, Caller, Program,
    program::Answer,
    raw::{say, status},
    wrong,
};

const SHOP: &str = "https://shop.example";
const SECRET: &str = "sk_shop_0123456789abcdef";
const PUBLIC: &str = "pk_shop_0123456789abcdef";
const OTHER: &str = r#"
[[application]]
name = "rival"
secret_key = "sk_rival_0123456789abcdef"
publishable_key = "pk_rival_0123456789abcdef"
origins = ["https://rival.example"]
public_purposes = ["login"]
"#;
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

fn visitor(program: &Program) -> Caller {
    program.caller(Some(PUBLIC)).with("origin", SHOP)
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (status, &json!(code)), "{:#}", answer.body);
}

async fn shop(more: &str) -> (AnyChannel, Program) {
    let gateway = AnyChannel::start().await;
    let provider = gateway.provider("gateway", &["sms", "whatsapp", "email"]);
    let program = Program::configured(&format!("{more}\n{provider}"));
    (gateway, program)
}

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
        refused(&answer, 403, "needs_secret_key");
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
        refused(&answer, 403, "purpose_not_public");
    }
    for field in ["channel", "prefer"] {
        refused(
            &page.start(json!({"to": "+14155550123", field: "whatsapp"})).await,
            403,
            "channel_not_public",
        );
    }
    let started = page.start(json!({"to": "+14155550123"})).await;
    assert_eq!(started.body["channels"], json!(["sms"]), "the ladder skips what is not public");
    let resend = format!("/v1/verifications/{}/resend", started.text("id"));
    refused(&page.post(&resend, json!({"channel": "whatsapp"})).await, 403, "channel_not_public");
}

#[tokio::test]
async fn a_publishable_key_counts_only_from_the_pages_of_its_application() {
    let (_gateway, program) = shop("").await;
    let body = json!({"to": "+14155550123"});
    let bare = program.caller(Some(PUBLIC));
    refused(&bare.start(body.clone()).await, 403, "origin_not_allowed");
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
        refused(&bare.with("origin", origin).start(body.clone()).await, 403, "origin_not_allowed");
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
    refused(&page.start(json!({"to": "+14155550124"})).await, 403, "origin_not_allowed");
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
    refused(&page.get("/v1/verifications").await, 403, "needs_secret_key");
    refused(&page.post("/v1/verifications/check", by_recipient).await, 403, "needs_secret_key");
    refused(&page.post(&format!("/v1/verifications/{id}/cancel"), json!({})).await, 403, "needs_secret_key");
    assert_eq!(page.check(&id, &code).await.expect(200)["valid"], true, "nothing above counted or ended it");
    refused(&page.post(&format!("/v1/verifications/{id}/redeem"), json!({})).await, 403, "needs_secret_key");
    let proof = program.shop().post(&format!("/v1/verifications/{id}/redeem"), json!({})).await.expect(200);
    assert_eq!(proof["to"], "+14155550123");
}

#[tokio::test]
async fn no_call_of_the_api_answers_without_a_right_key() {
    let (_gateway, program) = shop(OTHER).await;
    let basic = |pair: &str| format!("Basic {}", encoded(pair));
    let wrong_words = [
        None,
        Some("Bearer ".to_owned()),
        Some(format!("Bearer {SECRET}x")),
        Some(format!("Bearer {}", &SECRET[..SECRET.len() - 1])),
        Some(SECRET.to_owned()),
        Some(format!("Token {SECRET}")),
        Some(format!("Bearer {SECRET} {SECRET}")),
        Some(basic(&format!("rival:{SECRET}"))),
        Some(basic(&format!(":{SECRET}"))),
        Some(basic(&format!("{SECRET}:"))),
        Some("Basic !!!".to_owned()),
        Some("Bearer sk_dev".to_owned()),
    ];
    for word in &wrong_words {
        let nobody = program.caller(None);
        let caller = word.as_ref().map_or(nobody.clone(), |word| nobody.with("authorization", word));
        for (method, path, body) in calls(&program, "ver_00000000000000000000000000000000000").await {
            let answer = caller.send(method, &path, body).await;
            refused(&answer, 401, "unauthorized");
            let schemes = answer.headers["www-authenticate"].to_str().unwrap();
            assert!(schemes.contains("Bearer") && schemes.contains("Basic"));
        }
    }
    let right = program.caller(None).with("authorization", &basic(&format!("shop:{SECRET}")));
    right.get("/v1/verifications").await.expect(200);
    let two = format!(
        "GET /v1/verifications HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {SECRET}\r\n\
         authorization: Bearer {SECRET}\r\nconnection: close\r\n\r\n"
    );
    assert_eq!(status(&say(&program, two.as_bytes()).await), 401, "two credentials are none");
}

#[tokio::test]
async fn another_applications_verification_is_nowhere_on_any_call() {
    let (gateway, program) = shop(OTHER).await;
    let owner = program.shop();
    let id = owner.start(json!({"to": "+14155550123"})).await.text("id");
    let code = gateway.code(&id).await;
    let rivals = [
        program.caller(Some("sk_rival_0123456789abcdef")),
        program.caller(Some("pk_rival_0123456789abcdef")).with("origin", "https://rival.example"),
    ];
    // As an id should look, and of nobody.
    let nobodys = format!("{}0000000000{}", &id[..20], &id[30..]);
    for (index, rival) in rivals.iter().enumerate() {
        let theirs = calls(&program, &id).await;
        assert!(
            theirs.iter().filter(|(_, path, _)| path.contains(&id)).count() >= 5,
            "the document was walked"
        );
        let missing = calls(&program, &nobodys).await;
        for ((method, path, _), (_, nowhere, _)) in theirs.into_iter().zip(missing) {
            if !path.contains(&id) {
                continue;
            }
            let body = (method == Method::POST)
                .then(|| if path.ends_with("/check") { json!({"code": code}) } else { json!({}) });
            let answer = rival.send(method.clone(), &path, body.clone()).await;
            let other = rival.send(method, &nowhere, body).await;
            if index == 0 {
                refused(&answer, 404, "not_found");
            }
            // A foreign id and one of nobody's cannot be told apart.
            assert_eq!(
                (answer.status, &answer.body["code"], &answer.body["detail"]),
                (other.status, &other.body["code"], &other.body["detail"]),
                "{path}"
            );
        }
    }
    let by_recipient = json!({"to": "+14155550123", "code": code});
    refused(&rivals[0].post("/v1/verifications/check", by_recipient).await, 404, "not_found");
    let page = rivals[0].get("/v1/verifications?to=%2B14155550123").await.expect(200);
    assert_eq!(page, json!({"verifications": [], "next_cursor": null}));
    let cursor = rivals[0].get(&format!("/v1/verifications?cursor={id}")).await.expect(200);
    assert_eq!(cursor["verifications"], json!([]));
    assert_eq!(owner.read(&id).await["checks_left"], 3, "none of it counted");
    assert_eq!(owner.check(&id, &code).await.expect(200)["valid"], true);
}

#[tokio::test]
async fn development_answers_nobody_but_this_machine() {
    let program = Program::development();
    let body = r#"{"to":"+919876543210"}"#;
    let start = |version: &str, headers: &str| {
        format!(
            "POST /v1/verifications HTTP/{version}\r\nauthorization: Bearer sk_dev\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
            body.len()
        )
    };
    let host = program.url("").trim_start_matches("http://").to_owned();
    let own = format!("host: {host}\r\n");
    for headers in [own.clone(), "host: localhost\r\n".into(), "host: [::1]:8080\r\n".into()] {
        assert_eq!(status(&say(&program, start("1.1", &headers).as_bytes()).await), 201, "{headers}");
    }
    let ours = format!("{own}origin: http://{host}\r\nsec-fetch-site: same-origin\r\n");
    // Another recipient's budget is not touched by what is refused below.
    assert_eq!(
        status(&say(&program, start("1.1", &ours).as_bytes()).await),
        429,
        "three live ones are enough"
    );
    let refusals = [
        "host: verify.example\r\n".to_owned(),
        "host: 127.0.0.1.evil.example\r\n".to_owned(),
        "host: localhost.evil.example\r\n".to_owned(),
        "host: 127.0.0.2\r\n".to_owned(),
        "host: localhost@evil.example\r\n".to_owned(),
        "host: 0.0.0.0\r\n".to_owned(),
        "host: \r\n".to_owned(),
        format!("{own}host: evil.example\r\n"),
        format!("{own}x-forwarded-for: 127.0.0.1\r\n"),
        format!("{own}X-Forwarded-Host: localhost\r\n"),
        format!("{own}x-forwarded-anything: 1\r\n"),
        format!("{own}forwarded: for=127.0.0.1\r\n"),
        format!("{own}via: 1.1 proxy\r\n"),
        format!("{own}origin: https://evil.example\r\n"),
        format!("{own}origin: null\r\n"),
        format!("{own}origin: https://{host}\r\n"),
        format!("{own}sec-fetch-site: cross-site\r\n"),
        format!("{own}sec-fetch-site: same-site\r\n"),
    ];
    for headers in &refusals {
        let answer = say(&program, start("1.1", headers).as_bytes()).await;
        assert!(matches!(status(&answer), 400 | 403), "{headers}: {answer}");
        assert!(!answer.contains("\"id\""), "{headers}: {answer}");
        let inbox = format!("GET /dev/inbox.json HTTP/1.1\r\nconnection: close\r\n{headers}\r\n");
        let answer = say(&program, inbox.as_bytes()).await;
        assert!(matches!(status(&answer), 400 | 403), "the inbox with {headers}: {answer}");
        assert!(!answer.contains("919876543210"));
    }
    for version in ["1.0", "0.9"] {
        for headers in [own.as_str(), "", ours.as_str()] {
            let answer = say(&program, start(version, headers).as_bytes()).await;
            assert!(!matches!(status(&answer), 200..300), "HTTP/{version} {headers}: {answer}");
            let inbox = format!("GET /dev/inbox.json HTTP/{version}\r\n{headers}\r\n");
            let answer = say(&program, inbox.as_bytes()).await;
            assert!(!answer.contains("919876543210"), "HTTP/{version} {headers}: {answer}");
        }
    }
    let absolute =
        format!("GET http://evil.example/dev/inbox.json HTTP/1.1\r\n{own}connection: close\r\n\r\n");
    assert!(!say(&program, absolute.as_bytes()).await.contains("919876543210"));
    let inbox = program.developer().get("/dev/inbox.json?limit=50").await.expect(200);
    assert!(inbox.as_array().unwrap().len() <= 3, "nothing refused was started: {inbox:#}");
}

#[tokio::test]
async fn production_has_no_inbox_and_none_of_the_well_known_keys() {
    let (_gateway, program) = shop("").await;
    for path in ["/dev/inbox", "/dev/inbox.json", "/dev/now", "/dev", "/dev/providers/sms-one"] {
        refused(&program.shop().get(path).await, 404, "not_found");
    }
    for key in ["sk_dev", "pk_dev"] {
        refused(&program.caller(Some(key)).get("/v1/verifications").await, 401, "unauthorized");
    }
}

/// Every call that takes a key, as the served document lists them, with a body that fits.
async fn calls(program: &Program, id: &str) -> Vec<(Method, String, Option<Value>)> {
    let document = program.caller(None).get("/openapi.json").await.expect(200);
    let mut calls = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/v1/") {
            continue;
        }
        for method in operations.as_object().unwrap().keys() {
            let body = match (method.as_str(), path.as_str()) {
                ("get", _) => None,
                (_, "/v1/verifications") => Some(json!({"to": "+14155550100"})),
                (_, "/v1/verifications/check") => Some(json!({"to": "+14155550100", "code": "482913"})),
                (_, path) if path.ends_with("/check") => Some(json!({"code": "482913"})),
                _ => Some(json!({})),
            };
            let method = method.to_ascii_uppercase().parse().unwrap();
            calls.push((method, path.replace("{id}", id), body));
        }
    }
    calls
}

fn encoded(text: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(text)
}
