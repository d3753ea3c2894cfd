//! The calls of the API, whole: what each shape of a start does, and what becomes of a verification.

use std::{collections::BTreeSet, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{AnyChannel, Caller, Program, pause, program::Answer, raw::rows, wrong};

const ASHA: &str = "+14155550123";
const MAIL: &str = "asha@example.com";

async fn shop(more: &str) -> (AnyChannel, Program) {
    let gateway = AnyChannel::start().await;
    let provider = gateway.provider("gateway", &["sms", "whatsapp", "email"]);
    let program = Program::configured(&format!("{more}\n{provider}"));
    (gateway, program)
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (status, &json!(code)), "{:#}", answer.body);
}

async fn act(caller: &Caller, id: &str, what: &str, body: Value) -> Answer {
    caller.post(&format!("/v1/verifications/{id}/{what}"), body).await
}

/// The same answer with what differs from run to run replaced by its form.
fn redacted(value: &Value) -> String {
    fn walk(value: &mut Value) {
        match value {
            Value::String(text) if text.starts_with("ver_") && text.len() == 40 => *text = "[ver]".into(),
            Value::String(text) if text.starts_with("att_") => *text = "[att]".into(),
            Value::String(text) if text.len() == 24 && text.ends_with('Z') => *text = "[moment]".into(),
            Value::Array(values) => values.iter_mut().for_each(walk),
            Value::Object(fields) => fields.values_mut().for_each(walk),
            _ => {}
        }
    }
    let mut value = value.clone();
    walk(&mut value);
    serde_json::to_string_pretty(&value).unwrap()
}

