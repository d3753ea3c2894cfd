//! Twilio.

use std::time::Duration;

use backstop_domain::{
    channel::Channel,
    outcome::{Outcome, Reason, Scope},
    ports::provider::{CallbackRefused, Message},
};
use backstop_providers::registry::{ProviderConfig, build};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    calls::{said, speak},
    harness::{
        self, TWILIO_TOKEN,
        vendor::{Does, Vendor as Server, answer},
    },
    requests::{request, request_of},
};

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "twilio",
    channels: &[Channel::Sms, Channel::Whatsapp, Channel::Voice],
    settings,
    dlt: None,
    cannot: &[],
    secrets: &[TWILIO_TOKEN],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({
        "account_sid": "AC00000000000000000000000000000001", "auth_token": TWILIO_TOKEN,
        "from": "+15005550006", "whatsapp_from": "+15005550007",
        "content_sid": "HX00000000000000000000000000000004", "base_url": base,
    })
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "auth_tokne": "hunter2-value" }), "auth_tokne"),
        (json!({ "auth_token": null }), "auth_token"),
        (json!({ "auth_token": { "file": "hunter2-value" } }), "auth_token"),
        (json!({ "auth_token": "" , "account_sid": "" }), "account_sid"),
        (json!({ "account_sid": "hunter2-value" }), "account_sid"),
        (json!({ "from": null }), "from"),
        (json!({ "messaging_service_sid": "hunter2-value" }), "messaging_service_sid"),
        (json!({ "from": "ACME" }), "from"),
        (json!({ "whatsapp_from": null }), "whatsapp_from"),
        (json!({ "whatsapp_from": "hunter2-value" }), "whatsapp_from"),
        (json!({ "content_sid": null }), "content_sid"),
        (json!({ "content_sid": "hunter2-value" }), "content_sid"),
        (json!({ "content_sids": { "hi": "hunter2-value" } }), "content_sids"),
        (json!({ "content_sids": "hunter2-value" }), "content_sids"),
        (json!({ "content_sids": { "hi-IN": "HX00000000000000000000000000000005" } }), "content_sids"),
        (json!({ "api_key": "hunter2-value" }), "api_secret"),
        (json!({ "api_secret": "hunter2-value" }), "api_key"),
        (json!({ "api_key": "hunter2-value", "api_secret": "hunter2-value" }), "api_key"),
        (
            json!({ "auth_token": null, "api_key": "SK00000000000000000000000000000002", "api_secret": "s3cret" }),
            "auth_token",
        ),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
        (json!({ "plain_http": "hunter2-value" }), "plain_http"),
    ]
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
    &StatusCallback=https%3A%2F%2Fverify.acme.example%2Freceipts%2Fmain%2Fc2VjcmV0LXBhcnQtMTIzNA%3Fattempt%3D1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0
    &ValidityPeriod=297
    &Attempt=2
    "#);
}

/// The request of a provider that serves `channels` with these settings alone.
async fn request_over(channels: &[Channel], settings: Value, message: &Message) -> String {
    let vendor = Server::start(Does::Answers(answer(500, &[], ""))).await;
    let Value::Object(mut settings) = settings else { panic!("settings are an object") };
    settings.insert("base_url".to_owned(), json!(vendor.base));
    let config =
        ProviderConfig { channels: channels.to_vec(), settings, ..harness::config("twilio", json!({})) };
    build(&config, &harness::shared()).unwrap().send(message).await;
    vendor.requests().pop().unwrap()
}

#[tokio::test]
async fn an_api_key_opens_the_account_and_only_a_token_beside_it_asks_for_receipts() {
    let mut settings = json!({
        "account_sid": "AC00000000000000000000000000000001", "api_key": "SK00000000000000000000000000000002",
        "api_secret": "s3cret", "messaging_service_sid": "MG00000000000000000000000000000003",
    });
    let key = "SK00000000000000000000000000000002:s3cret";
    let key = format!("authorization: Basic {}", BASE64.encode(key));
    let message = harness::message(Channel::Sms, "+919876543210");
    let without = request_over(&[Channel::Sms], settings.clone(), &message).await;
    assert!(without.contains(&key) && !without.contains("StatusCallback="), "{without}");
    assert!(without.contains("&MessagingServiceSid=MG00000000000000000000000000000003&"), "{without}");
    assert!(!without.contains("From="), "{without}");
    settings["auth_token"] = json!(TWILIO_TOKEN);
    let beside = request_over(&[Channel::Sms], settings, &message).await;
    assert!(beside.contains(&key) && beside.contains("&StatusCallback="), "{beside}");
}

