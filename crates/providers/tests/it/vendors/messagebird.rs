//! MessageBird.

use std::time::Duration;

use backstop_domain::channel::Channel;
use backstop_providers::registry::{Dlt, ProviderConfig, build};
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

const ACCESS_KEY: &str = "canary-messagebird-key-71ad08";
const SIGNING_KEY: &str = "canary-messagebird-signing-2c91d0";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "messagebird",
    channels: &[Channel::Sms],
    settings,
    dlt: None,
    // Opt-outs show in receipts.
    cannot: &["opted_out", "not_on_channel"],
    secrets: &[ACCESS_KEY, SIGNING_KEY],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({
        "access_key": ACCESS_KEY, "signing_key": SIGNING_KEY, "originator": "+15005550006", "base_url": base,
    })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "access_key": null }), "access_key"),
        (json!({ "access_key": "hunter2-value\n" }), "access_key"),
        (json!({ "signing_key": null }), "signing_key"),
        (json!({ "originator": null }), "originator"),
        (json!({ "originator": "hunter2-value" }), "originator"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
    ]
}

#[tokio::test]
async fn what_messagebird_is_sent() {
    assert_snapshot!(request("messagebird", json!({}), PHONE).await, @r#"
    POST /messages HTTP/1.1
    accept: application/json
    authorization: AccessKey canary-messagebird-key-71ad08
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"body":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it.","datacoding":"auto","originator":"15005550006","recipients":["14155550123"],"reference":"att_06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0","reportUrl":"https://verify.acme.example/receipts/main/c2VjcmV0LXBhcnQtMTIzNA?attempt=1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0","validity":297}
    "#);
}

#[tokio::test]
async fn what_messagebird_is_sent_by_a_name_to_india_at_the_last_moment() {
    let mut message = harness::message(Channel::Sms, "+919876543210");
    message.links.receipts = None;
    message.expires_in = Duration::from_millis(400);
    assert_snapshot!(request_of("messagebird", json!({ "originator": "Acme" }), &message).await, @r#"
    POST /messages HTTP/1.1
    accept: application/json
    authorization: AccessKey canary-messagebird-key-71ad08
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"body":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it.","datacoding":"auto","originator":"Acme","recipients":["919876543210"],"reference":"att_06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0","validity":1}
    "#);
}

#[test]
fn ids_of_indias_registration_are_refused_since_messagebird_takes_none() {
    let ids =
        Dlt::Ids { entity: "1101".to_owned(), header: "ACMEIN".to_owned(), template: "1107".to_owned() };
    let config = harness::config("messagebird", settings("https://vendor.example"));
    let error = build(&ProviderConfig { dlt: Some(ids), ..config }, &harness::shared()).err().unwrap();
    assert_eq!(error.key.as_deref(), Some("dlt"), "{error}");
}

#[tokio::test]
async fn messagebirds_balance_is_in_its_own_unit_and_a_wrong_key_is_told() {
    let refused = json!({ "errors": [{ "code": 2, "description": "incorrect access_key", "parameter": "access_key" }] });
    for (status, body, left, well, finding) in [
        (
            200,
            json!({ "payment": "prepaid", "type": "credits", "amount": 9.2 }),
            Some((9_200_000, "credits")),
            true,
            "9.2 credits left",
        ),
        (
            200,
            json!({ "payment": "prepaid", "type": "euros", "amount": "0.00" }),
            Some((0, "euros")),
            false,
            "nothing is left",
        ),
        (200, json!({ "payment": "prepaid", "amount": 9.2 }), None, false, "200"),
        (401, refused, None, false, "incorrect access_key"),
        (200, json!("<html>"), None, false, "html"),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], &body.to_string()))).await;
        let provider = harness::provider("messagebird", &server.base, Duration::from_secs(5));
        let balance = provider.balance().await.ok().flatten();
        assert_eq!(balance.as_ref().map(|left| (left.micros, left.unit.as_str())), left, "{body}");
        let checkup = provider.check_up().await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{body}: {checkup:?}");
        assert!(checkup.well || checkup.fix.is_some());
        for request in server.requests() {
            assert!(request.starts_with("GET /balance HTTP") && request.contains(ACCESS_KEY), "{request}");
        }
    }
}
