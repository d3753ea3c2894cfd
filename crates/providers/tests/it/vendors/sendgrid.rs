//! SendGrid.

use std::time::Duration;

use backstop_domain::{
    channel::Channel,
    ports::provider::{Balance, Errand},
};
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

const KEY: &str = "SG.canary-sendgrid-key-41ee07";
/// Of the key that signed the fixtures.
const PUBLIC_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEe9FkUwyGNto+8K8ixW9APDDFW05q640yRHt1KoEQ/7Q6GsxrJU0BWJINkwtejA7vZ1AqlDvil1Wv36ufSdo5ow==";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "sendgrid",
    channels: &[Channel::Email],
    settings,
    dlt: None,
    cannot: &["opted_out", "not_on_channel"],
    secrets: &[KEY],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({
        "api_key": KEY, "from": "Acme Ltd <login@acme.example>", "webhook_public_key": PUBLIC_KEY,
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
        (json!({ "webhook_public_key": "hunter2-value" }), "webhook_public_key"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
    ]
}

#[tokio::test]
async fn what_sendgrid_is_sent() {
    assert_snapshot!(request("sendgrid", json!({}), harness::EMAIL).await, @r#"
    POST /v3/mail/send HTTP/1.1
    accept: application/json
    authorization: Bearer SG.canary-sendgrid-key-41ee07
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"content":[{"type":"text/plain","value":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it."},{"type":"text/html","value":"<p>Acme: your code is <b>482913</b>.</p><p>Never share it.</p>"}],"from":{"email":"login@acme.example","name":"Acme Ltd"},"headers":{"Auto-Submitted":"auto-generated","X-Auto-Response-Suppress":"All"},"personalizations":[{"custom_args":{"backstop":"1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0"},"to":[{"email":"asha.rao@example.com"}]}],"subject":"Your Acme code","tracking_settings":{"click_tracking":{"enable":false,"enable_text":false},"open_tracking":{"enable":false}}}
    "#);
}

#[tokio::test]
async fn what_sendgrid_is_sent_without_a_page_and_with_an_address_for_answers() {
    let more = json!({ "from": "login@acme.example", "reply_to": "फेरी <help@acme.example>" });
    let mut message = harness::mail(harness::EMAIL);
    message.html = None;
    message.subject = "Code\r\nBcc: eve@example.com".into();
    assert_snapshot!(request_of("sendgrid", more, &message).await, @r#"
    POST /v3/mail/send HTTP/1.1
    accept: application/json
    authorization: Bearer SG.canary-sendgrid-key-41ee07
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"content":[{"type":"text/plain","value":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it."}],"from":{"email":"login@acme.example"},"headers":{"Auto-Submitted":"auto-generated","X-Auto-Response-Suppress":"All"},"personalizations":[{"custom_args":{"backstop":"1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0"},"to":[{"email":"asha.rao@example.com"}]}],"reply_to":{"email":"help@acme.example","name":"फेरी"},"subject":"Code  Bcc: eve@example.com","tracking_settings":{"click_tracking":{"enable":false,"enable_text":false},"open_tracking":{"enable":false}}}
    "#);
}

#[test]
fn without_its_verification_key_nothing_is_heard() {
    let mut settings = settings("https://vendor.example");
    settings["webhook_public_key"] = Value::Null;
    assert!(harness::try_build("sendgrid", settings).unwrap().receiver().is_none());
}

#[tokio::test]
async fn what_is_left_of_sendgrids_mails_is_told_or_why_not() {
    for (status, body, expected) in [
        (200, json!({ "remain": 73, "total": 100, "overage": 0, "used": 27 }), Some(73_000_000)),
        (200, json!({ "remain": "5", "total": "100" }), Some(5_000_000)),
        (200, json!({ "remain": null }), None),
        (403, json!({ "errors": [{ "message": "access forbidden", "field": null }] }), None),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], &body.to_string()))).await;
        let balance = harness::provider("sendgrid", &server.base, Duration::from_secs(5)).balance().await;
        match expected {
            Some(micros) => assert_eq!(balance, Ok(Some(Balance { micros, unit: "mails".into() }))),
            None => harness::assert_clean(&balance.unwrap_err(), "the refusal"),
        }
    }
}

#[tokio::test]
async fn an_operator_is_told_which_records_sendgrid_wants() {
    let record =
        json!({ "valid": false, "type": "cname", "host": "em1.acme.example", "data": "u1.wl.sendgrid.net" });
    let begun = json!({ "id": 1, "domain": "acme.example", "valid": false, "dns": { "mail_cname": record } });
    let done = json!({ "id": 1, "domain": "acme.example", "valid": true, "dns": {} });
    let refused = json!({ "errors": [{ "message": "access forbidden", "field": null }] });
    for (status, body, well, finding) in [
        (201, begun, true, "em1.acme.example CNAME u1.wl.sendgrid.net"),
        (201, done, true, "verified already"),
        (403, refused, false, "access forbidden"),
        (200, json!([]), false, "200 []"),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], &body.to_string()))).await;
        let provider = harness::provider("sendgrid", &server.base, Duration::from_secs(5));
        let told = provider.errand(&Errand::VerifySender("login@acme.example".into())).await.unwrap();
        assert!(told.well == well && told.finding.contains(finding), "{told:?}");
        let asked = &server.requests()[0];
        assert!(
            asked.starts_with("POST /v3/whitelabel/domains ") && asked.contains("\"acme.example\""),
            "{asked}"
        );
        assert!(provider.errand(&Errand::SetSpendLimit(5)).await.is_none());
    }
}
