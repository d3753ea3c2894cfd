//! Gupshup's enterprise gateway: plain, and for approved templates.

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
    requests::{request, request_of},
};

const PASSWORD: &str = "canary-gupshup-password-b7c2";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "gupshup",
    channels: &[Channel::Sms],
    settings,
    dlt: Some(dlt),
    // Who blocked us is told in a receipt.
    cannot: &["not_on_channel", "opted_out"],
    secrets: &[PASSWORD],
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
    json!({ "userid": "2000000001", "password": PASSWORD, "base_url": format!("{base}/GatewayAPI/rest") })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "userid": null }), "userid"),
        (json!({ "userid": "hunter2-value" }), "userid"),
        (json!({ "password": null }), "password"),
        (json!({ "mask": "hunter2-value" }), "mask"),
        (json!({ "is_template": "hunter2-value" }), "is_template"),
        (json!({ "text": "hunter2-value" }), "text"),
        (json!({ "text": "{code} and {code}" }), "text"),
        (json!({ "text": "{code} of {brand}" }), "text"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
        (json!({ "user": "hunter2-value" }), "user"),
    ]
}

#[tokio::test]
async fn what_gupshup_is_sent() {
    assert_snapshot!(request("gupshup", json!({ "mask": "ACME" }), PHONE).await, @r#"
    POST /GatewayAPI/rest HTTP/1.1
    accept: */*
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    method=SendMessage
    &userid=2000000001
    &password=canary-gupshup-password-b7c2
    &auth_scheme=plain
    &v=1.1
    &format=JSON
    &send_to=14155550123
    &msg=Acme%3A+your+code+is+482913.%0A%0AIt+is+good+for+5+minutes.+Never+share+it.
    &msg_type=TEXT
    &mask=ACME
    "#);
}

#[tokio::test]
async fn what_gupshup_is_sent_for_a_number_in_india() {
    assert_snapshot!(request("gupshup", json!({ "mask": "ACME" }), "+919876543210").await, @r#"
    POST /GatewayAPI/rest HTTP/1.1
    accept: */*
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    method=SendMessage
    &userid=2000000001
    &password=canary-gupshup-password-b7c2
    &auth_scheme=plain
    &v=1.1
    &format=JSON
    &send_to=919876543210
    &msg=Acme%3A+your+code+is+482913.%0A%0AIt+is+good+for+5+minutes.+Never+share+it.
    &msg_type=TEXT
    &mask=ACMEIN
    &principalEntityId=1101000000000000001
    &dltTemplateId=1107000000000000002
    "#);
}

#[tokio::test]
async fn what_gupshups_media_gateway_is_sent() {
    assert_snapshot!(request("gupshup", json!({ "is_template": true }), PHONE).await, @r#"
    POST /GatewayAPI/rest HTTP/1.1
    accept: */*
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    method=SENDMESSAGE
    &userid=2000000001
    &password=canary-gupshup-password-b7c2
    &auth_scheme=plain
    &v=1.1
    &format=json
    &send_to=14155550123
    &msg=*482913*+is+your+verification+code.+For+your+security%2C+do+not+share+this+code.
    &msg_type=TEXT
    &isTemplate=true
    "#);
}

#[tokio::test]
async fn gupshup_is_told_of_a_text_beyond_the_usual_alphabet() {
    let mut message = harness::sms();
    message.text = backstop_domain::secret::SecretString::new("482913 आपका कोड है");
    let sent = request_of("gupshup", json!({}), &message).await;
    assert!(sent.contains("&msg_type=Unicode_text"), "{sent}");
    let sent = request_of("gupshup", json!({ "text": "{code} is it" }), &message).await;
    assert!(sent.contains("&msg=482913+is+it") && sent.contains("&msg_type=TEXT"), "{sent}");
}

#[tokio::test]
async fn gupshups_credentials_are_asked_for_without_a_message() {
    let body = |status: &str, id: &str| {
        json!({ "response": { "id": id, "details": "no", "status": status } }).to_string()
    };
    for (status, body, well, finding) in [
        (200, body("error", "101"), true, "not refused"),
        (200, body("error", "105"), true, "not refused"),
        (200, body("error", "102"), false, "102"),
        (200, body("error", "104"), false, "104"),
        (200, body("success", "1"), false, "200"),
        (200, "<html>".to_owned(), false, "200 <html>"),
        (500, body("error", "101"), false, "500"),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], &body))).await;
        let provider = harness::provider("gupshup", &server.base, Duration::from_secs(5));
        let checkup = provider.check_up().await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{body}: {checkup:?}");
        assert_eq!(provider.balance().await, Ok(None));
        let asked = server.requests();
        assert_eq!(asked.len(), 1);
        assert!(asked[0].starts_with("POST /GatewayAPI/rest ") && asked[0].contains(PASSWORD));
        assert!(!asked[0].contains("send_to") && !asked[0].contains("msg="), "a check-up sent something");
    }
}
