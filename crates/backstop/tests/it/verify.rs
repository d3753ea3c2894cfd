//! The calls of the API, whole: what each shape of a start does, and what becomes of a verification.

mod again;
mod checks;
mod ends;
mod starts;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Caller, program::Answer, shop, wrong};

const ASHA: &str = "+14155550123";
const MAIL: &str = "asha@example.com";

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
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
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
        caller.get(&format!("/v1/verifications?{odd}")).await.refused(400, "invalid_request");
    }
    caller.get("/v1/verifications?to=nobody").await.refused(400, "invalid_recipient");
    let body = caller.send(Method::DELETE, &format!("/v1/verifications/{}", ids[0]), None).await;
    body.refused(405, "method_not_allowed");
}
