//! How a verification ends: redeemed, canceled, expired.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ASHA, MAIL, act};
use crate::harness::{AnyChannel, Program, pause, shop, wrong};

#[tokio::test]
async fn a_proof_is_handed_over_once_and_for_its_purpose() {
    let (gateway, program) = shop("").await;
    let caller = program.shop();
    let id = caller.start(json!({"to": MAIL, "purpose": "registration"})).await.text("id");
    act(&caller, &id, "redeem", json!({})).await.refused(409, "not_approved");
    caller.check(&id, &gateway.code(&id).await).await.expect(200);
    act(&caller, &id, "redeem", json!({"purpose": "login"})).await.refused(409, "other_purpose");
    let proof = act(&caller, &id, "redeem", json!({"purpose": "registration"})).await.expect(200);
    assert_eq!((&proof["to"], &proof["channel"]), (&json!(MAIL), &json!("email")));
    for body in [json!({}), json!({"purpose": "registration"})] {
        act(&caller, &id, "redeem", body).await.refused(409, "already_redeemed");
    }
    act(&caller, &id, "cancel", json!({})).await.refused(409, "verification_ended");
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
    act(&caller, &id, "resend", json!({})).await.refused(409, "verification_ended");
    act(&caller, &id, "redeem", json!({})).await.refused(409, "not_approved");
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
    act(&caller, &id, "resend", json!({})).await.refused(409, "verification_ended");
}
