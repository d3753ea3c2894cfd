//! Telnyx.

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    channel::Channel,
    clock::{ManualClock, Timestamp},
    outcome::{Reason, Scope},
    receipt::{About, VendorEvent},
};
use backstop_providers::registry::{Dlt, ProviderConfig, Shared, build};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    harness::{
        self, PHONE,
        vendor::{Does, Vendor as Server, answer},
    },
    receipts::callback,
    requests::{request, request_of},
};

const API_KEY: &str = "canary-telnyx-key-4be7d2";
/// Of the seed 00 01 .. 1f.
const PUBLIC_KEY: &str = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "telnyx",
    channels: &[Channel::Sms],
    settings,
    dlt: None,
    cannot: &[],
    secrets: &[API_KEY],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({ "api_key": API_KEY, "public_key": PUBLIC_KEY, "from": "+15005550006", "base_url": base })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "api_key": null }), "api_key"),
        (json!({ "api_key": "hunter2-value\n" }), "api_key"),
        (json!({ "public_key": null }), "public_key"),
        (json!({ "public_key": "hunter2-value" }), "public_key"),
        (json!({ "public_key": "aHVudGVyMi12YWx1ZQ==" }), "public_key"),
        (json!({ "from": null }), "from"),
        (json!({ "from": "hunter2-value" }), "from"),
        (json!({ "messaging_profile_id": { "hunter2-value": 1 } }), "messaging_profile_id"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
    ]
}

#[tokio::test]
async fn what_telnyx_is_sent() {
    assert_snapshot!(request("telnyx", json!({}), PHONE).await, @r#"
    POST /v2/messages HTTP/1.1
    accept: application/json
    authorization: Bearer canary-telnyx-key-4be7d2
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"from":"+15005550006","text":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it.","to":"+14155550123","type":"SMS","webhook_url":"https://verify.acme.example/receipts/main/c2VjcmV0LXBhcnQtMTIzNA?attempt=1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0"}
    "#);
}

#[tokio::test]
async fn what_telnyx_is_sent_by_a_profile_to_india_without_an_address_for_receipts() {
    let mut message = harness::message(Channel::Sms, "+919876543210");
    message.links.receipts = None;
    let more = json!({ "from": null, "messaging_profile_id": "16fd2706-8baf-433b-82eb-8c7fada847da" });
    assert_snapshot!(request_of("telnyx", more, &message).await, @r#"
    POST /v2/messages HTTP/1.1
    accept: application/json
    authorization: Bearer canary-telnyx-key-4be7d2
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"messaging_profile_id":"16fd2706-8baf-433b-82eb-8c7fada847da","text":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it.","to":"+919876543210","type":"SMS"}
    "#);
}

#[test]
fn ids_of_indias_registration_are_refused_since_telnyx_takes_none() {
    let dlt = |dlt| ProviderConfig {
        dlt: Some(dlt),
        ..harness::config("telnyx", settings("https://vendor.example"))
    };
    let ids =
        Dlt::Ids { entity: "1101".to_owned(), header: "ACMEIN".to_owned(), template: "1107".to_owned() };
    let error = build(&dlt(ids), &harness::shared()).err().unwrap();
    assert_eq!(error.key.as_deref(), Some("dlt"), "{error}");
    assert!(build(&dlt(Dlt::AtVendor), &harness::shared()).is_ok());
}

#[tokio::test]
async fn a_days_limit_is_over_at_midnight() {
    let body = json!({ "errors": [{ "code": "40333", "title": "Spend limit reached" }] }).to_string();
    let server = Server::start(Does::Answers(answer(429, &[], &body))).await;
    let shared = Shared {
        clock: Arc::new(ManualClock::at(Timestamp::from_millis(1_767_311_940_000))),
        ..harness::shared()
    };
    let config = harness::config("telnyx", settings(&server.base));
    let sent = build(&config, &shared).unwrap().send(&harness::sms()).await;
    let told = harness::in_words(&sent.outcome);
    assert_eq!(told, (Reason::OutOfCredit.as_str().to_owned(), Some(Scope::Provider), Some(60)));
}

#[tokio::test]
async fn another_implementations_signature_verifies_for_five_minutes() {
    let body = br#"{"data":{"event_type":"message.finalized","id":"b1","payload":{"id":"m1","to":[{"phone_number":"+919876543210","status":"delivered"}]}}}"#;
    let signature =
        "J/QRrbAp0ftBcTZ+N0k0AfqcAA1gEDMdri8W3/7nQX6zAf/ibWqAz0vQmQtz6P47h24OKbO7wcUhQEX9IjEzAQ==";
    let headers = [("telnyx-signature-ed25519", signature), ("telnyx-timestamp", "1767323045")];
    for (seconds, verifies) in [(1_767_323_045, true), (1_767_323_345, true), (1_767_323_346, false)] {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(seconds * 1000)));
        let config = harness::config("telnyx", settings("https://vendor.example"));
        let provider = build(&config, &Shared { clock, ..harness::shared() }).unwrap();
        let heard = provider.receiver().unwrap().receive(&callback("POST", "", &headers, body)).await;
        assert_eq!(heard.is_ok(), verifies, "{seconds}: {heard:?}");
        let Ok(heard) = heard else { continue };
        let [VendorEvent::Receipt(receipt)] = &heard.events[..] else { panic!("{heard:?}") };
        assert_eq!(receipt.about, About::VendorId("m1".to_owned()));
    }
}

#[tokio::test]
async fn telnyxs_credit_is_what_may_still_be_spent_and_a_wrong_key_is_told() {
    let balance = |credit: Value| json!({ "data": { "record_type": "balance", "available_credit": credit, "balance": "2.00", "currency": "USD" } });
    for (status, body, micros, well, finding) in [
        (200, balance(json!("12.00")), Some(12_000_000), true, "12 USD left"),
        (200, balance(json!(0.5)), Some(500_000), true, "0.5 USD left"),
        (200, balance(json!("0.00")), Some(0), false, "nothing is left"),
        (200, balance(json!("-3.10")), Some(-3_100_000), false, "nothing is left"),
        (200, balance(json!(null)), None, false, "200"),
        (
            401,
            json!({ "errors": [{ "code": "10009", "title": "Authentication failed" }] }),
            None,
            false,
            "10009",
        ),
        (404, balance(json!("12.00")), None, false, "404"),
        (200, json!("<html>"), None, false, "html"),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], &body.to_string()))).await;
        let provider = harness::provider("telnyx", &server.base, Duration::from_secs(5));
        let balance = provider.balance().await.ok().flatten();
        assert_eq!(balance.as_ref().map(|balance| balance.micros), micros, "{body}");
        let checkup = provider.check_up().await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{body}: {checkup:?}");
        assert!(checkup.well || checkup.fix.is_some());
        for request in server.requests() {
            assert!(request.starts_with("GET /v2/balance HTTP") && request.contains(API_KEY), "{request}");
        }
    }
}
