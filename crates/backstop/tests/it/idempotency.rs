//! `Idempotency-Key`, from outside: a caller that heard nothing asks again, and nothing happens twice.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    Behaviour, Caller, Program, Twilio, eventually, program::Answer, raw::rows, shop, visitor, wrong,
};

const ASHA: &str = "+14155550123";
const LONG: &str = "0123456789abcdefghijkl";

fn keyed(caller: &Caller, key: &str) -> Caller {
    caller.with("idempotency-key", key)
}

/// What must not change from one telling to the next: all but where the delivery stands by now, and over what.
fn told(answer: Answer, status: u16) -> Value {
    let mut body = answer.expect(status);
    body["delivery"].take();
    body["channel"].take();
    body
}

#[tokio::test]
async fn a_start_that_is_told_twice_is_sent_and_charged_once() {
    let (gateway, program) = shop("").await;
    let caller = keyed(&program.shop(), "order-77");
    let body = json!({"to": ASHA, "client": {"ip": "203.0.113.9"}});
    let first = told(caller.start(body.clone()).await, 201);
    for _ in 0..5 {
        assert_eq!(told(caller.start(body.clone()).await, 201), first);
    }
    gateway.message(first["id"].as_str().unwrap(), 1).await;
    assert_eq!((rows(&program, "verifications"), rows(&program, "deliveries")), (1, 1));
    assert_eq!(gateway.received().len(), 1);

    caller.start(json!({"to": ASHA})).await.refused(422, "idempotency_key_reused");
    caller.start(json!({"to": "+14155550124", "client": {}})).await.refused(422, "idempotency_key_reused");
    let other = told(keyed(&program.shop(), "order-78").start(body).await, 201);
    assert_ne!(other["id"], first["id"], "another key is another start");
}

#[tokio::test]
async fn a_key_belongs_to_its_credential_its_call_and_nobody_else() {
    let rival = "[[application]]\nname = \"rival\"\nsecret_key = \"sk_rival_0123456789abcdef\"";
    let (gateway, program) = shop(rival).await;
    let body = json!({"to": ASHA});
    let ours = keyed(&program.shop(), LONG).start(body.clone()).await.text("id");
    let rivals = keyed(&program.caller(Some("sk_rival_0123456789abcdef")), LONG);
    assert_ne!(rivals.start(body.clone()).await.text("id"), ours);
    let page = visitor(&program);
    let page = keyed(&page, LONG);
    let pages = page.start(body.clone()).await.text("id");
    assert_ne!(pages, ours, "a page's key is not the application's");
    assert_eq!(page.start(body.clone()).await.text("id"), pages);
    // The same key on another call is another key.
    let code = gateway.code(&ours).await;
    let checked = keyed(&program.shop(), LONG).check(&ours, &code).await.expect(200);
    assert_eq!(checked["valid"], true);
}

#[tokio::test]
async fn a_publics_key_is_not_the_same_from_another_origin() {
    let (_gateway, program) = shop("native_apps = true").await;
    let app = keyed(&program.caller(Some("pk_shop_0123456789abcdef")), LONG);
    let page = app.with("origin", "https://shop.example");
    let body = json!({"to": ASHA});
    let (from_app, from_page) =
        (app.start(body.clone()).await.text("id"), page.start(body.clone()).await.text("id"));
    assert_ne!(from_app, from_page);
    assert_eq!(page.start(body.clone()).await.text("id"), from_page);
    assert_eq!(app.start(body).await.text("id"), from_app);
}

#[tokio::test]
async fn a_right_code_that_is_told_twice_is_right_twice_and_approves_once() {
    let (gateway, program) = shop("[limits]\nchecks_per_hour = 2").await;
    let id = program.shop().start(json!({"to": ASHA})).await.text("id");
    let code = gateway.code(&id).await;
    let miss = keyed(&program.shop(), "miss");
    let first = miss.check(&id, &wrong(&code)).await.expect(200);
    assert_eq!((&first["valid"], &first["checks_left"]), (&json!(false), &json!(2)));
    assert_eq!(miss.check(&id, &wrong(&code)).await.expect(200), first, "told again, not counted again");
    miss.check(&id, &code).await.refused(422, "idempotency_key_reused");

    let hit = keyed(&program.shop(), "hit");
    let right = hit.check(&id, &code).await.expect(200);
    assert_eq!(right, json!({"id": id, "valid": true, "status": "approved", "checks_left": 0}));
    for _ in 0..3 {
        assert_eq!(hit.check(&id, &code).await.expect(200), right);
    }
    assert_eq!(rows(&program, "checks"), 2, "one miss and one hit");
    assert_eq!(
        program.shop().check(&id, &code).await.expect(200)["valid"],
        false,
        "without the key it is used up"
    );
    program.shop().post(&format!("/v1/verifications/{id}/redeem"), json!({})).await.expect(200);
}

