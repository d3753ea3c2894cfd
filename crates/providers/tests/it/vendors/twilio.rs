//! Twilio.

use std::time::Duration;

use backstop_domain::channel::Channel;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    harness::{
        self, TWILIO_TOKEN,
        vendor::{Does, Vendor as Server, answer},
    },
    requests::request,
};

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "twilio",
    channels: &[Channel::Sms],
    settings,
    dlt: None,
    cannot: &[],
    secrets: &[TWILIO_TOKEN],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({
        "account_sid": "AC00000000000000000000000000000001", "auth_token": TWILIO_TOKEN,
        "from": "+15005550006", "base_url": base,
    })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "auth_tokne": "hunter2-value" }), "auth_tokne"),
        (json!({ "auth_token": null }), "auth_token"),
        (json!({ "auth_token": { "file": "hunter2-value" } }), "auth_token"),
        (json!({ "auth_token": "" , "account_sid": "" }), "account_sid"),
        (json!({ "account_sid": "hunter2-value" }), "account_sid"),
        (json!({ "from": null }), "from"),
        (json!({ "messaging_service_sid": "hunter2-value" }), "messaging_service_sid"),
        (json!({ "api_key": "hunter2-value" }), "auth_token"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
        (json!({ "plain_http": "hunter2-value" }), "plain_http"),
    ]
}

#[tokio::test]
async fn what_twilio_is_sent() {
    assert_snapshot!(request("twilio", json!({}), harness::PHONE).await, @r#"
    POST /2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json HTTP/1.1
    accept: */*
    authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpjYW5hcnktdHdpbGlvLXRva2VuLTVmM2E5Yw==
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    To=%2B14155550123
    &Body=Acme%3A+your+code+is+482913.%0A%0AIt+is+good+for+5+minutes.+Never+share+it.
    &From=%2B15005550006
    &StatusCallback=https%3A%2F%2Fverify.acme.example%2Freceipts%2Fmain%2Fc2VjcmV0LXBhcnQtMTIzNA%3Fattempt%3D1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0
    &ValidityPeriod=297
    &Attempt=2
    "#);
}

#[tokio::test]
async fn what_twilio_is_sent_with_a_service_and_an_api_key() {
    let more = json!({
        "auth_token": null, "api_key": "SK00000000000000000000000000000002", "api_secret": "s3cret",
        "from": null, "messaging_service_sid": "MG00000000000000000000000000000003",
    });
    assert_snapshot!(request("twilio", more, "+919876543210").await, @r#"
    POST /2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json HTTP/1.1
    accept: */*
    authorization: Basic U0swMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMjpzM2NyZXQ=
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    To=%2B919876543210
    &Body=Acme%3A+your+code+is+482913.%0A%0AIt+is+good+for+5+minutes.+Never+share+it.
    &MessagingServiceSid=MG00000000000000000000000000000003
    &ValidityPeriod=297
    &Attempt=2
    "#);
}

#[tokio::test]
async fn a_code_that_is_about_to_end_is_never_given_a_longer_life_by_twilio() {
    let vendor = Server::start(Does::Answers(answer(500, &[], ""))).await;
    let provider = harness::provider("twilio", &vendor.base, Duration::from_secs(5));
    for (left, expected) in [(0, "1"), (30, "30"), (100_000, "36000")] {
        let mut message = harness::sms();
        message.expires_in = Duration::from_secs(left);
        provider.send(&message).await;
        let last = vendor.requests().pop().unwrap();
        assert!(last.contains(&format!("&ValidityPeriod={expected}&")), "{last}");
    }
}
