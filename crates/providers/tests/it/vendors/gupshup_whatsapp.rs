//! WhatsApp by Gupshup, over each of its surfaces.

use std::time::Duration;

use backstop_domain::channel::Channel;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    harness::{
        self, PHONE,
        vendor::{Does, Vendor as Server, answer},
    },
    requests::request,
};

const APP_TOKEN: &str = "canary-gupshup-app-sk_77b1";
const API_KEY: &str = "canary-gupshup-apikey-1c90";
const PASSWORD: &str = "canary-gupshup-hsm-password-3d";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "gupshup-whatsapp",
    channels: &[Channel::Whatsapp],
    settings,
    dlt: None,
    cannot: &[],
    secrets: &[APP_TOKEN, API_KEY, PASSWORD],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({
        "surface": "partner", "app_id": "947d28b8-459b-4dfe-9d4c-0ac8c6c245c9", "app_token": APP_TOKEN,
        "template": "login_code", "base_url": base,
    })
}

/// An account of another surface: what is there of this one, without partner's keys.
fn of(surface: &str, base: &str, more: Value) -> Value {
    let mut settings = json!({ "surface": surface, "base_url": base });
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    settings
}

fn self_serve(base: &str) -> Value {
    let keys = json!({
        "api_key": API_KEY, "source": "919000000001", "app_name": "AcmeLogin",
        "template": "c6aecef6-bcb0-4fb1-8100-28c094e3bc6b",
    });
    of("self-serve", base, keys)
}

fn enterprise(base: &str) -> Value {
    of("enterprise", base, json!({ "userid": "2000000001", "password": PASSWORD }))
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "surface": null }), "surface"),
        (json!({ "surface": "hunter2-value" }), "surface"),
        (json!({ "app_id": null }), "app_id"),
        (json!({ "app_id": "../hunter2-value" }), "app_id"),
        (json!({ "app_token": null }), "app_token"),
        (json!({ "app_token": "hunter2-value\n" }), "app_token"),
        (json!({ "template": null }), "template"),
        (json!({ "language": "hunter2-value" }), "language"),
        (json!({ "password": "hunter2-value" }), "password"),
        (json!({ "surface": "enterprise", "userid": "hunter2-value" }), "password"),
        (json!({ "surface": "self-serve" }), "api_key"),
        (json!({ "code_params": "hunter2-value" }), "code_params"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
        (json!({ "apikey": "hunter2-value" }), "apikey"),
    ]
}

/// What an account with exactly these settings is sent for the usual message.
async fn sent(settings: fn(&str) -> Value, more: Value) -> String {
    let nothing = json!({ "app_id": "", "app_token": "", "template": "" });
    let mut all = nothing;
    for (key, value) in settings("").as_object().unwrap().iter().filter(|(key, _)| *key != "base_url") {
        all[key] = value.clone();
    }
    for (key, value) in more.as_object().unwrap() {
        all[key] = value.clone();
    }
    request("gupshup-whatsapp", all, PHONE).await
}

#[tokio::test]
async fn what_gupshup_is_sent_by_a_partner() {
    assert_snapshot!(request("gupshup-whatsapp", json!({ "language": "hi" }), PHONE).await, @r#"
    POST /partner/app/947d28b8-459b-4dfe-9d4c-0ac8c6c245c9/v3/message HTTP/1.1
    accept: application/json
    authorization: canary-gupshup-app-sk_77b1
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"messaging_product":"whatsapp","recipient_type":"individual","template":{"components":[{"parameters":[{"text":"482913","type":"text"}],"type":"body"},{"index":"0","parameters":[{"text":"482913","type":"text"}],"sub_type":"url","type":"button"}],"language":{"code":"hi"},"name":"login_code"},"to":"14155550123","type":"template"}
    "#);
}

