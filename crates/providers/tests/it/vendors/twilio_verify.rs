//! Twilio Verify.

use std::time::Duration;

use backstop_domain::{
    channel::Channel,
    code::SubmittedCode,
    ports::provider::{Checkup, VendorCheck, VendorVerdict},
    recipient::Recipient,
};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    harness::{
        self, CODE, EMAIL, PHONE, TWILIO_VERIFY_TOKEN,
        vendor::{Does, Vendor as Server, answer},
    },
    requests::request_of,
};

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "twilio-verify",
    channels: &[Channel::Sms, Channel::Whatsapp, Channel::Voice, Channel::Email],
    settings,
    dlt: None,
    cannot: &[],
    secrets: &[TWILIO_VERIFY_TOKEN],
    mistakes,
};

const SID: &str = "VE0123456789abcdef0123456789abcdef";

fn settings(base: &str) -> Value {
    json!({
        "account_sid": "AC00000000000000000000000000000001", "auth_token": TWILIO_VERIFY_TOKEN,
        "service_sid": "VA00000000000000000000000000000001", "base_url": base,
    })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "service_sdi": "hunter2-value" }), "service_sdi"),
        (json!({ "auth_token": null }), "auth_token"),
        (json!({ "api_key": "hunter2-value" }), "auth_token"),
        (json!({ "auth_token": null, "api_key": "hunter2-value", "api_secret": "hunter2" }), "api_key"),
        (json!({ "account_sid": "hunter2-value" }), "account_sid"),
        (json!({ "service_sid": null }), "service_sid"),
        (json!({ "service_sid": "hunter2-value" }), "service_sid"),
        (json!({ "template_sid": "hunter2-value" }), "template_sid"),
        (json!({ "custom_code": "hunter2-value" }), "custom_code"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
        (json!({ "plain_http": "hunter2-value" }), "plain_http"),
    ]
}

/// The last line of what is sent: the form.
async fn form(more: Value, channel: Channel, to: &str) -> String {
    let request = request_of("twilio-verify", more, &harness::message(channel, to)).await;
    let (_, body) = request.rsplit_once("\n\n").unwrap();
    body.to_owned()
}

