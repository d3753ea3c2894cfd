//! The main job, whole: a code gets through and opens the door.

use serde_json::json;

use crate::harness::{Behaviour, Program, Twilio, eventually};
use std::time::Duration;

#[tokio::test]
async fn with_nothing_configured_a_code_appears_in_the_inbox_and_works_once() {
    let program = Program::development();
    let caller = program.developer();
    let started = caller.start(json!({"to": "+919876543210"})).await;
    let id = started.text("id");
    let body = started.expect(201);
    assert_eq!((&body["status"], &body["to"]), (&json!("pending"), &json!("+91••••••••10")));

    let message = eventually("the inbox", Duration::from_secs(5), || async {
        let inbox = caller.get("/dev/inbox.json?limit=5").await.expect(200);
        inbox.as_array().unwrap().iter().find(|message| message["verification_id"] == id.as_str()).cloned()
    })
    .await;
    assert_eq!((&message["to"], &message["channel"]), (&json!("+919876543210"), &json!("sms")));
    let code = message["code"].as_str().unwrap();

    let first = caller.check(&id, code).await.expect(200);
    assert_eq!(first, json!({"id": id, "valid": true, "status": "approved", "checks_left": 0}));
    let second = caller.check(&id, code).await.expect(200);
    assert_eq!(second, json!({"id": id, "valid": false, "status": "approved", "checks_left": 0}));
}

#[tokio::test]
async fn a_configured_vendor_gets_the_message_and_the_code_in_it_is_right() {
    let twilio = Twilio::start(Behaviour::Accept).await;
    let program = Program::configured(&twilio.provider("twilio-main"));
    let caller = program.shop();
    let id = caller.start(json!({"to": "+14155550123", "wait": true})).await;
    assert_eq!(id.body["provider"], "twilio-main");
    let message = twilio.message(1).await;
    assert_eq!(message.form["To"], "+14155550123");
    let checked = caller.check(&id.text("id"), &message.code()).await.expect(200);
    assert_eq!(checked["valid"], true);
}
