//! Plivo.

use std::time::Duration;

use backstop_domain::{channel::Channel, ports::provider::CallbackRefused};
use backstop_providers::registry::{Dlt, ProviderConfig, build};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Vendor;
use crate::{
    calls::{said, speak},
    harness::{
        self,
        vendor::{Does, Vendor as Server, answer},
    },
    requests::{request, request_of},
};

const TOKEN: &str = "canary-plivo-token-8d21e7";

pub(crate) const VENDOR: Vendor = Vendor {
    kind: "plivo",
    channels: &[Channel::Sms, Channel::Voice],
    settings,
    dlt: Some(dlt),
    // Said in the receipt alone.
    cannot: &["opted_out", "not_on_channel"],
    secrets: &[TOKEN],
    mistakes,
};

fn settings(base: &str) -> Value {
    json!({ "auth_id": "MA000000000000000001", "auth_token": TOKEN, "from": "+15005550006", "base_url": base })
}

fn dlt() -> Dlt {
    let [entity, header, template] =
        ["1101000000000000001", "ACMEIN", "1107000000000000002"].map(str::to_owned);
    Dlt::Ids { entity, header, template }
}

fn mistakes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "auth_idd": "hunter2-value" }), "auth_idd"),
        (json!({ "auth_id": null }), "auth_id"),
        (json!({ "auth_id": "hunter2-value" }), "auth_id"),
        (json!({ "auth_id": "MA00000000000000000/" }), "auth_id"),
        (json!({ "auth_token": null }), "auth_token"),
        (json!({ "auth_token": ["hunter2-value"] }), "auth_token"),
        (json!({ "from": null }), "from"),
        (json!({ "from": "hunter2-value" }), "from"),
        // A call cannot come from a name.
        (json!({ "from": "ACME" }), "from"),
        (json!({ "from": null, "powerpack_uuid": "5ec4c8c9-cd74-42b5-9e41-0d7670d6bb46" }), "from"),
        (json!({ "powerpack_uuid": "hunter2-value" }), "powerpack_uuid"),
        (json!({ "base_url": "http://hunter2-value.example" }), "base_url"),
        (json!({ "plain_http": "hunter2-value" }), "plain_http"),
    ]
}

