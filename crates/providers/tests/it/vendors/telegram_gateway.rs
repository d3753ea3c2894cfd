//! Telegram Gateway.

use std::time::Duration;

use backstop_domain::{channel::Channel, code::Code, outcome::Scope, ports::provider::Balance};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    harness::{
        self,
        vendor::{Does, Vendor as Server, answer},
    },
    requests::{request, request_of},
};

const TOKEN: &str = "canary-telegram-token-1f60";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "telegram-gateway",
    channels: &[Channel::Telegram],
    settings,
    dlt: None,
    cannot: &["opted_out"],
    secrets: &[TOKEN],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({ "api_token": TOKEN, "base_url": base })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "api_token": null }), "api_token"),
        (json!({ "api_token": "hunter2-value\n" }), "api_token"),
        (json!({ "sender_username": "hunter2-value/" }), "sender_username"),
        (json!({ "sender_username": "@" }), "sender_username"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
        (json!({ "plain_http": "hunter2-value" }), "plain_http"),
    ]
}

#[tokio::test]
async fn what_telegram_is_sent() {
    let more = json!({ "sender_username": "@acme_codes" });
    assert_snapshot!(request("telegram-gateway", more, harness::PHONE).await, @r#"
    POST /sendVerificationMessage HTTP/1.1
    accept: application/json
    authorization: Bearer canary-telegram-token-1f60
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"callback_url":"https://verify.acme.example/receipts/main/c2VjcmV0LXBhcnQtMTIzNA?attempt=1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0","code":"482913","payload":"1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0","phone_number":"+14155550123","sender_username":"acme_codes","ttl":297}
    "#);
}

#[tokio::test]
async fn a_life_that_telegram_does_not_know_is_brought_within_its_bounds() {
    for (left, expected) in [(0, 30), (29, 30), (297, 297), (100_000, 3600)] {
        let mut message = harness::message(Channel::Telegram, harness::PHONE);
        message.expires_in = Duration::from_secs(left);
        let sent = request_of("telegram-gateway", json!({}), &message).await;
        assert!(sent.contains(&format!(r#""ttl":{expected}}}"#)), "{sent}");
    }
}

#[tokio::test]
async fn an_address_that_telegram_does_not_take_is_left_out() {
    let mut message = harness::message(Channel::Telegram, harness::PHONE);
    for url in [
        format!("https://verify.acme.example/{}", "x".repeat(256)),
        "http://verify.acme.example/r".to_owned(),
    ] {
        message.links.receipts = Some(url);
        let sent = request_of("telegram-gateway", json!({}), &message).await;
        assert!(!sent.contains("callback_url"), "{sent}");
    }
}

#[tokio::test]
async fn a_code_that_telegram_cannot_carry_is_not_sent_and_holds_back_nobody_else() {
    let server = Server::start(Does::Hangs).await;
    let provider = harness::provider("telegram-gateway", &server.base, Duration::from_secs(5));
    for code in ["482913579", "48A913"] {
        let mut message = harness::message(Channel::Telegram, harness::PHONE);
        message.code = Code::custom(code).unwrap();
        let (outcome, scope, _) = harness::in_words(&provider.send(&message).await.outcome);
        assert_eq!((outcome.as_str(), scope), ("misconfigured", Some(Scope::Recipient)));
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn the_balance_is_what_the_last_answer_said() {
    let taken = r#"{"ok":true,"result":{"request_id":"7","remaining_balance":12.5}}"#;
    let server = Server::start(Does::Answers(answer(200, &[], taken))).await;
    let provider = harness::provider("telegram-gateway", &server.base, Duration::from_secs(5));
    assert_eq!(provider.balance().await, Ok(None));
    provider.send(&harness::message(Channel::Telegram, harness::PHONE)).await;
    assert_eq!(provider.balance().await, Ok(Some(Balance { micros: 12_500_000, unit: "USD".to_owned() })));
    assert_eq!(server.requests().len(), 1, "no call says it");
}

#[tokio::test]
async fn a_telegram_token_that_is_refused_is_not_well() {
    for (status, body, well, finding) in [
        (200, r#"{"ok":false,"error":"REQUEST_ID_INVALID"}"#, true, "the token is good"),
        (400, r#"{"ok":false,"error":"REQUEST_NOT_FOUND"}"#, true, "the token is good"),
        (200, r#"{"ok":false,"error":"ACCESS_TOKEN_INVALID"}"#, false, "ACCESS_TOKEN_INVALID"),
        (401, r#"{"ok":false,"error":"UNAUTHORIZED"}"#, false, "UNAUTHORIZED"),
        (500, r#"{"ok":false,"error":"INTERNAL"}"#, false, "INTERNAL"),
        (200, "<html>", false, "200 <html>"),
        (502, "", false, "502"),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], body))).await;
        let provider = harness::provider("telegram-gateway", &server.base, Duration::from_secs(5));
        let checkup = provider.check_up().await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{body}: {checkup:?}");
        assert!(checkup.well || checkup.fix.is_some(), "{checkup:?}");
        let asked = server.requests();
        assert!(
            asked.iter().all(|request| request.starts_with("POST /checkVerificationStatus ")),
            "{asked:?}"
        );
    }
}
