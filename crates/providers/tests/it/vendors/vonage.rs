//! Vonage: texts and calls.

use std::time::Duration;

use backstop_domain::{
    channel::Channel,
    code::Code,
    outcome::Scope,
    ports::provider::CallbackRefused,
    template::{Values, spoken_call},
};
use backstop_providers::registry::{Dlt, build};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use insta::assert_snapshot;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Vendor;
use crate::{
    harness::{
        self, CODE, PUBLIC_URL,
        vendor::{Does, Vendor as Server, answer},
    },
    receipts::callback,
    requests::{request, request_of},
};

const API_SECRET: &str = "canary-vonage-secret-90b2";
const SIGNATURE_SECRET: &str = "canary-vonage-signature-41d7";
const PRIVATE_KEY: &str = include_str!("vonage_private_key.pem");
const APPLICATION: &str = "11111111-2222-4333-8444-555555555555";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "vonage",
    channels: &[Channel::Sms, Channel::Voice],
    settings,
    dlt: Some(dlt),
    // A number that has no account is no matter of texts and calls.
    cannot: &["not_on_channel"],
    secrets: &[API_SECRET, SIGNATURE_SECRET, PRIVATE_KEY],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({
        "api_key": "abcd1234", "api_secret": API_SECRET, "from": "Acme", "application_id": APPLICATION,
        "private_key": PRIVATE_KEY, "call_from": "+14155550100", "signature_secret": SIGNATURE_SECRET,
        "signature_method": "sha256", "signed_calls": true, "base_url": base, "voice_base_url": base,
    })
}

fn dlt() -> Dlt {
    Dlt::Ids {
        entity: "1101000000000000001".into(),
        header: "ACMEIN".into(),
        template: "1107000000000000001".into(),
    }
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "api_key": null }), "api_key"),
        (json!({ "api_secret": null }), "api_secret"),
        (json!({ "from": null }), "from"),
        (json!({ "application_id": null }), "application_id"),
        (json!({ "application_id": "../hunter2-value" }), "application_id"),
        (json!({ "private_key": null }), "private_key"),
        (json!({ "private_key": "hunter2-value" }), "private_key"),
        (json!({ "call_from": null }), "call_from"),
        (json!({ "call_from": "hunter2-value" }), "call_from"),
        (json!({ "signature_secret": null }), "signature_secret"),
        (json!({ "signature_method": "hunter2-value" }), "signature_method"),
        (json!({ "signature_method": null, "signed_calls": false }), "signature_method"),
        (json!({ "signed_calls": "hunter2-value" }), "signed_calls"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
        (json!({ "voice_base_url": "http://hunter2-value.example" }), "voice_base_url"),
    ]
}

