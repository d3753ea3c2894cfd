//! Textlocal.

use std::time::Duration;

use backstop_domain::{channel::Channel, secret::SecretString};
use backstop_providers::registry::Dlt;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    harness::{
        self, PHONE,
        vendor::{Does, Vendor as Server, answer},
    },
    requests::{request, request_of},
};

const API_KEY: &str = "canary-textlocal-key-90e1f4";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "textlocal",
    channels: &[Channel::Sms],
    settings,
    dlt: Some(dlt),
    cannot: &["not_on_channel"],
    secrets: &[API_KEY],
    mistakes,
};

fn dlt() -> Dlt {
    Dlt::Ids {
        entity: "1101000000000000001".to_owned(),
        header: "ACMEIN".to_owned(),
        template: "1107000000000000002".to_owned(),
    }
}

fn settings(base: &str) -> Value {
    json!({ "api_key": API_KEY, "base_url": base })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "api_key": null }), "api_key"),
        (json!({ "sender": "hunter2-value" }), "sender"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
        (json!({ "apikey": "hunter2-value" }), "apikey"),
    ]
}

#[tokio::test]
async fn what_textlocal_is_sent() {
    assert_snapshot!(request("textlocal", json!({ "sender": "Acme" }), PHONE).await, @r#"
    POST /send/ HTTP/1.1
    accept: */*
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    apikey=canary-textlocal-key-90e1f4
    &numbers=14155550123
    &message=Acme%3A+your+code+is+482913.%0A%0AIt+is+good+for+5+minutes.+Never+share+it.
    &format=json
    &custom=1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0
    &sender=Acme
    &receipt_url=https%3A%2F%2Fverify.acme.example%2Freceipts%2Fmain%2Fc2VjcmV0LXBhcnQtMTIzNA%3Fattempt%3D1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0
    "#);
}

#[tokio::test]
async fn what_textlocal_is_sent_for_a_number_in_india() {
    assert_snapshot!(request("textlocal", json!({ "sender": "Acme" }), "+919876543210").await, @r#"
    POST /send/ HTTP/1.1
    accept: */*
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    apikey=canary-textlocal-key-90e1f4
    &numbers=919876543210
    &message=Acme%3A+your+code+is+482913.%0A%0AIt+is+good+for+5+minutes.+Never+share+it.
    &format=json
    &custom=1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0
    &sender=ACMEIN
    &receipt_url=https%3A%2F%2Fverify.acme.example%2Freceipts%2Fmain%2Fc2VjcmV0LXBhcnQtMTIzNA%3Fattempt%3D1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0
    "#);
}

#[tokio::test]
async fn textlocal_is_told_of_a_text_beyond_the_usual_alphabet() {
    let mut message = harness::sms();
    message.text = SecretString::new("482913 आपका कोड है");
    message.links.receipts = None;
    let sent = request_of("textlocal", json!({}), &message).await;
    assert!(sent.contains("&unicode=true") && !sent.contains("receipt_url"), "{sent}");
}

#[tokio::test]
async fn textlocals_balance_is_credits_and_a_wrong_key_is_told() {
    for (status, body, micros, well, finding) in [
        (
            200,
            json!({ "balance": { "sms": 940, "mms": 0 }, "status": "success" }),
            Some(940_000_000),
            true,
            "940",
        ),
        (200, json!({ "balance": { "sms": "12.5" }, "status": "success" }), Some(12_500_000), true, "12.5"),
        (200, json!({ "balance": { "sms": 0 }, "status": "success" }), Some(0), false, "no credits"),
        (
            200,
            json!({ "errors": [{ "code": 3, "message": "Invalid login details" }], "status": "failure" }),
            None,
            false,
            "Invalid login",
        ),
        (404, json!({ "balance": { "sms": 940 } }), None, false, "404"),
        (200, json!("<html>"), None, false, "html"),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], &body.to_string()))).await;
        let provider = harness::provider("textlocal", &server.base, Duration::from_secs(5));
        let balance = provider.balance().await.ok().flatten();
        assert_eq!(balance.as_ref().map(|balance| balance.micros), micros, "{body}");
        assert!(balance.is_none_or(|balance| balance.unit == "credits"));
        let checkup = provider.check_up().await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{body}: {checkup:?}");
        for request in server.requests() {
            assert!(request.starts_with("POST /balance/ HTTP") && request.contains(API_KEY), "{request}");
        }
    }
}