#[tokio::test]
async fn what_twilio_verify_is_sent() {
    assert_snapshot!(request_of("twilio-verify", json!({}), &harness::sms()).await, @r#"
    POST /v2/Services/VA00000000000000000000000000000001/Verifications HTTP/1.1
    accept: */*
    authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpjYW5hcnktdmVyaWZ5LXRva2VuLThkMjFiZQ==
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    To=%2B14155550123
    &Channel=sms
    &Locale=en
    &CustomCode=482913
    "#);
}

#[tokio::test]
async fn what_twilio_verify_is_sent_over_each_channel() {
    let more = || json!({ "template_sid": "HJ00000000000000000000000000000004" });
    assert_snapshot!(form(more(), Channel::Whatsapp, "+919876543210").await, @r#"
    To=%2B919876543210
    &Channel=whatsapp
    &Locale=en
    &CustomCode=482913
    &TemplateSid=HJ00000000000000000000000000000004
    "#);
    assert_snapshot!(form(more(), Channel::Voice, PHONE).await, @r#"
    To=%2B14155550123
    &Channel=call
    &Locale=en
    &CustomCode=482913
    &TemplateSid=HJ00000000000000000000000000000004
    "#);
    assert_snapshot!(form(more(), Channel::Email, EMAIL).await, @r#"
    To=asha.rao%40example.com
    &Channel=email
    &Locale=en
    &CustomCode=482913
    &TemplateSid=HJ00000000000000000000000000000004
    "#);
}

#[tokio::test]
async fn a_service_that_makes_its_own_codes_never_gets_ours() {
    for channel in [Channel::Sms, Channel::Whatsapp, Channel::Voice, Channel::Email] {
        let to = if channel == Channel::Email { EMAIL } else { PHONE };
        let form = form(json!({ "custom_code": false }), channel, to).await;
        assert!(!form.contains(CODE) && !form.contains("CustomCode"), "{form}");
    }
}

fn question(vendor_id: Option<&str>, to: &str) -> VendorCheck {
    VendorCheck {
        to: Recipient::parse(to, None).unwrap(),
        channel: if to.contains('@') { Channel::Email } else { Channel::Sms },
        vendor_id: vendor_id.map(str::to_owned),
        code: SubmittedCode::parse(CODE).unwrap(),
    }
}

/// What Twilio is asked, and what its answer is taken for.
async fn checked(does: Does, check: &VendorCheck) -> (Vec<String>, VendorVerdict) {
    let server = Server::start(does).await;
    let mut settings = settings(&server.base);
    settings["custom_code"] = json!(false);
    let config = backstop_providers::registry::ProviderConfig {
        timeout: Duration::from_millis(500),
        ..harness::config("twilio-verify", settings)
    };
    let provider = backstop_providers::registry::build(&config, &harness::shared()).unwrap();
    let verdict = provider.checker().unwrap().check(check).await;
    harness::assert_clean(&format!("{verdict:?} {check:?}"), "a check");
    (server.requests(), verdict)
}

fn says(to: &str, status: &str, valid: bool) -> Does {
    let body = json!({
        "sid": SID, "service_sid": "VA00000000000000000000000000000001", "to": to, "channel": "sms",
        "status": status, "valid": valid, "amount": null, "payee": null, "sna_attempts_error_codes": [],
        "account_sid": "AC00000000000000000000000000000001",
    });
    Does::Answers(answer(200, &[], &body.to_string()))
}

fn refuses(status: u16, code: u32, message: &str) -> Does {
    Does::Answers(answer(
        status,
        &[],
        &json!({ "code": code, "message": message, "status": status }).to_string(),
    ))
}

#[tokio::test]
async fn twilio_is_asked_about_the_message_that_it_took_or_else_about_the_person() {
    let (asked, _) = checked(says(PHONE, "approved", true), &question(Some(SID), PHONE)).await;
    assert!(
        asked[0]
            .starts_with("POST /v2/Services/VA00000000000000000000000000000001/VerificationCheck HTTP/1.1"),
        "{}",
        asked[0]
    );
    assert!(asked[0].ends_with(&format!("\r\n\r\nVerificationSid={SID}&Code=482913")), "{}", asked[0]);
    let (asked, _) = checked(says(PHONE, "approved", true), &question(None, PHONE)).await;
    assert!(asked[0].ends_with("\r\n\r\nTo=%2B14155550123&Code=482913"), "{}", asked[0]);
}

#[tokio::test]
async fn only_an_approval_of_this_person_in_every_field_is_believed() {
    let person = question(Some(SID), PHONE);
    let right = checked(says(PHONE, "approved", true), &person).await.1;
    assert_eq!(right, VendorVerdict::Right);
    let mail = question(None, EMAIL);
    assert_eq!(checked(says(&EMAIL.to_uppercase(), "approved", true), &mail).await.1, VendorVerdict::Right);
    for does in [
        says("+14155550199", "approved", true),
        says(PHONE, "approved", false),
        says(PHONE, "pending", true),
        says(PHONE, "tomorrow", false),
        Does::Answers(answer(200, &[], "{}")),
        Does::Answers(answer(200, &[], "")),
        Does::Answers(answer(200, &[], "<html>approved true</html>")),
        Does::Answers(answer(500, &[], &json!({ "status": "approved", "valid": true }).to_string())),
        Does::Answers(answer(404, &[], "<html>")),
        refuses(429, 20429, "Too Many Requests"),
        refuses(401, 20003, &format!("{TWILIO_VERIFY_TOKEN} is wrong for {PHONE}")),
        refuses(500, 20500, "error"),
        refuses(400, 60200, "Invalid parameter: To"),
        Does::Answers("garbage".to_owned()),
        Does::Hangs,
        Does::Cuts,
        Does::CutsTheBody("200 OK"),
    ] {
        let said = format!("{does:?}");
        let (_, verdict) = checked(does, &person).await;
        assert!(matches!(verdict, VendorVerdict::Unknown(_)), "{said} was taken for {verdict:?}");
    }
}

#[tokio::test]
async fn a_wrong_code_and_one_that_is_gone_are_told_apart_from_no_answer() {
    let person = question(Some(SID), PHONE);
    for (does, expected) in [
        (says(PHONE, "pending", false), VendorVerdict::Wrong),
        (refuses(400, 60200, "Invalid parameter: Code"), VendorVerdict::Wrong),
        (says(PHONE, "max_attempts_reached", false), VendorVerdict::Gone),
        (says(PHONE, "expired", false), VendorVerdict::Gone),
        (says(PHONE, "canceled", false), VendorVerdict::Gone),
        (refuses(429, 60202, "Max check attempts reached"), VendorVerdict::Gone),
        (
            refuses(404, 20404, "The requested resource /Services/VA0/VerificationCheck was not found"),
            VendorVerdict::Gone,
        ),
    ] {
        assert_eq!(checked(does, &person).await.1, expected);
    }
}

#[tokio::test]
async fn a_service_that_does_not_take_our_codes_is_not_well() {
    let service = |enabled: Value| {
        let sid = "VA00000000000000000000000000000001";
        json!({ "sid": sid, "friendly_name": "Acme", "custom_code_enabled": enabled }).to_string()
    };
    let failure = |code: u32| json!({ "code": code, "message": "no", "status": 401 }).to_string();
    for (custom, status, body, well, told) in [
        (true, 200, service(json!(true)), true, "takes our codes"),
        (true, 200, service(json!(false)), false, "does not take our codes"),
        (true, 200, service(Value::Null), true, "not shown"),
        (false, 200, service(json!(false)), true, "makes and checks the codes"),
        (true, 404, failure(20404), false, "service_sid"),
        (true, 401, failure(20003), false, "auth_token"),
        (true, 200, "<html>".to_owned(), false, "base_url"),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], &body))).await;
        let mut settings = settings(&server.base);
        settings["custom_code"] = json!(custom);
        let provider = harness::try_build("twilio-verify", settings).unwrap();
        let Checkup { well: found, finding, fix } = provider.check_up().await;
        let said = format!("{finding} {}", fix.unwrap_or_default());
        assert!(found == well && said.contains(told), "{said}");
        assert!(server.requests().iter().all(|request| request.starts_with("GET ")));
        assert_eq!(provider.checker().is_some(), !custom);
    }
}
