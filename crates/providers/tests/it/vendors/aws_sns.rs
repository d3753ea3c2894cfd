//! Amazon SNS.

use backstop_domain::channel::Channel;
use backstop_providers::registry::Dlt;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    harness::{self, AWS_SECRET, AWS_TOKEN},
    requests::request,
};

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "aws-sns",
    channels: &[Channel::Sms],
    settings,
    dlt: Some(dlt),
    cannot: &["not_on_channel"],
    secrets: &[AWS_SECRET, AWS_TOKEN],
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
    json!({
        "region": "ap-south-1", "access_key_id": "AKIDEXAMPLE", "secret_access_key": AWS_SECRET,
        "session_token": AWS_TOKEN, "sender_id": "ACME", "base_url": base,
    })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "region": null }), "region"),
        (json!({ "region": "hunter2-value.example/" }), "region"),
        (json!({ "secret_access_key": null }), "secret_access_key"),
        (json!({ "access_key_id": null }), "access_key_id"),
        (json!({ "sender_id": "x".repeat(40) }), "sender_id"),
        (json!({ "origination_number": "hunter2-value" }), "origination_number"),
    ]
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
