//! What leaves for each vendor over HTTP, to the byte.

use std::time::Duration;

use backstop_domain::channel::Channel;
use backstop_providers::registry::build;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{
    self, config, settings,
    vendor::{Does, Vendor, answer},
};

/// The request that a provider with these further settings makes of a message.
async fn request(kind: &str, more: Value, to: &str) -> String {
    let vendor = Vendor::start(Does::Answers(answer(500, &[], ""))).await;
    let mut settings = settings(kind, &vendor.base);
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    let provider = build(&config(kind, settings), &harness::shared()).unwrap();
    provider.send(&harness::message(Channel::Sms, to)).await;
    readable(&vendor.requests()[0])
}

/// Headers sorted, credentials replaced, a form one field a line.
fn readable(raw: &str) -> String {
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    let (first, headers) = head.split_once("\r\n").unwrap();
    let mut headers: Vec<String> = headers
        .lines()
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            let value = match (name.to_ascii_lowercase().as_str(), value) {
                ("authorization", value) if value.starts_with("AWS4") => {
                    format!("{}, Signature=...", value.rsplit_once(", ").unwrap().0)
                }
                ("x-amz-security-token", _) => "...".to_owned(),
                ("content-length", _) => "...".to_owned(),
                (_, value) => value.to_owned(),
            };
            format!("{}: {value}", name.to_ascii_lowercase())
        })
        .collect();
    headers.sort();
    let body = if body.starts_with('{') { body.to_owned() } else { body.replace('&', "\n&") };
    format!("{first}\n{}\n\n{body}", headers.join("\n"))
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
async fn what_sns_is_sent() {
    assert_snapshot!(request("aws-sns", json!({ "session_token": null }), harness::PHONE).await, @r#"
    POST / HTTP/1.1
    accept: */*
    authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/ap-south-1/sns/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=...
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0
    x-amz-date: 20260101T000000Z

    Action=Publish
    &Version=2010-03-31
    &PhoneNumber=%2B14155550123
    &Message=Acme%3A+your+code+is+482913.%0A%0AIt+is+good+for+5+minutes.+Never+share+it.
    &MessageAttributes.entry.1.Name=AWS.SNS.SMS.SMSType
    &MessageAttributes.entry.1.Value.DataType=String
    &MessageAttributes.entry.1.Value.StringValue=Transactional
    &MessageAttributes.entry.2.Name=AWS.SNS.SMS.SenderID
    &MessageAttributes.entry.2.Value.DataType=String
    &MessageAttributes.entry.2.Value.StringValue=ACME
    "#);
}

#[tokio::test]
async fn what_sns_is_sent_for_a_number_in_india() {
    let more = json!({
        "origination_number": "+12065550100",
        "dlt": { "entity": "1101000000000000001", "template": "1107000000000000002" },
    });
    assert_snapshot!(request("aws-sns", more, "+919876543210").await, @r#"
    POST / HTTP/1.1
    accept: */*
    authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/ap-south-1/sns/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=...
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0
    x-amz-date: 20260101T000000Z
    x-amz-security-token: ...

    Action=Publish
    &Version=2010-03-31
    &PhoneNumber=%2B919876543210
    &Message=Acme%3A+your+code+is+482913.%0A%0AIt+is+good+for+5+minutes.+Never+share+it.
    &MessageAttributes.entry.1.Name=AWS.SNS.SMS.SMSType
    &MessageAttributes.entry.1.Value.DataType=String
    &MessageAttributes.entry.1.Value.StringValue=Transactional
    &MessageAttributes.entry.2.Name=AWS.SNS.SMS.SenderID
    &MessageAttributes.entry.2.Value.DataType=String
    &MessageAttributes.entry.2.Value.StringValue=ACME
    &MessageAttributes.entry.3.Name=AWS.MM.SMS.OriginationNumber
    &MessageAttributes.entry.3.Value.DataType=String
    &MessageAttributes.entry.3.Value.StringValue=12065550100
    &MessageAttributes.entry.4.Name=AWS.MM.SMS.EntityId
    &MessageAttributes.entry.4.Value.DataType=String
    &MessageAttributes.entry.4.Value.StringValue=1101000000000000001
    &MessageAttributes.entry.5.Name=AWS.MM.SMS.TemplateId
    &MessageAttributes.entry.5.Value.DataType=String
    &MessageAttributes.entry.5.Value.StringValue=1107000000000000002
    "#);
}

#[tokio::test]
async fn what_a_webhook_is_sent() {
    assert_snapshot!(request("webhook", json!({}), harness::PHONE).await, @r#"
    POST /codes HTTP/1.1
    accept: application/json
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0
    webhook-id: att_06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0
    webhook-signature: v1,m7X2X0LNJ4BcrNDIpz4qfyw58wXHXeOqVBt1Y+UufbA=
    webhook-timestamp: 1767225600

    {"data":{"attempt":2,"attempt_id":"att_06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0","brand":"Acme","channel":"sms","code":"482913","expires_in_seconds":297,"locale":"en","subject":"Your Acme code","text":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it.","to":"+14155550123","verification_id":"ver_06dqdpn8006762v9j1e5xxx4s996kxs3cn00"},"timestamp":"2026-01-01T00:00:00.000Z","type":"message.send"}
    "#);
}

#[tokio::test]
async fn a_code_that_is_about_to_end_is_never_given_a_longer_life_by_twilio() {
    let vendor = Vendor::start(Does::Answers(answer(500, &[], ""))).await;
    let provider = harness::provider("twilio", &vendor.base, Duration::from_secs(5));
    for (left, expected) in [(0, "1"), (30, "30"), (100_000, "36000")] {
        let mut message = harness::sms();
        message.expires_in = Duration::from_secs(left);
        provider.send(&message).await;
        let last = vendor.requests().pop().unwrap();
        assert!(last.contains(&format!("&ValidityPeriod={expected}&")), "{last}");
    }
}
