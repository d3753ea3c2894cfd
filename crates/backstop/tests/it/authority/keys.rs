//! Every call of the served document, without a key, with a wrong one, and with another application's.

use reqwest::Method;
use serde_json::{Value, json};

use super::SECRET;
use crate::harness::{
    Program,
    raw::{say, status},
    shop,
};

const OTHER: &str = r#"
[[application]]
name = "rival"
secret_key = "sk_rival_0123456789abcdef"
publishable_key = "pk_rival_0123456789abcdef"
origins = ["https://rival.example"]
public_purposes = ["login"]
"#;

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
            answer.refused(401, "unauthorized");
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
                answer.refused(404, "not_found");
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
    rivals[0].post("/v1/verifications/check", by_recipient).await.refused(404, "not_found");
    let page = rivals[0].get("/v1/verifications?to=%2B14155550123").await.expect(200);
    assert_eq!(page, json!({"verifications": [], "next_cursor": null}));
    let cursor = rivals[0].get(&format!("/v1/verifications?cursor={id}")).await.expect(200);
    assert_eq!(cursor["verifications"], json!([]));
    assert_eq!(owner.read(&id).await["checks_left"], 3, "none of it counted");
    assert_eq!(owner.check(&id, &code).await.expect(200)["valid"], true);
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
