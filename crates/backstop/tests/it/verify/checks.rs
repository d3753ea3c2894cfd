//! Codes as people type them: right, wrong, and for somebody else.

use serde_json::json;

use super::{ASHA, MAIL, act};
use crate::harness::{raw::rows, shop, wrong};

#[tokio::test]
async fn a_wrong_code_is_an_answer_and_the_last_one_ends_it() {
    let (gateway, program) = shop("[codes]\nmax_checks = 2").await;
    let caller = program.shop();
    let id = caller.start(json!({"to": ASHA})).await.text("id");
    let code = gateway.code(&id).await;
    for odd in ["", "1", "12345", "1234567", "٤٨٢٩١٣", "48291!", "4829134829134829134829134829134829134829"]
    {
        let answer = caller.check(&id, odd).await;
        answer.refused(422, "wrong_form");
        assert_eq!(answer.text("detail"), "the code has another length; this counted as no check");
    }
    let first = caller.check(&id, &wrong(&code)).await.expect(200);
    assert_eq!(first, json!({"id": id, "valid": false, "status": "pending", "checks_left": 1}));
    let last = caller.check(&id, &wrong(&code)).await.expect(200);
    assert_eq!(last, json!({"id": id, "valid": false, "status": "max_checks_reached", "checks_left": 0}));
    let right = caller.check(&id, &code).await.expect(200);
    assert_eq!(right, json!({"id": id, "valid": false, "status": "max_checks_reached", "checks_left": 0}));
    act(&caller, &id, "resend", json!({})).await.refused(409, "verification_ended");
    act(&caller, &id, "redeem", json!({})).await.refused(409, "not_approved");
    act(&caller, &id, "cancel", json!({})).await.refused(409, "verification_ended");
}

#[tokio::test]
async fn a_code_is_checked_by_recipient_over_all_that_live_and_approves_one() {
    let (gateway, program) = shop("").await;
    let caller = program.shop();
    let by = async |to: &str, purpose: &str, code: &str| {
        caller.post("/v1/verifications/check", json!({"to": to, "purpose": purpose, "code": code})).await
    };
    by(ASHA, "login", "482913").await.refused(404, "not_found");
    let first = caller.start(json!({"to": ASHA})).await.text("id");
    let second = caller.start(json!({"to": ASHA})).await.text("id");
    let code = gateway.code(&first).await;
    let other = gateway.code(&second).await;
    by(ASHA, "registration", &code).await.refused(404, "not_found");
    let neither =
        (2..9).map(|n| format!("{n}").repeat(6)).find(|text| *text != code && *text != other).unwrap();
    let missed = by(ASHA, "login", &neither).await.expect(200);
    assert_eq!((&missed["valid"], &missed["checks_left"]), (&json!(false), &json!(2)));
    assert_eq!(rows(&program, "checks WHERE charged"), 1, "held against two, charged once");
    for id in [&first, &second] {
        assert_eq!(caller.read(id).await["checks_left"], 2);
    }
    let right = by("+1 415-555-0123", "login", &code).await.expect(200);
    assert_eq!(right, json!({"id": first, "valid": true, "status": "approved", "checks_left": 0}));
    assert_eq!(caller.read(&second).await["status"], "pending", "one code opens one door");
    assert_eq!(by(ASHA, "login", &code).await.expect(200)["valid"], false);
}

#[tokio::test]
async fn a_code_to_one_mailbox_is_no_proof_of_another_that_shares_its_limits() {
    let (gateway, program) = shop("").await;
    let caller = program.shop();
    let id = caller.start(json!({"to": "asha+stranger@example.com"})).await.text("id");
    let code = gateway.code(&id).await;
    let by = async |to: &str| caller.post("/v1/verifications/check", json!({"to": to, "code": code})).await;
    by(MAIL).await.refused(404, "not_found");
    assert_eq!(caller.read(&id).await["checks_left"], 3, "and it counted nothing");
    let own = by("Asha+Stranger@EXAMPLE.com").await.expect(200);
    assert_eq!((&own["id"], &own["valid"]), (&json!(id), &json!(true)), "its own, however it is typed");
}