#[tokio::test]
async fn what_plivo_is_sent() {
    assert_snapshot!(request("plivo", json!({}), harness::PHONE).await, @r#"
    POST /v1/Account/MA000000000000000001/Message/ HTTP/1.1
    accept: application/json
    authorization: Basic TUEwMDAwMDAwMDAwMDAwMDAwMDE6Y2FuYXJ5LXBsaXZvLXRva2VuLThkMjFlNw==
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"dst":"14155550123","log":"false","message_expiry":297,"method":"POST","src":"15005550006","text":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it.","type":"sms","url":"https://verify.acme.example/receipts/main/c2VjcmV0LXBhcnQtMTIzNA?attempt=1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0"}
    "#);
}

#[tokio::test]
async fn what_plivo_is_sent_for_india() {
    assert_snapshot!(request("plivo", json!({}), "+919876543210").await, @r#"
    POST /v1/Account/MA000000000000000001/Message/ HTTP/1.1
    accept: application/json
    authorization: Basic TUEwMDAwMDAwMDAwMDAwMDAwMDE6Y2FuYXJ5LXBsaXZvLXRva2VuLThkMjFlNw==
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"dlt_entity_id":"1101000000000000001","dlt_template_id":"1107000000000000002","dst":"919876543210","log":"false","message_expiry":297,"method":"POST","src":"ACMEIN","text":"Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it.","type":"sms","url":"https://verify.acme.example/receipts/main/c2VjcmV0LXBhcnQtMTIzNA?attempt=1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0"}
    "#);
}

#[tokio::test]
async fn what_plivo_is_sent_for_a_call() {
    let message = harness::message(Channel::Voice, harness::PHONE);
    assert_snapshot!(request_of("plivo", json!({}), &message).await, @r#"
    POST /v1/Account/MA000000000000000001/Call/ HTTP/1.1
    accept: application/json
    authorization: Basic TUEwMDAwMDAwMDAwMDAwMDAwMDE6Y2FuYXJ5LXBsaXZvLXRva2VuLThkMjFlNw==
    content-length: ...
    content-type: application/json
    host: VENDOR
    user-agent: backstop/0.1.0

    {"answer_method":"POST","answer_url":"https://verify.acme.example/voice/1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0.canary-voice-secret-0a","from":"15005550006","hangup_method":"POST","hangup_url":"https://verify.acme.example/receipts/main/c2VjcmV0LXBhcnQtMTIzNA?attempt=1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0","ring_timeout":30,"to":"14155550123"}
    "#);
}

#[tokio::test]
async fn a_powerpack_sends_in_place_of_a_number_and_a_name_needs_no_voice() {
    for (sender_keys, sender) in [
        (json!({ "powerpack_uuid": "5ec4c8c9-cd74-42b5-9e41-0d7670d6bb46" }), "powerpack_uuid"),
        (
            json!({ "powerpack_uuid": "5ec4c8c9-cd74-42b5-9e41-0d7670d6bb46", "from": "+15005550006" }),
            "powerpack_uuid",
        ),
        (json!({ "from": "ACME" }), "src"),
    ] {
        let vendor = Server::start(Does::Answers(answer(500, &[], ""))).await;
        let mut all = self::settings(&vendor.base);
        all.as_object_mut().unwrap().remove("from");
        all.as_object_mut().unwrap().extend(sender_keys.as_object().unwrap().clone());
        let config = ProviderConfig { channels: vec![Channel::Sms], ..harness::config("plivo", all) };
        build(&config, &harness::shared()).unwrap().send(&harness::sms()).await;
        let sent = vendor.requests().pop().unwrap();
        let body: Value = serde_json::from_str(sent.split_once("\r\n\r\n").unwrap().1).unwrap();
        let senders: Vec<_> =
            ["src", "powerpack_uuid"].into_iter().filter(|name| body.get(name).is_some()).collect();
        assert_eq!(senders, [sender], "exactly one of the two: {body}");
    }
}

#[tokio::test]
async fn plivo_takes_no_life_under_five_seconds_or_over_three_hours() {
    let vendor = Server::start(Does::Answers(answer(500, &[], ""))).await;
    let provider = harness::provider("plivo", &vendor.base, Duration::from_secs(5));
    for (left, expected) in [(0, 5), (30, 30), (100_000, 10_799)] {
        let mut message = harness::sms();
        message.expires_in = Duration::from_secs(left);
        provider.send(&message).await;
        let last = vendor.requests().pop().unwrap();
        assert!(last.contains(&format!("\"message_expiry\":{expected},")), "{last}");
    }
}

const ASKED: &str = "CallUUID=c1&CallStatus=in-progress";
const PRESSED: &str = "CallUUID=c1&CallStatus=in-progress&Digits=5";
const NONCE: (&str, &str) = ("x-plivo-signature-v3-nonce", "12345678901234567890");
const OF_ASKED: (&str, &str) = ("x-plivo-signature-v3", "z9CwzGy62+fIEdQtTPkEWorGPs0KLSKjatZ5Dey6MvU=");
const OF_PRESSED: (&str, &str) = ("x-plivo-signature-v3", "f7spWXrYSuSW9qcOuH2ZztBmoVdTi3GqDsRMQRCXwew=");

#[test]
fn plivo_is_told_to_ask_for_a_key_and_then_the_code() {
    assert_snapshot!(said("plivo", "en", &[NONCE, OF_ASKED], ASKED), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <Response>
    <Wait length="1"/>
    <GetInput action="https://verify.acme.example/voice/1-06dqdpn8006762v9j1e5xxx4s996kxs3cn00-06dqdpn8020mvnxsf16nfgavkgmq5tdmznp0.canary-voice-secret-0a" method="POST" inputType="dtmf" numDigits="1" finishOnKey="none" executionTimeout="10">
    <Speak language="en-US" voice="WOMAN">Hello. This is a call from Acme &amp; Sons. To hear your code, press any key.</Speak>
    </GetInput>
    <Hangup/>
    </Response>
    "#);
    assert_snapshot!(said("plivo", "fr", &[NONCE, OF_PRESSED], PRESSED), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <Response>
    <Speak language="fr-FR" voice="WOMAN">Votre code Acme &amp; Sons est :</Speak>
    <Speak language="fr-FR" voice="WOMAN">4</Speak>
    <Wait length="1"/>
    <Speak language="fr-FR" voice="WOMAN">8</Speak>
    <Wait length="1"/>
    <Speak language="fr-FR" voice="WOMAN">2</Speak>
    <Wait length="1"/>
    <Speak language="fr-FR" voice="WOMAN">9</Speak>
    <Wait length="1"/>
    <Speak language="fr-FR" voice="WOMAN">1</Speak>
    <Wait length="1"/>
    <Speak language="fr-FR" voice="WOMAN">3</Speak>
    <Wait length="1"/>
    <Speak language="fr-FR" voice="WOMAN">Encore une fois, votre code est :</Speak>
    <Speak language="fr-FR" voice="WOMAN">4</Speak>
    <Wait length="1"/>
    <Speak language="fr-FR" voice="WOMAN">8</Speak>
    <Wait length="1"/>
    <Speak language="fr-FR" voice="WOMAN">2</Speak>
    <Wait length="1"/>
    <Speak language="fr-FR" voice="WOMAN">9</Speak>
    <Wait length="1"/>
    <Speak language="fr-FR" voice="WOMAN">1</Speak>
    <Wait length="1"/>
    <Speak language="fr-FR" voice="WOMAN">3</Speak>
    <Wait length="1"/>
    <Speak language="fr-FR" voice="WOMAN">Ne le partagez avec personne. Au revoir.</Speak>
    <Hangup/>
    </Response>
    "#);
    let hindi = said("plivo", "hi", &[NONCE, OF_PRESSED], PRESSED);
    assert!(hindi.contains("<Speak language=\"hi-IN\" voice=\"Polly.Aditi\">4</Speak>"), "{hindi}");
}

#[test]
fn nobody_but_plivo_hears_the_code() {
    for headers in [&[][..], &[OF_PRESSED], &[NONCE], &[NONCE, OF_ASKED]] {
        assert!(matches!(speak("plivo", "en", headers, PRESSED), Err(CallbackRefused::Forged(_))));
    }
}
