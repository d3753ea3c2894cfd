//! Codes that a vendor makes and checks, through the whole program: right, wrong, and when the vendor says nothing.

use std::time::Duration;

use serde_json::json;

use crate::harness::{
    Behaviour, Caller, Program, Twilio, now,
    program::Answer,
    twilio_verify::{Checks, TwilioVerify},
    wrong,
};

const ASHA: &str = "+14155550123";

/// A program whose first provider makes its own codes, and a second one that would send ours.
async fn stage() -> (TwilioVerify, Twilio, Program) {
    let verify = TwilioVerify::start().await;
    let second = Twilio::start(Behaviour::Accept).await;
    let program = Program::configured(&format!("{}{}", verify.provider("verify"), second.provider("second")));
    (verify, second, program)
}

async fn keyed(caller: &Caller, id: &str, code: &str, key: &str) -> Answer {
    caller.with("idempotency-key", key).check(id, code).await
}

#[tokio::test]
async fn a_vendors_own_code_opens_the_door_once_and_ours_is_sent_to_nobody() {
    let (verify, second, program) = stage().await;
    let caller = program.shop();
    let started = caller.start(json!({ "to": ASHA, "wait": true })).await.expect(201);
    assert_eq!((&started["provider"], &started["channels"]), (&json!("verify"), &json!(["sms"])));
    let id = started["id"].as_str().unwrap();
    let code = verify.code(ASHA).await;
    assert!(!verify.starts()[0].contains_key("CustomCode"), "{:?}", verify.starts());

    let missed = caller.check(id, &wrong(&code)).await.expect(200);
    assert_eq!(missed, json!({ "id": id, "valid": false, "status": "pending", "checks_left": 2 }));
    let right = caller.check(id, &code).await.expect(200);
    assert_eq!(right, json!({ "id": id, "valid": true, "status": "approved", "checks_left": 0 }));
    assert_eq!(caller.check(id, &code).await.expect(200)["valid"], false, "it works once");
    assert_eq!(verify.asked().len(), 2, "what has ended is not asked about");
    let proof = caller.post(&format!("/v1/verifications/{id}/redeem"), json!({})).await.expect(200);
    assert_eq!((&proof["to"], &proof["channel"]), (&json!(ASHA), &json!("sms")));
    assert!(second.received().is_empty(), "our code went out beside the vendor's");
}

#[tokio::test]
async fn a_vendor_that_does_not_answer_is_a_503_and_the_same_key_asks_again_uncounted() {
    let (verify, _second, program) = stage().await;
    let caller = program.shop();
    let id = caller.start(json!({ "to": ASHA })).await.text("id");
    let code = verify.code(ASHA).await;
    for checks in [Checks::Hangs, Checks::IsDown] {
        verify.checks(checks);
        let begun = now();
        let silent = keyed(&caller, &id, &code, "one").await;
        silent.refused(503, "unavailable");
        assert!(silent.headers.contains_key("retry-after") && silent.text("detail").contains("was counted"));
        assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
        assert_eq!(caller.read(&id).await["checks_left"], 2, "counted once, whatever {checks:?} means");
    }
    keyed(&caller, &id, &wrong(&code), "one").await.refused(422, "idempotency_key_reused");
    verify.checks(Checks::Answers);
    let right = keyed(&caller, &id, &code, "one").await.expect(200);
    assert_eq!((&right["valid"], &right["status"]), (&json!(true), &json!("approved")));
    let asked = verify.asked().len();
    assert_eq!(keyed(&caller, &id, &code, "one").await.expect(200), right, "and then that is its answer");
    assert_eq!((verify.asked().len(), asked), (3, 3));
}

#[tokio::test]
async fn while_one_check_is_asked_another_waits_uncounted_and_without_the_key_each_is_counted() {
    let (verify, _second, program) = stage().await;
    let caller = program.shop();
    let id = caller.start(json!({ "to": ASHA })).await.text("id");
    let code = verify.code(ASHA).await;
    verify.checks(Checks::Hangs);
    let (first, second) = tokio::join!(caller.check(&id, &code), async {
        while verify.asked().is_empty() {
            crate::harness::pause(Duration::from_millis(20)).await;
        }
        caller.check(&id, &code).await
    });
    first.refused(503, "unavailable");
    second.refused(503, "unavailable");
    assert!(second.text("detail").contains("nothing was counted"), "{}", second.body);
    let wait: u64 = second.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=5).contains(&wait), "{wait}");
    assert_eq!(caller.read(&id).await["checks_left"], 2);
    verify.checks(Checks::IsDown);
    caller.check(&id, &code).await.refused(503, "unavailable");
    assert_eq!(caller.read(&id).await["checks_left"], 1, "a check without the key is another check");
}

#[tokio::test]
async fn a_kill_while_the_vendor_is_asked_leaves_the_check_counted_and_the_code_good() {
    let (verify, _second, mut program) = stage().await;
    let caller = program.shop();
    let id = caller.start(json!({ "to": ASHA })).await.text("id");
    let code = verify.code(ASHA).await;
    verify.checks(Checks::Hangs);
    let path = format!("/v1/verifications/{id}/check");
    let asking = caller.with("idempotency-key", "one");
    let (cut, ()) =
        tokio::join!(asking.try_send(reqwest::Method::POST, &path, Some(json!({ "code": code }))), async {
            while verify.asked().is_empty() {
                crate::harness::pause(Duration::from_millis(20)).await;
            }
            program.kill();
        });
    assert!(cut.is_err(), "the program was dead: {cut:?}");
    verify.checks(Checks::Answers);
    program.start();
    let caller = program.shop();
    assert_eq!(caller.read(&id).await["checks_left"], 2);
    let right = crate::harness::eventually("the same key's answer", Duration::from_secs(10), || async {
        let answer = keyed(&caller, &id, &code, "one").await;
        (answer.status != 503).then_some(answer)
    })
    .await;
    assert_eq!(right.expect(200)["valid"], true);
    assert_eq!(verify.asked().len(), 2);
}

#[tokio::test]
async fn a_check_by_recipient_reaches_the_vendors_code() {
    let (verify, second, program) = stage().await;
    let caller = program.shop();
    let id = caller.start(json!({ "to": ASHA })).await.text("id");
    let code = verify.code(ASHA).await;
    let by = async |code: &str| {
        caller.post("/v1/verifications/check", json!({ "to": ASHA, "code": code })).await.expect(200)
    };
    assert_eq!(by(&wrong(&code)).await["valid"], false);
    let right = by(&code).await;
    assert_eq!((&right["id"], &right["valid"]), (&json!(id), &json!(true)));
    assert!(second.received().is_empty());
}
