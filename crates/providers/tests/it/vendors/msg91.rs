//! MSG91.

use std::time::Duration;

use backstop_domain::channel::Channel;
use backstop_providers::registry::Dlt;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    harness::{
        self, PHONE,
        vendor::{Does, Vendor as Server, answer},
    },
    requests::request,
};

const AUTH_KEY: &str = "canary-msg91-authkey-41ad07";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "msg91",
    channels: &[Channel::Sms],
    settings,
    dlt: Some(dlt),
    // Who blocked us is told in a receipt.
    cannot: &["not_on_channel", "opted_out"],
    secrets: &[AUTH_KEY],
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
    json!({ "auth_key": AUTH_KEY, "template_id": "65f0c9a7e51d2b8461f0c9a7", "base_url": base })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "auth_key": null }), "auth_key"),
        (json!({ "auth_key": "hunter2-value\n" }), "auth_key"),
        (json!({ "template_id": null }), "template_id"),
        (json!({ "template_id": "hunter2-value" }), "template_id"),
        (json!({ "variable": "##hunter2-value##" }), "variable"),
        (json!({ "variable": "mobiles" }), "variable"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
        (json!({ "authkey": "hunter2-value" }), "authkey"),
    ]
}

#[tokio::test]
async fn what_msg91_is_sent() {
    assert_snapshot!(request("msg91", json!({}), PHONE).await, @r#"
    POST /api/v5/flow/ HTTP/1.1
    accept: application/json
    authkey: canary-msg91-authkey-41ad07
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"recipients":[{"OTP":"482913","mobiles":"14155550123"}],"short_url":"0","template_id":"65f0c9a7e51d2b8461f0c9a7"}
    "#);
}

#[tokio::test]
async fn what_msg91_is_sent_for_a_number_in_india() {
    assert_snapshot!(request("msg91", json!({ "variable": "code" }), "+919876543210").await, @r#"
    POST /api/v5/flow/ HTTP/1.1
    accept: application/json
    authkey: canary-msg91-authkey-41ad07
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"recipients":[{"code":"482913","mobiles":"919876543210"}],"sender":"ACMEIN","short_url":"0","template_id":"65f0c9a7e51d2b8461f0c9a7"}
    "#);
}

#[tokio::test]
async fn msg91s_balance_is_credits_and_its_refusals_are_told_apart() {
    for (status, body, credits, well, finding) in [
        (200, "1250", Some(1_250_000_000), true, "1250 credits"),
        (200, "120.5", Some(120_500_000), true, "120.5 credits"),
        (200, r#"{"SMS":"120.50"}"#, Some(120_500_000), true, "120.5 credits"),
        (200, "0", Some(0), false, "no credits"),
        (200, "Invalid authkey", None, false, "Invalid authkey"),
        (200, r#"{"message":"Invalid authkey","type":"error","code":"207"}"#, None, false, "207"),
        (401, "7", None, false, "401"),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], body))).await;
        let provider = harness::provider("msg91", &server.base, Duration::from_secs(5));
        let balance = provider.balance().await.ok().flatten();
        assert_eq!(balance.as_ref().map(|balance| balance.micros), credits, "{body}");
        assert!(balance.is_none_or(|balance| balance.unit == "credits"));
        let checkup = provider.check_up().await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{body}: {checkup:?}");
        for request in server.requests() {
            let address = request.lines().next().unwrap();
            assert!(address.starts_with("POST /api/balance.php ") && request.contains(AUTH_KEY), "{address}");
        }
    }
}