#[tokio::test]
async fn the_answers_hold_exactly_what_the_page_says() {
    let (gateway, program) = shop("").await;
    gateway.answer(200, r#"{"id": "m-1", "price": "0.0079 USD"}"#);
    let caller = program.shop();
    let started = caller.start(json!({"to": ASHA, "wait": true})).await;
    let id = started.text("id");
    assert_eq!(started.headers["location"], format!("/v1/verifications/{id}"));
    insta::assert_snapshot!(redacted(&started.expect(201)), @r#"
    {
      "channel": "sms",
      "channel_used": "sms",
      "channels": [
        "sms",
        "whatsapp"
      ],
      "checks_left": 3,
      "delivery": "sent",
      "expires_at": "[moment]",
      "id": "[ver]",
      "provider": "gateway",
      "purpose": "login",
      "resend_after": "[moment]",
      "status": "pending",
      "to": "+1••••••••23"
    }
    "#);
    insta::assert_snapshot!(redacted(&caller.read(&id).await), @r#"
    {
      "attempts": [
        {
          "channel": "sms",
          "finished_at": "[moment]",
          "id": "[att]",
          "outcome": "accepted",
          "price": "0.0079 USD",
          "provider": "gateway",
          "started_at": "[moment]",
          "state": "accepted",
          "vendor_response": {
            "outcome": "accepted",
            "response": "{\"id\":\"m-1\",\"message\":null,\"outcome\":null,\"status\":200}",
            "success": true
          }
        }
      ],
      "channel": "sms",
      "channels": [
        "sms",
        "whatsapp"
      ],
      "checks_left": 3,
      "delivery": "sent",
      "expires_at": "[moment]",
      "id": "[ver]",
      "purpose": "login",
      "resend_after": "[moment]",
      "status": "pending",
      "to": "+1••••••••23"
    }
    "#);
    let code = gateway.code(&id).await;
    let miss = caller.check(&id, &wrong(&code)).await.expect(200).to_string().replace(&id, "[ver]");
    insta::assert_snapshot!(miss, @r#"{"checks_left":2,"id":"[ver]","status":"pending","valid":false}"#);
    let hit = caller.check(&id, &code).await.expect(200).to_string().replace(&id, "[ver]");
    insta::assert_snapshot!(hit, @r#"{"checks_left":0,"id":"[ver]","status":"approved","valid":true}"#);
    insta::assert_snapshot!(redacted(&act(&caller, &id, "redeem", json!({})).await.expect(200)), @r#"
    {
      "amr": [
        "otp",
        "sms"
      ],
      "channel": "sms",
      "id": "[ver]",
      "metadata": null,
      "purpose": "login",
      "to": "+14155550123",
      "transaction": null
    }
    "#);
}

#[tokio::test]
async fn every_field_of_a_start_does_what_it_says() {
    let (gateway, program) = shop("").await;
    let caller = program.shop();
    let started = caller
        .start(json!({
            "to": ASHA, "channels": ["whatsapp", "sms", "email"], "fallback_to": {"email": MAIL},
            "purpose": "transaction", "locale": "en-GB", "code_length": 8, "ttl_seconds": 300,
            "transaction": {"amount": "INR 48,200.00", "payee": "Meera Traders"}, "session": "browser-1",
            "metadata": {"order": 77, "nested": {"deep": [1, 2]}},
            "client": {"ip": "203.0.113.9", "user_agent": "Firefox"}, "wait": true
        }))
        .await;
    let id = started.text("id");
    let body = started.expect(201);
    assert_eq!(body["channels"], json!(["whatsapp", "sms", "email"]));
    assert_eq!(
        (&body["purpose"], &body["channel_used"], &body["provider"]),
        (&json!("transaction"), &json!("whatsapp"), &json!("gateway"))
    );
    let message = gateway.message(&id, 1).await;
    let text = message["text"].as_str().unwrap();
    assert!(text.contains("INR 48,200.00") && text.contains("Meera Traders"), "{text}");
    let life = message["expires_in_seconds"].as_u64().unwrap();
    assert!((290..=300).contains(&life), "{life}");
    let code = message["code"].as_str().unwrap();
    assert_eq!(code.len(), 8);
    caller.check(&id, code).await.expect(200);
    let proof = act(&caller, &id, "redeem", json!({"purpose": "transaction"})).await.expect(200);
    assert_eq!(
        proof,
        json!({
            "id": id, "to": ASHA, "purpose": "transaction", "channel": "whatsapp", "amr": proof["amr"],
            "transaction": {"amount": "INR 48,200.00", "payee": "Meera Traders"},
            "metadata": {"order": 77, "nested": {"deep": [1, 2]}},
        })
    );
}

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
        (json!({"to": ASHA, "ttl_seconds": 29}), 400, "invalid_request"),
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
    let kept = crate::harness::raw::query(
        &program,
        "SELECT count(*) FROM verifications WHERE custom_code IS NOT NULL",
    );
    assert_eq!(kept, vec![vec![json!(0)]]);
}

#[tokio::test]
async fn a_wrong_code_is_an_answer_and_the_last_one_ends_it() {
    let (gateway, program) = shop("[codes]\nmax_checks = 2").await;
    let caller = program.shop();
    let id = caller.start(json!({"to": ASHA})).await.text("id");
    let code = gateway.code(&id).await;
    for odd in ["", "1", "12345", "1234567", "٤٨٢٩١٣", "48291!", "4829134829134829134829134829134829134829"]
    {
        refused(&caller.check(&id, odd).await, 422, "wrong_form");
    }
    let first = caller.check(&id, &wrong(&code)).await.expect(200);
    assert_eq!(first, json!({"id": id, "valid": false, "status": "pending", "checks_left": 1}));
    let last = caller.check(&id, &wrong(&code)).await.expect(200);
    assert_eq!(last, json!({"id": id, "valid": false, "status": "max_checks_reached", "checks_left": 0}));
    let right = caller.check(&id, &code).await.expect(200);
    assert_eq!(right, json!({"id": id, "valid": false, "status": "max_checks_reached", "checks_left": 0}));
    refused(&act(&caller, &id, "resend", json!({})).await, 409, "verification_ended");
    refused(&act(&caller, &id, "redeem", json!({})).await, 409, "not_approved");
    refused(&act(&caller, &id, "cancel", json!({})).await, 409, "verification_ended");
}

#[tokio::test]
async fn a_resend_brings_the_same_code_over_another_channel_once_the_wait_is_over() {
    let (gateway, program) =
        shop("[limits]\nresend_after = \"15s\"\n[purposes.payment]\nfloor = \"sms\"").await;
    let caller = program.shop();
    let both = json!({"to": ASHA, "fallback_to": {"email": MAIL}, "purpose": "payment"});
    let id = caller.start(both).await.text("id");
    let code = gateway.code(&id).await;
    let session = json!({"to": "+14155550124", "session": "browser-1"});
    let joined = caller.start(session.clone()).await.text("id");
    refused(&act(&caller, &id, "resend", json!({"channel": "fax"})).await, 400, "unknown_channel");
    refused(&act(&caller, &id, "resend", json!({"channel": "voice"})).await, 422, "below_floor");
    refused(&act(&caller, &id, "resend", json!({"channel": "email"})).await, 422, "below_floor");
    refused(
        &act(&caller, &id, "resend", json!({"channel": "telegram"})).await,
        422,
        "channel_not_configured",
    );
    refused(&act(&caller, &joined, "resend", json!({"channel": "email"})).await, 422, "channel_cannot_reach");
    let early = act(&caller, &id, "resend", json!({})).await;
    refused(&early, 429, "rate_limited");
    refused(&caller.start(session.clone()).await, 429, "rate_limited");
    let wait: u64 = early.headers["retry-after"].to_str().unwrap().parse().unwrap();
    pause(Duration::from_secs(wait)).await;

    let again = act(&caller, &id, "resend", json!({"channel": "whatsapp"})).await.expect(200);
    assert_eq!((&again["id"], &again["status"]), (&json!(id), &json!("pending")));
    let message = gateway.message(&id, 2).await;
    assert_eq!((&message["code"], &message["channel"]), (&json!(code), &json!("whatsapp")));
    refused(&act(&caller, &id, "resend", json!({})).await, 429, "rate_limited");

    let more = caller.start(session.clone()).await;
    assert_eq!((more.status.as_u16(), more.text("id")), (201, joined.clone()), "the same browser joins");
    let messages = (gateway.message(&joined, 1).await, gateway.message(&joined, 2).await);
    assert_eq!(messages.0["code"], messages.1["code"]);
    for other in [
        json!({"to": "+14155550124"}),
        json!({"to": "+14155550124", "session": "browser-2"}),
        json!({"to": "+14155550124", "session": "browser-1", "purpose": "registration"}),
    ] {
        assert_ne!(
            caller.start(other).await.text("id"),
            joined,
            "only an equal start of the same browser joins"
        );
    }
}

#[tokio::test]
async fn an_empty_session_and_another_transaction_or_code_never_join() {
    let (gateway, program) = shop("").await;
    let caller = program.shop();
    let mut ids = BTreeSet::new();
    for body in [
        json!({"session": ""}),
        json!({"session": ""}),
        json!({"session": "s", "purpose": "payment", "transaction": {"amount": "1", "payee": "a"}}),
        json!({"session": "s", "purpose": "payment", "transaction": {"amount": "2", "payee": "a"}}),
        json!({"session": "s", "purpose": "other", "custom_code": "111111"}),
    ] {
        let mut body = body;
        body["to"] = json!(ASHA);
        ids.insert(caller.start(body).await.text("id"));
    }
    assert_eq!(ids.len(), 5, "each is its own");
    let mut codes = BTreeSet::new();
    for id in &ids {
        codes.insert(gateway.code(id).await);
    }
    assert_eq!(codes.len(), 5, "and each has its own code");
}

#[tokio::test]
async fn a_code_is_checked_by_recipient_over_all_that_live_and_approves_one() {
    let (gateway, program) = shop("").await;
    let caller = program.shop();
    let by = async |to: &str, purpose: &str, code: &str| {
        caller.post("/v1/verifications/check", json!({"to": to, "purpose": purpose, "code": code})).await
    };
    refused(&by(ASHA, "login", "482913").await, 404, "not_found");
    let first = caller.start(json!({"to": ASHA})).await.text("id");
    let second = caller.start(json!({"to": ASHA})).await.text("id");
    let code = gateway.code(&first).await;
    let other = gateway.code(&second).await;
    refused(&by(ASHA, "registration", &code).await, 404, "not_found");
    let neither =
        (2..9).map(|n| format!("{n}").repeat(6)).find(|text| *text != code && *text != other).unwrap();
    let missed = by(ASHA, "login", &neither).await.expect(200);
    assert_eq!((&missed["valid"], &missed["checks_left"]), (&json!(false), &json!(2)));
    assert_eq!(rows(&program, "checks WHERE charged = 1"), 1, "held against two, charged once");
    for id in [&first, &second] {
        assert_eq!(caller.read(id).await["checks_left"], 2);
    }
    let right = by("+1 415-555-0123", "login", &code).await.expect(200);
    assert_eq!(right, json!({"id": first, "valid": true, "status": "approved", "checks_left": 0}));
    assert_eq!(caller.read(&second).await["status"], "pending", "one code opens one door");
    assert_eq!(by(ASHA, "login", &code).await.expect(200)["valid"], false);
}

#[tokio::test]
async fn a_proof_is_handed_over_once_and_for_its_purpose() {
    let (gateway, program) = shop("").await;
    let caller = program.shop();
    let id = caller.start(json!({"to": MAIL, "purpose": "registration"})).await.text("id");
    refused(&act(&caller, &id, "redeem", json!({})).await, 409, "not_approved");
    caller.check(&id, &gateway.code(&id).await).await.expect(200);
    refused(&act(&caller, &id, "redeem", json!({"purpose": "login"})).await, 409, "other_purpose");
    let proof = act(&caller, &id, "redeem", json!({"purpose": "registration"})).await.expect(200);
    assert_eq!((&proof["to"], &proof["channel"]), (&json!(MAIL), &json!("email")));
    for body in [json!({}), json!({"purpose": "registration"})] {
        refused(&act(&caller, &id, "redeem", body).await, 409, "already_redeemed");
    }
    refused(&act(&caller, &id, "cancel", json!({})).await, 409, "verification_ended");
}

#[tokio::test]
async fn a_canceled_code_is_worth_nothing() {
    let (gateway, program) = shop("").await;
    let caller = program.shop();
    let id = caller.start(json!({"to": ASHA})).await.text("id");
    let code = gateway.code(&id).await;
    for _ in 0..2 {
        assert_eq!(
            act(&caller, &id, "cancel", json!({})).await.expect(200)["status"],
            "canceled",
            "twice is well"
        );
    }
    let checked = caller.check(&id, &code).await.expect(200);
    assert_eq!((&checked["valid"], &checked["status"]), (&json!(false), &json!("canceled")));
    refused(&act(&caller, &id, "resend", json!({})).await, 409, "verification_ended");
    refused(&act(&caller, &id, "redeem", json!({})).await, 409, "not_approved");
}

#[tokio::test]
async fn a_code_dies_with_its_time_and_an_undelivered_one_lives_until_then() {
    let gateway = AnyChannel::start().await;
    gateway.answer(400, r#"{"outcome": "invalid_recipient"}"#);
    let provider = gateway.provider("gateway", &["sms"]);
    let program = Program::configured(&format!("[codes]\nttl = \"31s\"\n{provider}"));
    let caller = program.shop();
    let id = caller.start(json!({"to": ASHA, "wait": true})).await;
    assert_eq!((&id.body["channel_used"], &id.body["provider"]), (&Value::Null, &Value::Null));
    let id = id.text("id");
    let code = gateway.code(&id).await;
    let read = caller.read(&id).await;
    assert_eq!((&read["status"], &read["delivery"]), (&json!("pending"), &json!("undeliverable")));
    assert_eq!(caller.check(&id, &wrong(&code)).await.expect(200)["checks_left"], 2, "it still takes checks");
    pause(Duration::from_secs(32)).await;
    let late = caller.check(&id, &code).await.expect(200);
    assert_eq!(late, json!({"id": id, "valid": false, "status": "expired", "checks_left": 0}));
    assert_eq!(caller.read(&id).await["status"], "expired");
    let listed = caller.get("/v1/verifications?status=expired").await.expect(200);
    assert_eq!(listed["verifications"].as_array().unwrap().len(), 1);
    refused(&act(&caller, &id, "resend", json!({})).await, 409, "verification_ended");
}

#[tokio::test]
async fn the_list_has_everything_once_newest_first_and_by_each_filter() {
    let (gateway, program) = shop("").await;
    let caller = program.shop();
    let mut ids = Vec::new();
    for number in 0..7 {
        let purpose = if number % 2 == 0 { "login" } else { "registration" };
        let to = format!("+1415555{:04}", 130 + number);
        ids.push(caller.start(json!({"to": to, "purpose": purpose})).await.text("id"));
    }
    caller.check(&ids[0], &gateway.code(&ids[0]).await).await.expect(200);
    let mut seen = Vec::new();
    let mut path = "/v1/verifications?limit=3".to_owned();
    loop {
        let page = caller.get(&path).await.expect(200);
        let rows = page["verifications"].as_array().unwrap();
        assert!(rows.len() <= 3);
        seen.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        assert!(rows.iter().all(|row| row.get("attempts").is_none()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/verifications?limit=3&cursor={cursor}");
    }
    let newest_first: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(seen, newest_first);
    let count = async |query: &str| {
        caller.get(&format!("/v1/verifications?{query}")).await.expect(200)["verifications"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count("purpose=registration").await, 3);
    assert_eq!(count("status=approved").await, 1);
    assert_eq!(count("status=pending&purpose=login").await, 3);
    assert_eq!(count("to=%2B14155550131").await, 1);
    assert_eq!(count("to=%2B14155550199").await, 0);
    for odd in [
        "limit=0",
        "limit=101",
        "limit=x",
        "status=odd",
        "cursor=1",
        "purpose=A",
        "unknown=1",
        "limit=1&limit=2",
    ] {
        refused(&caller.get(&format!("/v1/verifications?{odd}")).await, 400, "invalid_request");
    }
    refused(&caller.get("/v1/verifications?to=nobody").await, 400, "invalid_recipient");
    let body = caller.send(Method::DELETE, &format!("/v1/verifications/{}", ids[0]), None).await;
    refused(&body, 405, "method_not_allowed");
}
