//! WhatsApp Business Cloud API.

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

const ACCESS_TOKEN: &str = "canary-whatsapp-token-b8d4";
const APP_SECRET: &str = "canary-whatsapp-app-77c1";
const VERIFY_TOKEN: &str = "canary-whatsapp-verify-3e05";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "whatsapp-cloud",
    channels: &[Channel::Whatsapp],
    settings,
    dlt: None,
    cannot: &[],
    secrets: &[ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({
        "phone_number_id": "106540352242922", "access_token": ACCESS_TOKEN, "app_secret": APP_SECRET,
        "verify_token": VERIFY_TOKEN, "template": "otp_code", "base_url": base,
    })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "phone_number_id": null }), "phone_number_id"),
        (json!({ "phone_number_id": "+1 hunter2-value" }), "phone_number_id"),
        (json!({ "access_token": null }), "access_token"),
        (json!({ "access_token": "hunter2-value\n" }), "access_token"),
        (json!({ "app_secret": null }), "app_secret"),
        (json!({ "verify_token": "" }), "verify_token"),
        (json!({ "template": null }), "template"),
        (json!({ "template": "hunter2-value/.." }), "template"),
        (json!({ "language": "hunter2-value" }), "language"),
        (json!({ "languages": "hunter2-value" }), "languages"),
        (json!({ "languages": { "hi": "hunter2-value" } }), "languages"),
        (json!({ "languages": { "hi-IN": "hi" } }), "languages"),
        (json!({ "business_account_id": "hunter2-value" }), "business_account_id"),
        (json!({ "version": "hunter2-value" }), "version"),
        (json!({ "version": "v23.0/hunter2-value" }), "version"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
    ]
}

#[tokio::test]
async fn what_meta_is_sent() {
    assert_snapshot!(request("whatsapp-cloud", json!({}), harness::PHONE).await, @r#"
    POST /v23.0/106540352242922/messages HTTP/1.1
    accept: application/json
    authorization: Bearer canary-whatsapp-token-b8d4
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"biz_opaque_callback_data":"1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0","messaging_product":"whatsapp","recipient_type":"individual","template":{"components":[{"parameters":[{"text":"482913","type":"text"}],"type":"body"},{"index":"0","parameters":[{"text":"482913","type":"text"}],"sub_type":"url","type":"button"}],"language":{"code":"en_US"},"name":"otp_code"},"to":"14155550123","type":"template"}
    "#);
}

#[tokio::test]
async fn a_template_is_asked_for_in_the_persons_language_where_it_has_one() {
    let more = json!({ "languages": { "hi": "hi", "es": "es_ES" }, "language": "en_GB", "version": "v25.0" });
    for (locale, expected) in [("hi", "hi"), ("es", "es_ES"), ("en", "en_GB"), ("fr", "en_GB")] {
        let mut message = harness::message(Channel::Whatsapp, "+919876543210");
        message.locale = locale.to_owned();
        let sent = request_of("whatsapp-cloud", more.clone(), &message).await;
        assert!(sent.starts_with("POST /v25.0/106540352242922/messages"), "{sent}");
        assert!(sent.contains(&format!(r#""language":{{"code":"{expected}"}}"#)), "{locale}: {sent}");
    }
}

#[tokio::test]
async fn the_number_inside_metas_id_of_a_message_is_not_kept() {
    // The number in base64, as Meta's ids hold it.
    let id = "wamid.HBgLMTQxNTU1NTAxMjMVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA";
    let whole = json!({ "messages": [{ "id": id, "message_status": "accepted" }] }).to_string();
    for body in [whole.as_str(), &whole[..50]] {
        let server = Server::start(Does::Answers(answer(200, &[], body))).await;
        let provider = harness::provider("whatsapp-cloud", &server.base, Duration::from_secs(5));
        let sent = provider.send(&harness::message(Channel::Whatsapp, harness::PHONE)).await;
        assert!(!format!("{sent:?}").contains("MTQxNTU1NT"), "{sent:?}");
    }
}

#[tokio::test]
async fn a_whatsapp_number_whose_token_or_template_is_wrong_is_not_well() {
    let told = |status: &str, category: &str| {
        json!({
            "verified_name": "Acme", "quality_rating": "GREEN", "name_status": "APPROVED",
            "data": [
                { "name": "otp_code", "language": "en_US", "status": "APPROVED", "category": "AUTHENTICATION" },
                { "name": "otp_code", "language": "hi", "status": status, "category": category },
            ],
        })
        .to_string()
    };
    let error = json!({ "error": { "code": 190, "message": "token expired", "type": "OAuthException" } });
    for (languages, status, body, well, finding) in [
        (
            json!({}),
            200,
            told("PAUSED", "UTILITY"),
            true,
            "Acme, quality GREEN, name APPROVED; template approved",
        ),
        (json!({ "hi": "hi" }), 200, told("APPROVED", "AUTHENTICATION"), true, "template approved"),
        (json!({ "hi": "hi" }), 200, told("PAUSED", "AUTHENTICATION"), false, "otp_code in hi is PAUSED"),
        (json!({ "hi": "hi" }), 200, told("APPROVED", "UTILITY"), false, "of the category UTILITY"),
        (json!({ "fr": "fr" }), 200, told("APPROVED", "UTILITY"), false, "no template otp_code in fr"),
        (json!({}), 401, error.to_string(), false, "token expired"),
        (json!({}), 200, "<html>".to_owned(), false, "200 <html>"),
        (json!({}), 500, String::new(), false, "500"),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], &body))).await;
        let mut settings = settings(&server.base);
        settings["business_account_id"] = json!("102290129340398");
        settings["languages"] = languages;
        let checkup = harness::try_build("whatsapp-cloud", settings).unwrap().check_up().await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{body}: {checkup:?}");
        assert!(checkup.well || checkup.fix.is_some(), "{checkup:?}");
        assert!(
            server.requests().iter().all(|request| request.starts_with("GET ")),
            "a check-up sent something"
        );
    }
}