#[tokio::test]
async fn what_twilio_is_sent_for_whatsapp() {
    let message = harness::message(Channel::Whatsapp, harness::PHONE);
    assert_snapshot!(request_of("twilio", json!({}), &message).await, @r#"
    POST /2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json HTTP/1.1
    accept: */*
    authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpjYW5hcnktdHdpbGlvLXRva2VuLTVmM2E5Yw==
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    To=whatsapp%3A%2B14155550123
    &From=whatsapp%3A%2B15005550007
    &ContentSid=HX00000000000000000000000000000004
    &ContentVariables=%7B%221%22%3A%22482913%22%7D
    &StatusCallback=https%3A%2F%2Fverify.acme.example%2Freceipts%2Fmain%2Fc2VjcmV0LXBhcnQtMTIzNA%3Fattempt%3D1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0
    &ValidityPeriod=297
    "#);
}

#[tokio::test]
async fn whatsapp_has_a_template_of_the_persons_language_and_may_be_sent_by_a_service() {
    let settings = json!({
        "account_sid": "AC00000000000000000000000000000001", "auth_token": TWILIO_TOKEN,
        "messaging_service_sid": "MG00000000000000000000000000000003",
        "content_sid": "HX00000000000000000000000000000004",
        "content_sids": { "hi": "HX00000000000000000000000000000005" },
    });
    let mut message = harness::message(Channel::Whatsapp, harness::PHONE);
    for (locale, sid) in [("hi", "5"), ("en", "4"), ("fr", "4")] {
        message.locale = locale.to_owned();
        let sent = request_over(&[Channel::Whatsapp], settings.clone(), &message).await;
        assert!(sent.contains(&format!("&ContentSid=HX0000000000000000000000000000000{sid}&")), "{sent}");
        assert!(sent.contains("&MessagingServiceSid=MG00000000000000000000000000000003&"), "{sent}");
    }
}

#[tokio::test]
async fn what_twilio_is_sent_for_a_call() {
    let message = harness::message(Channel::Voice, harness::PHONE);
    assert_snapshot!(request_of("twilio", json!({}), &message).await, @r#"
    POST /2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json HTTP/1.1
    accept: */*
    authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpjYW5hcnktdHdpbGlvLXRva2VuLTVmM2E5Yw==
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    To=%2B14155550123
    &From=%2B15005550006
    &Url=https%3A%2F%2Fverify.acme.example%2Fvoice%2F1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0.canary-voice-secret-0a
    &StatusCallback=https%3A%2F%2Fverify.acme.example%2Freceipts%2Fmain%2Fc2VjcmV0LXBhcnQtMTIzNA%3Fattempt%3D1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0
    &Timeout=30
    "#);
}

#[tokio::test]
async fn a_call_without_an_address_for_its_script_is_not_made_and_says_why() {
    let vendor = Server::start(Does::Answers(answer(500, &[], ""))).await;
    let mut message = harness::message(Channel::Voice, harness::PHONE);
    message.links.voice = None;
    let sent = harness::provider("twilio", &vendor.base, Duration::from_secs(5)).send(&message).await;
    assert_eq!(sent.outcome, Outcome::rejected_for(Reason::Misconfigured, Scope::Route));
    assert!(sent.response.response.contains("public_url"), "{}", sent.response.response);
    assert!(vendor.requests().is_empty());
}

const ASKED: &str = "CallSid=CA1&CallStatus=in-progress";
const PRESSED: &str = "CallSid=CA1&CallStatus=in-progress&Digits=5";

#[test]
fn twilio_is_told_to_ask_for_a_key_and_then_the_code() {
    let asked = [("x-twilio-signature", "Pq/fwo3NtVM/8LXNIAtGV3Ec7SM=")];
    assert_snapshot!(said("twilio", "en", &asked, ASKED), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <Response>
    <Pause length="1"/>
    <Gather action="https://verify.acme.example/voice/1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0.canary-voice-secret-0a" method="POST" numDigits="1" finishOnKey="" timeout="10">
    <Say language="en-US">Hello. This is a call from Acme &amp; Sons. To hear your code, press any key.</Say>
    </Gather>
    <Hangup/>
    </Response>
    "#);
    let pressed = [("x-twilio-signature", "D1I5hjfKR2e0wCgDOve1bJkV1+4=")];
    assert_snapshot!(said("twilio", "hi-IN", &pressed, PRESSED), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <Response>
    <Say language="hi-IN">आपका Acme &amp; Sons कोड है:</Say>
    <Say language="hi-IN">4</Say>
    <Pause length="1"/>
    <Say language="hi-IN">8</Say>
    <Pause length="1"/>
    <Say language="hi-IN">2</Say>
    <Pause length="1"/>
    <Say language="hi-IN">9</Say>
    <Pause length="1"/>
    <Say language="hi-IN">1</Say>
    <Pause length="1"/>
    <Say language="hi-IN">3</Say>
    <Pause length="1"/>
    <Say language="hi-IN">फिर से, आपका कोड है:</Say>
    <Say language="hi-IN">4</Say>
    <Pause length="1"/>
    <Say language="hi-IN">8</Say>
    <Pause length="1"/>
    <Say language="hi-IN">2</Say>
    <Pause length="1"/>
    <Say language="hi-IN">9</Say>
    <Pause length="1"/>
    <Say language="hi-IN">1</Say>
    <Pause length="1"/>
    <Say language="hi-IN">3</Say>
    <Pause length="1"/>
    <Say language="hi-IN">इसे किसी को न बताएँ। धन्यवाद।</Say>
    <Hangup/>
    </Response>
    "#);
}

#[test]
fn nobody_but_twilio_hears_the_code() {
    for headers in [&[][..], &[("x-twilio-signature", "Pq/fwo3NtVM/8LXNIAtGV3Ec7SM=")]] {
        assert!(matches!(speak("twilio", "en", headers, PRESSED), Err(CallbackRefused::Forged(_))));
    }
}

#[tokio::test]
async fn a_code_that_is_about_to_end_is_never_given_a_longer_life_by_twilio() {
    let vendor = Server::start(Does::Answers(answer(500, &[], ""))).await;
    let provider = harness::provider("twilio", &vendor.base, Duration::from_secs(5));
    for (left, expected) in [(0, "1"), (30, "30"), (100_000, "36000")] {
        let mut message = harness::sms();
        message.expires_in = Duration::from_secs(left);
        provider.send(&message).await;
        let last = vendor.requests().pop().unwrap();
        assert!(last.contains(&format!("&ValidityPeriod={expected}&")), "{last}");
    }
}
