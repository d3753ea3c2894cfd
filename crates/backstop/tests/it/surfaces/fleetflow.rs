//! FleetFlow's calls on the built program: what a known and an unknown person see, every way in, and what is left when all
//! sending is down.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::{code_to, keys};
use crate::harness::{Answer, AnyChannel, Caller, Program, eventually, now, wrong};

const MEERA: &str = "+14155550101";
const NOBODY: &str = "+14155550199";
const MAIL: &str = "meera@example.com";
const KEY: &str = "uS2pTq8m1kQvZ0c5xY7wAgKj3mN9rTzB";

async fn house(answer_after: &str) -> (AnyChannel, Program, String) {
    let gateway = AnyChannel::start().await;
    let provider = gateway.provider("gateway", &["sms", "whatsapp", "email"]);
    let program = Program::launch(
        Some(&format!(
            "[server]\nsupport_phone = \"+91-80-5550-0100\"\n[countries]\nallow = [\"IN\", \"US\"]\n\
             [emergency]\nmaster_key = \"{KEY}\"\n\
             [[application]]\nname = \"shop\"\nsecret_key = \"sk_shop_0123456789abcdef\"\n{provider}\n\
             [compat.fleetflow]\napplication = \"shop\"\n{answer_after}\n"
        )),
        &[],
    );
    let addresses = json!([{"to": MEERA, "confirmed": true}, {"to": MAIL, "confirmed": true}]);
    let user = program.shop().post("/v1/users", json!({"addresses": addresses, "role": "admin"})).await;
    let user = user.expect(201)["id"].as_str().unwrap().to_owned();
    (gateway, program, user)
}

async fn send(anyone: &Caller, phone: &str) -> Answer {
    anyone.post("/auth/otp/send", json!({"phone": phone})).await
}

/// Refused, in this surface's shape.
fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status.as_u16(), status, "{:#}", answer.body);
    assert_eq!(keys(answer), ["error"], "{:#}", answer.body);
}

#[tokio::test]
async fn a_known_and_an_unknown_number_see_the_same_and_neither_before_its_time() {
    let (gateway, program, _) = house("").await;
    let anyone = program.caller(None);
    let mut told = Vec::new();
    for phone in [MEERA, NOBODY] {
        let begun = now();
        let answer = send(&anyone, phone).await;
        assert!(begun.elapsed() >= Duration::from_secs(2), "{phone}: after {:?}", begun.elapsed());
        let mut names: Vec<String> =
            answer.headers.keys().map(ToString::to_string).filter(|name| name != "date").collect();
        names.sort();
        let mut body = answer.expect(200);
        assert!(body["expires_at"].as_str().unwrap().ends_with('Z'));
        body["expires_at"] = "then".into();
        told.push((names, body.to_string()));
    }
    assert_eq!(told[0], told[1]);
    assert!(told[0].1.contains("\"channel_used\":\"sms\""), "{}", told[0].1);
    let to: Vec<_> = gateway.received().iter().map(|message| message["to"].clone()).collect();
    assert_eq!(to, [MEERA], "nothing is sent to a number that nobody has");
}

#[tokio::test]
async fn a_named_channel_means_only_that_one_and_a_mail_goes_to_the_persons_own_address() {
    let (gateway, program, _) = house("answer_after = \"100ms\"").await;
    let anyone = program.caller(None);
    for phone in [MEERA, NOBODY] {
        let body = json!({"phone": phone, "channel": "email"});
        let sent = anyone.post("/auth/otp/send", body).await.expect(200);
        assert_eq!(sent["channel_used"], "email", "{phone}");
    }
    let code = code_to(&gateway, MAIL, 1).await;
    let body = json!({"phone": MEERA, "otp": code});
    assert!(anyone.post("/auth/otp/verify", body).await.expect(200)["access_token"].is_string());
    assert!(gateway.received().iter().all(|message| message["to"] == MAIL));
    for body in [
        json!({"phone": MEERA, "channel": "fax"}),
        json!({"phone": "12"}),
        json!({"phone": "+447400123456"}),
        json!({"phone": MAIL}),
        json!({}),
    ] {
        refused(&anyone.post("/auth/otp/send", body).await, 400);
    }
}