#[tokio::test]
async fn what_gupshup_is_sent_by_a_self_serve_account() {
    assert_snapshot!(sent(self_serve, json!({})).await, @r#"
    POST /wa/api/v1/template/msg HTTP/1.1
    accept: */*
    apikey: canary-gupshup-apikey-1c90
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    channel=whatsapp
    &source=919000000001
    &destination=14155550123
    &src.name=AcmeLogin
    &template=%7B%22id%22%3A%22c6aecef6-bcb0-4fb1-8100-28c094e3bc6b%22%2C%22params%22%3A%5B%22482913%22%2C%22482913%22%5D%7D
    "#);
    let once = sent(self_serve, json!({ "code_params": "1" })).await;
    assert!(once.contains("%22params%22%3A%5B%22482913%22%5D%7D"), "{once}");
}

#[tokio::test]
async fn what_gupshup_is_sent_by_an_enterprise_account() {
    assert_snapshot!(sent(enterprise, json!({})).await, @r#"
    POST / HTTP/1.1
    accept: */*
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    method=SendMessage
    &userid=2000000001
    &password=canary-gupshup-hsm-password-3d
    &auth_scheme=plain
    &v=1.1
    &format=json
    &msg_type=HSM
    &isTemplate=true
    &send_to=14155550123
    &msg=*482913*+is+your+verification+code.+For+your+security%2C+do+not+share+this+code.
    "#);
}

#[test]
fn each_surface_says_which_key_of_its_own_is_wrong() {
    for (mut settings, key, value) in [
        (self_serve("https://vendor.example"), "source", json!("+hunter2-value")),
        (self_serve("https://vendor.example"), "code_params", json!(3)),
        (self_serve("https://vendor.example"), "app_name", json!("")),
        (self_serve("https://vendor.example"), "userid", json!("hunter2-value")),
        (enterprise("https://vendor.example"), "text", json!("hunter2-value")),
        (enterprise("https://vendor.example"), "template", json!("hunter2-value")),
    ] {
        settings[key] = value;
        let error = harness::try_build("gupshup-whatsapp", settings).err().unwrap();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_partners_wallet_is_told_in_its_currency() {
    let wallet = |amount: Value, overdraft: u32| {
        let wallet = json!({ "currency": "USD", "currentBalance": amount, "overDraftLimit": overdraft });
        json!({ "status": "success", "walletResponse": wallet })
    };
    for (status, body, micros, well, finding) in [
        (200, wallet(json!(4.9), 0), Some(4_900_000), true, "money in the wallet"),
        (200, wallet(json!("0"), 0), Some(0), false, "empty"),
        (200, wallet(json!(-1), 5), Some(-1_000_000), true, "money in the wallet"),
        (401, json!({ "status": "error", "message": "Unauthorised" }), None, false, "401"),
        (200, json!({ "status": "success" }), None, false, "200"),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], &body.to_string()))).await;
        let provider = harness::provider("gupshup-whatsapp", &server.base, Duration::from_secs(5));
        let balance = provider.balance().await.ok().flatten();
        assert_eq!(balance.as_ref().map(|balance| balance.micros), micros, "{body}");
        assert!(balance.is_none_or(|balance| balance.unit == "USD"));
        let checkup = provider.check_up().await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{body}: {checkup:?}");
        assert!(server.requests().iter().all(|request| request.starts_with("GET /partner/app/947d28b8")));
    }
}

#[tokio::test]
async fn a_check_up_of_the_other_surfaces_sends_nobody_anything() {
    let refused = json!({ "response": { "status": "error", "id": "102", "details": "no" } }).to_string();
    let server = Server::start(Does::Answers(answer(200, &[], &refused))).await;
    let checkup = harness::try_build("gupshup-whatsapp", enterprise(&server.base)).unwrap().check_up().await;
    assert!(!checkup.well && checkup.finding.contains("102"), "{checkup:?}");
    assert!(
        server.requests().iter().all(|request| !request.contains("send_to") && !request.contains("msg="))
    );
    let silent = harness::try_build("gupshup-whatsapp", self_serve(&server.base)).unwrap();
    assert!(silent.check_up().await.finding.contains("not asked"));
    assert_eq!(silent.balance().await, Ok(None));
    assert_eq!(server.requests().len(), 1);
}
