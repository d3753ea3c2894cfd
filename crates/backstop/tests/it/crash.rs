//! Crashes: the process is killed at any instant and started again in the same folder.
//!
//! What was answered holds: the message arrives, no attempt goes out twice, no charge and no count is forgotten, and no
//! code opens the door a second time. An ordinary end loses no answer either, and two never serve one folder.

mod ending;
mod fifty;

use std::time::Duration;

use serde_json::json;

use crate::harness::{Caller, Gateway, Program, eventually, gateway::Reply};

/// Longer than a lease.
const PATIENCE: Duration = Duration::from_secs(40);
const PERSON: &str = "+14155550123";

/// Kills it and starts it again, and gives a caller of the new one.
fn after_a_kill(program: &mut Program) -> Caller {
    program.kill();
    program.start();
    program.shop()
}

async fn delivered(gateway: &Gateway, id: &str) -> String {
    eventually("the code at the gateway", PATIENCE, || async { gateway.code_of(id) }).await
}

#[tokio::test]
async fn a_kill_gives_no_message_back_to_a_limit() {
    let gateway = Gateway::start(Reply::Take).await;
    let mut program = Program::configured(&gateway.provider("gateway", "sms"));
    let mut shop = program.shop();
    let ask = |number: u32| json!({ "to": PERSON, "purpose": format!("purpose_{number}") });
    let mut ids = Vec::new();
    for number in 1..=5 {
        ids.push(shop.start(ask(number)).await.text("id"));
        shop = after_a_kill(&mut program);
    }
    for id in &ids {
        delivered(&gateway, id).await;
    }
    for number in 6..=8 {
        let refused = shop.start(ask(number)).await;
        assert!(refused.headers.contains_key("retry-after"));
        assert_eq!(refused.expect(429)["limit"], "recipient_per_hour");
        shop = after_a_kill(&mut program);
    }
    let page = shop.get("/v1/verifications").await.expect(200);
    assert_eq!(page["verifications"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_kill_gives_no_live_slot_back() {
    let gateway = Gateway::start(Reply::Take).await;
    let mut program = Program::configured(&gateway.provider("gateway", "sms"));
    let mut shop = program.shop();
    for _ in 1..=3 {
        shop.start(json!({ "to": PERSON })).await.expect(201);
        shop = after_a_kill(&mut program);
    }
    assert_eq!(shop.start(json!({ "to": PERSON })).await.expect(429)["limit"], "live_verifications");
}

#[tokio::test]
async fn a_kill_forgets_no_wrong_check() {
    let gateway = Gateway::start(Reply::Take).await;
    let mut program = Program::configured(&gateway.provider("gateway", "sms"));
    let mut shop = program.shop();
    let id = shop.start(json!({ "to": PERSON })).await.text("id");
    let code = delivered(&gateway, &id).await;
    let wrong = if code == "000000" { "111111" } else { "000000" };
    for left in [2, 1] {
        assert_eq!(shop.check(&id, wrong).await.expect(200)["checks_left"], left);
        shop = after_a_kill(&mut program);
        assert_eq!(shop.read(&id).await["checks_left"], left);
    }
    let last = shop.check(&id, wrong).await.expect(200);
    assert_eq!((&last["valid"], &last["status"]), (&json!(false), &json!("max_checks_reached")));
    shop = after_a_kill(&mut program);
    let right = shop.check(&id, &code).await.expect(200);
    assert_eq!((&right["valid"], &right["status"]), (&json!(false), &json!("max_checks_reached")));
}

#[tokio::test]
async fn a_code_that_opened_the_door_does_not_open_it_again_after_a_kill() {
    let gateway = Gateway::start(Reply::Take).await;
    let mut program = Program::configured(&gateway.provider("gateway", "sms"));
    let mut shop = program.shop();
    let id = shop.start(json!({ "to": PERSON })).await.text("id");
    let code = delivered(&gateway, &id).await;
    assert_eq!(shop.check(&id, &code).await.expect(200)["valid"], true);
    shop = after_a_kill(&mut program);
    let again = shop.check(&id, &code).await.expect(200);
    assert_eq!((&again["valid"], &again["status"]), (&json!(false), &json!("approved")));
    let redeem = format!("/v1/verifications/{id}/redeem");
    assert_eq!(shop.post(&redeem, json!({})).await.expect(200)["to"], PERSON);
    shop = after_a_kill(&mut program);
    shop.post(&redeem, json!({})).await.expect(409);
}

#[tokio::test]
async fn a_message_that_was_being_sent_is_unknown_after_a_kill_and_another_goes_out_at_once() {
    let (stuck, other) =
        (Gateway::start(Reply::TakeAfter(PATIENCE)).await, Gateway::start(Reply::Take).await);
    let config = format!("{}{}", stuck.provider("one", "sms"), other.provider("two", "sms"));
    let mut program = Program::configured(&config);
    let mut shop = program.shop();
    let id = shop.start(json!({ "to": PERSON })).await.text("id");
    let first = stuck.message(1).await;
    shop = after_a_kill(&mut program);
    let second = eventually("the other one's turn", program.store().takeover(), || async {
        other.handed().first().cloned()
    })
    .await;
    assert_eq!((&second.code, &second.verification), (&first.code, &id));
    assert_ne!(second.attempt, first.attempt);
    let attempts = eventually("its answer", PATIENCE, || async {
        let attempts = shop.read(&id).await["attempts"].clone();
        (attempts[1]["state"] == "accepted").then_some(attempts)
    })
    .await;
    assert_eq!(attempts[0]["id"], first.attempt.as_str());
    assert_eq!((&attempts[0]["state"], &attempts[0]["outcome"]), (&json!("unknown"), &json!("unknown")));
    assert_eq!(stuck.handed().len(), 1);
    shop = program.shop();
    assert_eq!(shop.check(&id, &first.code).await.expect(200)["valid"], true);
}