#[tokio::test]
async fn a_code_lets_in_once_and_a_remembered_device_needs_none() {
    let (gateway, program, user) = house("answer_after = \"100ms\"").await;
    let (anyone, shop) = (program.caller(None), program.shop());
    send(&anyone, MEERA).await.expect(200);
    let code = code_to(&gateway, MEERA, 1).await;
    let verify = |phone: &str, otp: &str| {
        json!({"phone": phone, "otp": otp,
            "remember_device": {"device_id": "android-7f3a", "device_name": "Meera's phone"}})
    };
    for body in [verify(MEERA, &wrong(&code)), verify(NOBODY, &code), verify(MEERA, "x")] {
        refused(&anyone.post("/auth/otp/verify", body).await, 401);
    }
    let tokens = anyone.post("/auth/otp/verify", verify(MEERA, &code)).await.expect(200);
    assert_eq!(tokens["expires_in"], 600);
    assert!(tokens["refresh_token"].is_string(), "{tokens}");
    refused(&anyone.post("/auth/otp/verify", verify(MEERA, &code)).await, 401);

    let token = tokens["device_token"].as_str().unwrap();
    let login = |phone: &str, device: &str, token: &str| json!({"phone": phone, "device_id": device, "device_token": token});
    for _ in 0..2 {
        let answer = anyone.post("/auth/device/login", login(MEERA, "android-7f3a", token)).await.expect(200);
        assert!(answer["access_token"].is_string());
        assert!(answer.get("device_token").is_none(), "here the token stays the same: {answer}");
    }
    for body in [
        login(MEERA, "android-7f3a", "dt_0000"),
        login(MEERA, "android-0000", token),
        login(NOBODY, "android-7f3a", token),
    ] {
        refused(&anyone.post("/auth/device/login", body).await, 401);
    }

    let path = format!("/v1/users/{user}/factors/devices");
    let devices = shop.get(&path).await.expect(200);
    let device = devices["devices"][0]["id"].as_str().unwrap();
    let pin = |phone: &str, pin: &str, token: &str| json!({"phone": phone, "device_id": "android-7f3a", "device_token": token, "pin": pin});
    refused(&anyone.post("/auth/device/pin", pin(MEERA, "739105", token)).await, 401);
    let set = shop.send(Method::PUT, &format!("{path}/{device}/pin"), Some(json!({"pin": "739105"}))).await;
    assert_eq!(set.status, 204, "{:#}", set.body);
    assert!(
        anyone.post("/auth/device/pin", pin(MEERA, "739105", token)).await.expect(200)["access_token"]
            .is_string()
    );
    refused(&anyone.post("/auth/device/pin", pin(NOBODY, "739105", token)).await, 401);
    refused(&anyone.post("/auth/device/pin", pin(MEERA, "739105", "dt_0000")).await, 401);
    refused(&anyone.post("/auth/device/pin", pin(MEERA, "12", token)).await, 400);
    for _ in 0..2 {
        refused(&anyone.post("/auth/device/pin", pin(MEERA, "739106", token)).await, 401);
    }
    let third = anyone.post("/auth/device/pin", pin(MEERA, "739106", token)).await;
    assert_eq!(
        (third.status.as_u16(), keys(&third)),
        (429, vec!["error", "locked_until"]),
        "{:#}",
        third.body
    );
    assert!(third.headers.contains_key("retry-after"));
    let right = anyone.post("/auth/device/pin", pin(MEERA, "739105", token)).await;
    assert_eq!(right.status, 429, "the right PIN does not open what is locked: {:#}", right.body);
}

#[tokio::test]
async fn with_all_sending_down_support_is_named_and_a_backup_code_or_the_master_key_lets_an_admin_in() {
    let (gateway, program, user) = house("answer_after = \"100ms\"").await;
    let (anyone, shop) = (program.caller(None), program.shop());
    let path = format!("/v1/users/{user}/factors/backup-codes");
    let codes = shop.post(&path, json!({})).await.expect(200);
    let code = codes["codes"][0].as_str().unwrap().to_owned();
    gateway.answer(401, r#"{"outcome": "misconfigured", "message": "no such account"}"#);
    // The first send finds out; from then on it holds for everybody.
    send(&anyone, MEERA).await;
    eventually("nothing works", Duration::from_secs(30), || async {
        (anyone.get("/health/messaging").await.status == 503).then_some(())
    })
    .await;
    for answer in [send(&anyone, MEERA).await, send(&anyone, NOBODY).await] {
        assert_eq!(answer.status, 503, "{:#}", answer.body);
        assert_eq!(keys(&answer), ["error", "message", "support_phone"]);
        assert_eq!(answer.body["support_phone"], "+91-80-5550-0100");
    }

    let backup = |phone: &str, code: &str| json!({"phone": phone, "backup_code": code});
    for body in [backup(MEERA, "0000-0000"), backup(NOBODY, &code), backup(MEERA, "?")] {
        let answer = anyone.post("/auth/emergency/backup-code", body).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (401, &json!({"error": "Invalid backup code"})));
    }
    let tokens = anyone.post("/auth/emergency/backup-code", backup(MEERA, &code)).await.expect(200);
    assert!(tokens["access_token"].is_string(), "{tokens}");
    refused(&anyone.post("/auth/emergency/backup-code", backup(MEERA, &code)).await, 401);

    let admin =
        |phone: &str, key: &str, reason: &str| json!({"phone": phone, "master_key": key, "reason": reason});
    for (body, status) in [
        (admin(MEERA, "wrong", "SMS is down"), 401),
        (admin(NOBODY, KEY, "SMS is down"), 403),
        (admin(MEERA, KEY, ""), 400),
        (json!({"phone": MEERA, "master_key": KEY}), 400),
    ] {
        refused(&anyone.post("/auth/emergency/admin", body).await, status);
    }
    let answer = anyone.post("/auth/emergency/admin", admin(MEERA, KEY, "SMS is down")).await;
    assert_eq!(keys(&answer), ["access_token", "expires_in", "message", "warning"]);
    assert_eq!(answer.expect(200)["expires_in"], 3600);
}

#[tokio::test]
async fn a_person_who_needs_two_ways_gets_no_tokens_for_one() {
    let (gateway, program, user) = house("answer_after = \"100ms\"").await;
    let (anyone, shop) = (program.caller(None), program.shop());
    let path = format!("/v1/users/{user}");
    let changed = shop.send(Method::PATCH, &path, Some(json!({"second_factor": "required"}))).await;
    assert_eq!(changed.status, 200, "{:#}", changed.body);
    send(&anyone, MEERA).await.expect(200);
    let code = code_to(&gateway, MEERA, 1).await;
    let answer = anyone.post("/auth/otp/verify", json!({"phone": MEERA, "otp": code})).await;
    assert_eq!(keys(&answer), ["mfa_token", "second_factor_required", "ways"]);
    let body: Value = answer.expect(200);
    assert_eq!(body["second_factor_required"], true);
}
