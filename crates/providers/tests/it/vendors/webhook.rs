//! A webhook.

use backstop_domain::channel::Channel;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    harness::{self, WEBHOOK_SECRET},
    requests::request,
};

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "webhook",
    channels: &[Channel::Sms],
    settings,
    dlt: None,
    cannot: &[],
    secrets: &[WEBHOOK_SECRET, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({ "url": format!("{base}/codes"), "secret": WEBHOOK_SECRET })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![(json!({ "secret": "hunter2-value" }), "secret"), (json!({ "url": "ftp://hunter2-value" }), "url")]
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
