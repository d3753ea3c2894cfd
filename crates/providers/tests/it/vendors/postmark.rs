//! Postmark.

use backstop_domain::channel::Channel;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    harness,
    requests::{request, request_of},
};

const TOKEN: &str = "canary-postmark-token-83dc12";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "postmark",
    channels: &[Channel::Email],
    settings,
    dlt: None,
    cannot: &["not_on_channel"],
    secrets: &[TOKEN],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({ "server_token": TOKEN, "from": "Acme Ltd <login@acme.example>", "base_url": base })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "server_token": null }), "server_token"),
        (json!({ "server_token": "hunter2-value\n" }), "server_token"),
        (json!({ "from": null }), "from"),
        (json!({ "from": "hunter2-value" }), "from"),
        (json!({ "reply_to": "hunter2-value" }), "reply_to"),
        (json!({ "message_stream": { "hunter2-value": 1 } }), "message_stream"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
    ]
}

#[tokio::test]
async fn what_postmark_is_sent() {
    assert_snapshot!(request("postmark", json!({}), harness::EMAIL).await, @r#"
    POST /email HTTP/1.1
    accept: application/json
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0
    x-postmark-server-token: canary-postmark-token-83dc12

    {"From":"Acme Ltd <login@acme.example>","Headers":[{"Name":"Auto-Submitted","Value":"auto-generated"},{"Name":"X-Auto-Response-Suppress","Value":"All"}],"HtmlBody":"<p>Acme: your code is <b>482913</b>.</p><p>Never share it.</p>","MessageStream":"outbound","Metadata":{"backstop":"1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0"},"Subject":"Your Acme code","TextBody":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it.","To":"asha.rao@example.com","TrackLinks":"None","TrackOpens":false}
    "#);
}

#[tokio::test]
async fn what_postmark_is_sent_without_a_page_and_in_another_stream() {
    let more = json!({
        "from": "login@acme.example", "reply_to": "\"Help, Ltd\" <help@acme.example>", "message_stream": "codes",
    });
    let mut message = harness::mail(harness::EMAIL);
    message.html = None;
    message.subject = "Code\r\nBcc: eve@example.com".into();
    assert_snapshot!(request_of("postmark", more, &message).await, @r#"
    POST /email HTTP/1.1
    accept: application/json
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0
    x-postmark-server-token: canary-postmark-token-83dc12

    {"From":"login@acme.example","Headers":[{"Name":"Auto-Submitted","Value":"auto-generated"},{"Name":"X-Auto-Response-Suppress","Value":"All"}],"MessageStream":"codes","Metadata":{"backstop":"1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0"},"ReplyTo":"\"Help, Ltd\" <help@acme.example>","Subject":"Code  Bcc: eve@example.com","TextBody":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it.","To":"asha.rao@example.com","TrackLinks":"None","TrackOpens":false}
    "#);
}

#[tokio::test]
async fn a_name_that_is_too_long_for_postmark_is_left_out_and_the_mail_still_goes() {
    let mut message = harness::mail(harness::EMAIL);
    message.reference.application = backstop_domain::application::ApplicationId(i64::MAX);
    let sent = request_of("postmark", json!({}), &message).await;
    assert!(!sent.contains("Metadata") && sent.contains(harness::EMAIL), "{sent}");
}
