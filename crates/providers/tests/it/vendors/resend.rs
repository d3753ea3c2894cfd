//! Resend.

use std::time::Duration;

use backstop_domain::channel::Channel;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    harness::{
        self,
        vendor::{Does, Vendor as Server, answer},
    },
    requests::{request, request_of},
};

const API_KEY: &str = "re_canary-resend-key-5d0b77";
/// Of the bytes 00 01 .. 1f.
const WEBHOOK_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "resend",
    channels: &[Channel::Email],
    settings,
    dlt: None,
    // Whom Resend no longer writes to shows in webhooks.
    cannot: &["opted_out", "not_on_channel"],
    secrets: &[API_KEY, WEBHOOK_SECRET],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({
        "api_key": API_KEY, "webhook_secret": WEBHOOK_SECRET, "from": "Acme Ltd <login@Acme.example>",
        "base_url": base,
    })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "api_key": null }), "api_key"),
        (json!({ "api_key": "hunter2-value\n" }), "api_key"),
        (json!({ "from": null }), "from"),
        (json!({ "from": "hunter2-value" }), "from"),
        (json!({ "reply_to": "hunter2-value" }), "reply_to"),
        (json!({ "webhook_secret": "hunter2-value" }), "webhook_secret"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
    ]
}

#[tokio::test]
async fn what_resend_is_sent() {
    assert_snapshot!(request("resend", json!({}), harness::EMAIL).await, @r#"
    POST /emails HTTP/1.1
    accept: application/json
    authorization: Bearer re_canary-resend-key-5d0b77
    content-length: ...
    content-type: application/json
    host: VENDOR
    idempotency-key: att_06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0
    user-agent: backstop/0.1.0

    {"from":"Acme Ltd <login@Acme.example>","headers":{"Auto-Submitted":"auto-generated","X-Auto-Response-Suppress":"All"},"html":"<p>Acme: your code is <b>482913</b>.</p><p>Never share it.</p>","subject":"Your Acme code","tags":[{"name":"backstop","value":"1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0"}],"text":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it.","to":["asha.rao@example.com"]}
    "#);
}

#[tokio::test]
async fn what_resend_is_sent_without_a_page_and_with_another_address_for_answers() {
    let mut message = harness::mail(harness::EMAIL);
    message.html = None;
    message.subject = "Code\r\nBcc: eve@example.com".into();
    let more = json!({ "reply_to": "\"Help, Ltd\" <help@acme.example>" });
    assert_snapshot!(request_of("resend", more, &message).await, @r#"
    POST /emails HTTP/1.1
    accept: application/json
    authorization: Bearer re_canary-resend-key-5d0b77
    content-length: ...
    content-type: application/json
    host: VENDOR
    idempotency-key: att_06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0
    user-agent: backstop/0.1.0

    {"from":"Acme Ltd <login@Acme.example>","headers":{"Auto-Submitted":"auto-generated","X-Auto-Response-Suppress":"All"},"reply_to":"\"Help, Ltd\" <help@acme.example>","subject":"Code  Bcc: eve@example.com","tags":[{"name":"backstop","value":"1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0"}],"text":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it.","to":["asha.rao@example.com"]}
    "#);
}

#[tokio::test]
async fn without_a_webhooks_secret_resend_is_not_listened_to() {
    let mut settings = settings("https://vendor.example");
    settings.as_object_mut().unwrap().remove("webhook_secret");
    assert!(harness::try_build("resend", settings).unwrap().receiver().is_none());
}

#[tokio::test]
async fn a_resend_domain_that_is_not_verified_is_not_well_and_a_key_that_may_only_send_is() {
    let domains = |name: &str, status: &str| {
        json!({ "object": "list", "data": [
            { "id": "d1", "name": "other.example", "status": "verified" },
            { "id": "d2", "name": name, "status": status },
        ] })
    };
    let refused = |name: &str| json!({ "statusCode": 401, "name": name, "message": "no" });
    for (status, body, well, finding) in [
        (200, domains("acme.example", "verified"), true, "domain is verified"),
        (200, domains("acme.example", "pending"), false, "domain is pending"),
        (200, domains("another.example", "verified"), false, "another.example"),
        (200, json!({ "data": [] }), false, "200"),
        (401, refused("restricted_api_key"), true, "may send and no more"),
        (401, refused("missing_api_key"), false, "missing_api_key"),
        (403, refused("suspended_api_key"), false, "suspended_api_key"),
        (200, json!("<html>"), false, "html"),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], &body.to_string()))).await;
        let checkup = harness::provider("resend", &server.base, Duration::from_secs(5)).check_up().await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{body}: {checkup:?}");
        assert!(checkup.well || checkup.fix.is_some());
        assert!(server.requests().iter().all(|request| request.starts_with("GET /domains HTTP")));
    }
}
