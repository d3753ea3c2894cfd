//! Signing in with a code that was sent, the device that was remembered then, and going on with the session.

use futures::future::join_all;
use serde_json::{Value, json};

use super::{PASSWORD, user};
use crate::harness::{Answer, AnyChannel, Program, any_channel, wrong};

const ASHA: &str = "+14155550123";
const NOBODY: &str = "+14155550199";

async fn house() -> (AnyChannel, Program, String) {
    let (gateway, program) = any_channel::shop("").await;
    let asha = user(&program.shop(), ASHA, "off").await;
    (gateway, program, asha)
}

/// An answer without what differs from call to call.
fn bare(answer: &Answer) -> (u16, Vec<String>, Value) {
    let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort();
    let mut body = answer.body.clone();
    for field in ["id", "verification_id", "to", "created_at", "expires_at", "resend_after", "request_id"] {
        if let Some(value) = body.get_mut(field) {
            *value = json!("differs");
        }
    }
    (answer.status.as_u16(), names, body)
}

#[tokio::test]
async fn somebody_unknown_reads_what_somebody_known_reads_and_nothing_is_sent_to_them() {
    let (gateway, program, _) = house().await;
    let shop = program.shop();
    let mut told = Vec::new();
    for phone in [ASHA, NOBODY] {
        let started = shop.post("/v1/sign-in/otp", json!({ "phone": phone })).await;
        let id = started.text("verification_id");
        let mut read = vec![bare(&started)];
        for _ in 0..4 {
            let check = json!({ "verification_id": id, "code": "000000" });
            read.push(bare(&shop.post("/v1/sign-in/otp/verify", check).await));
        }
        let password = json!({ "phone": phone, "password": "not the password" });
        read.push(bare(&shop.post("/v1/sign-in/password", password).await));
        told.push(read);
    }
    assert_eq!(told[0], told[1]);
    assert!(gateway.received().iter().all(|message| message["to"] == ASHA), "{:?}", gateway.received());
}

#[tokio::test]
async fn a_device_that_was_remembered_gets_in_with_its_token_and_its_pin_when_nothing_can_be_sent() {
    let (gateway, program, asha) = house().await;
    let shop = program.shop();
    let id = shop.post("/v1/sign-in/otp", json!({ "phone": ASHA })).await.text("verification_id");
    let code = gateway.code(&id).await;
    let mistaken = json!({ "verification_id": id, "code": wrong(&code) });
    shop.post("/v1/sign-in/otp/verify", mistaken).await.refused(401, "sign_in_refused");
    let right = json!({ "verification_id": id, "code": code, "remember_device": { "name": "Asha's phone" } });
    let signed = shop.post("/v1/sign-in/otp/verify", right.clone()).await;
    let (token, device) = (signed.text("device_token"), signed.text("device_id"));
    shop.post("/v1/sign-in/otp/verify", right).await.refused(401, "sign_in_refused");
    let path = format!("/v1/users/{asha}/factors/devices/{device}/pin");
    let set = shop.send(reqwest::Method::PUT, &path, Some(json!({ "pin": "7392" }))).await;
    assert!(set.status.is_success(), "{:#}", set.body);

    gateway.answer(503, "{}");
    let alone = shop.post("/v1/sign-in/device", json!({ "device_token": token })).await;
    assert_eq!(alone.body["status"], "signed_in", "{:#}", alone.body);
    let next = alone.text("device_token");
    let with_pin = json!({ "device_token": next, "pin": "7392" });
    let signed = shop.post("/v1/sign-in/pin", with_pin).await;
    assert_eq!(signed.body["status"], "signed_in", "{:#}", signed.body);
    let forged = format!("{}x", &next[..next.len() - 1]);
    shop.post("/v1/sign-in/device", json!({ "device_token": forged })).await.refused(401, "sign_in_refused");
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_once_and_a_copy_ends_the_session_for_both() {
    let (_, program, _) = house().await;
    let shop = program.shop();
    let signed = shop.post("/v1/sign-in/password", json!({ "phone": ASHA, "password": PASSWORD })).await;
    let first = json!({ "refresh_token": signed.text("refresh_token") });
    let answers = join_all((0..10).map(|_| shop.post("/v1/tokens/refresh", first.clone()))).await;
    let second: Vec<String> = answers.iter().map(|answer| answer.text("refresh_token")).collect();
    assert!(second.iter().all(|token| *token == second[0]), "a lost answer is given again: one family");
    let second = json!({ "refresh_token": second[0] });
    let third = shop.post("/v1/tokens/refresh", second).await.text("refresh_token");
    shop.post("/v1/tokens/refresh", first).await.refused(401, "sign_in_refused");
    shop.post("/v1/tokens/refresh", json!({ "refresh_token": third })).await.refused(401, "sign_in_refused");
    let state = shop.post("/v1/tokens/introspect", json!({ "token": signed.text("access_token") })).await;
    assert_eq!(state.expect(200), json!({ "active": false }));
}

#[tokio::test]
async fn the_same_key_gets_the_same_session_though_the_code_is_used() {
    let (gateway, program, asha) = house().await;
    let shop = program.shop();
    let id = shop.post("/v1/sign-in/otp", json!({ "phone": ASHA })).await.text("verification_id");
    let body = json!({ "verification_id": id, "code": gateway.code(&id).await });
    let keyed = shop.with("idempotency-key", "3e5c6c9a-8f0b-4d9e-b7f1-5b6f4f5f2f10");
    let first = keyed.post("/v1/sign-in/otp/verify", body.clone()).await.expect(200);
    let again = keyed.post("/v1/sign-in/otp/verify", body).await.expect(200);
    assert_eq!(first, again);
    let sessions = shop.get(&format!("/v1/users/{asha}/sessions")).await.expect(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1, "{sessions:#}");
}