#[tokio::test]
async fn what_vonage_is_sent() {
    assert_snapshot!(request("vonage", json!({}), harness::PHONE).await, @r#"
    POST /sms/json HTTP/1.1
    accept: */*
    authorization: Basic YWJjZDEyMzQ6Y2FuYXJ5LXZvbmFnZS1zZWNyZXQtOTBiMg==
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    from=Acme
    &to=14155550123
    &text=Acme%3A+your+code+is+482913.%0A%0AIt+is+good+for+5+minutes.+Never+share+it.
    &type=text
    &ttl=297000
    &callback=https%3A%2F%2Fverify.acme.example%2Freceipts%2Fmain%2Fc2VjcmV0LXBhcnQtMTIzNA
    "#);
}

#[tokio::test]
async fn what_vonage_is_sent_to_india() {
    assert_snapshot!(request("vonage", json!({}), "+919876543210").await, @r#"
    POST /sms/json HTTP/1.1
    accept: */*
    authorization: Basic YWJjZDEyMzQ6Y2FuYXJ5LXZvbmFnZS1zZWNyZXQtOTBiMg==
    content-length: ...
    content-type: application/x-www-form-urlencoded
    host: VENDOR
    user-agent: backstop/0.1.0

    from=ACMEIN
    &to=919876543210
    &text=Acme%3A+your+code+is+482913.%0A%0AIt+is+good+for+5+minutes.+Never+share+it.
    &type=text
    &ttl=297000
    &entity-id=1101000000000000001
    &content-id=1107000000000000001
    &callback=https%3A%2F%2Fverify.acme.example%2Freceipts%2Fmain%2Fc2VjcmV0LXBhcnQtMTIzNA
    "#);
}

#[tokio::test]
async fn an_address_for_receipts_that_vonage_would_cut_off_is_left_out() {
    let mut message = harness::sms();
    message.links.receipts = Some(format!("{PUBLIC_URL}/receipts/{}?attempt=1", "x".repeat(70)));
    let sent = request_of("vonage", json!({}), &message).await;
    assert!(!sent.contains("callback"), "{sent}");
    message.links.receipts = Some(format!("{PUBLIC_URL}/receipts/short?attempt=1"));
    assert!(request_of("vonage", json!({}), &message).await.contains("callback="));
}

#[tokio::test]
async fn a_call_is_asked_for_without_the_code() {
    let message = harness::message(Channel::Voice, harness::PHONE);
    let sent = request_of("vonage", json!({}), &message).await;
    assert!(!sent.contains(CODE) && !sent.contains(message.text.expose()), "{sent}");
    let (head, token) = sent.split_once("authorization: Bearer ").unwrap();
    let (_, rest) = token.split_once('\n').unwrap();
    assert_snapshot!(format!("{head}{rest}"), @r#"
    POST /v1/calls HTTP/1.1
    accept: application/json
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"answer_method":"POST","answer_url":["https://verify.acme.example/voice/1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0.canary-voice-secret-0a"],"event_method":"POST","event_url":["https://verify.acme.example/receipts/main/c2VjcmV0LXBhcnQtMTIzNA?attempt=1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0"],"from":{"number":"14155550100","type":"phone"},"length_timer":90,"machine_detection":"continue","ringing_timer":30,"to":[{"number":"14155550123","type":"phone"}]}
    "#);
}

#[tokio::test]
async fn without_an_address_for_the_script_nobody_is_called() {
    let server = Server::start(Does::Hangs).await;
    let provider = harness::provider("vonage", &server.base, Duration::from_secs(5));
    let mut message = harness::message(Channel::Voice, harness::PHONE);
    message.links.voice = None;
    let sent = provider.send(&message).await;
    let (outcome, scope, _) = harness::in_words(&sent.outcome);
    assert_eq!((outcome.as_str(), scope), ("misconfigured", Some(Scope::Route)));
    assert!(sent.response.response.contains("server.public_url"), "{sent:?}");
    assert!(server.requests().is_empty());
}

#[test]
fn receipts_are_signed_only_if_everything_that_is_heard_is() {
    let both = [Channel::Sms, Channel::Voice];
    for (channels, text, calls, expected) in [
        (&both[..], true, true, true),
        (&both[..], true, false, false),
        (&both[..], false, true, false),
        (&both[..1], true, false, true),
        (&both[..1], false, true, false),
        (&both[1..], true, false, false),
        (&both[1..], false, true, true),
    ] {
        let mut settings = settings("https://vendor.example");
        settings["signed_calls"] = json!(calls);
        if !text {
            settings.as_object_mut().unwrap().remove("signature_method");
        }
        let mut config = harness::config("vonage", settings);
        config.channels = channels.to_vec();
        let provider = build(&config, &harness::shared()).unwrap();
        assert_eq!(provider.receiver().unwrap().is_signed(), expected, "{channels:?} {text} {calls}");
    }
}

const AGAIN: &str = "https://verify.acme.example/voice/again";

/// What is said to Vonage that posts `body`, with this token.
fn spoken(locale: &str, body: &str, token: Option<&str>) -> Result<String, CallbackRefused> {
    let provider = harness::try_build("vonage", settings("https://vendor.example")).unwrap();
    let values = Values {
        brand: "Acme & \"Sons\" <Co>",
        ttl: Duration::from_secs(300),
        transaction: None,
        locale: Some(locale),
    };
    let script = spoken_call(&Code::custom("48A9").unwrap(), &values);
    let headers: Vec<_> = token.iter().map(|token| ("authorization", *token)).collect();
    let reply = provider.speaker().unwrap().speak(
        &callback("POST", "", &headers, body.as_bytes()),
        &script,
        AGAIN,
    )?;
    assert_eq!((reply.status, reply.content_type), (200, "application/json"));
    Ok(reply.body)
}

fn token(body: &str, key: &str, seconds_ago: i64) -> String {
    let hash = hex::encode(Sha256::digest(body));
    let at = harness::NOW.as_millis() / 1000 - seconds_ago;
    let claims = json!({ "iat": at, "payload_hash": hash, "application_id": APPLICATION }).to_string();
    let signed =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("Bearer {signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn said(locale: &str, body: &str) -> String {
    spoken(locale, body, Some(&token(body, SIGNATURE_SECRET, 0))).unwrap()
}

#[test]
fn a_call_tells_the_code_only_to_whoever_presses_a_key() {
    let answered = r#"{"from":"14155550100","to":"14155550123","uuid":"u","conversation_uuid":"c"}"#;
    let asked = said("en", answered);
    assert!(!asked.contains('8'), "{asked}");
    assert_snapshot!(asked, @r#"[{"action":"talk","bargeIn":true,"language":"en-US","text":"Hello. This is a call from Acme & \"Sons\" <Co>. To hear your code, press any key."},{"action":"input","dtmf":{"maxDigits":1,"timeOut":10},"eventMethod":"POST","eventUrl":["https://verify.acme.example/voice/again"],"type":["dtmf"]}]"#);
    for nothing in [r#"{"dtmf":{"digits":"","timed_out":true}}"#, r#"{"dtmf":""}"#, r#"{"dtmf":null}"#] {
        assert_eq!(said("en", nothing), "[]", "{nothing}");
    }
    let told = said("en", r#"{"dtmf":{"digits":"1","timed_out":false},"uuid":"u"}"#);
    assert_snapshot!(told, @r#"[{"action":"talk","bargeIn":false,"language":"en-US","text":"Your Acme & \"Sons\" <Co> code is:"},{"action":"talk","bargeIn":false,"language":"en-US","text":"<speak>4<break time='700ms'/>8<break time='700ms'/>A<break time='700ms'/>9</speak>"},{"action":"talk","bargeIn":false,"language":"en-US","text":"Again, your code is:"},{"action":"talk","bargeIn":false,"language":"en-US","text":"<speak>4<break time='700ms'/>8<break time='700ms'/>A<break time='700ms'/>9</speak>"},{"action":"talk","bargeIn":false,"language":"en-US","text":"Never share it. Goodbye."}]"#);
    assert_eq!(said("en", r#"{"dtmf":"1","uuid":"u"}"#), told);
}

#[test]
fn a_call_speaks_the_language_of_its_script() {
    for (locale, language) in
        [("hi", "hi-IN"), ("es", "es-ES"), ("fr", "fr-FR"), ("de", "de-DE"), ("xx", "en-US")]
    {
        for body in ["{}", r#"{"dtmf":{"digits":"1"}}"#] {
            let said = said(locale, body);
            assert!(said.contains(&format!(r#""language":"{language}""#)), "{said}");
            assert_eq!(said.matches("language").count(), said.matches(language).count(), "{said}");
        }
    }
}

#[test]
fn the_code_of_a_call_is_told_to_nobody_but_vonage() {
    let body = r#"{"dtmf":{"digits":"1"}}"#;
    let forged = |token: &str| matches!(spoken("en", body, Some(token)), Err(CallbackRefused::Forged(_)));
    assert!(forged(&token(body, "another secret", 0)));
    assert!(forged(&token(body, SIGNATURE_SECRET, 301)));
    assert!(forged(&token(body, SIGNATURE_SECRET, -301)));
    assert!(forged(&token("{}", SIGNATURE_SECRET, 0)));
    assert!(forged("Bearer nothing"));
    assert!(matches!(spoken("en", body, None), Err(CallbackRefused::NotNow(_))));
}

#[tokio::test]
async fn a_vonage_account_without_money_or_with_a_silent_application_is_not_well() {
    let application = |id: &str, voice: &str| {
        format!(r#"{{"value":5.5,"autoReload":false,"id":"{id}","capabilities":{{{voice}}}}}"#)
    };
    let signs = r#""voice":{"signed_callbacks":true}"#;
    for (status, body, well, finding) in [
        (200, application(APPLICATION, signs), true, "balance 5.5 EUR; the application may make calls"),
        (200, application(APPLICATION, r#""voice":{}"#), true, "may make calls"),
        (200, application(APPLICATION, r#""voice":{"signed_callbacks":false}"#), false, "does not sign"),
        (200, application(APPLICATION, ""), false, "may not make calls"),
        (200, application("another", signs), false, "200"),
        (200, r#"{"value":0,"autoReload":false}"#.to_owned(), false, "balance 0 EUR"),
        (200, r#"{"value":-0.25,"autoReload":false}"#.to_owned(), false, "balance -0.25 EUR"),
        (200, "<html>".to_owned(), false, "200 <html>"),
        (
            401,
            r#"{"error-code":"401","error-code-label":"authentication failed"}"#.to_owned(),
            false,
            "authentication failed",
        ),
        (500, String::new(), false, "500"),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], &body))).await;
        let provider = harness::provider("vonage", &server.base, Duration::from_secs(5));
        let checkup = provider.check_up().await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{body}: {checkup:?}");
        assert!(checkup.well || checkup.fix.is_some(), "{checkup:?}");
        assert!(
            server.requests().iter().all(|request| request.starts_with("GET ")),
            "a check-up sent something"
        );
    }
}

#[tokio::test]
async fn the_balance_of_vonage_is_in_euros_and_an_error_is_none() {
    for (status, body, expected) in [
        (200, r#"{"value":10.28,"autoReload":false}"#, Some(10_280_000)),
        (200, r#"{"value":"-0.5"}"#, Some(-500_000)),
        (200, r#"{"value":"much"}"#, None),
        (401, r#"{"value":10.28}"#, None),
    ] {
        let server = Server::start(Does::Answers(answer(status, &[], body))).await;
        let told = harness::provider("vonage", &server.base, Duration::from_secs(5)).balance().await;
        let found = told.ok().flatten().map(|balance| (balance.micros, balance.unit));
        assert_eq!(found, expected.map(|micros| (micros, "EUR".to_owned())), "{body}");
    }
}