#[tokio::test]
async fn the_first_answer_outlives_a_kill() {
    let (gateway, mut program) = shop("[limits]\nrecipient_per_hour = 1").await;
    let body = json!({"to": ASHA});
    let first = told(keyed(&program.shop(), "start").start(body.clone()).await, 201);
    program.kill();
    program.start();
    assert_eq!(
        told(keyed(&program.shop(), "start").start(body.clone()).await, 201),
        first,
        "no charge, no 429"
    );
    keyed(&program.shop(), "start")
        .start(json!({"to": ASHA, "locale": "hi"}))
        .await
        .refused(422, "idempotency_key_reused");
    let id = first["id"].as_str().unwrap();
    let code = gateway.code(id).await;
    let right = keyed(&program.shop(), "check").check(id, &code).await.expect(200);
    program.kill();
    program.start();
    assert_eq!(keyed(&program.shop(), "check").check(id, &code).await.expect(200), right);
    assert_eq!(right["valid"], true);
    assert_eq!((rows(&program, "verifications"), rows(&program, "checks")), (1, 1));
}

#[tokio::test]
async fn a_second_call_beside_the_first_does_nothing() {
    let twilio = Twilio::start(Behaviour::Slow(Duration::from_secs(2))).await;
    let program = Program::configured(&twilio.provider("twilio-main"));
    let caller = keyed(&program.shop(), "beside");
    let body = json!({"to": ASHA, "wait": true});
    let (first, ()) = tokio::join!(caller.start(body.clone()), async {
        twilio.message(1).await;
        caller.start(body.clone()).await.refused(409, "idempotency_in_progress");
        caller.start(json!({"to": "+14155550124"})).await.refused(409, "idempotency_in_progress");
    });
    let first = first.expect(201);
    let again = caller.start(body).await.expect(201);
    assert_eq!(
        (&again["id"], &again["channel_used"], &again["provider"]),
        (&first["id"], &json!("sms"), &json!("twilio-main")),
        "afterwards it hears what the first heard"
    );
    assert_eq!(twilio.received().len(), 1);
}

#[tokio::test]
async fn twenty_at_once_start_one() {
    let (gateway, program) = shop("").await;
    let caller = keyed(&program.shop(), "twenty");
    let body = json!({"to": ASHA});
    let answers = futures::future::join_all((0..20).map(|_| caller.start(body.clone()))).await;
    let ids: Vec<String> = answers
        .iter()
        .filter_map(|answer| match answer.status.as_u16() {
            201 => Some(answer.text("id")),
            409 => None,
            _ => panic!("{:#}", answer.body),
        })
        .collect();
    assert!(!ids.is_empty() && ids.iter().all(|id| *id == ids[0]));
    gateway.message(&ids[0], 1).await;
    assert_eq!((rows(&program, "verifications"), gateway.received().len()), (1, 1));
}

#[tokio::test]
async fn a_resend_that_is_told_twice_goes_out_once() {
    let (gateway, program) = shop("[limits]\nresend_after = \"15s\"").await;
    let id = program.shop().start(json!({"to": ASHA})).await.text("id");
    gateway.message(&id, 1).await;
    let path = format!("/v1/verifications/{id}/resend");
    let caller = keyed(&program.shop(), "again");
    let sent = eventually("the wait to end", Duration::from_secs(30), || async {
        let answer = caller.post(&path, json!({})).await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    assert_eq!(
        told(caller.post(&path, json!({})).await, 200),
        told(sent, 200),
        "a refusal was not kept, a resend is"
    );
    gateway.message(&id, 2).await;
    assert_eq!(rows(&program, "deliveries"), 2);
}

#[tokio::test]
async fn a_key_that_a_stranger_could_guess_is_refused_on_a_page() {
    let (_gateway, program) = shop("").await;
    let page = visitor(&program);
    let body = json!({"to": ASHA});
    for key in ["1", "order-77", &LONG[..21]] {
        keyed(&page, key).start(body.clone()).await.refused(400, "invalid_idempotency_key");
    }
    for key in ["", "two words", &"k".repeat(256)] {
        keyed(&program.shop(), key).start(body.clone()).await.refused(400, "invalid_idempotency_key");
    }
    assert_eq!(rows(&program, "verifications"), 0);
    keyed(&page, LONG).start(body).await.expect(201);
}
