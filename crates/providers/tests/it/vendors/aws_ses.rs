//! Amazon SES.

use backstop_domain::channel::Channel;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    harness::{self, AWS_SECRET, AWS_TOKEN},
    requests::{request, request_of},
};

pub(crate) const TOPIC: &str = "arn:aws:sns:ap-south-1:123456789012:codes";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "aws-ses",
    channels: &[Channel::Email],
    settings,
    dlt: None,
    cannot: &["opted_out", "not_on_channel", "out_of_credit"],
    secrets: &[AWS_SECRET, AWS_TOKEN],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({
        "region": "ap-south-1", "access_key_id": "AKIDEXAMPLE", "secret_access_key": AWS_SECRET,
        "session_token": AWS_TOKEN, "from": "Acme Ltd <login@acme.example>", "configuration_set": "codes",
        "topic_arn": TOPIC, "base_url": base,
    })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "region": null }), "region"),
        (json!({ "region": "hunter2-value.example/" }), "region"),
        (json!({ "secret_access_key": null }), "secret_access_key"),
        (json!({ "access_key_id": null }), "access_key_id"),
        (json!({ "from": null }), "from"),
        (json!({ "from": "hunter2-value" }), "from"),
        (json!({ "reply_to": "hunter2-value" }), "reply_to"),
        (json!({ "configuration_set": "hunter2-value with spaces" }), "configuration_set"),
        (json!({ "topic_arn": "hunter2-value" }), "topic_arn"),
        (json!({ "topic_arn": "arn:aws:sns:hunter2-value.example/:1:codes" }), "topic_arn"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
    ]
}

#[tokio::test]
async fn what_ses_is_sent() {
    assert_snapshot!(request("aws-ses", json!({ "session_token": null }), harness::EMAIL).await, @r#"
    POST /v2/email/outbound-emails HTTP/1.1
    accept: application/json
    authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/ap-south-1/ses/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=...
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0
    x-amz-date: 20260101T000000Z

    {"ConfigurationSetName":"codes","Content":{"Simple":{"Body":{"Html":{"Charset":"UTF-8","Data":"<p>Acme: your code is <b>482913</b>.</p><p>Never share it.</p>"},"Text":{"Charset":"UTF-8","Data":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it."}},"Headers":[{"Name":"Auto-Submitted","Value":"auto-generated"},{"Name":"X-Auto-Response-Suppress","Value":"All"}],"Subject":{"Charset":"UTF-8","Data":"Your Acme code"}}},"Destination":{"ToAddresses":["asha.rao@example.com"]},"EmailTags":[{"Name":"backstop","Value":"1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0"}],"FromEmailAddress":"\"Acme Ltd\" <login@acme.example>"}
    "#);
}

#[tokio::test]
async fn what_ses_is_sent_without_a_page_and_with_an_address_for_answers() {
    let more = json!({
        "session_token": null, "configuration_set": null, "from": "फेरी <login@acme.example>",
        "reply_to": "help@acme.example",
    });
    let mut message = harness::mail(harness::EMAIL);
    message.html = None;
    message.subject = "Code\r\nBcc: eve@example.com".into();
    assert_snapshot!(request_of("aws-ses", more, &message).await, @r#"
    POST /v2/email/outbound-emails HTTP/1.1
    accept: application/json
    authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/ap-south-1/ses/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=...
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0
    x-amz-date: 20260101T000000Z

    {"Content":{"Simple":{"Body":{"Text":{"Charset":"UTF-8","Data":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it."}},"Headers":[{"Name":"Auto-Submitted","Value":"auto-generated"},{"Name":"X-Auto-Response-Suppress","Value":"All"}],"Subject":{"Charset":"UTF-8","Data":"Code  Bcc: eve@example.com"}}},"Destination":{"ToAddresses":["asha.rao@example.com"]},"EmailTags":[{"Name":"backstop","Value":"1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0"}],"FromEmailAddress":"=?utf-8?b?4KSr4KWH4KSw4KWA?= <login@acme.example>","ReplyToAddresses":["help@acme.example"]}
    "#);
}
