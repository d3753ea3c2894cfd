//! What a start may ask for, and what it is refused.

use serde_json::{Value, json};

use super::{ASHA, MAIL};
use crate::harness::{
    raw::{query, rows},
    shop,
};

#[tokio::test]
async fn a_start_chooses_its_channels_and_nothing_that_cannot_carry_the_code() {
    let (gateway, program) = shop("[purposes.payment]\nfloor = \"sms\"").await;
    let caller = program.shop();
    let ladder = async |body: Value| caller.start(body).await.expect(201)["channels"].clone();
    let both = json!({"email": MAIL});
    assert_eq!(ladder(json!({"to": ASHA})).await, json!(["sms", "whatsapp"]));
    assert_eq!(ladder(json!({"to": MAIL})).await, json!(["email"]));
    assert_eq!(ladder(json!({"to": ASHA, "prefer": "whatsapp"})).await, json!(["whatsapp", "sms"]));
    assert_eq!(ladder(json!({"to": "+14155550124", "channel": "whatsapp"})).await, json!(["whatsapp"]));
    let all = json!({"to": "+14155550124", "fallback_to": both});
    assert_eq!(ladder(all).await, json!(["sms", "whatsapp", "email"]));
    let floored = json!({"to": "+14155550124", "fallback_to": both, "purpose": "payment"});
    assert_eq!(ladder(floored).await, json!(["sms", "whatsapp"]), "nothing below the floor");
    let fallback = json!({"to": "+14155550125", "fallback_to": both, "channel": "email"});
    let id = caller.start(fallback).await.text("id");
    assert_eq!(gateway.message(&id, 1).await["to"], MAIL);

    for (body, status, code) in [
        (json!({"to": ASHA, "channel": "fax"}), 400, "unknown_channel"),
        (json!({"to": ASHA, "channels": ["sms", "Sms"]}), 400, "unknown_channel"),
        (json!({"to": ASHA, "channels": []}), 400, "invalid_request"),
        (json!({"to": ASHA, "channel": "sms", "prefer": "sms"}), 400, "invalid_request"),
        (json!({"to": ASHA, "channel": "email"}), 422, "channel_cannot_reach"),
        (json!({"to": MAIL, "channel": "sms"}), 422, "channel_cannot_reach"),
        (json!({"to": ASHA, "channel": "voice"}), 422, "channel_not_configured"),
        (
            json!({"to": ASHA, "channel": "email", "fallback_to": both, "purpose": "payment"}),
            422,
            "below_floor",
        ),
        (json!({"to": MAIL, "purpose": "payment"}), 422, "no_channel"),
        (json!({"to": ASHA, "fallback_to": {"email": "+14155550124"}}), 400, "invalid_request"),
        (json!({"to": ASHA, "fallback_to": {"fax": MAIL}}), 400, "unknown_channel"),
        (json!({"to": ASHA, "code_length": 3}), 400, "invalid_request"),
        (json!({"to": ASHA, "code_length": 11}), 400, "invalid_request"),
        (json!({"to": ASHA, "ttl_seconds": 30}), 400, "invalid_request"),
        (json!({"to": ASHA, "ttl_seconds": 86_401}), 400, "invalid_request"),
        (json!({"to": ASHA, "custom_code": "123"}), 400, "invalid_request"),
        (json!({"to": ASHA, "custom_code": "12345678901"}), 400, "invalid_request"),
        (json!({"to": ASHA, "custom_code": "12 456"}), 400, "invalid_request"),
        (json!({"to": ASHA, "custom_code": "123456", "code_length": 6}), 400, "invalid_request"),
        (json!({"to": ASHA, "purpose": "Log In"}), 400, "invalid_request"),
        (json!({"to": ASHA, "locale": "../etc"}), 400, "invalid_request"),
        (json!({"to": ASHA, "session": "s".repeat(257)}), 400, "invalid_request"),
        (json!({"to": ASHA, "metadata": {"a": "m".repeat(4096)}}), 400, "invalid_request"),
        (json!({"to": ASHA, "metadata": [1]}), 400, "invalid_request"),
        (json!({"to": ASHA, "transaction": {"amount": "1"}}), 400, "invalid_request"),
        (json!({"to": ASHA, "transaction": {"amount": "1", "payee": "a\nb"}}), 400, "invalid_request"),
        (json!({"to": ASHA, "client": {"ip": "999.1.1.1"}}), 400, "invalid_request"),
        (json!({"to": ASHA, "unknown": 1}), 400, "invalid_request"),
        (json!({"to": "Asha <asha@example.com>"}), 400, "invalid_recipient"),
        (json!({"to": "asha@localhost"}), 400, "invalid_recipient"),
        (json!({"purpose": "login"}), 400, "invalid_request"),
    ] {
        let answer = caller.start(body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.body["code"].as_str()), (status, Some(code)), "{body}");
    }
    assert_eq!(rows(&program, "verifications"), 7, "what was refused left nothing");
}

#[tokio::test]
async fn codes_are_as_long_as_was_asked_and_in_the_alphabet_of_the_application() {
    let (gateway, program) = shop("[application.codes]\nlength = 5\nalphabet = \"alphanumeric\"").await;
    let caller = program.shop();
    let own = caller.start(json!({"to": "+14155550110"})).await.text("id");
    assert_eq!(gateway.code(&own).await.len(), 5);
    for length in 4..=10_usize {
        let to = format!("+1415555{:04}", 120 + length);
        let id = caller.start(json!({"to": to, "code_length": length})).await.text("id");
        let code = gateway.code(&id).await;
        assert_eq!(code.len(), length);
        let plain = |c: char| (c.is_ascii_digit() || c.is_ascii_uppercase()) && !"0O1IL".contains(c);
        assert!(code.chars().all(plain), "no look-alikes in {code}");
        let typed = format!("{} -{}", code[..2].to_lowercase(), &code[2..]);
        assert_eq!(caller.check(&id, &typed).await.expect(200)["valid"], true, "as people type it");
    }
}

#[tokio::test]
async fn a_callers_own_code_is_sent_checked_and_wiped() {
    let (gateway, program) = shop("").await;
    let caller = program.shop();
    let id = caller.start(json!({"to": ASHA, "custom_code": "Ab12Cd"})).await.text("id");
    assert_eq!(gateway.code(&id).await, "Ab12Cd");
    assert_eq!(caller.check(&id, "AB12CE").await.expect(200)["valid"], false);
    assert_eq!(caller.check(&id, "ab12cd").await.expect(200)["valid"], true);
    let kept = query(&program, "SELECT count(*) FROM verifications WHERE custom_code IS NOT NULL");
    assert_eq!(kept, vec![vec![json!(0)]]);
}
